"""What a budget means: levels and nested subsets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import luthier
from luthier.errors import ArgumentError
from luthier.schedulers import SuccessiveHalving
from luthier.study.fidelity import Levels, Subsets


def test_levels_count_from_their_step_on() -> None:
    levels = Levels({9: "b", 1: "a", 27: "c"})
    found = [levels.at(step) for step in (0, 1, 8, 9, 26, 27, 99, None)]
    assert found == ["a", "a", "a", "b", "b", "c", "c", "c"]


@pytest.mark.parametrize("unfit", [{}, {-1: 2}, {"1": 2}, {True: 2}, [1, 2], None])
def test_levels_must_be_steps(unfit: object) -> None:
    with pytest.raises(ArgumentError, match="Levels takes a mapping"):
        Levels(unfit)  # type: ignore[arg-type]


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=80),
    st.integers(1, 30),
    st.integers(1, 20),
    st.integers(0, 3),
)
def test_subsets_are_nested_and_end_with_all(
    labels: list[int], most: int, least: int, seed: int
) -> None:
    rows = Subsets(labels, most, least=least, seed=seed)
    before: set[int] = set()
    for step in range(most + 1):
        now = rows.at(step).tolist()
        assert now == sorted(set(now))
        assert before <= set(now)
        assert len(now) >= min(least, len(labels))
        before = set(now)
    assert len(before) == len(labels) == len(rows.at(None))


@given(st.lists(st.integers(0, 3), min_size=4, max_size=200), st.integers(1, 10))
def test_subsets_hold_classes_in_proportion(labels: list[int], step: int) -> None:
    taken = np.asarray(labels)[Subsets(labels, 10).at(step)]
    for one in set(labels):
        share, whole = np.sum(taken == one), labels.count(one) * len(taken) / len(labels)
        assert abs(share - whole) <= len(set(labels)) + 1


def test_subsets_differ_by_seed_only() -> None:
    first, again, other = (Subsets(100, 10, seed=s).at(3).tolist() for s in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (([], 3), {}, "one label for each row"),
        (([[1, 2]], 3), {}, "one label for each row"),
        ((5, 0), {}, "max_resource must be a whole number of at least 1, got 0"),
        ((5, 3), {"least": 0}, "least must be a whole number of at least 1, got 0"),
    ],
)
def test_subsets_refuse_what_makes_no_sense(
    arguments: tuple[object, int], settings: dict[str, int], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        Subsets(*arguments, **settings)  # type: ignore[arg-type]


def test_trials_get_what_their_budget_gives() -> None:
    rows, seen = Subsets(90, 9), []

    def objective(trial: luthier.Trial) -> float:
        seen.append(len(rows.of(trial)))
        return trial.suggest_float("x", 0, 1)

    study = luthier.create_study(scheduler=SuccessiveHalving(9), strategy="random", seed=0)
    study.optimize(objective, n_trials=9)
    assert seen == [10] * 9 + [30] * 3 + [90]
    assert study.best_value == min(trial.params["x"] for trial in study.trials)
