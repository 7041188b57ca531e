"""Savings: what a scheduler saved by ending trials early, and what that may have cost.

Saved are the steps up to the usual last one of completed trials; a step of a trial costs what its
steps cost on average. The price is a better trial lost. Where the stopped trials were heading is
drawn many times, all at once (``endings.py``), and compared with the best that completed. How far
the completed curves leave that open is said by an interval: the chance under each of 40 beliefs
about how curves go on. With fewer than eight full curves nothing is said. In a
population clones go on where others end, which saves nothing. Told and true chances on
simulated schedulers: docs/adr/0030-diagnosis.md.

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

from luthier.analysis.endings import FEWEST, endings
from luthier.analysis.outcomes import LARGEST, place_of_metric
from luthier.analysis.wording import Worded, counted, duration, percent
from luthier.core.history import History
from luthier.core.lineage import step_from
from luthier.core.rng import generator
from luthier.core.trial import FrozenTrial
from luthier.space import Space

__all__ = ["Savings", "Stopped", "savings"]

Array = NDArray[np.float64]
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
        chance: The probability that any of them would have beaten the best; NaN: unknown.
        low: Lower end of the 90% interval of that, as few curves tell it vaguely.
        high: Upper end.
        curves: How many full curves it was told from.
        replaced: Whether clones of better trials went on where these ended, as in populations, so
            that nothing was saved.
    """

    metric: str
    horizon: int | None
    steps: int
    saved_steps: int
    cost: float
    saved_cost: float
    stopped: tuple[Stopped, ...]
    chance: float
    low: float
    high: float
    curves: int
    replaced: bool = False

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

    def __str__(self) -> str:
        if not self.stopped:
            return "No trial was ended early."
        n = counted(len(self.stopped), "trial")
        if self.replaced:
            are = "was" if len(self.stopped) == 1 else "were"
            return (
                f"{n.capitalize()} {are} replaced by clones of better ones, which went on in their "
                f"place: {self.steps:,} steps in all, none saved."
            )
        if self.horizon is None:
            return f"{n.capitalize()} ended early; no completed trial reported how far it went."
        time = f", about {duration(self.saved_cost)}" if self.saved_cost else ""
        total = self.steps + self.saved_steps
        said = (
            f"Ending {n} early saved {self.saved_steps:,} of {total:,} steps{time} "
            f"({percent(self.saved_share)})."
        )
        if math.isnan(self.chance):
            n = counted(self.curves, "full curve")
            return f"{said} Too few curves to tell what was lost: {n}, it takes {FEWEST}."
        said += (
            f" The chance that one of them would have been the best is {_likely(self.chance)} "
            f"({_likely(self.low)} to {_likely(self.high)}, as {self.curves} full curves tell)"
        )
        likely = [s for s in self.stopped if s.chance > _LIKELY][:3]
        if not likely:
            return f"{said}."
        those = ", ".join(f"{s.number} ({percent(s.chance)}, step {s.step})" for s in likely)
        return f"{said}. Worth another look: {'trials' if len(likely) > 1 else 'trial'} {those}."


def savings(history: History, space: Space, *, metric: str | None = None, seed: int = 0) -> Savings:
    """Tell what a scheduler saved, and what it may have cost.

    Args:
        history: The study; any.
        space: Its space.
        metric: Which objective's reports; the first's if None.
        seed: Of the endings that are drawn.

    Returns:
        What was found. Pruned trials count, and paused ones, which nobody has resumed so far.
        Steps are those that a trial ran itself.

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
    full = [c for c in curves if c and horizon is not None and max(c) >= horizon]
    every = [*history.completed, *stopped, *history.failed]
    replaced = any("step_from" in trial.origin.data for trial in every)
    chances, chance, low, high = _lost(
        [_curve(t, name, sign) for t in stopped], full, None if replaced else horizon, seed
    )
    end = 0 if replaced or horizon is None else horizon
    rows = [
        Stopped(trial.number, _end(trial), max(end - _end(trial), 0), p)
        for trial, p in zip(stopped, chances, strict=True)
    ]
    saved = [row.saved * _seconds_a_step(t) for row, t in zip(rows, stopped, strict=True)]
    return Savings(
        name,
        horizon,
        sum(max(_end(trial) - step_from(trial), 0) for trial in every),
        sum(row.saved for row in rows),
        sum(trial.cost or 0.0 for trial in every),
        sum(saved),
        tuple(sorted(rows, key=lambda row: (-np.nan_to_num(row.chance), row.number))),
        chance,
        low,
        high,
        len(full),
        replaced,
    )


def _lost(
    stopped: Sequence[dict[int, float]],
    full: Sequence[dict[int, float]],
    horizon: int | None,
    seed: int,
) -> tuple[list[float], float, float, float]:
    """The chance of each trial to have won, that of any, and its interval."""
    best = min((curve[max(curve)] for curve in full), default=math.nan)
    if horizon is None or not stopped or not math.isfinite(best):
        return [math.nan] * len(stopped), math.nan, math.nan, math.nan
    drawn = endings(stopped, full, horizon, generator(seed, "savings"))
    known = ~np.isnan(drawn).any(axis=(1, 2))
    if not known.any():
        return [math.nan] * len(stopped), math.nan, math.nan, math.nan
    each = np.where(known, np.mean(drawn < best, axis=(1, 2)), math.nan)
    beliefs = (drawn[known] < best).any(axis=0).mean(axis=1)
    low, high = np.quantile(beliefs, [0.05, 0.95]).tolist()
    return each.tolist(), float(beliefs.mean()), low, high


def _likely(chance: float) -> str:
    return percent(min(max(chance, 1e-9), 1 - 1e-9))


def _curve(trial: FrozenTrial, name: str, sign: float) -> dict[int, float]:
    """What a trial reported, lower is better; without NaN, and infinite if too far away."""
    series = trial.reports.series(name).items()
    return {s: sign * v if abs(v) < LARGEST else math.inf for s, v in series if not math.isnan(v)}


def _end(trial: FrozenTrial) -> int:
    return trial.last_step or 0


def _seconds_a_step(trial: FrozenTrial) -> float:
    return (trial.cost or 0.0) / max(_end(trial), 1)
