"""A surrogate: what a random forest, grown on the completed trials, says of values not tried.

    name        meaning                                                       shape
    T           number of trees
    X_B         the background: trials whose other parameters are kept        (b, d)
    m_t(x)      the prediction of tree t
    f_t(v)      mean over the background of m_t(v, x_B): partial dependence

    f(v) = mean_t f_t(v)        uncertainty(v) = std_t f_t(v)

References:
    Friedman, Greedy function approximation, Annals of Statistics 29 (2001), section 8.2.
    Moosbauer et al., Explaining hyperparameter optimization via partial dependence plots,
    arXiv:2111.04820: why the uncertainty must be shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.numerics import forest
from luthier.plots.relevance import LARGEST
from luthier.plots.results import Results, thinned
from luthier.space import Space

__all__ = ["FEWEST", "Surrogate", "surrogate"]

Array = NDArray[np.float64]
_TREES: Final = 48
_GROWN: Final = 1_500
FEWEST: Final = 8
"""So many trials it takes to learn anything."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Surrogate:
    """A forest and what it was grown on; made by ``surrogate``.

    Attributes:
        model: The forest.
        X: The trials it knows, encoded, shape (n, d).
        columns: The first column of each parameter.
    """

    model: forest.Forest
    X: Array
    columns: dict[str, int]

    def knows(self, names: Sequence[str]) -> bool:
        """Whether enough trials have all of these parameters to tell how they act."""
        columns = [self.columns[name] for name in names]
        return int((~np.isnan(self.X[:, columns])).all(axis=1).sum()) >= FEWEST

    def pair(self, names: Sequence[str]) -> list[str]:
        """Return the first two of these parameters that are known together, else the first two."""
        pairs = [list(pair) for pair in combinations(names, 2)]
        return next(filter(self.knows, pairs), list(names[:2]))

    def dependence(
        self, names: Sequence[str], grid: Array, background: int
    ) -> tuple[Array, Array] | None:
        """Return the partial dependence on parameters.

        Trials in which one of them is inactive are no part of the background.

        Args:
            names: Parameters, k of them.
            grid: Their values in the encoding, shape (g, k).
            background: How many trials the others are taken from.

        Returns:
            Mean and uncertainty, shapes (g,); None where too few trials have these parameters.
        """
        columns = [self.columns[name] for name in names]
        known = self.X[~np.isnan(self.X[:, columns]).any(axis=1)]
        if len(known) < FEWEST:
            return None
        rows = known[thinned(len(known), background)]
        points = np.repeat(rows[None], len(grid), axis=0)
        points[:, :, columns] = grid[:, None, :]
        by_tree = self.model.by_tree(points.reshape(-1, self.X.shape[1]))
        curves = by_tree.reshape(len(by_tree), len(grid), len(rows)).mean(axis=2)
        return curves.mean(axis=0), curves.std(axis=0)


def surrogate(space: Space, found: Results, target: Array, seed: int) -> Surrogate | None:
    """Grow a forest.

    Args:
        space: The space.
        found: Trials.
        target: A number for each, shape (n,); NaN is left out, infinity counts as the worst.
        seed: Makes it the same each time.

    Returns:
        None if there are too few trials.
    """
    known = np.flatnonzero(~np.isnan(target))
    finite = target[np.isfinite(target)]
    if len(known) < FEWEST or not len(finite) or not space.encoding.width:
        return None
    places = known[thinned(len(known), _GROWN)]
    X = space.encoding.encode([found.trials[k].params for k in places])
    low, high = max(finite.min(), -LARGEST), min(finite.max(), LARGEST)
    y = np.clip(target[places], low, high)
    columns = space.encoding.columns
    categories = [column.categories for column in columns]
    rng = np.random.default_rng(seed)
    model = forest.fit(X, y, categories, rng, n_trees=_TREES, min_leaf=3)
    first = {column.name: k for k, column in reversed(list(enumerate(columns)))}
    return Surrogate(model, X, first)
