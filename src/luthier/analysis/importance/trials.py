"""The trials that importance is computed from, and the value that it is the importance for.

Completed trials count. Those that were pruned or failed have no value, and are left out; so are
those without the metric. A value that is infinitely bad counts as the worst one that is finite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.outcomes import LARGEST
from luthier.core.history import History
from luthier.core.trial import FrozenTrial
from luthier.errors import ArgumentError, NoTrialError
from luthier.space import Space

__all__ = ["FEWEST", "Counted", "Metric", "Scale", "counted", "ranks_of", "rescaled", "thinned"]

Array = NDArray[np.float64]
Metric = str | Callable[[FrozenTrial], float] | None
Scale = Literal["clipped", "raw", "ranks"]
SCALES: Final = ("clipped", "raw", "ranks")
FEWEST: Final = 10
_FENCE: Final = 3.0  # quartile ranges beyond the third quartile: Tukey's outer fence


@final
@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Trials that count.

    Attributes:
        metric: The name of the value.
        X: Encoded, NaN where a parameter has no value, shape (n, d).
        y: Values, lower is better, finite, shape (n,).
        best: The place of the best one.
        left_out: In words, what doesn't count; empty if all does.
    """

    metric: str
    X: Array
    y: Array
    best: int
    left_out: str


def counted(history: History, space: Space, metric: Metric) -> Counted:
    """Return the trials that count.

    Args:
        history: What happened.
        space: The space that trials are seen in.
        metric: An objective, another metric that trials recorded, or a function of a trial (lower
            is better). None: the single objective.

    Raises:
        ArgumentError: There are several objectives and none is named, no trial has the metric, or
            all have the same value.
        NoTrialError: Fewer than 10 trials count.
    """
    seen = history if space is history.space else history.seen_in(space)
    name, values = _values(history, metric)
    known = ~np.isnan(values)
    y = _finite(values[known])
    left_out = _left_out(history, int(np.count_nonzero(~known)), name)
    if len(y) < FEWEST:
        raise NoTrialError(
            f"importance: at least {FEWEST} completed trials are needed, there are {len(y)}"
            f"{f' ({left_out})' if left_out else ''}. Run more trials.",
            n=len(y),
        )
    if not np.ptp(y):
        raise ArgumentError(
            f"importance: {name!r} must differ between trials, all {len(y)} have {y[0]:g}: there "
            "is nothing to explain.",
            metric=name,
        )
    feasible = history.violations[known] <= 0
    best = int(np.lexsort((y, ~feasible))[0])
    return Counted(name, seen.X[known], y, best, left_out)


def _values(history: History, metric: Metric) -> tuple[str, Array]:
    """The name and the values of a metric, lower is better, NaN where a trial has none."""
    objective, trials = history.objective, history.completed
    if callable(metric):
        name = getattr(metric, "__name__", "target")
        return name, np.array([float(metric(t)) for t in trials], dtype=np.float64)
    if metric is None and len(objective.names) > 1:
        raise ArgumentError(
            f"importance: metric must name one of the objectives {', '.join(objective.names)}, "
            f"such as study.importance(metric={objective.names[0]!r}). For a table of each use "
            "study.importances().",
            metric=metric,
        )
    name = objective.names[0] if metric is None else metric
    if name in objective.names:
        return name, history.Y[:, objective.names.index(name)].copy()

    def row(trial: FrozenTrial) -> tuple[float]:
        return (trial.metrics.get(name, np.nan),)

    values = history.table(("metric", name), trials, row)[:, 0].copy()
    if len(values) and np.isnan(values).all():
        known = sorted({key for trial in trials for key in trial.metric_names})
        raise ArgumentError(
            f"importance: metric must be one that trials recorded ({', '.join(known)}), got "
            f"{metric!r}.",
            metric=metric,
        )
    return name, values


def _finite(y: Array) -> Array:
    """Infinite values at the worst and the best finite ones, none too large to be squared."""
    finite = np.clip(y[np.isfinite(y)], -LARGEST, LARGEST)
    return np.clip(y, finite.min(), finite.max()) if len(finite) else np.zeros(len(y))


def _left_out(history: History, nameless: int, name: str) -> str:
    counts = [
        (len(history.pruned), "pruned"),
        (len(history.failed), "failed"),
        (nameless, f"without {name!r}"),
    ]
    return ", ".join(f"{n} {what}" for n, what in counts if n)


def rescaled(y: Array, scale: Scale) -> Array:
    """Return values on the scale whose variance is explained.

    Args:
        y: Lower is better, shape (n,).
        scale: "raw"; "clipped" at three quartile ranges above the third quartile, so that a few
            runs that diverged aren't all there is to explain (nothing changes where there are
            none); or "ranks", even in [0, 1].

    Example:
        >>> rescaled(np.array([1.0, 2.0, 3.0, 4.0, 1e9]), "clipped").tolist()
        [1.0, 2.0, 3.0, 4.0, 10.0]
    """
    if scale == "ranks":
        return ranks_of(y) / len(y)
    if scale == "raw":
        return y
    first, third = np.quantile(y, [0.25, 0.75])
    if third == first:  # more than half are equal: there is no yardstick
        return y
    clipped: Array = np.minimum(y, third + _FENCE * (third - first))
    return clipped


def ranks_of(y: Array) -> Array:
    """Return ranks from 0; equal values share the mean of theirs."""
    _, place, counts = np.unique(y, return_inverse=True, return_counts=True)
    ranks: Array = (np.cumsum(counts) - (counts + 1) / 2)[place]
    return ranks


def thinned(trials: Counted, most: int) -> Counted:
    """Return at most so many of the trials, the best and others evenly over time."""
    n = len(trials.y)
    if n <= most:
        return trials
    rows = np.union1d(np.linspace(0, n - 1, most).astype(np.intp), [trials.best])
    best = int(np.searchsorted(rows, trials.best))
    return Counted(trials.metric, trials.X[rows], trials.y[rows], best, trials.left_out)
