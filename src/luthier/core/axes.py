"""What a Parzen estimator must know of a space: the kind, bins and prior of every parameter.

Without observations such an estimator is the user's belief: ``prior_of``.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from luthier.numerics.parzen import Axis, Parzen
from luthier.space import Categorical, Constant, Float, Int, Ordinal, Param, Permutation, Space
from luthier.space.numeric import codec_of
from luthier.space.scales import forward

__all__ = ["axes_of", "parents_of", "prior_of"]

Array = NDArray[np.float64]
_CELLS: Final = 256
_MOST_BINS: Final = 400  # finer ones are as good as continuous: widths are 0.01 at least


@lru_cache(maxsize=16)
def axes_of(space: Space) -> tuple[Axis, ...]:
    """Return the axes of a space's encoding, in its order, with the user's priors.

    Args:
        space: The space; constants have no axis.

    Example:
        >>> [axis.kind for axis in axes_of(Space(x=Float(0, 1), c=Categorical(["a", "b"])))]
        ['number', 'choice']
    """
    return tuple(_axis(param) for param in space.values() if not isinstance(param, Constant))


@lru_cache(maxsize=32)
def prior_of(space: Space, *, believed: bool = True) -> Parzen:
    """Return the density of the user's priors; an even one if they aren't to be believed."""
    axes = axes_of(space)
    if not believed:
        axes = tuple(replace(axis, prior=None) for axis in axes)
    return Parzen(np.empty((0, space.encoding.width)), axes)


@lru_cache(maxsize=16)
def parents_of(space: Space) -> NDArray[np.intp]:
    """Return the columns of the parameters that conditions look at."""
    conditions = [param.when for param in space.values() if param.when is not None]
    names = {name for condition in conditions for name in condition.names}
    columns = space.encoding.columns
    return np.array([i for i, column in enumerate(columns) if column.name in names], dtype=np.intp)


def _axis(param: Param) -> Axis:
    if isinstance(param, Categorical):
        return Axis("choice", param.size, prior=_weights(param))
    if isinstance(param, Permutation):
        return Axis("order", param.width)
    edges = _edges(param)
    return Axis("number", edges=edges, prior=_prior(param, edges))


def _edges(param: Param) -> Array | None:
    """Where the bins of a discrete parameter meet, in [0, 1]."""
    if param.size > _MOST_BINS:
        return None
    k = int(param.size)
    if isinstance(param, Float | Int) and param.scale not in ("linear", "power_of_two") and k > 1:
        values = [param.value_at(i) for i in range(k)]
        u = np.array([codec_of(param).to_unit(v) for v in values])
        t = np.array([forward(param.scale)(v) for v in values])
        middles = [forward(param.scale)((a + b) / 2) for a, b in pairwise(values)]
        inner = u[0] + (np.array(middles) - t[0]) * (u[-1] - u[0]) / (t[-1] - t[0])
        return np.concatenate([[0.0], inner, [1.0]])
    return np.arange(k + 1) / k


def _prior(param: Param, edges: Array | None) -> Array | None:
    if isinstance(param, Ordinal):
        return _weights(param)
    if not isinstance(param, Float | Int) or param.prior is None:
        return None
    if edges is None:
        to_value = codec_of(param).to_value
        ends = np.array([to_value(u) for u in np.linspace(0, 1, _CELLS + 1)], dtype=np.float64)
    else:
        values = [float(param.value_at(i)) for i in range(len(edges) - 1)]
        low, high = param.edges
        ends = np.array([low, *(np.add(values[1:], values[:-1]) / 2), high])
    return _normalised(np.diff(param.prior.cdf(ends)))


def _weights(param: Categorical | Ordinal) -> Array | None:
    return None if param.prior is None else _normalised(np.array(param.prior, dtype=np.float64))


def _normalised(shares: Array) -> Array:
    """Probabilities, none of them 0: a belief may be wrong."""
    kept = np.maximum(shares / shares.sum(), 1e-6 / len(shares))
    normalised: Array = kept / kept.sum()
    return normalised
