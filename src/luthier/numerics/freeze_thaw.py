"""Freeze-thaw: which of some unfinished learning curves is worth the next step?

Every choice draws how far to look ahead and how much better than the best to aim, and goes on with
the curve that is likeliest to get there. Near horizons and modest aims exploit, far and bold ones
explore; drawing them anew makes a portfolio of the two, without a setting to tune.

    name      meaning                                              shape
    Y         curves, lower is better, NaN where not observed      (n, t)
    reached   how many steps each has behind it                    (n,)

References:
    Swersky et al., Freeze-thaw Bayesian optimization, arXiv:1406.3896.
    Rakotoarison et al., In-context freeze-thaw Bayesian optimization for hyperparameter
        optimization, arXiv:2404.16795: MFPI-random, section 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from luthier.numerics.learning_curve import Forecast, forecast

__all__ = ["choose"]

Array = NDArray[np.float64]
_BOLDNESS: Final = (-4.0, -1.0)  # of what is left to gain, as powers of ten


def choose(Y: Array, steps: Sequence[float] | Array, rng: np.random.Generator) -> int | None:
    """Return the row of the curve to continue by one step.

    What is left to gain is unknown where a loss has no bound; the distance from the best value to
    the median stands for it.

    Args:
        Y: Lower is better, NaN where not observed, shape (n, t). A row of NaN alone is a curve that
            hasn't started, as good as the usual one.
        steps: Increasing and at least 0; the last one ends a curve, shape (t,).
        rng: Source of the horizon and the aim.

    Returns:
        Its row; None if all curves have ended.

    Raises:
        ArgumentError: The shapes don't match, or the steps don't increase from at least 0.

    Example:
        >>> Y = np.array([[0.5, 0.2, np.nan], [0.5, 0.6, np.nan], [0.4, 0.3, 0.25]])
        >>> choose(Y, [1, 3, 9], np.random.default_rng(0))
        0
    """
    seen, t = ~np.isnan(Y), len(steps)
    reached = np.where(seen.any(axis=1), t - np.argmax(seen[:, ::-1], axis=1), 0)
    unfinished = np.flatnonzero(reached < t)
    if not len(unfinished):
        return None
    if not seen.any():
        return int(unfinished[0])
    ahead = int(rng.integers(1, t + 1))
    values = Y[seen]
    best = float(values.min())
    aim = best - 10.0 ** rng.uniform(*_BOLDNESS) * (float(np.median(values)) - best)
    goals = np.minimum(reached + ahead, t) - 1
    used, place = np.unique(goals, return_inverse=True)
    every = forecast(Y, steps, at=np.asarray(steps, dtype=np.float64)[used])
    own = np.arange(len(Y)), place.reshape(-1)
    there = Forecast(every.weights, every.means[own][:, None], every.deviations[own][:, None])
    chance = there.below(aim)[:, 0]
    return int(unfinished[np.argmax(chance[unfinished])])
