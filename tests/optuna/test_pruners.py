"""Pruners hold schedulers."""

from __future__ import annotations

from typing import Any

import pytest

import luthier.optuna as optuna
from luthier.errors import ArgumentError, UnsupportedError
from luthier.optuna import pruners as p
from luthier.optuna.pruners import scheduler_of
from luthier.schedulers import (
    Median,
    NoStopping,
    OpenHalving,
    OpenHyperband,
    Patience,
    Percentile,
    Threshold,
    Wilcoxon,
)


@pytest.mark.parametrize(
    ("pruner", "scheduler"),
    [
        (p.NopPruner(), NoStopping()),
        (p.MedianPruner(3, 2, 4, n_min_trials=5), Median(3, 2, 4, 5)),
        (p.PercentilePruner(25.0, 3, 2, 4, n_min_trials=5), Percentile(25.0, 3, 2, 4, 5)),
        (p.ThresholdPruner(upper=1.5, n_warmup_steps=2), Threshold(upper=1.5, n_warmup_steps=2)),
        (p.PatientPruner(None, 3), Patience(3)),
        (p.SuccessiveHalvingPruner(), OpenHalving()),
        (p.SuccessiveHalvingPruner(2, 3, 1, 4), OpenHalving(2, 3, 1, 4)),
        (p.HyperbandPruner(), OpenHyperband()),
        (p.HyperbandPruner(2, 50, 4, 1), OpenHyperband(50, 2, 4, 1)),
        (p.WilcoxonPruner(p_threshold=0.2, n_startup_steps=4), Wilcoxon(0.2, 4)),
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


@pytest.mark.parametrize(
    "pruner",
    [
        p.SuccessiveHalvingPruner(),
        p.SuccessiveHalvingPruner(1, 3),
        p.HyperbandPruner(),
        p.HyperbandPruner(max_resource=20),
        p.WilcoxonPruner(),
    ],
    ids=repr,
)
def test_a_script_saves_steps_and_keeps_its_best(pruner: Any) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), pruner=pruner)

    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        for step in range(20):
            trial.report(x + 1 / (step + 1), step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return x

    study.optimize(objective, n_trials=30)
    states = [trial.state for trial in study.trials]
    assert 5 <= states.count(optuna.trial.TrialState.PRUNED) < 30
    assert study.best_value == min(trial.params["x"] for trial in study.trials)


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
        (lambda: p.SuccessiveHalvingPruner("all"), 'number or "auto", got .all.'),
        (lambda: p.SuccessiveHalvingPruner(0), "min_resource must be a whole number"),
        (lambda: p.SuccessiveHalvingPruner(bootstrap_count=1), "give min_resource as a number"),
        (lambda: p.HyperbandPruner(bootstrap_count=1), "give max_resource as a number"),
        (lambda: p.HyperbandPruner(max_resource=None), 'number or "auto", got None'),
        (lambda: p.WilcoxonPruner(p_threshold=2), "p_threshold"),
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
