"""Pruners hold schedulers."""

from __future__ import annotations

from typing import Any

import pytest

import luthier.optuna as optuna
from luthier.errors import ArgumentError, UnsupportedError
from luthier.optuna import pruners as p
from luthier.optuna.pruners import scheduler_of
from luthier.schedulers import Median, NoStopping, Patience, Percentile, Threshold


@pytest.mark.parametrize(
    ("pruner", "scheduler"),
    [
        (p.NopPruner(), NoStopping()),
        (p.MedianPruner(3, 2, 4, n_min_trials=5), Median(3, 2, 4, 5)),
        (p.PercentilePruner(25.0, 3, 2, 4, n_min_trials=5), Percentile(25.0, 3, 2, 4, 5)),
        (p.ThresholdPruner(upper=1.5, n_warmup_steps=2), Threshold(upper=1.5, n_warmup_steps=2)),
        (p.PatientPruner(None, 3), Patience(3)),
        (p.PatientPruner(p.MedianPruner(), 3, 0.1), Patience(3, 0.1, Median())),
    ],
)
def test_pruner_stands_for_a_scheduler(pruner: Any, scheduler: Any) -> None:
    study = optuna.create_study(pruner=pruner)
    assert study.scheduler == scheduler
    assert study.pruner is pruner
    assert type(pruner).__name__ in repr(pruner)


def test_without_a_pruner_the_median_rule_prunes() -> None:
    study = optuna.create_study()
    assert study.scheduler == Median()
    assert isinstance(study.pruner, p.MedianPruner)


def test_a_scheduler_of_luthiers_is_a_pruner() -> None:
    assert optuna.create_study(pruner=Median(7)).scheduler == Median(7)


def test_threshold_prunes_as_a_script_expects() -> None:
    study = optuna.create_study(pruner=p.ThresholdPruner(upper=2.0))

    def objective(trial: optuna.Trial) -> float:
        for step in range(4):
            trial.report(step, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return 1.0

    study.optimize(objective, n_trials=1)
    assert study.trials[0].state is optuna.trial.TrialState.PRUNED
    assert study.trials[0].last_step == 3


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: p.MedianPruner(n_startup_trials=-1), "n_startup_trials"),
        (lambda: p.PercentilePruner(101.0), "percentage from 0 to 100"),
        (p.ThresholdPruner, "lower, upper or both"),
        (lambda: p.PatientPruner(None, 0), "patience"),
        (lambda: p.PatientPruner("median", 2), "A pruner must be one of luthier.optuna.pruners"),
        (lambda: scheduler_of(p.MedianPruner), r"such as MedianPruner\(\)"),
        (lambda: optuna.create_study(pruner=3), "A pruner must be one of"),
        (lambda: setattr(optuna.create_study(), "pruner", None), "study.pruner must be a pruner"),
    ],
)
def test_bad_pruner_is_refused(build: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        build()


def test_a_pruner_of_ones_own_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="MyPruner: a pruner of your own"):
        type("MyPruner", (p.BasePruner,), {"__module__": "mine"})
