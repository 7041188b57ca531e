"""Local importance: what would change if one parameter of the best trial were changed alone.

The forest predicts along each parameter, all others as in the best trial; the variance along it, in
shares of the sum over parameters, is its importance there. A parameter that isn't active in the
best trial has none; where a change makes others active, they are drawn.

References:
    Biedenkapp, Marben, Lindauer, Hutter, CAVE: configuration assessment, visualization and
    evaluation, LION 12 (2018), section on local parameter importance.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.importance.findings import Findings
from luthier.analysis.importance.surrogate import Surrogate

__all__ = ["by_local"]

Array = NDArray[np.float64]
_POINTS: Final = 64
_FILLINGS: Final = 8


def by_local(model: Surrogate, best: Array, rng: np.random.Generator) -> Findings:
    """Return the variance of the prediction along each parameter of the best trial.

    Args:
        model: Predicts.
        best: The best trial, NaN where inactive, shape (d,).
        rng: Draws what is inactive.
    """
    domain = model.domain
    centre = domain.filled(np.tile(best, (_FILLINGS, 1)), rng)
    lines, sizes = [], []
    for factor in domain.factors:
        along = factor.spread(_POINTS)
        if np.isnan(best[list(factor.columns)]).any():
            along = along[:0]
        points = np.repeat(centre[None], len(along), axis=0)
        points[:, :, factor.columns] = along[:, None, :]
        lines.append(points.reshape(-1, len(best)))
        sizes.append(len(along))
    every = np.vstack(lines)
    forests = (model.grown(rng), *model.replicates(rng))
    effects = np.array([_variances(forest.predict(every)[0], sizes) for forest in forests])
    total = np.maximum(effects.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    shares = effects / total
    return Findings(shares[0], shares[1:])


def _variances(predicted: Array, sizes: list[int]) -> Array:
    """The variance along each line, fillings averaged out."""
    means = predicted.reshape(-1, _FILLINGS).mean(axis=1)
    lines = np.split(means, np.cumsum(sizes)[:-1])
    return np.array([line.var() if len(line) else 0.0 for line in lines])
