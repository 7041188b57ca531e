from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from luthier.samplers.gp.belief import belief_of
from luthier.space import Beta, Categorical, Float, Int, LogNormal, Normal, Ordinal, Space

SPACE = Space(
    rate=Float(1e-4, 1.0, log=True, prior=LogNormal(math.log(1e-2), 0.5)),
    depth=Int(1, 10, prior=Normal(3, 1)),
    kind=Categorical(["a", "b", "c"], prior=[1, 6, 3]),
    size=Ordinal(["s", "m", "l"], prior=[1, 2, 1]),
    plain=Float(0, 1),
)


def at(**params: object) -> NDArray[np.float64]:
    values = {"rate": 1e-2, "depth": 3, "kind": "b", "size": "m", "plain": 0.5} | params
    return SPACE.encoding.encode([values])


@pytest.mark.parametrize(
    ("less", "more", "ratio"),
    [
        ({"kind": "a"}, {"kind": "b"}, 6.0),
        ({"size": "l"}, {"size": "m"}, 2.0),
        ({"depth": 5}, {"depth": 3}, 6.32),  # integrated over bins
        ({"rate": 1e-2 * np.exp(1.0)}, {"rate": 1e-2}, np.exp(2.0)),
        ({"plain": 0.1}, {"plain": 0.9}, 1.0),
    ],
)
def test_densities_are_those_of_the_priors(
    less: dict[str, Any], more: dict[str, Any], ratio: float
) -> None:
    belief = belief_of(SPACE)
    difference = belief.log_density(at(**more))[0] - belief.log_density(at(**less))[0]
    assert np.exp(difference[0]) == pytest.approx(ratio, rel=0.1)


def test_the_gradient_is_that_of_finite_differences() -> None:
    belief, X, step = belief_of(SPACE), at(rate=3e-3), 1e-7
    _, gradient = belief.log_density(X)
    up, down = X.copy(), X.copy()
    up[0, 0], down[0, 0] = up[0, 0] + step, down[0, 0] - step
    numeric = (belief.log_density(up)[0] - belief.log_density(down)[0])[0] / (2 * step)
    assert gradient[0, 0] == pytest.approx(numeric, rel=1e-4)
    assert gradient[0, 4] == 0.0


def test_nothing_is_excluded_and_nothing_inactive_counts() -> None:
    belief = belief_of(Space(x=Float(0, 1, prior=Normal(0.0, 1e-3))))
    far = belief.log_density(np.array([[1.0]]))[0]
    assert -20 < far[0] < -5
    assert belief.log_density(np.array([[np.nan]]))[0].tolist() == [0.0]


def test_what_is_typical_is_the_median_or_the_likeliest_choice() -> None:
    typical = SPACE.encoding.decode(belief_of(SPACE).typical[None])[0]
    assert (typical["kind"], typical["depth"], typical["size"]) == ("b", 3, "m")
    assert typical["rate"] == pytest.approx(1e-2, rel=0.1)
    assert typical["plain"] == 0.5


def test_without_priors_there_is_no_belief() -> None:
    assert not belief_of(Space(x=Float(0, 1)))
    assert belief_of(Space(x=Float(0, 1, prior=Beta(2, 5))))
