"""skorch: the callback pauses, continues and clones as a training of PyTorch does."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from skorch import NeuralNetRegressor
from skorch.helper import predefined_split
from torch.utils.data import TensorDataset

import luthier
from luthier.integrations.skorch import Report

X = np.linspace(-1, 1, 16, dtype="float32")[:, None]
DATA = TensorDataset(torch.from_numpy(X), torch.from_numpy(np.sin(X)))


def objective(trial: Any, monitor: str = "valid_loss", epochs: int = 4) -> Any:
    report = Report(trial, monitor)
    torch.manual_seed(trial.number)
    net = NeuralNetRegressor(
        torch.nn.Sequential(torch.nn.Linear(1, 4), torch.nn.Dropout(0.2), torch.nn.Linear(4, 1)),
        lr=trial.suggest_float("lr", 1e-3, 1e-1, log=True),
        optimizer=torch.optim.Adam,
        max_epochs=report.left(epochs),
        batch_size=8,
        iterator_train__shuffle=True,
        train_split=predefined_split(DATA),
        callbacks=[report],
        verbose=0,
    )
    net.fit(X, np.sin(X))
    return report.last


def test_paused_and_continued_trials_train_as_uninterrupted_ones() -> None:
    paused = luthier.create_study(scheduler=luthier.schedulers.Asha(4, eta=2), seed=1)
    paused.optimize(objective, total_trials=5, catch=())
    assert any(trial.attempt > 1 for trial in paused.trials)
    whole = luthier.create_study(seed=1)
    for trial in paused.trials:
        whole.enqueue_trial(trial.params)
    whole.optimize(objective, n_trials=5, catch=())
    for part, full in zip(paused.trials, whole.trials, strict=True):
        assert list(full.reports) == [1, 2, 3, 4]
        assert dict(part.reports) == {step: full.reports[step] for step in part.reports}


def test_a_metric_that_is_not_in_the_history_is_named() -> None:
    study = luthier.create_study(seed=0)
    study.optimize(lambda trial: objective(trial, monitor="val_loss"), n_trials=1)
    assert "the history has no 'val_loss'; it has " in (study.trials[0].error or "")
    assert "valid_loss" in (study.trials[0].error or "")
