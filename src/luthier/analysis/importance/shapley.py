"""Shapley effects: the variance of the objective, all of it shared out among the parameters.

What parameters explain only together is shared equally among them, so that effects add up to the
variance and a parameter that matters only through another has its due. They are drawn, on the
forest as a model of the objective, over the whole space; ``numerics/shapley.py`` says how.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.importance.findings import Findings
from luthier.analysis.importance.surrogate import Surrogate
from luthier.numerics.shapley import shapley_effects

__all__ = ["by_shapley"]

Array = NDArray[np.float64]
_DRAWS: Final = 1_500


def by_shapley(model: Surrogate, rng: np.random.Generator) -> Findings:
    """Return the Shapley effects, in shares of the variance."""
    whole = model.grown(rng)
    parts = list(model.replicates(rng))
    x, z = model.domain.draw(_DRAWS, rng), model.domain.draw(_DRAWS, rng)

    def values(points: Array) -> Array:
        return np.stack([forest.predict(points)[0] for forest in (whole, *parts)])

    columns = [factor.columns for factor in model.domain.factors]
    draws = shapley_effects(values, x, z, columns, rng)
    effects = draws.mean(axis=1)
    total = np.maximum(effects.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    shares = np.maximum(effects / total, 0.0)
    return Findings(shares[0], shares[1:])
