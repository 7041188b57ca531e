"""Repeated configurations, and the noise that they show."""

from __future__ import annotations

import math

import pytest

import luthier
from luthier import Float, Int, Space
from luthier.analysis import duplicates
from luthier.errors import ArgumentError

SPACE = Space(n=Int(1, 5))


def told(pairs: list[tuple[int, float]]) -> luthier.Study:
    study = luthier.create_study(space=SPACE)
    for n, value in pairs:
        study.add_trial(luthier.create_trial(params={"n": n}, value=value))
    return study


def test_repeats_show_the_noise() -> None:
    found = duplicates(
        told([(1, 1.0), (2, 5.0), (1, 3.0), (1, 2.0), (3, 0.0), (2, 6.0)]).history, SPACE
    )
    assert [group.numbers for group in found.groups] == [(0, 2, 3), (1, 5)]
    assert found.groups[0].values == (1.0, 3.0, 2.0)
    assert found.repeats == 3
    assert found.noise == pytest.approx(math.sqrt((1 + 1 + 0 + 0.25 + 0.25) / 3))
    assert "They show the noise of value: 0.9129." in str(found)


def test_repeats_that_say_the_same_are_wasted() -> None:
    found = duplicates(told([(1, 1.0), (1, 1.0), (2, 2.0)]).history, SPACE)
    assert found.noise == 0
    assert "1 trial of 3 (33%) repeats" in str(found)
    assert "taught nothing" in str(found)


def test_different_trials_are_none() -> None:
    found = duplicates(told([(1, 1.0), (2, 1.0)]).history, SPACE)
    assert found.repeats == 0
    assert math.isnan(found.noise)
    assert str(found) == "All 2 finished trials differ in their parameters."


def test_trials_outside_of_the_space_are_compared_as_they_are() -> None:
    study = told([(1, 1.0), (1, 1.5)])
    assert duplicates(study.history, Space(other=Float(0, 1))).repeats == 1
    with pytest.raises(ArgumentError, match="duplicates: metric must be an objective"):
        duplicates(study.history, SPACE, metric="loss")
