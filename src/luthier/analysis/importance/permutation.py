"""Permutation importance: how much worse trials are predicted once a parameter's values are mixed.

Forests predict trials that they haven't seen; then the values of a parameter are dealt anew among
those of them in which it is active. By how much the squared error grows, in shares of the variance
of all values, is its importance: what the model needs it for, interactions included. Trials as they
were made are judged, not the whole space.

References:
    Breiman, Random forests, Machine Learning 45 (2001), section 10.
    Fisher, Rudin, Dominici, All models are wrong, but many are useful, JMLR 20 (2019),
    arXiv:1801.01489.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.importance.findings import Findings
from luthier.analysis.importance.surrogate import Surrogate

__all__ = ["by_permutation"]

Array = NDArray[np.float64]
_REPEATS: Final = 5
_REPLICATES: Final = 200


def by_permutation(
    model: Surrogate, active: NDArray[np.bool_], rng: np.random.Generator
) -> Findings:
    """Return by how much errors grow.

    Args:
        model: Predicts.
        active: Whether each parameter is active in each trial, shape (n, p).
        rng: Deals values anew.
    """
    n, p = active.shape
    growth = np.zeros((n, p))
    for fold in model.folds:
        X, y = model.X[fold.rows], model.y[fold.rows]
        before = (fold.forest.predict(X)[0] - y) ** 2
        for k, factor in enumerate(model.domain.factors):
            rows, columns = np.flatnonzero(active[fold.rows, k]), np.array(factor.columns)
            for _ in range(_REPEATS):
                mixed = X.copy()
                dealt = rng.permutation(rows)
                mixed[np.ix_(rows, columns)] = X[np.ix_(dealt, columns)]
                after = (fold.forest.predict(mixed)[0] - y) ** 2
                growth[fold.rows, k] += (after - before) / _REPEATS
    growth /= model.y.var()
    weights = rng.multinomial(n, np.full(n, 1 / n), size=_REPLICATES) / n
    return Findings(np.maximum(growth.mean(axis=0), 0.0), np.maximum(weights @ growth, 0.0))
