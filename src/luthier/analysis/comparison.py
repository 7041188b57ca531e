"""Whether one candidate is better than another, by their scores on the same splits.

Splits of one data set share samples, so the scores of J splits vary less than those of J new data
sets would. Nadeau and Bengio correct the variance of their mean: with the variance s2 of the scores
and r = n_test / n_train samples,

    var  =  (1 / J + r) s2                          eq. 7, Nadeau and Bengio (2003)

However many splits are averaged, r s2 remains: it is what another data set would change. For the
difference of two candidates on common splits, s2 is that of the differences; the difference over
its standard error is compared with Student's t of J - 1 degrees of freedom (for repeated k-fold
cross-validation, Bouckaert and Frank 2004; as a posterior, Corani and Benavoli 2015).

References:
    Nadeau, Bengio, Inference for the generalization error, Machine Learning 52 (2003).
    Bouckaert, Frank, Evaluating the replicability of significance tests (PAKDD 2004).
    Corani, Benavoli, A Bayesian approach for comparing cross-validated algorithms on multiple data
    sets, Machine Learning 100 (2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.errors import ArgumentError

__all__ = ["Difference", "checked_scores", "corrected_variance", "difference"]

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True)
class Difference:
    """How much better one candidate is than another.

    Attributes:
        mean: Mean difference of their scores; positive if the first is better.
        std_error: Its standard error, corrected for splits that share samples.
        probability: That the first is better on data to come, from 0 to 1.
    """

    mean: float
    std_error: float
    probability: float


def difference(
    first: ArrayLike, second: ArrayLike, ratio: float, *, optimism: float = 0.0
) -> Difference:
    """Compare two candidates by their scores on the same splits.

    Args:
        first: Scores of one, higher is better, shape (J,).
        second: Scores of the other on the same splits, shape (J,).
        ratio: Samples in a test set over samples in its training set; 1 / (k - 1) for k folds.
        optimism: How much of the first one's mean score is owed to having been chosen.

    Returns:
        The difference; the probability is 0.5 where all differences are 0, or J = 1.

    Raises:
        ArgumentError: Shapes that differ, or scores that aren't finite.

    Example:
        >>> found = difference([0.9, 0.8, 0.9, 0.9], [0.8, 0.8, 0.8, 0.9], ratio=1 / 3)
        >>> round(found.mean, 3), round(found.std_error, 3), round(found.probability, 2)
        (0.05, 0.044, 0.83)
    """
    from scipy.special import stdtr

    a, b = checked_scores([first, second], "difference")
    d = a - b
    mean = float(d.mean()) - optimism
    if len(d) < 2 or not np.any(d):
        return Difference(mean, 0.0, 0.5)
    if not np.ptp(d):
        return Difference(mean, 0.0, float(mean > 0))
    error = float(np.sqrt(corrected_variance(d, ratio)))
    return Difference(mean, error, float(stdtr(len(d) - 1, mean / error)))


def corrected_variance(scores: ArrayLike, ratio: float) -> Array:
    """Return the variance of the mean of scores on splits of one data set.

    Args:
        scores: Shape (..., J), J >= 2.
        ratio: Samples in a test set over samples in its training set.

    Returns:
        Shape (...).

    Example:
        >>> round(float(corrected_variance([0.7, 0.8, 0.9], ratio=0.5)), 5)
        0.00833
    """
    values = np.asarray(scores, dtype=np.float64)
    variance: Array = (1 / values.shape[-1] + ratio) * values.var(axis=-1, ddof=1)
    return variance


def checked_scores(scores: object, where: str, *, partial: bool = False) -> Array:
    """Return scores as an array of candidates by splits.

    Args:
        scores: What was given.
        where: The function that it was given to.
        partial: Whether NaN may stand where a candidate wasn't scored on a split.

    Raises:
        ArgumentError: It isn't a table of finite numbers with a row and a column at least, or a
            candidate has no score.
    """
    try:
        table = np.asarray(scores, dtype=np.float64)
    except ValueError:
        table = np.empty(0)
    known = np.isfinite(table)
    enough = known.any(axis=-1) & ~np.isinf(table).any(axis=-1) if partial else known.all(axis=-1)
    if table.ndim != 2 or not table.size or not np.all(enough):
        most = ", of each candidate one at least," if partial else ""
        raise ArgumentError(
            f"{where}: scores must be finite numbers{most} of shape (candidates, splits), both at "
            f"least 1, got shape {table.shape}. Leave out candidates that lack scores."
        )
    return table
