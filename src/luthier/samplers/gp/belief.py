"""What the user believes of the optimum: the priors of parameters, as densities over the cube.

Each column with a prior has a table of log densities at knots, between which is interpolated. Over
numbers on a scale, a density is one of the encoded value: a prior that is flat on a parameter's
own scale says nothing.

References:
    Hvarfner et al., piBO: augmenting acquisition functions with user beliefs, arXiv:2204.11051.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.space import Categorical, Float, Int, Ordinal, Param, Space
from luthier.space.numeric import codec_of

__all__ = ["Belief", "belief_of"]

Array = NDArray[np.float64]
_BINS: Final = 256
_LEAST: Final = 1e-6  # of the highest density: no prior excludes anything for good


@final
class Belief:
    """The priors of a space's parameters.

    Args:
        space: The space.

    Attributes:
        typical: The median of each column, or the likeliest choice, shape (d,).
    """

    def __init__(self, space: Space) -> None:
        columns = space.encoding.columns
        self._tables = {
            j: table
            for j, column in enumerate(columns)
            if (table := _table(space[column.name])) is not None
        }
        self.typical = np.where([column.categories for column in columns], 0.0, 0.5)
        for j, (knots, logs) in self._tables.items():
            total = np.cumsum(np.exp(logs))
            middle = np.searchsorted(total, total[-1] / 2)
            self.typical[j] = knots[np.argmax(logs) if columns[j].categories else middle]

    def __bool__(self) -> bool:
        return bool(self._tables)

    def log_density(self, X: Array) -> tuple[Array, Array]:
        """Return the log density at points, and its gradient; what is NaN doesn't count.

        Args:
            X: Encoded, shape (n, d).

        Returns:
            Up to a constant, shape (n,), and the gradient, shape (n, d).
        """
        value, gradient = np.zeros(len(X)), np.zeros_like(X)
        for j, (knots, logs) in self._tables.items():
            x = np.where(np.isnan(X[:, j]), knots[0], X[:, j])
            value += np.where(np.isnan(X[:, j]), 0.0, np.interp(x, knots, logs))
            if len(knots) > 1:
                left = np.clip(np.searchsorted(knots, x) - 1, 0, len(knots) - 2)
                slope = np.diff(logs) / np.diff(knots)
                inside = (x > knots[0]) & (x < knots[-1])
                gradient[:, j] = np.where(inside, slope[left], 0.0)
        return value, gradient


@lru_cache(maxsize=16)
def belief_of(space: Space) -> Belief:
    """Return the belief that a space expresses, made once."""
    return Belief(space)


def _table(param: Param) -> tuple[Array, Array] | None:
    """Knots in the encoding, and the log densities there; None without a prior."""
    if not isinstance(param, Categorical | Ordinal | Float | Int) or param.prior is None:
        return None
    if isinstance(param, Categorical | Ordinal):
        mass = np.array(param.prior, dtype=np.float64)
        steps = np.arange(len(mass), dtype=np.float64)
        knots = steps if isinstance(param, Categorical) else (steps + 0.5) / len(mass)
    else:
        codec, (low, high) = codec_of(param), param.edges
        n = int(min(param.size, _BINS))
        knots = (np.arange(n) + 0.5) / n
        if n < _BINS:
            values = np.array([param.value_at(k) for k in range(n)], dtype=np.float64)
            knots = np.array([codec.to_unit(param.value_at(k)) for k in range(n)])
            edges = np.concatenate([[low], (values[1:] + values[:-1]) / 2, [high]])
            width = np.ones(n)
        else:
            inner = [codec.to_value(k / n) for k in range(1, n)]
            edges = np.array([low, *inner, high], dtype=np.float64)
            width = np.full(n, 1.0 / n)
        mass = np.diff(param.prior.cdf(edges)) / width
    return knots, np.log(np.maximum(mass / mass.max(), _LEAST))
