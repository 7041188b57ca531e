"""Improvements by hand, and chances of further ones against random search, where they are known."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import luthier
from luthier import Float, Space
from luthier.analysis import convergence
from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.errors import ArgumentError
from luthier.testing.rehearsal import Rehearsal

SPACE = Space(x=Float(0, 1))


def of_values(values: Any, **options: Any) -> Any:
    play = Rehearsal(SPACE, objective=Objective.of(**options))
    for k, value in enumerate(values):
        state = TrialState.FAILED if math.isnan(value) else TrialState.COMPLETE
        play.end(play.add({"x": (k % 97) / 100}), state, value=float(value))
    return play.history


def test_improvements_by_hand() -> None:
    found = convergence(of_values([5, math.nan, 3, 4, 2.5, 9]), SPACE, bound=False)
    assert [(i.number, i.place, i.value, i.size) for i in found.improvements] == [
        (0, 1, 5, math.inf),
        (2, 3, 3, 2),
        (4, 5, 2.5, 0.5),
    ]
    assert found.best.tolist() == [5, 5, 3, 3, 2.5, 2.5]
    assert (found.since, found.size, found.ahead) == (1, 0.5, 3)
    window = 1 + math.log(2)
    assert found.chance == pytest.approx(1 - (1 + math.log(1.5) / window) ** -2)
    assert found.wait == pytest.approx(6 * math.expm1(window * (math.sqrt(2) - 1)))


def test_larger_is_better_where_it_is() -> None:
    found = convergence(of_values([1, 3, 2], direction="maximize"), SPACE, bound=False)
    assert found.best.tolist() == [1, 3, 3]
    assert found.improvements[-1].size == 2
    assert "The best value, 3, came with trial 1; 1 trial of 3 finished since." in str(found)


def test_the_chance_of_random_search_is_about_what_it_is() -> None:
    rng, n, told, came = np.random.default_rng(0), 60, [], []
    for _ in range(300):
        values = rng.random(n + n // 2)
        found = convergence(of_values(values[:n]), SPACE, size=1e-12, bound=False)
        told.append(found.chance)
        came.append(values[n:].min() < values[:n].min())
    assert np.mean(came) == pytest.approx(1 / 3, abs=0.08)  # 1 - n / (n + n / 2)
    assert np.mean(told) == pytest.approx(np.mean(came), abs=0.08)


def test_a_search_that_goes_on_improving_is_told_from_one_that_stalls() -> None:
    falling = convergence(of_values(np.exp(-np.arange(60.0) / 5)), SPACE, bound=False)
    flat = convergence(of_values(np.r_[3, 2, 1, np.full(57, 5.0)]), SPACE, bound=False)
    assert not falling.has_stalled
    assert flat.has_stalled
    assert "It has stalled" in str(flat)
    assert flat.chance < 0.3 < 0.95 < falling.chance
    assert falling.wait < 5 < 60 < flat.wait


def test_what_remains_is_bounded_and_a_done_search_has_little() -> None:
    study = luthier.create_study(space=SPACE, strategy="gp", seed=0)
    study.optimize(lambda trial: (trial.params["x"] - 0.3) ** 2, n_trials=25)
    found = convergence(study.history, SPACE)
    assert found.remaining is not None
    assert 0 <= found.remaining < 0.01
    early = convergence(study.history.where(lambda trial: trial.number < 6), SPACE)
    assert early.remaining is not None
    assert early.remaining > found.remaining


def test_no_improvement_is_promised_that_cannot_come() -> None:
    found = convergence(of_values([5, 3, 1]), SPACE)
    stuck = replace(found, remaining=0.5)
    assert stuck.is_out_of_reach
    assert "No improvement of 2 or more is to be expected. At most 0.5 may" in str(stuck)
    assert "The chance of" not in str(stuck)
    for remaining in (None, 2.5):
        told = replace(found, remaining=remaining)
        assert not told.is_out_of_reach
        assert "The chance of an improvement of 2 or more" in str(told)


def test_several_objectives_are_followed_by_the_volume_of_their_front() -> None:
    play = Rehearsal(SPACE, objective=Objective.of(directions=["minimize", "minimize"]))
    for a, b in ((1, 1), (0, 2), (2, 2), (2, 0), (0.5, 0.5)):
        play.end(play.add({"x": 0.5}), metrics={"value_0": a, "value_1": b})
    found = convergence(play.history, SPACE)
    assert found.metric == "hypervolume"
    corner = 1.1  # ranges of 2 become 1; the reference lies a tenth beyond
    first = (corner - 0.5) ** 2
    assert found.best[:2] == pytest.approx([first, first + 0.5 * (corner - 1)])
    assert [i.number for i in found.improvements] == [0, 1, 3, 4]
    one = convergence(play.history, SPACE, metric="value_0")
    assert one.best.tolist() == [1, 0, 0, 0, 0]


def test_nothing_that_counts() -> None:
    found = convergence(of_values([math.nan] * 3), SPACE)
    assert str(found) == "3 trials finished, none with a value that counts."
    assert np.isnan(found.best).all()


@pytest.mark.parametrize("bad", [{"size": 0}, {"size": math.nan}, {"metric": "loss"}], ids=str)
def test_bad_settings_are_refused(bad: Any) -> None:
    with pytest.raises(ArgumentError, match="convergence: "):
        convergence(of_values([1.0]), SPACE, **bad)
