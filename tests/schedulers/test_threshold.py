from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest

from luthier.errors import ArgumentError
from luthier.schedulers import Threshold

Stops = Callable[..., list[bool]]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_bounds_are_in_the_users_values(stops: Stops, direction: str) -> None:
    rule = Threshold(lower=0.0, upper=1.0)
    curve = [0.0, 1.0, -0.1, 1.1, 0.5]
    assert stops(rule, curve, direction=direction) == [False, False, True, True, False]


def test_one_bound(stops: Stops) -> None:
    assert stops(Threshold(upper=1.0), [-math.inf, 2.0]) == [False, True]
    assert stops(Threshold(lower=1.0), [math.inf, 0.0]) == [False, True]


def test_nan_stops(stops: Stops) -> None:
    assert stops(Threshold(upper=1.0), [0.5, math.nan]) == [False, True]


def test_warmup_interval_and_metric(stops: Stops) -> None:
    rule = Threshold(upper=1.0, n_warmup_steps=1, interval_steps=2)
    assert stops(rule, [9.0] * 5) == [False, True, False, True, False]
    assert stops(Threshold(upper=1.0, metric="loss"), [9.0], metric="loss") == [True]
    assert stops(Threshold(upper=1.0, metric="loss"), [9.0]) == [False]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "Threshold needs lower, upper or both; neither was given."),
        ({"lower": 2, "upper": 1}, "lower must not be above upper, got lower=2, upper=1."),
        ({"lower": math.nan}, "lower must be a finite number or None for no bound, got nan."),
        ({"upper": "1"}, "upper must be a finite number or None for no bound, got '1'."),
        ({"upper": 1, "n_warmup_steps": -1}, "n_warmup_steps must be a whole number of at least 0"),
        ({"upper": 1, "interval_steps": 0}, "interval_steps must be a whole number of at least 1"),
    ],
)
def test_bad_settings(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(message)):
        Threshold(**settings)  # type: ignore[arg-type]
