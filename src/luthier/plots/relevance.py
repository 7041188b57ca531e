"""Relevance: which parameters a figure shows first if nobody says so.

The share of a target's variance that lies between groups of a parameter, beyond what as many
groups share by chance (epsilon squared), a group being a choice, or an eighth of the trials by
value; trials in which it is inactive add nothing. It looks at one parameter at a time; for what
matters and how sure that is see ``analysis.importance``.

References:
    Kelley, An unbiased correlation ratio measure, PNAS 21 (1935).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from luthier.plots.axis import axis_of
from luthier.plots.panels import chosen_params
from luthier.plots.results import Results
from luthier.space import Permutation, Space

__all__ = ["LARGEST", "by_relevance", "epsilon_squared", "modelled", "relevance"]

Array = NDArray[np.float64]
_GROUPS: Final = 8
_MANY: Final = 1_000
LARGEST: Final = 1e100
"""Beyond it values count as equal: squares must stay finite."""


def by_relevance(space: Space, found: Results, target: Array, most: int) -> list[str]:
    """Return the parameters that vary, most relevant first.

    Args:
        space: The space.
        found: Trials.
        target: A number for each, shape (n,).
        most: How many.
    """
    share = relevance(space, found, target)
    return sorted(share, key=lambda name: -share[name])[:most]


def modelled(
    space: Space, params: Sequence[str] | None, found: Results, target: Array
) -> list[str]:
    """Return the parameters that a figure of a model may show: orders have no axis there.

    Args:
        space: The space.
        params: Those that were asked for; None: all that vary, most relevant first.
        found: Trials.
        target: A number for each, shape (n,).

    Raises:
        UnknownParamError: The space doesn't have one of them.
    """
    if params is None:
        names = by_relevance(space, found, target, len(space))
    else:
        names = chosen_params(space, params, len(params))
    return [name for name in names if not isinstance(space[name], Permutation)]


def relevance(space: Space, found: Results, target: Array) -> dict[str, float]:
    """Return how relevant each parameter that varies is, in [0, 1]; 0 for all of too few trials."""
    names = chosen_params(space, None, len(space))
    rows = np.flatnonzero(np.isfinite(target))
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), _MANY)).astype(np.intp)]
    if len(rows) < 2:
        return dict.fromkeys(names, 0.0)
    trials = [found.trials[k] for k in rows.tolist()]
    share = {}
    for name in names:
        axis = axis_of(name, space[name], trials)
        share[name] = epsilon_squared(axis.places(trials), target[rows], axis.is_listed)
    return share


def epsilon_squared(places: Array, target: Array, listed: bool) -> float:
    """Return the share of variance between groups beyond chance, in [0, 1].

    Args:
        places: A parameter's values, NaN where it is inactive, shape (n,).
        target: Shape (n,).
        listed: Whether values are choices.

    Example:
        >>> epsilon_squared(np.array([0.0, 0.0, 1.0, 1.0]), np.array([1.0, 1.0, 2.0, 2.0]), True)
        1.0
    """
    known = ~np.isnan(places)
    target = np.clip(target, -LARGEST, LARGEST)
    total = float(target.var())
    at, y = places[known], target[known]
    if not known.any() or total == 0:
        return 0.0
    if listed:
        group = at.astype(np.intp)
    else:
        edges = np.quantile(at, np.linspace(0, 1, _GROUPS + 1)[1:-1])
        group = np.searchsorted(edges, at, side="left")
    _, group = np.unique(group, return_inverse=True)
    counts = np.bincount(group)
    means = np.bincount(group, y) / counts
    between = float((counts * (means - y.mean()) ** 2).sum())
    within = float(((y - means[group]) ** 2).sum())
    free = len(y) - len(counts)
    by_chance = (len(counts) - 1) * within / free if free > 0 else between
    return max(between - by_chance, 0.0) / (total * len(target))
