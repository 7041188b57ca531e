"""Models of known functions: calibrated where they should be, useless on noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import luthier
from luthier import Float, Space
from luthier.analysis import surrogate_quality
from luthier.errors import ArgumentError

SPACE = Space(x=Float(0, 1), y=Float(0, 1))


def searched(objective: Any, n: int) -> Any:
    study = luthier.create_study(space=SPACE, strategy="random", seed=0)
    study.optimize(lambda trial: objective(**trial.params), n_trials=n)
    return study.history


@pytest.mark.parametrize("model", ["forest", "gp"])
def test_a_smooth_function_is_foretold(model: Any) -> None:
    found = surrogate_quality(searched(lambda x, y: (x - 0.3) ** 2 + y, 80), SPACE, model=model)
    assert found.correlation > 0.9
    assert found.knows_something
    assert f"foretells value well (rank correlation {found.correlation:.2f}" in str(found)
    assert len(found.residuals) == found.n == 80


@pytest.mark.parametrize("model", ["forest", "gp"])
def test_noise_isn_t(model: Any) -> None:
    noise = np.random.default_rng(1)
    found = surrogate_quality(searched(lambda x, y: noise.normal(), 100), SPACE, model=model)
    assert not found.knows_something
    assert "can't foretell value" in str(found)


def test_intervals_hold_what_they_say_under_noise() -> None:
    noise = np.random.default_rng(2)
    history = searched(lambda x, y: 3 * x + noise.normal(), 250)
    found = surrogate_quality(history, SPACE, model="gp")
    assert found.calibration == "calibrated"
    assert found.coverage_50 == pytest.approx(0.5, abs=0.1)
    assert found.coverage_90 == pytest.approx(0.9, abs=0.06)
    assert float(np.std(found.residuals)) == pytest.approx(1, abs=0.15)


def test_it_doesnt_depend_on_the_scale() -> None:
    small = surrogate_quality(searched(lambda x, y: x + y, 40), SPACE)
    large = surrogate_quality(searched(lambda x, y: 2**20 * (x + y), 40), SPACE)
    assert small.predicted == pytest.approx(large.predicted, abs=1e-6)


def test_equal_trials_stay_in_one_fold() -> None:
    history = luthier.create_study(space=SPACE, seed=0)
    noise = np.random.default_rng(0)
    for _ in range(30):
        value = noise.normal()
        point = {"x": noise.random(), "y": noise.random()}
        for _ in range(2):
            history.add_trial(luthier.create_trial(params=point, value=value))
    assert not surrogate_quality(history.history, SPACE).knows_something


def test_few_or_equal_trials_are_said_to_be() -> None:
    assert "9 trials with values: too few" in str(surrogate_quality(searched(max_of, 9), SPACE))
    same = surrogate_quality(searched(lambda x, y: 1.0, 20), SPACE)
    assert "nothing can be learnt" in str(same)


def max_of(x: float, y: float) -> float:
    return max(x, y)


@pytest.mark.parametrize(
    "bad", [{"model": "tree"}, {"folds": 1}, {"folds": True}, {"metric": "loss"}], ids=str
)
def test_bad_settings_are_refused(bad: Any) -> None:
    with pytest.raises(ArgumentError, match="surrogate_quality: "):
        surrogate_quality(searched(max_of, 2), SPACE, **bad)
