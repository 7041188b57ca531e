"""Comparisons of strategies: equal ones, different ones, and statistics against SciPy's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from luthier import Float, Space
from luthier.analysis import compare
from luthier.analysis.studies import _friedman, _holm
from luthier.core.objective import Objective
from luthier.errors import ArgumentError
from luthier.testing.rehearsal import Rehearsal

SPACE = Space(x=Float(0, 1))


def history(values: Any, **options: Any) -> Any:
    play = Rehearsal(SPACE, objective=Objective.of(**options))
    for value in values:
        play.end(play.add({"x": 0.5}), value=float(value))
    return play.history


def runs(shift: float, seeds: int = 12, n: int = 20, **options: Any) -> list[Any]:
    sign = -1 if options.get("direction") == "maximize" else 1
    rngs = map(np.random.default_rng, range(seeds))
    return [history(sign * (rng.random(n) + shift), **options) for rng in rngs]


def noisy(seed: int, seeds: int = 12) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [history(rng.random(20)) for _ in range(seeds)]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_better_one_wins(direction: str) -> None:
    some = {
        "bad": runs(0.2, direction=direction),
        "good": runs(0.0, direction=direction),
        "middle": runs(0.1, direction=direction),
    }
    found = compare(some)
    assert [s.name for s in found.standings] == ["good", "middle", "bad"]
    assert [s.rank for s in found.standings] == [1, 2, 3]
    assert [(q.wins, q.ties, q.losses) for q in found.pairs] == [(12, 0, 0)] * 3
    assert all(q.differs for q in found.pairs)
    assert found.groups == (("good",), ("middle",), ("bad",))
    assert found.p < 0.001
    assert "good is better than all others" in str(found)
    best = [min(t.value for t in h.completed) for h in some["good"]]
    if direction == "minimize":
        assert found.scores[0].tolist() == best
        assert (np.diff(found.standings[0].curve) <= 0).all()


def test_equal_ones_can_t_be_told_apart() -> None:
    found = [
        compare({"a": noisy(3 * s), "b": noisy(3 * s + 1), "c": noisy(3 * s + 2)})
        for s in range(20)
    ]
    assert sum(any(q.differs for q in f.pairs) for f in found) <= 3
    assert sum(f.p < 0.05 for f in found) <= 4
    assert any(f.groups == (tuple(s.name for s in f.standings),) for f in found)
    same = compare({"a": noisy(0), "b": noisy(0)})
    assert same.pairs[0].ties == 12
    assert same.pairs[0].p == 1
    assert "None can be told from another." in str(same)


def test_statistics_are_scipys() -> None:
    from scipy.stats import false_discovery_control, friedmanchisquare, wilcoxon

    rng = np.random.default_rng(0)
    ranks = np.apply_along_axis(lambda c: np.argsort(np.argsort(c)) + 1.0, 0, rng.random((4, 15)))
    assert _friedman(ranks) == pytest.approx(friedmanchisquare(*ranks).pvalue)
    found = compare({"a": noisy(0), "b": noisy(1)})
    d = found.scores[0] - found.scores[1]
    assert found.pairs[0].p == pytest.approx(wilcoxon(d, zero_method="zsplit").pvalue)
    assert _holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert (
        np.array(_holm([0.01, 0.04, 0.03])) >= false_discovery_control([0.01, 0.04, 0.03])
    ).all()
    assert math.isnan(_holm([math.nan, 0.2])[0])


def test_budgets_are_equal_and_blocks_common() -> None:
    long = {("p", 0): history([3, 2, 1, 0]), ("p", 1): history([5, 4]), ("q", 7): history([1, 1])}
    short = {("p", 1): history([4, 5, 0]), ("p", 0): history([1, 9])}
    found = compare({"long": long, "short": short})
    assert found.budget == 2
    assert set(found.blocks) == {("p", 0), ("p", 1)}
    assert {s.name: s.median for s in found.standings}["short"] in (1, 4)
    assert compare({"long": long, "short": short}, budget=1).budget == 1
    assert compare({"long": long}, budget=4).blocks == (("p", 0),)
    with pytest.raises(ArgumentError, match="run for 9 trials"):
        compare({"long": long, "short": short}, budget=9)


def test_several_problems_are_compared_by_ranks() -> None:
    scale = {f"p{k}": 10.0**k for k in range(8)}
    rng = np.random.default_rng(0)
    a = {(name, 0): history(unit * rng.random(5)) for name, unit in scale.items()}
    b = {(name, 0): history(unit * (1 + rng.random(5))) for name, unit in scale.items()}
    found = compare({"b": b, "a": a})
    assert found.pairs[0].first == "a"
    assert found.pairs[0].p == pytest.approx(2 / 2**8)


def test_several_objectives_by_hypervolume() -> None:
    def of(points: Any) -> Any:
        play = Rehearsal(SPACE, objective=Objective.of(directions=["minimize", "maximize"]))
        for a, b in points:
            play.end(play.add({"x": 0.5}), metrics={"value_0": a, "value_1": b})
        return play.history

    good, bad = [(0, 1), (1, 2)], [(1, 1), (2, 0)]
    found = compare({"bad": [of(bad)] * 6, "good": [of(good)] * 6})
    assert found.metric == "hypervolume"
    assert found.standings[0].name == "good"
    assert found.standings[0].median > found.standings[1].median
    one = compare({"bad": [of(bad)], "good": [of(good)]}, metric="value_1")
    assert [s.median for s in one.standings] == [2, 1]
    assert "differences can't be told from luck" in str(one)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({}, "must be a mapping"),
        ([1], "must be a mapping"),
        ({"a": []}, "one study or history at least"),
        ({"a": [1]}, "one study or history at least"),
        ({"a": {0: history([1])}, "b": {1: history([1])}}, "that all strategies have run"),
        ({"a": [history([1])], "b": [history([1], direction="maximize")]}, "same objectives"),
    ],
)
def test_bad_studies_are_refused(bad: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        compare(bad)


@pytest.mark.parametrize("budget", [0, True, 1.5])
def test_bad_budgets_are_refused(budget: Any) -> None:
    with pytest.raises(ArgumentError, match="budget must be an integer"):
        compare({"a": [history([1])]}, budget=budget)
