from __future__ import annotations

import numpy as np
import pytest

from benchmarks.fidelity.extrapolation import Case, power_law, score
from benchmarks.fidelity.lcdb import (
    Rule,
    Task,
    Trainings,
    at_size,
    freeze_thaw,
    halving,
    screening,
    select,
)

SIZES = np.array([16, 32, 64, 128, 256])


def crossing() -> Task:
    """Four learners; the one that is best at first is third in the end."""
    ends = np.array([0.30, 0.20, 0.10, 0.40])
    falls = np.array([0.05, 0.30, 0.45, 0.30])
    validation = ends[:, None] + falls[:, None] * (SIZES / 16.0) ** -0.8
    return Task(7, SIZES, validation, ends)


def test_cost_and_regret_by_hand() -> None:
    assert select(at_size(1.0), [crossing()])[:2] == (1.0, 0.0)
    cost, regret, _ = select(at_size(1 / 16), [crossing()])
    assert cost == pytest.approx(1 / 16)
    assert regret == pytest.approx(0.2)


def test_halving_by_hand() -> None:
    cost, regret, _ = select(halving(2, 2), [crossing()])  # 4 at 64, 2 at 128, 1 at 256
    assert cost == pytest.approx((4 * 64 + 2 * 128 + 256) / 1024)
    assert regret == 0.0


@pytest.mark.parametrize("rule", [screening(1 / 4, 0.6), freeze_thaw((1 / 4, 1), 0.6)])
def test_budgets_are_kept(rule: Rule) -> None:
    seen = Trainings(crossing())
    rule(seen)
    assert 0.25 < seen.cost <= 0.6
    assert seen.regret() == 0.0


def test_nothing_is_paid_twice() -> None:
    seen = Trainings(crossing())
    seen.train([0, 1], 2)
    seen.train([1, 2], 2)
    assert seen.paid == 3 * 64


def test_the_power_law_finds_a_power_law() -> None:
    x = np.array([1.0, 2.0, 4.0, 8.0])
    assert power_law(x, 0.2 + 0.5 * x**-0.5, 64.0) == pytest.approx(0.2 + 0.5 / 8, abs=0.01)


def test_only_unfinished_curves_are_scored() -> None:
    task = crossing()
    scored = score([Case(SIZES, task.validation, np.array([5, 3, 3, 5]))])
    assert scored.place.shape == (2,)
    assert scored.left == pytest.approx(np.log(4.0))
    assert (scored.last > 0).all()
