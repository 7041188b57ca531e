"""skorch: the callback pauses, continues and clones as a training of PyTorch does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from skorch import NeuralNetRegressor
from skorch.callbacks import Callback
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


def test_a_killed_run_goes_on_where_it_was_saved() -> None:
    study, whole = (luthier.create_study(seed=1) for _ in range(2))
    for one in (study, whole):
        one.enqueue_trial({"lr": 0.05})

    def dies(trial: Any) -> Any:
        if trial.attempt > 1:
            return objective(trial)
        objective(trial, epochs=2)
        raise ConnectionError

    study.optimize(dies, n_trials=1, retries={ConnectionError: 1}, catch=())
    whole.optimize(objective, n_trials=1, catch=())
    assert study.trials[0].attempt == 2
    assert dict(study.trials[0].reports) == dict(whole.trials[0].reports)


def test_a_clone_keeps_its_own_learning_rate() -> None:
    rates: list[tuple[float, float]] = []

    class Watched(Callback):  # type: ignore[misc]
        def __init__(self, lr: float) -> None:
            self.lr = lr

        def on_epoch_begin(self, net: Any, **settings: Any) -> None:
            rates.append((net.optimizer_.param_groups[0]["lr"], self.lr))

    def train(trial: Any) -> Any:
        report = Report(trial)
        lr = trial.suggest_float("lr", 1e-3, 1e-1, log=True)
        net = NeuralNetRegressor(
            torch.nn.Linear(1, 1),
            lr=lr,
            max_epochs=report.left(4),
            callbacks=[report, Watched(lr)],
            verbose=0,
        )
        net.fit(X, np.sin(X))
        return report.last

    scheduler = luthier.schedulers.PBT(4, population=3, ready_every=2)
    study = luthier.create_study(sampler="random", scheduler=scheduler, seed=0)
    study.optimize(train, catch=())
    assert any(trial.origin.parent is not None for trial in study.trials)
    used, own = zip(*rates, strict=True)
    assert used == pytest.approx(own)


def test_a_metric_that_is_not_in_the_history_is_named() -> None:
    study = luthier.create_study(seed=0)
    study.optimize(lambda trial: objective(trial, monitor="val_loss"), n_trials=1)
    assert "the history has no 'val_loss'; it has " in (study.trials[0].error or "")
    assert "valid_loss" in (study.trials[0].error or "")
