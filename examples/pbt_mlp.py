"""A population of PyTorch models whose settings change while they train; killed, it goes on.

    python examples/pbt_mlp.py             a minute or two on a CPU
    Ctrl-C or kill -9, and the same again  goes on from the checkpoints

Needs torch and scikit-learn (for its digits).
"""

import io
import sys

import luthier
from luthier.schedulers import PBT

try:
    import torch
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from torch import nn
except ModuleNotFoundError as missing:
    sys.exit(f"{missing}. This example needs two more packages: pip install torch scikit-learn")

SMALL = "--small" in sys.argv  # seconds, for a try
EPOCHS = 6 if SMALL else 30
X, y = load_digits(return_X_y=True)
parts = train_test_split(X / 16.0, y, test_size=0.3, random_state=0)
X_train, X_val = (torch.tensor(part, dtype=torch.float32) for part in parts[:2])
y_train, y_val = (torch.tensor(part) for part in parts[2:])


def network(dropout):
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(dropout), nn.Linear(64, 10))


def objective(trial):
    torch.manual_seed(trial.number)
    model = network(trial.suggest_float("dropout", 0.0, 0.8))
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=trial.suggest_float("lr", 1e-3, 1.0, log=True),
        momentum=0.9,
        weight_decay=trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True),
    )
    start = 0
    if saved := trial.load_checkpoint():  # its own from before, or that of the model it copies
        state = torch.load(io.BytesIO(saved.read_bytes()), weights_only=True)
        start = saved.step
        model.load_state_dict(state["model"])
        optimizer.state = optimizer.state | dict(
            zip(model.parameters(), state["momentum"], strict=True)
        )

    for epoch in range(start + 1, EPOCHS + 1):
        model.train()
        for rows in torch.randperm(len(X_train)).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(X_train[rows]), y_train[rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            error = (model(X_val).argmax(1) != y_val).float().mean().item()
        trial.report(error, epoch)
        file = io.BytesIO()
        momentum = [optimizer.state[p] for p in model.parameters()]
        torch.save({"model": model.state_dict(), "momentum": momentum}, file)
        trial.save_checkpoint(file.getvalue())
        if trial.should_prune():
            raise luthier.TrialPruned
    return error


study = luthier.create_study(
    study_name="pbt",
    storage="pbt.db",
    load_if_exists=True,
    sampler="random",
    scheduler=PBT(EPOCHS, population=4 if SMALL else 8, ready_every=3),
    seed=0,
)
study.optimize(objective, n_jobs=1 if SMALL else 2)

print(f"best validation error {study.best_value:.4f}, with this schedule:")
for phase in study.schedule().phases:
    settings = ", ".join(f"{name} {value:.2g}" for name, value in phase.params.items())
    print(f"  epochs {phase.step_from + 1:2} to {phase.step_to:2}: {settings}")
