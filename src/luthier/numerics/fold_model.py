"""Candidates on folds: who may still be the best, and whose next fold says most about it?

A score is made of how good the candidate is, how hard the fold is, and chance:

    y_ij = mu + f_i + d_j + e_ij,    f_i ~ N(0, s_f),  d_j ~ N(0, s_d),  e_ij ~ N(0, s_e)

So a fold on which everybody does badly speaks against nobody, and candidates can be compared that
were not scored on the same folds. What is wanted is a candidate's mean over all folds, of which
some are known: chance remains only in the others. The prior of mu is flat, which makes the
variances those of restricted maximum likelihood.

    name      meaning                                                    shape
    Y         scores, lower is better, NaN where a fold wasn't run       (n, k)
    S         which folds were run                                       (n, k)
    counts    how many                                                   (n,)
    W         S, each row divided by its count                           (n, k)
    kappa     what share of a mean residual is taken for the candidate's (n,)
    b, B      mu + d_j: mean and covariance given Y                      (k,), (k, k)
    G         what a candidate's mean over all folds owes to b           (n, k)

References:
    Henderson, Best linear unbiased estimation and prediction under a selection model (Biometrics
        1975): the equations that ``_solve`` condenses to the folds.
    Dempster, Laird and Rubin, Maximum likelihood from incomplete data via the EM algorithm (JRSS B
        1977), section 4.4: the variances.
    Chick and Inoue, New two-stage and sequential procedures for selecting the best simulated
        system (Operations Research 2001): sampling where the expected gain of the choice is large.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.numerics.acquisition import expected_improvement

__all__ = ["Standing", "Variances", "choose", "standing", "variances"]

Array = NDArray[np.float64]
_ITERATIONS: Final = 6
_TINY: Final = 1e-6  # of the scores' variance: the least that a variance may be
_WORTH: Final = 0.09  # of a standard error over all folds: the least gain that a fold is run for
_SURE: Final = 1e-6  # of it: the spread of what is known
_FEWEST: Final = 8
_EQUAL: Final = 1e-9  # of a mean: what rounding makes of equal ones


@final
@dataclass(frozen=True, slots=True)
class Variances:
    """Where differences of scores come from: the candidates, the folds, and chance."""

    candidates: float
    folds: float
    noise: float


@final
@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What is known of the candidates' means over all folds.

    Attributes:
        mean: Expected, shape (n,).
        own: Variance that is a candidate's own, shape (n,).
        loadings: What each mean owes to the folds, shape (n, k).
        folds: Covariance of the folds, shape (k, k).
    """

    mean: Array
    own: Array
    loadings: Array
    folds: Array

    def spread(self, other: int) -> Array:
        """Standard deviation of each candidate's difference from another, shape (n,)."""
        apart = self.loadings - self.loadings[other]
        variance = self.own + self.own[other] + ((apart @ self.folds) * apart).sum(axis=1)
        variance[other] = 0.0
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def variances(Y: Array, iterations: int = 50) -> Variances:
    """Estimate where differences of scores come from, by restricted maximum likelihood.

    Args:
        Y: Scores, NaN where a fold wasn't run, shape (n, k); there is one.
        iterations: Steps of expectation and maximisation. Six are enough to choose by.

    Example:
        >>> Y = np.array([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0], [6.0, 7.0, 8.0]])
        >>> found = variances(Y)
        >>> bool(found.noise < 0.05 < 0.5 < found.folds < found.candidates)
        True
    """
    k, total = Y.shape[1], float(np.nanvar(Y)) or 1.0
    least = _TINY * total
    found = Variances(total / 2, total / 10, total / 4)
    for _ in range(iterations):
        part = _solve(Y, found)
        common = part.W @ part.B
        of_f = part.rest + part.kappa**2 * (common * part.W).sum(axis=1)
        residual = Y - part.b - part.f[:, None]
        of_residual = np.diag(part.B) + of_f[:, None] - 2 * part.kappa[:, None] * common
        of_d = np.trace(part.B) - part.B.sum() / k
        found = Variances(
            max(float(np.mean(part.f**2 + of_f)), least),
            max(float(((part.b - part.b.mean()) ** 2).sum() + of_d) / max(k - 1, 1), least),
            max(float((residual**2 + of_residual)[part.S].mean()), least),
        )
    return found


def standing(Y: Array, given: Variances) -> Standing:
    """Return what is known of the candidates' means over all folds.

    Args:
        Y: Scores, NaN where a fold wasn't run, shape (n, k). A row of NaN alone is a candidate
            of which nothing is known yet.
        given: The variances.

    Example:
        >>> Y = np.array([[1.0, 3.0], [2.0, np.nan]])
        >>> standing(Y, Variances(candidates=1e6, folds=1.0, noise=0.01)).mean.round(2)
        array([2.  , 2.99])
    """
    part, k = _solve(Y, given), Y.shape[1]
    left = (k - part.counts) / k
    seen = np.where(part.S, Y, 0.0).sum(axis=1)
    G = ~part.S / k - (left * part.kappa)[:, None] * part.W
    mean = seen / k + left * part.kappa * seen / np.maximum(part.counts, 1) + G @ part.b
    return Standing(mean, left**2 * part.rest + left * given.noise / k, G, part.B)


