"""PED-ANOVA against its definition for one column, and its conditions."""

from __future__ import annotations

import numpy as np
import pytest

from luthier import Categorical, Float, Space
from luthier.analysis.importance.domain import domain_of
from luthier.analysis.importance.ped_anova import among_best, by_ped_anova
from luthier.errors import ArgumentError

RNG = np.random.default_rng


def test_effects_of_choices_by_hand() -> None:
    """The best 10 of 40 all have the first choice of two, which 20 of all have."""
    domain = domain_of(Space(c=Categorical(["a", "b"])), RNG(0))
    X = np.repeat([[0.0], [1.0]], 20, axis=0)
    y = np.arange(40.0)
    p, q = np.array([10.5, 0.5]) / 11, np.array([0.5, 0.5])
    divergence = (q * (p / q - 1) ** 2).sum()
    found = by_ped_anova(domain, X, y, RNG(1), target=0.25)
    assert found.effects == pytest.approx([0.25**2 * divergence])
    assert found.chance is not None
    assert found.chance[0] < found.effects[0]


def test_a_conditional_parameter_is_weighted_by_where_it_is_active() -> None:
    space = Space(c=Categorical(["a", "b"]), d=Categorical(["s", "t"], when={"c": ["a"]}))
    X = np.array([[0, 0], [0, 1], [1, np.nan], [1, np.nan]] * 10)
    y = np.tile([0.0, 1.0, 2.0, 3.0], 10)
    found = by_ped_anova(domain_of(space, RNG(0)), X, y, RNG(1), target=0.25)
    p, q = np.array([10.5, 0.5]) / 11, np.array([0.5, 0.5])
    divergence = (q * (p / q - 1) ** 2).sum()
    alpha, beta = 1.0, 0.5
    assert found.effects[1] == pytest.approx(0.25**2 * alpha**2 / beta * divergence)


def test_a_region_leaves_the_worst_out_and_an_even_baseline_ignores_it() -> None:
    rng = RNG(0)
    X = rng.random((300, 2))
    y = X[:, 0] + 0.1 * X[:, 1]
    domain = domain_of(Space(a=Float(0, 1), b=Float(0, 1)), rng)
    near = by_ped_anova(domain, X, y, RNG(1), region=0.3).effects
    far = by_ped_anova(domain, X, y, RNG(1)).effects
    assert near[1] / near[0] > far[1] / far[0]
    even = by_ped_anova(domain, X, y, RNG(1), local=False).effects
    assert even[0] == pytest.approx(far[0], rel=0.3)


def test_equal_values_at_the_border_are_all_among_the_best() -> None:
    assert among_best(np.array([1.0, 1.0, 1.0, 2.0]), 0.25).tolist() == [True, True, True, False]


def test_shares_must_be_in_order() -> None:
    domain = domain_of(Space(a=Float(0, 1)), RNG(0))
    with pytest.raises(ArgumentError, match="0 < target < region <= 1, got target=0.5, region=0.2"):
        by_ped_anova(domain, np.zeros((3, 1)), np.arange(3.0), RNG(0), target=0.5, region=0.2)
