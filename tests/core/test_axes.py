from __future__ import annotations

import numpy as np

from luthier.core.axes import axes_of
from luthier.numerics.parzen import Parzen
from luthier.space import (
    Beta,
    Categorical,
    Constant,
    Float,
    Int,
    Normal,
    Ordinal,
    Permutation,
    Space,
)


def test_every_parameter_has_an_axis_in_the_order_of_the_encoding() -> None:
    space = Space(
        x=Float(0, 1),
        n=Int(1, 4),
        k=Constant(3),
        o=Ordinal(["s", "m", "l"]),
        c=Categorical(["a", "b"]),
        p=Permutation(list("uvw")),
    )
    axes = axes_of(space)
    assert [axis.kind for axis in axes] == ["number", "number", "number", "choice", "order"]
    assert sum(axis.width for axis in axes) == space.encoding.width
    assert axes[0].edges is None
    np.testing.assert_allclose(axes[1].edges, [0, 0.25, 0.5, 0.75, 1])
    assert len(axes[2].edges) == 4  # type: ignore[arg-type]


def test_bins_hold_the_values_they_stand_for() -> None:
    for param in (Int(1, 50, log=True), Int(3, 60, step=3), Float(0.5, 4, step=0.5, log=False)):
        space = Space(v=param)
        [axis] = axes_of(space)
        configs = list(space.enumerate())
        u = space.encoding.encode(configs)[:, 0]
        assert axis.edges is not None
        np.testing.assert_array_equal(np.searchsorted(axis.edges, u) - 1, np.arange(len(configs)))


def test_without_observations_the_axes_are_the_users_belief() -> None:
    space = Space(
        x=Float(0, 10, prior=Normal(3, 1)),
        n=Int(1, 9, prior=Beta(2, 5)),
        c=Categorical(["a", "b"], prior=[3, 1]),
    )
    belief = Parzen(np.empty((0, 3)), axes_of(space))
    drawn = space.encoding.decode(belief.sample(4000, np.random.default_rng(0)))
    assert abs(np.mean([d["x"] for d in drawn]) - 3) < 0.1
    assert abs(np.mean([d["c"] == "a" for d in drawn]) - 0.75) < 0.03
    rows = space.encoding.encode([{"x": x, "n": 3, "c": "a"} for x in (3.0, 6.0)])
    likely, unlikely = belief.log_density(rows)
    np.testing.assert_allclose(likely - unlikely, 4.5, atol=0.1)  # (3 sigma)^2 / 2
