"""Chance: would random search have done as well?

Where at least half of the trials were drawn at random, their values tell. The shares of the space
that lie between neighbours among m sorted values are Dirichlet(1, ..., 1), whatever the objective.

Trials that a model chose crowd where it is good, and say little of how much of the space is. There
a Gaussian process of all trials is asked for the values of random configurations, with their noise.
Trials that were ended early count as no better than the median; a forest tells where trials fail or
break constraints. How much of the space reaches a value is then doubted: each of 200
guesses raises the shares to a power of its own.

    P(best of t random trials <= v)  =  mean over k of  1 - (1 - F_k(v))^t
    F_k(v)  =  F(v)^exp(0.4 z_k),  z_k ~ N(0, 1)

    name      meaning                                                       shape
    F_k       share of random configurations of a value of at most v        (200, v)
    p         probability that a configuration gives a value that counts    (8000,)

How well that does where random search is known: docs/adr/0030-diagnosis.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.outcomes import Outcomes, outcomes_of, place_of_metric
from luthier.analysis.reasons import is_drawn
from luthier.analysis.wording import Worded, counted, number, percent
from luthier.core.history import History
from luthier.core.rng import generator
from luthier.core.trial import TrialState
from luthier.errors import InfeasibleSpaceError
from luthier.numerics import forest, gp
from luthier.numerics.warp import warped
from luthier.space import Space
from luthier.space.sample import sample

__all__ = ["AgainstRandom", "against_random"]

Array = NDArray[np.float64]
_FEWEST: Final = 10
_MOST: Final = 4000
_MOST_MODELLED: Final = 150
_MOST_VALUES: Final = 1000
_GUESSES: Final = 200
_POINTS: Final = 8000
_DOUBT: Final = 0.4
_SKILL: Final = 0.4  # nats: of noise it is below 0.3, of seven functions without noise above 0.5
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
        drawn: How many trials drawn at random it was counted from; 0 if a model told it.
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
    drawn: int
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
            said += ": it sought the whole front, not this end of it."
        elif self.probability > 0.25:
            said += ": what it found may be luck. Is the space small, or the objective noisy?"
        elif math.isinf(self.needed):
            said += "."
        else:
            within = "two or three" if self.drawn else "ten"
            needed = f"{_rounded(self.needed)} trials, give or take a factor of {within}"
            said += f"; it would take some {needed}."
        if self.drawn:
            return f"{said} (Counted: {counted(self.drawn, 'trial')} were drawn at random.)"
        return f"{said} (An estimate: a model tells it, for most trials weren't drawn at random.)"


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
            0,
            alone,
        )
    values, shares, drawn = said
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
        drawn,
        alone,
    )


def _played(
    found: Outcomes, place: int, usable: NDArray[np.bool_], space: Space, rng: np.random.Generator
) -> tuple[Array, Array, int] | None:
    """Values, ascending, and the share of configurations that each guess puts at or below them.

    Returns:
        Shapes (v,) and (200, v), and from how many trials the shares were counted, 0 if a model
        told them; None if too little is known.
    """
    y = np.where(usable, found.Y[:, place], math.inf)
    if usable.sum() < _FEWEST or not found.X.shape[1] or not np.ptp(y[usable]):
        return None
    values, times = np.unique(y[usable], return_counts=True)
    kept = _thinned(len(values))
    values, times = values[kept], times[kept]
    drawn = np.array([is_drawn(trial) for trial in found.trials])
    if drawn.sum() >= max(_FEWEST, len(found) / 2):
        return values, _counted(values, y[drawn], rng), int(drawn.sum())
    share = _modelled(found, usable, y, (values, times), space, rng)
    if share is None:
        return None
    return values, share ** np.exp(_DOUBT * rng.standard_normal((_GUESSES, 1))), 0


def _counted(values: Array, drawn: Array, rng: np.random.Generator) -> Array:
    """Shares as values drawn at random tell them: Dirichlet weights of the gaps between these."""
    kept = _thinned(len(drawn))
    known = np.sort(drawn)[kept]
    weights = rng.dirichlet(np.diff(kept, prepend=-1, append=len(drawn)), _GUESSES)
    below = np.pad(np.cumsum(weights, axis=1), ((0, 0), (1, 0)))
    gap = np.searchsorted(known, values, side="right")
    chosen = ~np.isin(values, known)  # what a model reached divides the gap that it lies in
    before = np.r_[0, np.cumsum(chosen)]
    order = before[1:] - before[np.searchsorted(gap, gap)]
    parts = np.bincount(gap[chosen], minlength=len(known) + 1)[gap] + 1
    within = np.where(chosen, order / parts, 0.0)
    return np.asarray(below[:, gap] + within * weights[:, gap])


def _modelled(
    found: Outcomes,
    usable: NDArray[np.bool_],
    y: Array,
    seen: tuple[Array, NDArray[np.intp]],
    space: Space,
    rng: np.random.Generator,
) -> Array | None:
    """The shares of configurations at or below values, as a model tells it, shape (v,).

    ``seen`` are these values, ascending, and how often each came.
    """
    try:
        points = space.encoding.encode(sample(space, _POINTS, rng))
    except InfeasibleSpaceError:
        return None
    pruned = found.states == TrialState.PRUNED
    y = np.where(pruned, np.median(y[usable]), y)
    rows = _kept(y, usable | pruned)
    Z = warped(y[rows])
    categories = [column.categories for column in space.encoding.columns]
    model = gp.fit(found.X[rows], Z, categories=categories)
    told = model.mean(points) + _noise(model, Z) * rng.standard_normal(len(points))
    p = _counting(found, usable, points, categories, rng)
    order = np.argsort(told)
    below = np.r_[0.0, np.cumsum(p[order])] / len(p)
    known, first = np.unique(y[rows], return_index=True)
    values, times = seen
    levels = np.interp(values, known, Z[first])
    steps = (times > 1)[:-1]  # a step reaches half way to the next: nothing lies between
    levels[:-1] += np.where(steps, np.diff(levels) / 2, 0.0)
    return np.asarray(np.minimum(below[np.searchsorted(told[order], levels, side="right")], 1.0))


def _thinned(n: int) -> NDArray[np.intp]:
    """Places of at most 1,000 of n sorted values, most of them low."""
    if n <= _MOST_VALUES:
        return np.arange(n)
    return np.unique(np.geomspace(1, n, _MOST_VALUES).round().astype(np.intp)) - 1


def _noise(model: gp.GaussianProcess, Z: Array) -> float:
    """The deviation of the values' noise; of a model that foretells little, that of its errors."""
    if model.skill < _SKILL:
        return float(np.sqrt(np.mean((Z - model.leave_one_out[0]) ** 2)))
    return model.unit * math.sqrt(model.hyper.noise)


def _kept(y: Array, counts: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Places of the trials that the model sees: all, or the best and others evenly over time."""
    rows = np.flatnonzero(counts)
    if len(rows) <= _MOST_MODELLED:
        return rows
    best = rows[np.argsort(y[rows], kind="stable")[: _MOST_MODELLED // 4]]
    evenly = rows[np.linspace(0, len(rows) - 1, _MOST_MODELLED - len(best)).astype(np.intp)]
    return np.union1d(best, evenly)


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
