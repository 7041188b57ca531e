from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from luthier.errors import ArgumentError
from luthier.numerics.freeze_thaw import choose

NAN = math.nan
STEPS = [1, 2, 4, 8, 16]


def choices(Y: list[list[float]], n: int = 60) -> Counter[int | None]:
    return Counter(choose(np.array(Y), STEPS, np.random.default_rng(seed)) for seed in range(n))


def test_finished_curves_are_never_chosen() -> None:
    done = [0.9, 0.5, 0.3, 0.2, 0.1]
    assert choose(np.array([done, done]), STEPS, np.random.default_rng(0)) is None
    assert set(choices([done, [0.9, 0.8, NAN, NAN, NAN]])) == {1}


def test_a_curve_that_falls_is_preferred_to_one_that_lies_flat() -> None:
    flat, falls = [0.6, 0.6, 0.6, NAN, NAN], [1.0, 0.7, 0.45, NAN, NAN]
    assert choices([flat, falls, [0.9, 0.7, 0.5, 0.45, 0.4]])[1] >= 55


def test_far_horizons_give_those_that_are_behind_a_chance() -> None:
    ahead, behind = [0.9, 0.6, 0.5, 0.48, NAN], [1.0, 0.8, NAN, NAN, NAN]
    assert set(choices([ahead, behind])) == {0, 1}


def test_a_curve_that_has_not_started_can_be_chosen() -> None:
    poor = [0.9, 0.9, 0.9, 0.9, NAN]
    assert choices([[0.5, 0.4, 0.35, 0.3, 0.3], poor, [NAN] * 5])[2] >= 55
    assert choose(np.full((3, 5), NAN), STEPS, np.random.default_rng(0)) == 0


def test_bad_arguments() -> None:
    with pytest.raises(ArgumentError, match="Y must have shape"):
        choose(np.array([[1.0, NAN]]), [1, 2, 3], np.random.default_rng(0))
