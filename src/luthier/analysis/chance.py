"""Chance: would random search have done as well?

A random search on the same space is played on what the trials so far show of the objective. Each of
64 trees of a random forest is one guess of the whole objective: it is grown on two thirds of the
trials until each leaf holds one, so it answers any configuration by a value that was observed
nearby. Trials that were ended early count as no better than the median; trials that failed or broke
constraints teach a second forest where that happens. With F_k(v) the share of random configurations
that tree k gives a value of at most v,

    P(best of t random trials <= v)  =  mean over k of  1 - (1 - F_k(v))^t

    name      meaning                                                       shape
    V         what each tree says of each random configuration              (64, 4000)
    p         probability that a configuration gives a value that counts    (4000,)

On six functions with known answers (tests/analysis/test_chance.py, docs/adr/0030-diagnosis.md) this
told the chance that random does as well within some hundredths, better than forests with their
variance and draws of a Gaussian process. What random would have reached is told too kindly where a
search left most of the space unseen: its good values stand for their surroundings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.outcomes import Outcomes, outcomes_of, place_of_metric
from luthier.analysis.wording import Worded, counted, number, percent
from luthier.core.history import History
from luthier.core.rng import generator
from luthier.core.trial import TrialState
from luthier.errors import InfeasibleSpaceError
from luthier.numerics import forest
from luthier.numerics.warp import warped
from luthier.space import Space
from luthier.space.sample import sample

__all__ = ["AgainstRandom", "against_random"]

Array = NDArray[np.float64]
_FEWEST: Final = 10
_MOST: Final = 4000
_TREES: Final = 64
_POINTS: Final = 4000
_SHARE: Final = 0.632
_BUDGETS: Final = 40
_FAR: Final = 1000.0  # times as many trials that are looked at


@final
@dataclass(frozen=True, slots=True, eq=False)
class AgainstRandom(Worded):
    """What random search would have reached.

    Attributes:
        metric: The objective.
        n: How many trials have finished; random search is given as many.
        best: The best value that was reached; NaN if none counts.
        budgets: Numbers of trials up to n, empty if too little is known, shape (b,).
        median: What random search would have reached after each, shape (b,).
        low: Lower end of its 90% interval, shape (b,).
        high: Upper end, shape (b,). Neither is better than ``best``: what lies beyond it nobody
            has seen.
        probability: That it would have done at least as well with n trials; NaN if unknown.
        needed: With how many random trials that is as likely as not; infinite if with more than
            1,000 n.
        alone: Whether it is the only objective. Of several a search seeks the front, and reaches
            its ends by luck more often.
    """

    metric: str
    n: int
    best: float
    budgets: NDArray[np.intp]
    median: Array
    low: Array
    high: Array
    probability: float
    needed: float
    alone: bool

    def __str__(self) -> str:
        if not len(self.budgets):
            return (
                f"Whether random search would have done as well can't be told: it takes {_FEWEST} "
                "trials with different values, and parameters."
            )
        said = (
            f"Random search would have reached {number(self.median[-1])} in "
            f"{counted(self.n, 'trial')} ({number(self.low[-1])} to {number(self.high[-1])}), this "
            f"one reached {number(self.best)}. The chance that random does as well is "
            f"{percent(self.probability) if self.probability else 'under 1%'}"
        )
        if self.probability > 0.25 and not self.alone:
            return f"{said}: it sought the whole front, not this end of it."
        if self.probability > 0.25:
            return f"{said}: what it found may be luck. Is the space small, or the objective noisy?"
        if math.isinf(self.needed):
            return f"{said}."
        return f"{said}; it would take some {_rounded(self.needed)} trials."


def against_random(
    history: History, space: Space, *, metric: str | None = None, seed: int = 0
) -> AgainstRandom:
    """Tell whether random search would have done as well.

    Args:
        history: The study; any. All finished trials count, however short.
        space: Its space, from whose priors random search draws.
        metric: Which objective; the first if None.
        seed: Of the forests and the draws.

    Returns:
        What was found; it says so itself if there are too few trials.

    Raises:
        ArgumentError: An unknown metric.

    Example:
        >>> from luthier import Float, create_study
        >>> space = Space({f"x{i}": Float(0, 1) for i in range(4)})
        >>> study = create_study(space=space, strategy="gp", seed=0)
        >>> study.optimize(lambda t: sum((v - 0.3) ** 2 for v in t.params.values()), n_trials=40)
        >>> against_random(study.history, study.space).probability < 0.05
        True
    """
    place = place_of_metric(history, metric, "against_random")
    found = outcomes_of(history, space)
    sign = float(found.signs[place])
    name, alone = history.objective.names[place], len(history.objective.names) == 1
    usable = found.feasible & np.isfinite(found.Y[:, place])
    best = float(found.Y[usable, place].min()) if usable.any() else math.nan
    said = _played(found, place, usable, space, generator(seed, "chance"))
    if said is None:
        none = np.empty(0)
        return AgainstRandom(
            name,
            len(found),
            sign * best,
            np.empty(0, np.intp),
            none,
            none,
            none,
            math.nan,
            math.nan,
            alone,
        )
    values, shares = said
    n = len(found)
    budgets = np.unique(np.geomspace(1, n, _BUDGETS).round().astype(np.intp))
    low, median, high = np.array([_quantiles(values, shares, t) for t in budgets]).T
    ends = np.sort(sign * np.array([low, high]), axis=0)
    here = shares[:, values <= best][:, -1]
    return AgainstRandom(
        name,
        n,
        sign * best,
        budgets,
        sign * median,
        ends[0],
        ends[1],
        float(np.mean(1 - (1 - here) ** n)),
        _needed(here, n),
        alone,
    )


def _played(
    found: Outcomes, place: int, usable: NDArray[np.bool_], space: Space, rng: np.random.Generator
) -> tuple[Array, Array] | None:
    """Values, ascending, and the share of configurations that each tree puts at or below them.

    Returns:
        Shapes (v,) and (64, v); None if too little is known.
    """
    X, y = _known(found, place, usable)
    if usable.sum() < _FEWEST or not X.shape[1] or not np.ptp(found.Y[usable, place]):
        return None
    try:
        points = space.encoding.encode(sample(space, _POINTS, rng))
    except InfeasibleSpaceError:
        return None
    if len(y) > _MOST:
        rows = np.sort(np.append(rng.permutation(len(y))[: _MOST - 1], y.argmin()))
        X, y = X[rows], y[rows]
    categories = [column.categories for column in space.encoding.columns]
    warped_y = warped(y)
    trees = forest.fit(X, warped_y, categories, rng, n_trees=_TREES, share=_SHARE)
    p = _counting(found, usable, points, categories, rng)
    values, code = np.unique(warped_y, return_inverse=True)
    V = np.searchsorted((values[1:] + values[:-1]) / 2, trees.by_tree(points))
    cells = V + len(values) * np.arange(_TREES)[:, None]
    weights = np.bincount(
        cells.ravel(), np.tile(p / len(p), _TREES), minlength=_TREES * len(values)
    )
    shares = np.minimum(np.cumsum(weights.reshape(_TREES, -1), axis=1), 1.0)
    own = np.full(len(values), np.inf)
    np.minimum.at(own, code.reshape(-1), y)
    return own, shares


def _known(found: Outcomes, place: int, usable: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Trials with a value that counts, and those ended early, which are as the median."""
    if not usable.any():
        return found.X[:0], np.empty(0)
    pruned = found.states == TrialState.PRUNED
    y = np.where(usable, found.Y[:, place], np.nan)
    y[pruned] = np.nanmedian(y)
    return found.X[usable | pruned], y[usable | pruned]


