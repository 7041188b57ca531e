"""What the executors' tests share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import luthier


@pytest.fixture
def training() -> Callable[[luthier.Trial], float]:
    """An objective in nine steps that goes on from its checkpoint and heeds its scheduler."""

    def objective(trial: luthier.Trial) -> float:
        rate = trial.suggest_float("rate", 0.01, 0.5)
        saved = trial.load_checkpoint()
        loss = 1.0 if saved is None else float(saved.read_bytes())
        for step in range(1 if saved is None else saved.step + 1, 10):
            loss *= 1 - rate
            trial.report(loss, step)
            trial.save_checkpoint(str(loss).encode())
            if trial.should_prune():
                raise luthier.TrialPruned
        return loss

    return objective
