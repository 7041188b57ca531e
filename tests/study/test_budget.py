"""Tests of budgets in words."""

import datetime
from typing import Any

import pytest

from luthier.errors import ArgumentError
from luthier.study.budget import read_budget


@pytest.mark.parametrize(
    ("budget", "trials", "seconds"),
    [
        (50, 50, None),
        ("50 trials", 50, None),
        ("1 trial", 1, None),
        ("10 min", None, 600.0),
        ("10min", None, 600.0),
        ("1.5 h", None, 5400.0),
        ("2 hours", None, 7200.0),
        ("30 s", None, 30.0),
        ("30 seconds", None, 30.0),
        ("1 d", None, 86400.0),
        (datetime.timedelta(minutes=2), None, 120.0),
    ],
)
def test_budgets(budget: Any, trials: int | None, seconds: float | None) -> None:
    assert read_budget(budget) == (trials, seconds)


@pytest.mark.parametrize(
    "budget",
    [0, -5, 1.5, True, None, "", "soon", "10", "0 min", "1.5 trials", "3 fortnights", "10 ms", []],
)
def test_what_is_no_budget(budget: Any) -> None:
    with pytest.raises(ArgumentError, match="A budget must be a number of trials or a time"):
        read_budget(budget)
