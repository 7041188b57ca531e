"""Keras: the callback pauses, continues and clones; a KerasTuner function is tuned unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest

import luthier
from luthier.integrations.keras import Report
from luthier.integrations.kerastuner import HyperParameters

X = np.linspace(-1, 1, 16, dtype="float32")[:, None]
Y = np.sin(X)


def build(hp: Any) -> Any:
    """As it would stand in a script for KerasTuner."""
    model = keras.Sequential([keras.Input((1,))])
    for i in range(hp.Int("layers", 1, 2)):
        model.add(keras.layers.Dense(hp.Int(f"units_{i}", 4, 8, step=4), activation="relu"))
    if hp.Boolean("dropout"):
        model.add(keras.layers.Dropout(0.25))
    model.add(keras.layers.Dense(1))
    lr = hp.Float("lr", min_value=1e-3, max_value=1e-1, sampling="log")
    model.compile(optimizer=keras.optimizers.Adam(lr), loss="mse")
    return model


def objective(
    trial: Any, monitor: str = "val_loss", epochs: int = 4, callbacks: Sequence[Any] = ()
) -> Any:
    keras.utils.set_random_seed(trial.number)
    report = Report(trial, monitor)
    model = build(HyperParameters(trial))
    watching = [report, *callbacks]
    model.fit(
        X, Y, batch_size=8, epochs=epochs, validation_data=(X, Y), callbacks=watching, verbose=0
    )
    return report.last


def test_paused_and_continued_trials_train_as_uninterrupted_ones() -> None:
    paused = luthier.create_study(scheduler=luthier.schedulers.Asha(4, eta=2), seed=1)
    paused.optimize(objective, total_trials=5, fail_fast=1)
    assert any(trial.attempt > 1 for trial in paused.trials)
    whole = luthier.create_study(seed=1)
    for trial in paused.trials:
        whole.enqueue_trial(trial.params)
    whole.optimize(objective, n_trials=5)
    for part, full in zip(paused.trials, whole.trials, strict=True):
        assert list(full.reports) == [1, 2, 3, 4]
        for step, metrics in part.reports.items():
            assert metrics["value"] == pytest.approx(full.reports[step]["value"], rel=1e-5)


def test_a_killed_run_goes_on_where_it_was_saved() -> None:
    begun: list[tuple[int, int]] = []
    run: Any = None

    class Dying(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            begun.append((run.attempt, epoch))
            if run.attempt == 1 and epoch == 2:
                raise ConnectionError

    def dies(trial: Any) -> Any:
        nonlocal run
        run = trial
        return objective(trial, callbacks=[Dying()])

    params = {"layers": 1, "units_0": 8, "dropout": True, "lr": 0.05}
    killed, whole = (luthier.create_study(seed=1) for _ in range(2))
    for study in (killed, whole):
        study.enqueue_trial(params)
    killed.optimize(dies, n_trials=1, retries={ConnectionError: 1}, catch=())
    whole.optimize(objective, n_trials=1, catch=())
    assert begun == [(1, 0), (1, 1), (1, 2), (2, 2), (2, 3)]
    for step, metrics in whole.trials[0].reports.items():
        assert killed.trials[0].reports[step]["value"] == pytest.approx(metrics["value"], rel=1e-5)


def test_a_clone_keeps_its_own_learning_rate_as_far_as_it_has_come() -> None:
    rates: list[float] = []

    class Halve(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            rates.append(float(self.model.optimizer.learning_rate) / (lr * 0.5**epoch))

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) / 2

    def train(trial: Any) -> Any:
        nonlocal lr
        lr = trial.suggest_float("lr", 1e-3, 1e-1, log=True)
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile(optimizer=keras.optimizers.SGD(lr), loss="mse")
        report = Report(trial, "loss")
        model.fit(X, Y, epochs=4, callbacks=[Halve(), report], verbose=0)
        return report.last

    lr = 0.0
    scheduler = luthier.schedulers.PBT(4, population=3, ready_every=2)
    study = luthier.create_study(sampler="random", scheduler=scheduler, seed=0)
    study.optimize(train, fail_fast=1)
    assert any(trial.origin.parent is not None for trial in study.trials)
    assert rates == pytest.approx([1.0] * len(rates), rel=1e-5)


def test_a_metric_that_keras_does_not_give_is_named() -> None:
    study = luthier.create_study(seed=0)
    study.optimize(lambda trial: objective(trial, monitor="val_acc"), n_trials=1)
    assert "Keras gives no 'val_acc'; it gives loss, val_loss" in (study.trials[0].error or "")
