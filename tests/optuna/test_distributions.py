"""Distributions are Luthier's parameters."""

from __future__ import annotations

from typing import Any

import pytest

from luthier import Categorical, Constant, Float, Int
from luthier.errors import SpaceError
from luthier.optuna import distributions as d


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Float(0, 1), d.FloatDistribution(0, 1)),
        (Float(0.1, 1, log=True), d.FloatDistribution(0.1, 1, True)),
        (Float(0, 1, step=0.25), d.FloatDistribution(0, 1, step=0.25)),
        (Constant(2.0), d.FloatDistribution(2, 2)),
        (Int(1, 9, step=2), d.IntDistribution(1, 9, False, 2)),
        (Constant(3), d.IntDistribution(3, 3)),
        (Categorical(["a", None, 1]), d.CategoricalDistribution(["a", None, 1])),
        (Float(0, 1), d.UniformDistribution(0, 1)),
        (Float(0.1, 1, log=True), d.LogUniformDistribution(0.1, 1)),
        (Float(0, 1, step=0.5), d.DiscreteUniformDistribution(0, 1, 0.5)),
        (Int(1, 9, step=2), d.IntUniformDistribution(1, 9, 2)),
        (Int(1, 64, log=True), d.IntLogUniformDistribution(1, 64)),
    ],
)
def test_distribution_is_a_parameter(ours: Any, theirs: Any) -> None:
    assert ours == theirs


def test_ends_of_a_fixed_range_keep_their_type() -> None:
    assert isinstance(d.FloatDistribution(1, 1).value, float)
    assert isinstance(d.IntDistribution(1, 1).value, int)


@pytest.mark.parametrize(
    ("build", "args", "message"),
    [
        (d.FloatDistribution, (1, 0), "low must be below high"),
        (d.FloatDistribution, (0, 1, True), "low"),
        (d.IntDistribution, (1, 9, False, 0), "step"),
        (d.CategoricalDistribution, ([],), "choice"),
        (d.UniformDistribution, (1, 0), "low must be below high"),
        (d.LogUniformDistribution, (-1, 1), "low"),
        (d.DiscreteUniformDistribution, (0, 1, -0.5), "step"),
        (d.IntUniformDistribution, (5, 1), "low must be below high"),
        (d.IntLogUniformDistribution, (0, 4), "low"),
    ],
)
def test_bad_distribution_is_refused(build: Any, args: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        build(*args)
