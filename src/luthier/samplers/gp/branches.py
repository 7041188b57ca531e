"""Branches: the combinations of choices that other parameters depend on.

A model that knows one branch well expects little of the others, and may be wrong: it has seen few
of their trials, and none at their best. So some trials are a rival's, the branch that could most
easily turn out to be the best with one trial more:

    b* = argmin n_b g_b^2    among those with n_b <= n / 4

    name    meaning
    n_b     how many trials branch b has had; n: those of the branch that holds the best
    g_b     its best value less the best of all, at most 1, in units of what is usual in a rival
            (the median over rivals of their medians) less the best of all

A branch of which n_b g_b^2 is above 2 isn't a rival any more. These are the ratios of optimal
computing budget allocation, with the best of a branch in place of its mean.

References:
    Chen et al., Simulation budget allocation for further enhancing the efficiency of ordinal
    optimization, Discrete Event Dynamic Systems 10 (2000).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.axes import parents_of
from luthier.space import Space, sample
from luthier.space.relations import Check

__all__ = ["Branches", "branches_of"]

Array = NDArray[np.float64]
_MOST: Final = 64
_DRAWN: Final = 512
_OFF: Final = -1.0  # the code of a choice that doesn't apply
_LEAST_GAP: Final = 0.02
_ENOUGH: Final = 2.0
_SHARE: Final = 0.25


@final
class Branches:
    """The branches of a space.

    Args:
        parents: The columns of the choices that others depend on, shape (p,).
        X: Configurations that are allowed, encoded, shape (n, d): what isn't among them isn't
            known to be a branch.

    Example:
        >>> branches = Branches(np.array([0]), np.array([[0.0, 0.3], [1.0, np.nan]]))
        >>> len(branches), branches.of(np.array([[1.0, np.nan]])).tolist()
        (2, [1])
    """

    def __init__(self, parents: NDArray[np.intp], X: Array) -> None:
        self._parents = parents
        self._keys = np.unique(self._keys_of(X), axis=0)

    def __len__(self) -> int:
        return len(self._keys)

    def of(self, X: Array) -> NDArray[np.intp]:
        """Return the branch of each row: a number below ``len(self)``, or -1, shape (n,)."""
        same = (self._keys_of(X)[:, None] == self._keys).all(axis=2)
        return np.where(same.any(axis=1), np.argmax(same, axis=1), -1)

    def rival(self, X: Array, y: Array) -> int | None:
        """Return the branch that should be looked at once more, None if none should.

        Args:
            X: Trials, encoded, shape (n, d).
            y: Values, lower is better, infinite where a trial doesn't count, shape (n,).

        Example:
            >>> X = np.array([[0.0], [0.0], [0.0], [0.0], [1.0], [2.0]])
            >>> Branches(np.array([0]), X).rival(X, np.array([1.0, 2.0, 2.0, 1.5, 1.6, 9.0]))
            1
        """
        of = self.of(X)
        tried = [y[of == b] for b in range(len(self))]
        best = np.array([values.min(initial=np.inf) for values in tried])
        leader = int(np.argmin(best))
        if not np.isfinite(best[leader]):
            return None
        gap = (best - best[leader]) / _usual(tried[:leader] + tried[leader + 1 :], best[leader])
        count = np.array([len(values) for values in tried])
        claim = count * np.clip(gap, _LEAST_GAP, 1.0) ** 2
        claim[count > _SHARE * count[leader]] = np.inf
        chosen = int(np.argmin(claim))
        return chosen if claim[chosen] <= _ENOUGH else None

    def _keys_of(self, X: Array) -> Array:
        return np.nan_to_num(X[:, self._parents], nan=_OFF)


@lru_cache(maxsize=16)
def branches_of(space: Space, checks: tuple[Check, ...]) -> Branches | None:
    """Return the branches of a space, made once; None of one, of many, or where numbers decide.

    Args:
        space: The space.
        checks: Its relations.
    """
    parents = parents_of(space)
    if not len(parents) or not all(space.encoding.columns[j].categories for j in parents):
        return None
    configs = sample(space, _DRAWN, np.random.default_rng(0))
    branches = Branches(parents, space.encoding.encode(configs))
    return branches if 1 < len(branches) <= _MOST else None


def _usual(rivals: list[Array], least: float) -> float:
    """How far above the least value the values of rivals usually are; 1 if they aren't."""
    seen = (values[np.isfinite(values)] for values in rivals)
    medians = [float(np.median(values)) for values in seen if len(values)]
    gap = float(np.median(medians)) - least if medians else 0.0
    return gap if gap > 0 else 1.0
