"""Nearest neighbours. Scale the data first: distances add the features up."""

from __future__ import annotations

from luthier.space import Categorical, Int, Space

__all__ = ["nearest_neighbours"]


def nearest_neighbours() -> Space:
    """``KNeighborsClassifier`` and ``KNeighborsRegressor``.

    One to thirty neighbours (Probst et al. 2019, table 1), on a log scale; weights and the two
    usual distances as in auto-sklearn.

    References:
        Probst, Boulesteix, Bischl, Tunability, arXiv:1802.09596. Feurer et al., Auto-sklearn 2.0,
        arXiv:2007.04074.

    Example:
        >>> nearest_neighbours().default()
        {'n_neighbors': 5, 'weights': 'uniform', 'p': 2}
    """
    return Space(
        n_neighbors=Int(1, 30, log=True, default=5),
        weights=Categorical(["uniform", "distance"], default="uniform"),
        p=Categorical([2, 1], default=2),
    )
