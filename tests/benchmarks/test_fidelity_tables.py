from __future__ import annotations

from typing import cast

import pytest

from benchmarks.fidelity.curves import MARKS, STEPS, OutOfBudgetError, Search, Table


class Falling:
    """A table of curves that fall by one a step to x; its regret is x."""

    def __call__(self, config: dict[str, float], step: int) -> float:
        return config["x"] + STEPS - step

    def regret(self, config: dict[str, float]) -> float:
        return config["x"]


def test_a_search_pays_for_new_steps_and_recommends_who_is_best_at_the_highest() -> None:
    found = Search(cast("Table", Falling()), budget=20 * STEPS)
    assert found.train(0, {"x": 0.5}, 1) == STEPS - 0.5
    found.train(1, {"x": 0.7}, 1)
    found.train(1, {"x": 0.7}, STEPS)  # is all that was trained out
    found.train(0, {"x": 0.5}, STEPS)
    assert found.spent == 2 * STEPS
    found.train(2, {"x": 0.1}, STEPS - 1)
    found.train(2, {"x": 0.1}, STEPS)
    assert found.summary() == {"regrets": [0.5, 0.1, 0.1, 0.1], "typical": 0.4}
    assert len(MARKS) == 4


def test_a_search_ends_with_its_budget() -> None:
    found = Search(cast("Table", Falling()), budget=30)
    found.train(0, {"x": 0.5}, STEPS)
    with pytest.raises(OutOfBudgetError):
        found.train(1, {"x": 0.4}, 9)
