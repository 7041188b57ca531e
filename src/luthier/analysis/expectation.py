"""What the winner of a search can be expected to score on data to come.

Its own mean score is too good: it won because its noise was kind. Three estimates without that
bias, from the scores y of n candidates on J splits:

- "tibshirani": the mean over splits of how much the winner of all splits falls behind the winner
  of that split alone is taken off.
- "bootstrap": candidates are chosen by splits drawn with replacement and scored on those that
  weren't drawn, many times over.
- "shrinkage": the posterior mean of the winner in the model of ``shrinkage.py``.

The interval is that of a mean of scores on overlapping splits (``comparison.py``), around the
estimate.

References:
    Tibshirani, Tibshirani, A bias correction for the minimum error rate in cross-validation,
    Annals of Applied Statistics 3 (2009), eq. 3.
    Tsamardinos, Greasidou, Borboudakis, Bootstrapping the out-of-sample predictions for efficient
    and accurate cross-validation, Machine Learning 107 (2018), algorithm 3; here over splits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, final, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.analysis.comparison import checked_scores, corrected_variance
from luthier.analysis.shrinkage import shrunk
from luthier.errors import ArgumentError

__all__ = ["Expectation", "Method", "expected_score"]

Array = NDArray[np.float64]
Method = Literal["shrinkage", "tibshirani", "bootstrap", "none"]
_DRAWS: Final = 500


@final
@dataclass(frozen=True, slots=True)
class Expectation:
    """The expected score of a winner.

    Attributes:
        mean: The estimate.
        low: Lower end of the interval.
        high: Upper end; both are infinite if there was one split only.
        observed: The winner's mean score as it was observed.
    """

    mean: float
    low: float
    high: float
    observed: float

    @property
    def optimism(self) -> float:
        """How much of the observed score is owed to having been chosen."""
        return self.observed - self.mean


def expected_score(
    scores: ArrayLike,
    ratio: float,
    *,
    winner: int | None = None,
    method: Method = "shrinkage",
    level: float = 0.95,
) -> Expectation:
    """Estimate what the winner of a search will score.

    Args:
        scores: Higher is better, shape (n, J): all candidates that might have won. For
            "shrinkage" NaN where one wasn't scored on a split.
        ratio: Samples in a test set over samples in its training set; 1 / (k - 1) for k folds.
        winner: Its place among the candidates; None is that of the best mean.
        method: How selection is corrected for; see above. "none" doesn't.
        level: The interval's coverage, between 0 and 1.

    Returns:
        The estimate and its interval.

    Raises:
        ArgumentError: No table of finite scores, or an unknown method.

    Example:
        >>> scores = 0.9 + 0.02 * np.random.default_rng(0).normal(size=(50, 5))
        >>> found = expected_score(scores, ratio=0.25)
        >>> bool(found.observed > 0.91), bool(abs(found.mean - 0.9) < 0.01)
        (True, True)
    """
    from scipy.special import stdtrit

    partial = method in ("shrinkage", "none")
    y = checked_scores(scores, "expected_score", partial=partial)
    if method not in get_args(Method):
        raise ArgumentError(
            f"expected_score: method must be one of {', '.join(get_args(Method))}, got {method!r}."
        )
    best = int(np.argmax(np.nanmean(y, axis=1))) if winner is None else winner
    own = y[best][np.isfinite(y[best])]
    observed = float(own.mean())
    mean = observed - _optimism(y, best, method)
    if len(own) < 2:
        return Expectation(mean, -np.inf, np.inf, observed)
    t = float(stdtrit(len(own) - 1, 0.5 + level / 2))
    reach = t * float(np.sqrt(corrected_variance(own, ratio)))
    return Expectation(mean, mean - reach, mean + reach, observed)


def _optimism(y: Array, winner: int, method: Method) -> float:
    if method == "none" or y.shape[1] < 2 or len(y) < 2:
        return 0.0
    if method == "tibshirani":
        return float(np.mean(y.max(axis=0) - y[winner]))
    if method == "bootstrap":
        return float(y[winner].mean()) - _out_of_bag(y)
    believed = shrunk(y)
    return float(believed.observed[winner] - believed.mean[winner])


def _out_of_bag(y: Array) -> float:
    rng = np.random.default_rng(0)
    splits = y.shape[1]
    counts = rng.multinomial(splits, np.full(splits, 1 / splits), size=_DRAWS)
    counts = counts[(counts == 0).any(axis=1)]
    chosen = np.argmax(y @ counts.T, axis=0)
    out = counts == 0
    return float(np.mean(np.sum(y[chosen] * out, axis=1) / out.sum(axis=1)))
