"""Savings: what a scheduler saved by ending trials early, and what that may have cost.

Saved are the steps up to the usual last one of completed trials; a step of a trial costs what its
steps cost on average. The price is a better trial lost. Where a stopped trial was heading is
foretold as completed trials tell it: their final values are regressed on what they had reported at
the same step and on how that had changed since half of it. Values further above the median than
five times its distance from the best are cut off. Student's t of the prediction gives each stopped
trial a chance p_i to have beaten the best:

    y ~ N(x' w, s2),    t = (best - x' w) / (s sqrt(1 + x' (X'X)^-1 x)),    n - 3 degrees of freedom
    expected number of lost winners  =  sum p_i
    P(any would have won)            =  1 - prod (1 - p_i)

Completed trials are those that did well later on, so the chances are rather too large than too
small. (Forecasts of single curves, ``luthier.numerics.learning_curve``, are much too hopeful for
trials stopped at their first steps: they don't know how other trials went on from there.)

What another scheduler would have done to trials that were run to their end is another question:
``Study.would_have_stopped_best`` answers it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.outcomes import LARGEST, place_of_metric
from luthier.analysis.wording import Worded, counted, duration, percent
from luthier.core.history import History
from luthier.core.trial import FrozenTrial
from luthier.space import Space

__all__ = ["Savings", "Stopped", "savings"]

Array = NDArray[np.float64]
_MOST_CURVES: Final = 200
_FEWEST: Final = 8
_FAR: Final = 5.0
_LIKELY: Final = 0.1


@final
@dataclass(frozen=True, slots=True)
class Stopped:
    """A trial that was ended early, or paused and not resumed.

    Attributes:
        number: Its number.
        step: Its last step.
        saved: Steps that it didn't run.
        chance: The probability that it would have ended better than the best trial; NaN if its
            reports or those of completed trials don't tell.
    """

    number: int
    step: int
    saved: int
    chance: float


@final
@dataclass(frozen=True, slots=True)
class Savings(Worded):
    """What ending trials early saved, and what it may have cost.

    Attributes:
        metric: The objective.
        horizon: The step at which completed trials usually end; None if none has reported.
        steps: How many steps were run in all.
        saved_steps: How many more the stopped trials would have run.
        cost: Seconds of work of all finished trials.
        saved_cost: Seconds that the saved steps would have taken.
        stopped: The stopped trials, the likeliest to have won first.
    """

    metric: str
    horizon: int | None
    steps: int
    saved_steps: int
    cost: float
    saved_cost: float
    stopped: tuple[Stopped, ...]

    @property
    def saved_share(self) -> float:
        """Which share of the time of a study without stopping was saved; of steps without times."""
        if self.cost + self.saved_cost > 0:
            return self.saved_cost / (self.cost + self.saved_cost)
        total = self.steps + self.saved_steps
        return self.saved_steps / total if total else 0.0

    @property
    def expected_lost(self) -> float:
        """How many of the stopped trials would have beaten the best, as forecast."""
        return sum(s.chance for s in self.stopped if not math.isnan(s.chance))

    @property
    def chance(self) -> float:
        """The probability that any of them would have, if they are independent; NaN: unknown."""
        known = [s.chance for s in self.stopped if not math.isnan(s.chance)]
        return 1 - math.prod(1 - p for p in known) if known else math.nan

    def __str__(self) -> str:
        if not self.stopped:
            return "No trial was ended early."
        n = counted(len(self.stopped), "trial")
        if self.horizon is None:
            return f"{n.capitalize()} ended early; no completed trial reported how far it went."
        time = f", about {duration(self.saved_cost)}" if self.saved_cost else ""
        total = self.steps + self.saved_steps
        said = (
            f"Ending {n} early saved {self.saved_steps:,} of {total:,} steps{time} "
            f"({percent(self.saved_share)})."
        )
        if math.isnan(self.chance):
            return f"{said} Too few curves to tell what was lost."
        said += f" The chance that one of them would have been the best is {percent(self.chance)}"
        likely = [s for s in self.stopped if s.chance > _LIKELY][:3]
        if not likely:
            return f"{said}."
        those = ", ".join(f"{s.number} ({percent(s.chance)}, step {s.step})" for s in likely)
        return f"{said}. Worth another look: {'trials' if len(likely) > 1 else 'trial'} {those}."


def savings(history: History, space: Space, *, metric: str | None = None) -> Savings:
    """Tell what a scheduler saved, and what it may have cost.

    Args:
        history: The study; any.
        space: Its space.
        metric: Which objective's reports; the first's if None.

    Returns:
        What was found. Pruned trials count, and paused ones, which nobody has resumed so far.

    Raises:
        ArgumentError: An unknown metric.

    Example:
        >>> import luthier
        >>> def objective(trial):
        ...     x = trial.suggest_float("x", 0, 1)
        ...     for step in range(1, 11):
        ...         trial.report(x + 1 / step, step)
        ...         if trial.should_prune():
        ...             raise luthier.TrialPruned
        ...     return x + 0.1
        >>> study = luthier.create_study(scheduler="median", seed=0)
        >>> study.optimize(objective, n_trials=60)
        >>> found = savings(study.history, study.space)
        >>> found.saved_steps > 0, 0 <= found.chance < 1
        (True, True)
    """
    place = place_of_metric(history, metric, "savings")
    name = history.objective.names[place]
    sign = 1.0 if history.objective.directions[place] == "minimize" else -1.0
    stopped = [*history.pruned, *history.paused]
    curves = [_curve(trial, name, sign) for trial in history.completed]
    ends = sorted(max(curve) for curve in curves if curve)
    horizon = ends[len(ends) // 2] if ends else None
    chances = [math.nan] * len(stopped)
    if horizon is not None:
        chances = _chances([_curve(t, name, sign) for t in stopped], curves, horizon)
    rows = [
        Stopped(trial.number, _end(trial), max((horizon or 0) - _end(trial), 0), p)
        for trial, p in zip(stopped, chances, strict=True)
    ]
    saved = [row.saved * _seconds_a_step(t) for row, t in zip(rows, stopped, strict=True)]
    every = [*history.completed, *stopped, *history.failed]
    return Savings(
        name,
        horizon,
        sum(map(_end, every)),
        sum(row.saved for row in rows),
        sum(trial.cost or 0.0 for trial in every),
        sum(saved),
        tuple(sorted(rows, key=lambda row: (-np.nan_to_num(row.chance), row.number))),
    )


def _curve(trial: FrozenTrial, name: str, sign: float) -> dict[int, float]:
    """What a trial reported, lower is better; without NaN, and infinite if too far away."""
    series = trial.reports.series(name).items()
    return {s: sign * v if abs(v) < LARGEST else math.inf for s, v in series if not math.isnan(v)}


def _end(trial: FrozenTrial) -> int:
    return trial.last_step or 0


def _seconds_a_step(trial: FrozenTrial) -> float:
    return (trial.cost or 0.0) / max(_end(trial), 1)


def _chances(
    stopped: Sequence[dict[int, float]], completed: Sequence[dict[int, float]], horizon: int
) -> list[float]:
    """The probability of each stopped curve to end below all completed ones."""
    full = [curve for curve in completed if curve and max(curve) >= horizon][-_MOST_CURVES:]
    finals = np.array([curve[max(curve)] for curve in full])
    chances = [math.nan] * len(stopped)
    groups: dict[int, list[int]] = {}
    for i, curve in enumerate(stopped):
        if curve:
            groups.setdefault(max(curve), []).append(i)
    for step, rows in groups.items():
        theirs, known = _features(full, step), np.isfinite(finals)
        known &= np.isfinite(theirs).all(axis=1)
        mine = _features([stopped[i] for i in rows], step)
        ok = np.isfinite(mine).all(axis=1)
        if known.sum() < _FEWEST or not ok.any():
            continue
        found = _won(theirs[known], finals[known], mine[ok])
        for i, p in zip(np.array(rows)[ok], found, strict=True):
            chances[i] = float(p)
    return chances


def _features(curves: Sequence[dict[int, float]], step: int) -> Array:
    """The value of each curve at a step, and at half of it, or the latest before; shape (n, 2)."""
    return np.array([[_before(curve, step), _before(curve, step // 2)] for curve in curves])


def _before(curve: dict[int, float], step: int) -> float:
    if step in curve:
        return curve[step]
    place = max((s for s in curve if s <= step), default=min(curve, default=None))
    return math.nan if place is None else curve[place]


def _won(theirs: Array, finals: Array, mine: Array) -> Array:
    """The chances of some curves to end below the best of others, shape (k,)."""
    from scipy.special import stdtr

    n = len(finals)
    both = np.concatenate([_bounded(theirs, theirs), _bounded(mine, theirs)])
    y = _bounded(finals[:, None], finals[:, None])[:, 0]
    unit = float(np.ptp(y)) or 1.0
    both, y = (both - y.min()) / unit, (y - y.min()) / unit
    U = np.column_stack([np.ones(len(both)), both[:, 0], both[:, 0] - both[:, 1]])
    X = U[:n]
    inverse = np.linalg.pinv(X.T @ X)
    w = inverse @ (X.T @ y)
    freedom = n - X.shape[1]
    spread = math.sqrt(float(np.sum((y - X @ w) ** 2)) / freedom)
    error = spread * np.sqrt(1 + np.einsum("ki,ij,kj->k", U[n:], inverse, U[n:]))
    behind = -(U[n:] @ w)
    certain = error < 1e-9
    t = behind / np.where(certain, 1.0, error)
    chances: Array = np.where(certain, behind > 0, stdtr(freedom, t))
    return chances


def _bounded(values: Array, known: Array) -> Array:
    """Values, with those far above the median of the known ones cut off, column by column."""
    middle, low = np.median(known, axis=0), known.min(axis=0)
    return np.asarray(np.minimum(values, middle + _FAR * (middle - low)))
