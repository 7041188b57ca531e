"""The rule that stops when what may be gained is less than the noise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import luthier
from luthier import Float, RegretBelowError, Saturation, Space
from luthier.core.folds import FOLD, FOLD_SCORE
from luthier.errors import ArgumentError


def bowl(trial: Any) -> float:
    return (trial.params["x"] - 0.3) ** 2 + (trial.params["y"] - 0.6) ** 2


def searched(objective: Any, n: int, *rules: Any, **options: Any) -> Any:
    space = Space(x=Float(0, 1), y=Float(0, 1))
    study = luthier.create_study(space=space, seed=0, **options)
    study.optimize(objective, n_trials=n, stop=rules)
    return study


def test_a_smooth_bowl_is_soon_done() -> None:
    rule = RegretBelowError(0.05, trials=10)
    study = searched(bowl, 60, rule, strategy="gp")
    assert 10 <= len(study.trials) < 40
    assert study.best_value < 0.05
    reason = rule.reason(study.history, 0.0)
    assert reason is not None
    assert "less than the standard error 0.05" in reason


def test_noise_is_no_certainty() -> None:
    noise = np.random.default_rng(0)
    study = searched(lambda trial: noise.normal(), 30, RegretBelowError(0.01, trials=10))
    assert len(study.trials) == 30


def test_the_error_is_that_of_the_best_trials_folds() -> None:
    spread = 0.0001

    def folded(trial: Any) -> float:
        for k, offset in enumerate((-spread, 0.0, spread)):
            report = {trial.objective_name: bowl(trial), FOLD: k, FOLD_SCORE: bowl(trial) + offset}
            trial.report(report, step=k + 1)
        return bowl(trial)

    reasons = []
    for spread in (0.0001, 0.3):  # noqa: B007  folded sees it
        study = searched(folded, 15, strategy="gp")
        reasons.append(RegretBelowError(trials=10).reason(study.history, 0.0))
    assert reasons[0] is None
    error = math.sqrt((1 / 3 + 1 / 2) * 0.09)
    assert reasons[1] is not None
    assert f"standard error {error:.2g}" in reasons[1]


def test_without_folds_it_never_stops() -> None:
    assert RegretBelowError(trials=2).reason(searched(bowl, 5).history, 0.0) is None


def test_the_same_history_gives_the_same_reason() -> None:
    history = searched(bowl, 12, strategy="gp").history
    rule = RegretBelowError(0.5, trials=5)
    assert rule.reason(history, 0.0) == rule.reason(history, 9.0) is not None


def test_saturation_counts_pruned_trials() -> None:
    def pruned(trial: Any) -> float:
        if trial.number > 1:
            trial.report(1.0, step=1)
            raise luthier.TrialPruned
        return bowl(trial)

    assert len(searched(pruned, 20, Saturation(4)).trials) in (5, 6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"error": 0}, "error must be a number above 0 or None, got 0"),
        ({"error": math.inf}, "error must be a number above 0"),
        ({"trials": 1}, "trials must be an integer of at least 2, got 1"),
        ({"delta": 1}, "delta must lie between 0 and 1, got 1"),
    ],
)
def test_bad_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        RegretBelowError(**settings)
