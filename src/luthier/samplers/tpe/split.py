"""The split: which trials count as good, which as others, and which tell of failure.

Completed trials are ranked first: feasible before infeasible, then by value. Pruned ones follow,
those that got further first. The best share is good. Pending trials join the others, so that
nobody goes where somebody is already looking. Of many trials a bounded number is kept, which
makes a proposal cost the same after a hundred trials and after a hundred thousand.

Which others are kept changes only now and then, so that their density needn't be made anew for
every proposal: of n >= 128 trials the first n' are looked at, n' the last multiple of 4, later 8
and 16, the power of two that is at most n / 32. Those kept are a function of the study's seed and
of n'.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from heapq import nsmallest
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.fronts import by_fronts
from luthier.core.history import History
from luthier.core.rng import generator

__all__ = ["Split", "split"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]
_MOST: Final = 192
_RECENT: Final = 48
_MANY: Final = 128
_LONGEST: Final = 16
_NONE: Final = np.empty(0, dtype=np.intp)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Encoded trials of three groups.

    Attributes:
        good: The best, shape (g, d).
        others: Those that ran but aren't among the best, then the pending ones, shape (o, d).
        values: What ranks the others without the pending ones, lower is better.
        failed: Those that crashed or broke a constraint, shape (f, d).
        n_others: How many others there are, of which at most some hundreds are kept.
        n_failed: The same for failed.
        n_pending: How many of the others are pending.
    """

    good: Array
    others: Array
    values: Array
    failed: Array
    n_others: int
    n_failed: int
    n_pending: int

    @property
    def n(self) -> int:
        """How many trials ran to some end, failures left out."""
        return len(self.good) + self.n_others - self.n_pending

    def within(self, active: NDArray[np.bool_], gamma: float) -> Split:
        """Return a split of only those trials in which the same columns are active.

        Args:
            active: Which columns, shape (d,).
            gamma: The share of them that is good.
        """
        order = np.argsort(self.values, kind="stable")
        ranked = _alike(np.vstack([self.good, self.others[order]]), active)
        pending, failed = _alike(self.others[len(order) :], active), _alike(self.failed, active)
        n_good = math.ceil(gamma * len(ranked))
        others = np.vstack([ranked[n_good:], pending])
        good, ranks = ranked[:n_good], np.arange(n_good, len(ranked), dtype=np.float64)
        return Split(good, others, ranks, failed, len(others), len(failed), len(pending))


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
    first = _anchor(n)
    k = n_good + n - first  # the best so many hold the best of the first ones, too
    if len(history.objective.names) == 1:
        values, ranked = history.Y[:, 0], np.array(history.best(k), dtype=np.intp)
    else:
        values, ranked = by_fronts(history, k, most_good + _LONGEST)
    best = ranked[:n_good]
    then = ranked[ranked < first][:n_good] if first < n else best
    broken = _broken(history, best)
    ok = _kept(first, _joined(then, broken[broken < first]), history.seed)
    pending, X = pending[-_MOST:], history.X
    good, others, failed = [X[best]], [X[ok]], []
    n_others, losses = n - len(best) - len(broken) + len(pending), values[ok]
    if n_pruned:
        P, furthest = history.encoded(history.pruned), _furthest(history, n_good - len(best))
        pruned = _kept(_anchor(n_pruned), furthest[furthest < _anchor(n_pruned)], history.seed)
        good, others = [*good, P[furthest]], [*others, P[pruned]]
        n_others += n_pruned - len(furthest)
        losses = np.append(losses, np.full(len(pruned), np.inf))
    if history.failed:
        F = history.encoded(history.failed)
        failed = [F[_kept(len(F), _NONE, history.seed)]]
    if len(broken):
        failed.append(X[broken[_kept(len(broken), _NONE, history.seed)]])
    if len(pending):
        others.append(pending)
    return Split(
        _stacked(good),
        _stacked(others),
        losses,
        _stacked(failed) if failed else X[:0],
        n_others,
        len(history.failed) + len(broken),
        len(pending),
    )


def _anchor(n: int) -> int:
    """How many of n trials the others are chosen from.

    Example:
        >>> [_anchor(n) for n in (127, 135, 271, 1007)]
        [127, 132, 264, 992]
    """
    step = min(1 << (n // 32).bit_length() - 1, _LONGEST) if n >= _MANY else 1
    return n // step * step


def _joined(a: Places, b: Places) -> Places:
    return np.concatenate([a, b]) if len(b) else a


def _stacked(rows: list[Array]) -> Array:
    return rows[0] if len(rows) == 1 else np.concatenate(rows)


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


def _kept(n: int, left_out: Places, seed: int) -> Places:
    """Places 0 .. n - 1 without those left out; of too many the last ones and random others."""
    return _kept_of(n, left_out.tobytes(), seed)


@lru_cache(maxsize=64)
def _kept_of(n: int, left_out: bytes, seed: int) -> Places:
    places = np.frombuffer(left_out, dtype=np.intp)
    free = np.ones(n, dtype=np.bool_)
    free[places] = False
    if n - len(places) <= _MOST:
        return np.flatnonzero(free)
    rng = generator(seed, "tpe", n)
    older = rng.choice(n - _RECENT, min(_MOST - _RECENT + len(places), n - _RECENT), False)
    both = np.concatenate([np.arange(n - _RECENT, n), older])
    kept: Places = both[free[both]][:_MOST]
    return kept