def choose(Y: Array, free: NDArray[np.bool_], least: float = -math.inf) -> tuple[int, bool]:
    """Return whose next fold says most about who is best, and whether it is worth running.

    The leader has the lowest expected mean. The challenger is the candidate with the largest
    expected gain over the leader. The next fold goes to whichever of the two has run fewer; it is
    worth running if the gain is at least 0.09 of the standard error that scores have over
    all folds: what is smaller than that cross-validation can't see anyway.

    Args:
        Y: Scores, lower is better, NaN where a fold wasn't run, shape (n, k). Each candidate has
            run one, or none of those that fold.
        free: Whose next fold could be run now, shape (n,).
        least: The lowest score there can be. A candidate that couldn't get below the best mean over
            all folds by it neither leads nor challenges. One that was gone below isn't believed.

    Returns:
        The row, and whether; the leader's row where no fold is worth running.

    Example:
        >>> Y = np.array([[0.1, 0.2, 0.1], [0.1, np.nan, np.nan], [0.9, np.nan, np.nan]])
        >>> choose(Y, np.array([False, True, True]))
        (1, True)
        >>> choose(Y[[0, 2]], np.array([False, True]))
        (0, False)
    """
    rows = _contenders(Y)
    found = variances(Y[rows], _ITERATIONS)
    known = standing(Y[rows], found)
    out = _beaten(Y[rows], least)
    leader = int(np.argmin(np.where(out, np.inf, known.mean)))
    unit = math.sqrt(found.noise / Y.shape[1])
    spread = np.maximum(known.spread(leader), _SURE * unit)
    gain = expected_improvement(known.mean, spread, known.mean[leader]).value
    gain[out] = gain[leader] = -np.inf
    counts, k = (~np.isnan(Y[rows])).sum(axis=1), Y.shape[1]
    open_ = free[rows] & (counts < k)
    worth = gain > _WORTH * unit
    for challenger in np.argsort(-gain, kind="stable").tolist():
        if not worth[challenger]:
            break
        two = [i for i in (challenger, leader) if open_[i]]
        if two:
            return int(rows[min(two, key=lambda i: counts[i])]), True
    return int(rows[leader]), False


def _beaten(Y: Array, least: float) -> NDArray[np.bool_]:
    """Who can't get below the best mean over all folds, whatever the folds to come bring."""
    left = np.isnan(Y)
    whole = ~left.any(axis=1)
    if not (whole.any() and np.nanmin(Y) >= least > -math.inf):
        return np.zeros(len(Y), dtype=bool)
    best = Y[whole].mean(axis=1).min()
    reached = np.where(left, least, Y).mean(axis=1)
    return np.asarray(~whole & (reached >= best - _EQUAL * np.abs(best)))


def _contenders(Y: Array) -> NDArray[np.intp]:
    """The better half by the mean distance from the folds' medians, and at least eight.

    Of the others nothing is expected; but their scores scatter more, and would pass for chance.
    """
    run = Y[:, ~np.isnan(Y).all(axis=0)]
    distance = np.nanmean(run - np.nanmedian(run, axis=0), axis=1)
    n = max(_FEWEST, -(-len(Y) // 2))
    return np.sort(np.argsort(distance, kind="stable")[:n])


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The solution of the model's equations; see the table at the top."""

    S: NDArray[np.bool_]
    counts: NDArray[np.intp]
    W: Array
    kappa: Array
    rest: Array  # variance of f given b
    b: Array
    B: Array
    f: Array  # expected


def _solve(Y: Array, v: Variances) -> _Part:
    S, k = ~np.isnan(Y), Y.shape[1]
    counts = S.sum(axis=1)
    kappa = counts * v.candidates / (v.noise + counts * v.candidates)
    W = S / np.maximum(counts, 1)[:, None]
    y = np.where(S, Y, 0.0)
    means = y.sum(axis=1) / np.maximum(counts, 1)
    shared = (S * (kappa / np.maximum(counts, 1))[:, None]).T @ S
    A = (np.eye(k) - 1.0 / k) / v.folds + (np.diag(S.sum(axis=0)) - shared) / v.noise
    B = np.linalg.inv(A)
    b = B @ ((y.sum(axis=0) - kappa * means @ S) / v.noise)
    rest = v.candidates * v.noise / (v.noise + counts * v.candidates)
    return _Part(S, counts, W, kappa, rest, b, B, kappa * (means - W @ b))
