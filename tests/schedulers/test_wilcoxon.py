from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest

from luthier.errors import ArgumentError
from luthier.schedulers import Wilcoxon

Stops = Callable[..., list[bool]]


@pytest.mark.parametrize(("direction", "sign"), [("minimize", 1), ("maximize", -1)])
def test_a_trial_that_is_worse_everywhere_is_stopped(
    stops: Stops, direction: str, sign: int
) -> None:
    """All of n differences to the worse have a chance of 2^-n: below 0.1 from the fourth."""
    best = [0.1, 0.2, 0.3, 0.4, 0.5]
    worse = [sign * (value + 0.1 * step) for step, value in enumerate(best, 1)]
    curve = [sign * value for value in best]
    assert stops(Wilcoxon(), worse, [curve], direction=direction) == [False] * 3 + [True] * 2
    assert stops(Wilcoxon(n_startup_steps=5), worse, [curve], direction=direction)[3:] == [0, 1]
    assert not any(stops(Wilcoxon(), curve, [worse], direction=direction))


def test_it_needs_a_best_trial_and_steps_in_common(stops: Stops) -> None:
    high = [1.0] * 6
    assert not any(stops(Wilcoxon(1.0), high))
    assert not any(stops(Wilcoxon(1.0), high, [{10: 0.0, 11: 0.0}]))
    assert stops(Wilcoxon(0.3), dict.fromkeys(range(5), 1.0), [{1: 0.0, 3: 0.0}])[2:] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_nothing_is_compared_with_what_isnt_finite(stops: Stops, bad: float) -> None:
    assert not any(stops(Wilcoxon(1.0), [bad, *[1.0] * 6], [[0.0] * 7]))
    assert not any(stops(Wilcoxon(1.0), [1.0] * 7, [[bad, *[0.0] * 6]]))


def test_who_has_the_better_mean_goes_on(stops: Stops) -> None:
    """Of folds in another order the cheap ones may come late; a better mean is no loser."""
    others = [{**dict.fromkeys(range(6), 1.0), 6: 100.0}]
    assert not any(stops(Wilcoxon(), [1.1] * 6, others))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"p_threshold": 1.5},
            "Wilcoxon: p_threshold must be a number of at least 0 and at most 1",
        ),
        ({"n_startup_steps": -1}, "n_startup_steps must be a whole number of at least 0"),
    ],
)
def test_bad_settings(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(message)):
        Wilcoxon(**settings)  # type: ignore[arg-type]
