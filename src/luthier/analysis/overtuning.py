"""Overtuning: what a search lost by going on, because its scores were too noisy to follow.

The incumbent after t candidates is the best by validation score so far. A later incumbent may be
worse in truth than an earlier one; that loss is overtuning. With errors e (lower is better) and
v(t), e(t) the validation and the test error of the incumbent after t candidates:

    overtuning(t)    =  e(t) - min over s <= t of e(s)
    relative(t)      =  overtuning(t) / (e(1) - min over s <= t of e(s))
    optimism(t)      =  e(t) - v(t)

A relative overtuning of 0 lost nothing, 1 lost all that had been won over the first candidate (the
default), and above 1 the search ended worse than it began.

References:
    Schneider, Bischl, Feurer, Overtuning in Hyperparameter Optimization (AutoML 2025),
    arXiv 2506.19540, section 3. What is called optimism here is their meta-overfitting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.analysis.wording import Worded
from luthier.errors import ArgumentError

__all__ = ["Overtuning", "overtuning"]

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Overtuning(Worded):
    """How the incumbent of a search did in truth, candidate by candidate.

    Attributes:
        incumbents: Places of the incumbents among the candidates, shape (n,).
        absolute: Overtuning after each candidate, in units of the score, at least 0, shape (n,).
        relative: Its share of what had been won over the first candidate, shape (n,); NaN while
            nothing has been won.
        optimism: By how much the validation score of the incumbent is better than its test score,
            shape (n,).
    """

    incumbents: NDArray[np.intp]
    absolute: Array
    relative: Array
    optimism: Array

    @property
    def final(self) -> float:
        """The overtuning of the winner."""
        return float(self.absolute[-1])

    @property
    def worse_than_first(self) -> bool:
        """Whether the search ended worse than it began."""
        return bool(self.relative[-1] > 1 or (np.isnan(self.relative[-1]) and self.final > 0))

    def __str__(self) -> str:
        if self.final == 0:
            return "No overtuning: the winner is the best of all incumbents."
        lost = f"Overtuning: the winner is {self.final:.3g} behind the best incumbent"
        if np.isnan(self.relative[-1]):
            return f"{lost}, which is the first candidate."
        return f"{lost}: {self.relative[-1]:.0%} of what had been won over the first candidate."


def overtuning(
    validation: ArrayLike, test: ArrayLike, *, greater_is_better: bool = True
) -> Overtuning:
    """Compute the overtuning of a search after each of its candidates.

    Args:
        validation: What the search saw, in order of evaluation, shape (n,). NaN never leads.
        test: The same candidates' scores on other data, shape (n,); only those of incumbents
            matter.
        greater_is_better: Whether both are scores, or else errors.

    Returns:
        The series.

    Raises:
        ArgumentError: Shapes that differ, no candidate, or none with a validation score.

    Example:
        >>> found = overtuning([0.80, 0.85, 0.90], [0.78, 0.84, 0.81])
        >>> found.absolute.round(2).tolist(), found.relative.round(2).tolist()
        ([0.0, 0.0, 0.03], [nan, 0.0, 0.5])
    """
    sign = -1.0 if greater_is_better else 1.0
    v, e = (sign * np.asarray(given, dtype=np.float64) for given in (validation, test))
    if v.ndim != 1 or v.shape != e.shape or not len(v) or np.isnan(v[0]):
        raise ArgumentError(
            "overtuning: validation and test must be of one equal length, at least 1, and begin "
            f"with a number, got shapes {v.shape} and {e.shape}."
        )
    incumbents = _incumbents(v)
    truth = e[incumbents]
    best = np.minimum.accumulate(truth)
    lost, won = truth - best, truth[0] - best
    relative = np.divide(lost, won, out=np.full(len(v), np.nan), where=won > 0)
    return Overtuning(incumbents, lost, relative, truth - v[incumbents])


def _incumbents(errors: Array) -> NDArray[np.intp]:
    """The place of the lowest error so far, the first of equals."""
    lowest = np.fmin.accumulate(errors)
    leads = np.r_[True, errors[1:] < lowest[:-1]]
    return np.maximum.accumulate(np.where(leads, np.arange(len(errors)), 0))
