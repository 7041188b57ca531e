"""What importance is averaged over."""

from __future__ import annotations

import numpy as np
import pytest

from luthier import AtLeast, Categorical, Constant, Float, Int, Permutation, Space
from luthier.analysis.importance.domain import domain_of

RNG = np.random.default_rng
SPACE = Space(
    kind=Categorical(["a", "b", "c"]),
    size=Int(1, 4, when={"kind": ["a", "b"]}),
    rate=Float(0, 1, when={"size": AtLeast(3)}),
    free=Float(1, 100, log=True),
    fixed=Constant(1),
    order=Permutation(["p", "q"]),
)


def test_draws_have_a_value_everywhere_and_are_values_of_the_space() -> None:
    domain = domain_of(SPACE, RNG(0))
    assert domain.names == ("kind", "size", "rate", "free", "order")
    assert domain.constants == ("fixed",)
    X = domain.draw(2000, RNG(1))
    assert not np.isnan(X).any()
    assert set(np.unique(X[:, 0])) == {0, 1, 2}
    sizes = SPACE.encoding.encode([{"kind": "a", "size": k} for k in range(1, 5)])[:, 1]
    np.testing.assert_allclose(np.unique(X[:, 1]), sizes)
    assert {tuple(row) for row in X[:, 4:]} == {(0.25, 0.75), (0.75, 0.25)}


def test_what_is_known_stays_when_the_rest_is_filled() -> None:
    domain = domain_of(SPACE, RNG(0))
    X = SPACE.encoding.encode([{"kind": "c", "free": 10, "order": ["q", "p"]}] * 50)
    filled = domain.filled(X, RNG(1))
    known = ~np.isnan(X)
    np.testing.assert_array_equal(filled[known], X[known])
    assert len(np.unique(filled[:, 2])) == 50


def test_where_a_parameter_is_active_its_ancestors_are_as_they_are_there() -> None:
    domain = domain_of(SPACE, RNG(0))
    assert domain.ancestors == (frozenset(), {0}, {0, 1}, frozenset(), frozenset())
    where = domain.where([2])
    assert where.share == pytest.approx(2 / 3 * 2 / 4, abs=0.05)
    np.testing.assert_allclose(where.measures[0].shares, [0.5, 0.5, 0], atol=0.06)
    assert len(where.measures[1].values) == 2  # sizes 3 and 4
    assert domain.where([0, 3]).share == 1
    assert domain.where([0, 3]).measures == {}


def test_what_is_never_active_has_no_share() -> None:
    space = Space(
        a=Categorical(["x", "y"]),
        b=Float(0, 1, when={"a": ["x"]}),
        c=Float(0, 1, when={"a": ["y"]}),
    )
    assert domain_of(space, RNG(0)).where([1, 2]).share == 0
