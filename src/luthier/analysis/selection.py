"""Which candidate to take: the best mean isn't the only rule, and with few samples not the best.

- "best": the highest mean score.
- "one_se": the cheapest (or simplest) of those that are at most one standard error below the best
  mean; the error is that of the difference on common splits.
- "posterior": the highest posterior mean in the model of ``shrinkage.py``, in which a candidate
  that was scored on fewer splits is believed less. It is the best mean where all were scored on
  all.

References:
    Breiman, Friedman, Olshen, Stone, Classification and regression trees (1984), section 3.4.3:
    the rule of one standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.analysis.comparison import checked_scores, corrected_variance
from luthier.analysis.shrinkage import shrunk
from luthier.errors import ArgumentError

__all__ = ["RULES", "Choice", "choose"]

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True)
class Choice:
    """The candidate that a rule takes.

    Attributes:
        index: Its place among the candidates.
        best: The place of the best mean.
        eligible: How many candidates the rule couldn't tell from the best.
    """

    index: int
    best: int
    eligible: int


Rule = Callable[[Array, float, Array | None], tuple[int, int]]


def choose(
    scores: ArrayLike, rule: str = "best", *, ratio: float = 0.25, cost: ArrayLike | None = None
) -> Choice:
    """Take a candidate.

    Args:
        scores: Higher is better, shape (n, J): candidates by common splits. For "posterior" NaN
            where a candidate wasn't scored on a split.
        rule: A name of ``RULES``.
        ratio: Samples in a test set over samples in its training set; 1 / (k - 1) for k folds.
        cost: What each candidate costs, or how complex it is, shape (n,); for "one_se".

    Returns:
        The choice. Of equals the first is taken.

    Raises:
        ArgumentError: No table of finite scores, an unknown rule, or "one_se" without costs.

    Example:
        >>> scores = [[0.90, 0.95, 0.91], [0.91, 0.92, 0.95], [0.5, 0.5, 0.6]]
        >>> choose(scores).index, choose(scores, "one_se", cost=[1, 20, 1]).index
        (1, 0)
    """
    if rule not in RULES:
        raise ArgumentError(f"choose: rule must be one of {', '.join(RULES)}, got {rule!r}.")
    y = checked_scores(scores, "choose", partial=rule == "posterior")
    costs = None if cost is None else np.asarray(cost, dtype=np.float64)
    if rule == "one_se" and (costs is None or costs.shape != y.shape[:1]):
        raise ArgumentError(
            f"choose: 'one_se' needs the cost of each of the {len(y)} candidates, got "
            f"{'none' if costs is None else f'shape {costs.shape}'}."
        )
    index, eligible = RULES[rule](y, ratio, costs)
    return Choice(index, int(np.argmax(np.nanmean(y, axis=1))), eligible)


def _best(y: Array, ratio: float, cost: Array | None) -> tuple[int, int]:
    z = y.mean(axis=1)
    return int(np.argmax(z)), int(np.sum(z == z.max()))


def _posterior(y: Array, ratio: float, cost: Array | None) -> tuple[int, int]:
    mean = shrunk(y).mean
    return int(np.argmax(mean)), int(np.sum(mean == mean.max()))


def _one_standard_error(y: Array, ratio: float, cost: Array | None) -> tuple[int, int]:
    z = y.mean(axis=1)
    best = int(np.argmax(z))
    behind = y[best] - y
    several = y.shape[1] > 1
    error = np.sqrt(corrected_variance(behind, ratio)) if several else np.zeros(len(y))
    eligible = np.flatnonzero(z[best] - z <= error)
    assert cost is not None
    order = np.lexsort((-z[eligible], cost[eligible]))  # the cheapest; of equals the best
    return int(eligible[order[0]]), len(eligible)


RULES: Mapping[str, Rule] = MappingProxyType(
    {"best": _best, "one_se": _one_standard_error, "posterior": _posterior}
)
