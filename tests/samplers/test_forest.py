from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.errors import ArgumentError
from luthier.samplers import Forest
from luthier.space import Categorical, Float, Int, Permutation, Space
from luthier.testing.rehearsal import Rehearsal

SQUARE = Space(x=Float(0, 1), y=Float(0, 1))


def optimise(
    play: Rehearsal, sampler: Forest, objective: Callable[[dict[str, Any]], float], n: int
) -> list[float]:
    values = []
    for _ in range(n):
        for trial in play.start(sampler):
            values.append(objective(trial.params))
            play.end(trial, value=values[-1])
    return values


def test_it_closes_in_on_the_minimum() -> None:
    def objective(p: dict[str, Any]) -> float:
        return (p["x"] - 0.3) ** 2 + (p["y"] - 0.8) ** 2  # type: ignore[no-any-return]

    for seed in range(3):
        assert min(optimise(Rehearsal(SQUARE, seed=seed), Forest(), objective, 40)) < 0.01


def test_conditions_categories_and_orders_together() -> None:
    space = Space(
        model=Categorical(["a", "b", "c"]),
        x=Float(0, 1, when={"model": "b"}),
        order=Permutation(list("uvw")),
        n=Int(1, 9),
    )

    def objective(p: dict[str, Any]) -> float:
        branch = p["x"] if p["model"] == "b" else 0.7
        return float(branch + p["order"].index("w") + 0.1 * p["n"])

    for seed in range(3):
        assert min(optimise(Rehearsal(space, seed=seed), Forest(), objective, 50)) < 0.4


def test_failures_teach() -> None:
    counts = []
    for seed in range(3):
        play = Rehearsal(SQUARE, seed=seed)
        for _ in range(60):
            [trial] = play.start(Forest())
            total = trial.params["x"] + trial.params["y"]
            if total < 0.8:
                play.end(trial, TrialState.FAILED)
            else:
                play.end(trial, value=total)
        counts.append(len(play.history.failed))
    assert np.median(counts) <= 30
    assert "failures" in play.start(Forest(explore=0))[0].origin.reason


def test_reasons_and_pending_trials() -> None:
    play = Rehearsal(SQUARE)
    optimise(play, Forest(), lambda p: p["x"], 10)
    proposals = play.propose(Forest(n_trees=5, explore=0), 3)
    assert proposals[0].reason == "LogEI on 5 trees, 10 points"
    assert proposals[2].reason == "LogEI on 5 trees, 12 points"
    assert len({p.params["x"] for p in proposals}) == 3


def test_several_objectives_constraints_and_pruned_trials() -> None:
    objective = Objective.of(metrics={"a": "minimize", "b": "maximize"}, constraints=["a <= 0.5"])
    play = Rehearsal(SQUARE, objective=objective)
    for k in range(30):
        [trial] = play.start(Forest())
        state = TrialState.PRUNED if k % 5 == 4 else TrialState.COMPLETE
        play.end(trial, state, value=trial.params["x"])
    late = [t.params["x"] for t in play.history.completed][-12:]
    assert np.mean(np.array(late) <= 0.5) > 0.5


def test_a_finite_space_is_searched_without_repeats() -> None:
    space = Space(a=Int(0, 5), b=Categorical(["u", "v"]), c=Int(0, 3))
    play = Rehearsal(space)
    optimise(play, Forest(n_trees=4), lambda p: p["a"] * p["c"], 48)
    assert len({space.key(t.params) for t in play.history.completed}) == 48
    assert play.propose(Forest()) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_trees": 0}, "Forest: n_trees must be at least 1, got 0"),
        ({"min_leaf": 0}, "Forest: min_leaf must be at least 1, got 0"),
        ({"n_startup": 0}, "Forest: n_startup must be at least 1, got 0"),
        ({"explore": 1.0}, "Forest: explore must be at least 0 and below 1, got 1.0"),
    ],
)
def test_settings_are_checked(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Forest(**settings)  # type: ignore[arg-type]
