"""A small convolutional network on digits: ASHA, ``auto``, and Adam that adapts its own settings.

    python examples/digits_cnn.py            a minute or two on a CPU
    python examples/digits_cnn.py --small    seconds
    Ctrl-C or kill -9, and the same again    goes on from the checkpoints

The architecture is searched, and how many epochs a trial deserves is ASHA's business. The
learning rate isn't searched: HyperAdam finds it while it trains, from a first value that may be
off by orders of magnitude. Needs torch and scikit-learn (for its digits).
"""

import sys

import luthier

try:
    import torch
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from torch import nn
except ModuleNotFoundError as missing:
    sys.exit(f"{missing}. This example needs two more packages: pip install torch scikit-learn")

from luthier.gradient import HyperAdam
from luthier.integrations.torch import Training, seed_all

SMALL = "--small" in sys.argv
EPOCHS = 9 if SMALL else 27
TRIALS = 6 if SMALL else 40
BATCH = 64

X, y = load_digits(return_X_y=True)
images = (X / 16).astype("float32").reshape(-1, 1, 8, 8)
X_TRAIN, X_TEST, Y_TRAIN, Y_TEST = map(
    torch.tensor, train_test_split(images, y, test_size=0.3, stratify=y, random_state=0)
)


def network(trial):
    channels = trial.suggest_int("channels", 4, 32, log=True)
    blocks = trial.suggest_int("blocks", 1, 2)
    layers = []
    for i in range(blocks):
        layers += [nn.Conv2d(1 if i == 0 else channels, channels, 3, padding=1), nn.ReLU()]
    if trial.suggest_categorical("pooling", ["max", "average"]) == "max":
        layers.append(nn.MaxPool2d(2))
    else:
        layers.append(nn.AvgPool2d(2))
    dropout = nn.Dropout(trial.suggest_float("dropout", 0.0, 0.6))
    return nn.Sequential(*layers, nn.Flatten(), dropout, nn.Linear(channels * 16, 10))


def objective(trial):
    seed_all(0, trial.number)
    model = network(trial)
    decay = trial.suggest_float("weight_decay", 1e-6, 1e-2, log=True)
    optimizer = HyperAdam(model.parameters(), lr=1e-4, weight_decay=decay)
    run = Training(trial, model=model, optimizer=optimizer)
    for _ in run.epochs(EPOCHS):
        model.train()
        for rows in torch.randperm(len(X_TRAIN)).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(X_TRAIN[rows]), Y_TRAIN[rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracy = (model(X_TEST).argmax(1) == Y_TEST).float().mean().item()
        trial.set_user_attr("lr", optimizer.learnt()[0]["lr"])
        run.report(accuracy)
    return run.last


def main():
    torch.set_num_threads(1)  # the matrices are small
    study = luthier.create_study(
        study_name="digits-cnn",
        storage="digits-cnn.db",
        load_if_exists=True,
        direction="maximize",
        sampler="auto",
        scheduler=luthier.schedulers.Asha(EPOCHS),
        seed=0,
    )
    if study.trials:
        print(f"going on after {len(study.trials)} trials")
    study.optimize(objective, total_trials=TRIALS)

    epochs = sum(trial.last_step or 0 for trial in study.trials)
    print(f"{epochs} epochs in all; training all to the end would take {TRIALS * EPOCHS}")
    print(f"best accuracy {study.best_value:.4f} with {study.best_params}")
    print(f"its learning rate, begun at 0.0001, ended at {study.best_trial.user_attrs['lr']:.2g}")


if __name__ == "__main__":
    main()
