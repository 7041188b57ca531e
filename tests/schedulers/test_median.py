from __future__ import annotations

from collections.abc import Callable

import pytest

from luthier.errors import ArgumentError
from luthier.schedulers import Median, Percentile

Stops = Callable[..., list[bool]]

THREE = [[1.0, 5.0], [2.0, 6.0], [9.0, 7.0]]  # medians 2 and 6


def test_worse_than_the_median_stops(stops: Stops) -> None:
    rule = Median(n_startup_trials=3)
    assert stops(rule, [2.0, 2.0], THREE) == [False, False]
    assert stops(rule, [2.5, 6.5], THREE) == [True, False]
    assert stops(rule, [6.5, 6.5], THREE) == [True, True]
    assert stops(rule, [1.0, 5.0], THREE, direction="maximize") == [True, True]


def test_five_trials_complete_before_any_is_stopped(stops: Stops) -> None:
    assert stops(Median(), [9.0], [[1.0]] * 4) == [False]
    assert stops(Median(), [9.0], [[1.0]] * 5) == [True]


def test_it_is_the_percentile_rule_at_50(stops: Stops) -> None:
    others = [[0.1 * k, 0.2 * k] for k in range(7)]
    for value in (0.0, 0.25, 0.3, 0.35, 0.6, 1.0):
        settings = {"n_startup_trials": 2, "n_warmup_steps": 1, "n_min_trials": 3}
        assert stops(Median(**settings), [value] * 2, others) == stops(
            Percentile(50.0, **settings), [value] * 2, others
        )


def test_equality_and_spec() -> None:
    assert Median(n_warmup_steps=3) == Median(n_warmup_steps=3) != Median()
    assert Median(metric="loss").spec == {
        "name": "median",
        "n_startup_trials": 5,
        "n_warmup_steps": 0,
        "interval_steps": 1,
        "n_min_trials": 1,
        "metric": "loss",
    }


def test_bad_settings() -> None:
    with pytest.raises(ArgumentError, match=r"interval_steps must be .* at least 1, got 0"):
        Median(interval_steps=0)
