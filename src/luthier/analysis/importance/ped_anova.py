"""PED-ANOVA: which parameters differ between the best trials and the others.

It needs no model, and costs milliseconds: of each parameter, the density of its values among the
best tenth of trials is compared with that among all. It answers what matters for getting there,
in the trials as they were made: where a search has spent most of them near its best, less.

A conditional parameter is compared where it is active, with weight alpha^2 / beta: alpha is the
share of the best trials in which it is, beta that of all. All is multiplied by the square of
the share that the best are, as the variance of the share of best trials is.

With random sets in place of the best, the same gives what a parameter without effect would show.

References:
    Watanabe, Bansal, Hutter, PED-ANOVA, IJCAI 2023, arXiv:2304.10255.
    Conditional PED-ANOVA, arXiv:2601.20800, theorem 4.2: the weights.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.importance.domain import Domain
from luthier.analysis.importance.findings import Findings
from luthier.errors import ArgumentError
from luthier.numerics.fanova import Factor
from luthier.numerics.ped_anova import (
    choice_kernels,
    densities,
    number_kernels,
    pearson_divergence,
)

__all__ = ["among_best", "by_ped_anova"]

Array = NDArray[np.float64]
_CELLS: Final = 50
_REPLICATES: Final = 40
_FEWEST: Final = 2


def by_ped_anova(
    domain: Domain,
    X: Array,
    y: Array,
    rng: np.random.Generator,
    *,
    target: float = 0.1,
    region: float = 1.0,
    local: bool = True,
    blurred: bool = False,
) -> Findings:
    """Return what parameters add to getting among the best.

    Args:
        domain: The parameters.
        X: Trials, NaN where inactive, shape (n, d).
        y: Lower is better, shape (n,).
        rng: Draws replicates.
        target: The share of trials that are the best, above 0.
        region: The share of trials that they are compared with, above ``target``, at most 1.
        local: Compare with the density of the trials made. If not, with an even one: then
            ``region`` has no effect but on what is the best.
        blurred: Whether densities of choices are as flat as in Optuna, which counts differences
            between choices for a third of what they are.

    Raises:
        ArgumentError: Shares that aren't as they must be.
    """
    if not 0 < target < region <= 1:
        raise ArgumentError(
            "ped_anova: shares must be 0 < target < region <= 1, got "
            f"target={target!r}, region={region!r}."
        )
    kept = among_best(y, region)
    X, best = X[kept], among_best(y, target)[kept]
    n = len(X)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=_REPLICATES).astype(np.float64)
    order = np.argsort(rng.random((_REPLICATES, n)), axis=1)
    random_best = (order < np.count_nonzero(best)).astype(np.float64)
    every = np.vstack([np.ones(n), drawn])
    top = np.vstack([best, drawn * best, random_best])
    weights, places = (every, top), range(len(domain.factors))
    ways = local, blurred
    effects = np.column_stack([_effects(domain, k, X, weights, ways) for k in places])
    found, replicates, by_chance = np.split(effects, [1, 1 + _REPLICATES])
    return Findings(found[0], replicates, chance=np.quantile(by_chance, 0.95, axis=0))


def among_best(y: Array, share: float) -> NDArray[np.bool_]:
    """Return which are among the best share, those equal to its last included, shape (n,).

    Example:
        >>> among_best(np.array([3.0, 1.0, 2.0, 2.0]), 0.5).tolist()
        [False, True, True, True]
    """
    k = math.ceil(share * len(y)) - 1
    chosen: NDArray[np.bool_] = y <= np.partition(y, k)[k]
    return chosen


def _effects(
    domain: Domain,
    place: int,
    X: Array,
    weights: tuple[Array, Array],
    ways: tuple[bool, bool],
) -> Array:
    """The effect for each weighting of the best trials, beside one of all (else the first)."""
    factor, (every, top), (local, blurred) = domain.factors[place], weights, ways
    values = X[:, factor.columns]
    active = ~np.isnan(values).any(axis=1)
    if np.count_nonzero(active) < _FEWEST or not top[0, active].any():
        return np.zeros(len(top))
    region = np.append(np.arange(len(every)), np.zeros(len(top) - len(every), dtype=np.intp))
    n_every, n_top = every.sum(axis=1)[region], top.sum(axis=1)
    every, top = (every, top) if active.all() else (every[:, active], top[:, active])
    alpha = top.sum(axis=1) / np.maximum(n_top, 1)
    beta = np.maximum(every.sum(axis=1)[region], 1) / n_every
    weight = alpha**2 / beta * (n_top / n_every) ** 2
    found = np.zeros(len(top))
    for j, column in enumerate(factor.columns):
        choices = domain.categories[column]
        cells, size = _cells(factor, values[active, j], choices)
        member = (cells[:, None] == np.arange(size)).astype(np.float64)
        counts = top @ member, every @ member
        blur = size / (2 * size + 1) if blurred else 0.0
        kernels = [choice_kernels(size, blur) if choices else number_kernels(c[0]) for c in counts]
        p, q = (densities(c, k) for c, k in zip(counts, kernels, strict=True))
        found += pearson_divergence(p, q[region] if local else np.full(size, 1 / size))
    effect: Array = weight * found / len(factor.columns)  # of a permutation: of its items' places
    return effect


def _cells(factor: Factor, u: Array, choices: int) -> tuple[NDArray[np.intp], int]:
    """The cell that each value of a column is in, and how many there are."""
    values = factor.measure.values
    if factor.atoms is not None:
        values = np.unique(factor.atoms)
    if choices:
        return u.astype(np.intp), choices
    if values is None or len(values) > _CELLS:
        return np.minimum((u * _CELLS).astype(np.intp), _CELLS - 1), _CELLS
    middles = (values[1:] + values[:-1]) / 2
    return np.searchsorted(middles, u), len(values)
