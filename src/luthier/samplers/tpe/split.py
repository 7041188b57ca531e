"""The split: which trials count as good, which as others, and which tell of failure.

Completed trials are ranked first: feasible before infeasible, then by value. Pruned ones follow,
those that got further first. The best share is good. Pending trials join the others, so that
nobody goes where somebody is already looking. Of many trials a bounded number is kept, which
makes a proposal cost the same after a hundred trials and after a hundred thousand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from heapq import nsmallest
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.numerics.pareto import chebyshev

__all__ = ["Split", "split"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]
_MOST: Final = 256
_RECENT: Final = 64
_NONE: Final = np.empty(0, dtype=np.intp)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Encoded trials of three groups.

    Attributes:
        good: The best, shape (g, d).
        others: Those that ran but aren't among the best, best first, then the pending ones,
            shape (o, d).
        failed: Those that crashed or broke a constraint, shape (f, d).
        n_others: How many others there are, of which at most some hundreds are kept.
        n_failed: The same for failed.
        n_pending: How many of the others are pending.
    """

    good: Array
    others: Array
    failed: Array
    n_others: int
    n_failed: int
    n_pending: int

    def within(self, active: NDArray[np.bool_], gamma: float) -> Split:
        """Return a split of only those trials in which the same columns are active.

        Args:
            active: Which columns, shape (d,).
            gamma: The share of them that is good.
        """
        ran = len(self.others) - self.n_pending
        ranked = _alike(np.vstack([self.good, self.others[:ran]]), active)
        pending, failed = _alike(self.others[ran:], active), _alike(self.failed, active)
        n_good = math.ceil(gamma * len(ranked))
        others = np.vstack([ranked[n_good:], pending])
        good = ranked[:n_good]
        return Split(good, others, failed, len(others), len(failed), len(pending))


def split(
    history: History,
    pending: Array,
    rng: np.random.Generator,
    *,
    gamma: float,
    most_good: int,
) -> Split:
    """Divide a study's trials.

    Args:
        history: The study.
        pending: Configurations being tried, encoded, shape (p, d).
        rng: Chooses which of many trials are kept, and the weights of several objectives.
        gamma: The share of trials that are good, 0 < gamma < 1.
        most_good: How many are at most.
    """
    n, n_pruned = len(history.completed), len(history.pruned)
    n_good = min(math.ceil(gamma * (n + n_pruned)), most_good)
    values = _values(history, rng)
    best = _best(history, values, n_good)
    furthest = _furthest(history, n_good - len(best))
    broken = _broken(history, best)
    ok = _kept(n, np.concatenate([best, broken]), rng)
    ok = ok[np.argsort(values[ok], kind="stable")]
    pruned = _kept(n_pruned, furthest, rng)
    pending = pending[-_MOST:]
    crashed = _kept(len(history.failed), _NONE, rng)
    X, P, F = history.X, history.encoded(history.pruned), history.encoded(history.failed)
    return Split(
        good=np.vstack([X[best], P[furthest]]),
        others=np.vstack([X[ok], P[pruned], pending]),
        failed=np.vstack([F[crashed], X[broken[_kept(len(broken), _NONE, rng)]]]),
        n_others=n - len(best) - len(broken) + n_pruned - len(furthest) + len(pending),
        n_failed=len(F) + len(broken),
        n_pending=len(pending),
    )


def _values(history: History, rng: np.random.Generator) -> Array:
    """What is minimised: the objective, or a random scalarisation of several."""
    if len(history.objective.names) == 1 or not len(history.completed):
        return history.Y[:, 0]
    return chebyshev(history.Y, rng)


def _best(history: History, values: Array, k: int) -> Places:
    if len(history.objective.names) == 1:
        return np.array(history.best(k), dtype=np.intp)
    return np.lexsort((values, history.violations))[:k]


def _alike(X: Array, active: NDArray[np.bool_]) -> Array:
    """The rows in which exactly these columns have values."""
    rows: Array = X[np.all(np.isnan(X) != active, axis=1)]
    return rows


def _furthest(history: History, k: int) -> Places:
    """The k pruned trials that got furthest, the best last report first among equals."""
    if k <= 0:
        return _NONE
    metric = history.objective.names[0]
    sign = 1.0 if history.objective.directions[0] == "minimize" else -1.0

    def rank(place: int) -> tuple[float, float]:
        trial = history.pruned[place]
        step = trial.last_step
        if step is None:
            return math.inf, math.inf
        reports = trial.reports[step]
        value = reports.get(metric, next(iter(reports.values()), math.nan))
        return -step, math.inf if math.isnan(value) else sign * value

    return np.array(nsmallest(k, range(len(history.pruned)), key=rank), dtype=np.intp)


def _broken(history: History, best: Places) -> Places:
    """The completed trials that break a constraint and aren't among the best for all that."""
    if not history.objective.constraints:
        return _NONE
    return np.setdiff1d(np.flatnonzero(history.violations > 0), best)


def _kept(n: int, left_out: Places, rng: np.random.Generator) -> Places:
    """Places 0 .. n - 1 without those left out; of too many the last ones and random others."""
    free = np.ones(n, dtype=np.bool_)
    free[left_out] = False
    if n - len(left_out) <= _MOST:
        return np.flatnonzero(free)
    older = rng.choice(n - _RECENT, min(_MOST - _RECENT + len(left_out), n - _RECENT), False)
    both = np.concatenate([np.arange(n - _RECENT, n), older])
    kept: Places = both[free[both]][:_MOST]
    return kept