def _counting(
    found: Outcomes,
    usable: NDArray[np.bool_],
    points: Array,
    categories: list[int],
    rng: np.random.Generator,
) -> Array:
    """The probability that each configuration gives a value that counts, shape (c,)."""
    fine = usable | (found.states == TrialState.PRUNED)
    if fine.all():
        return np.ones(len(points))
    rows = rng.permutation(len(fine))[:_MOST]
    trees = forest.fit(found.X[rows], fine[rows].astype(np.float64), categories, rng, min_leaf=3)
    return trees.predict(points)[0]


def _quantiles(values: Array, shares: Array, t: int) -> tuple[float, float, float]:
    """The 5%, 50% and 95% quantiles of the best of t random trials."""
    reached = 1 - np.mean((1 - shares) ** t, axis=0)
    places = np.minimum(np.searchsorted(reached, [0.05, 0.5, 0.95]), len(values) - 1)
    low, median, high = values[places].tolist()
    return low, median, high


def _needed(here: Array, n: int) -> float:
    """How many random trials reach a value with probability 1/2 if trees give it these shares."""
    low, high = 0.0, math.log(_FAR * n)
    if np.mean(1 - (1 - here) ** math.exp(high)) < 0.5:
        return math.inf
    for _ in range(60):
        middle = (low + high) / 2
        enough = np.mean(1 - (1 - here) ** math.exp(middle)) >= 0.5
        low, high = (low, middle) if enough else (middle, high)
    return math.exp(high)


def _rounded(count: float) -> str:
    digits = max(len(str(int(count))) - 2, 0)
    return f"{round(count, -digits):,.0f}"
