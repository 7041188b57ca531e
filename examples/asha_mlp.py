"""ASHA on a network in PyTorch. Kill it whenever you like and run it again: it goes on.

    pip install torch scikit-learn
    python examples/asha_mlp.py

Learning rate, weight decay, width and dropout of a perceptron on scikit-learn's digits. All is
kept in ``asha-mlp.db``, and what trials save of themselves in the folder beside it.
"""

import io
import sys

import luthier

try:
    import torch
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from torch import nn
except ModuleNotFoundError as missing:
    sys.exit(f"{missing}. This example needs two more packages: pip install torch scikit-learn")

STORAGE = "asha-mlp.db"
SMALL = "--small" in sys.argv  # seconds, for a try
EPOCHS = 9 if SMALL else 27
TRIALS = 6 if SMALL else 60
BATCH = 64


def tensors():
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype("float32")
    return map(torch.tensor, train_test_split(X, y, test_size=0.3, stratify=y, random_state=0))


X_TRAIN, X_TEST, Y_TRAIN, Y_TEST = tensors()


def make(trial):
    """The network and the optimiser that a trial's parameters stand for."""
    width = trial.suggest_int("width", 16, 256, log=True)
    network = nn.Sequential(
        nn.Linear(64, width),
        nn.ReLU(),
        nn.Dropout(trial.suggest_float("dropout", 0.0, 0.7)),
        nn.Linear(width, 10),
    )
    optimiser = torch.optim.AdamW(
        network.parameters(),
        lr=trial.suggest_float("lr", 1e-5, 1.0, log=True),
        weight_decay=trial.suggest_float("weight_decay", 1e-6, 1.0, log=True),
    )
    return network, optimiser


def train(network, optimiser):
    network.train()
    for rows in torch.randperm(len(X_TRAIN)).split(BATCH):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(X_TRAIN[rows]), Y_TRAIN[rows]).backward()
        optimiser.step()


def accuracy(network):
    network.eval()
    with torch.no_grad():
        return (network(X_TEST).argmax(dim=1) == Y_TEST).float().mean().item()


def save(trial, *parts):
    buffer = io.BytesIO()
    torch.save([part.state_dict() for part in parts], buffer)
    trial.save_checkpoint(buffer.getvalue())


def load(saved, *parts):
    states = torch.load(saved.path, weights_only=True)  # weights_only: nothing is executed
    for part, state in zip(parts, states, strict=True):
        part.load_state_dict(state)


def objective(trial):
    torch.manual_seed(trial.number)
    parts = make(trial)
    saved = trial.load_checkpoint()
    if saved is not None:
        load(saved, *parts)
    for epoch in range(1 if saved is None else saved.step + 1, EPOCHS + 1):
        torch.manual_seed(1000 * trial.number + epoch)  # resumed or not, it's the same epoch
        train(*parts)
        score = accuracy(parts[0])
        trial.report(score, step=epoch)
        save(trial, *parts)
        if trial.should_prune():  # paused: its epochs are used up until it is among the best
            raise luthier.TrialPruned
    return score


def main():
    torch.set_num_threads(1)  # the matrices are small
    study = luthier.create_study(
        study_name="asha-mlp",
        storage=STORAGE,
        direction="maximize",
        scheduler=luthier.schedulers.Asha(EPOCHS),
        seed=0,
        load_if_exists=True,
    )
    if study.trials:
        print(f"going on after {len(study.trials)} trials")
    study.optimize(objective, total_trials=TRIALS)

    ends = [trial.last_step or 0 for trial in study.trials]
    for rung in (1, 3, 9, 27):
        print(f"{sum(end >= rung for end in ends):>3} trials got to epoch {rung}")
    print(f"{sum(ends)} epochs in all; training all to the end would take {TRIALS * EPOCHS}")
    print(f"best accuracy {study.best_value:.4f} with {study.best_params}")


if __name__ == "__main__":
    main()
