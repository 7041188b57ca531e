"""ASHA, the asynchronous successive halving algorithm: nobody waits for anybody.

A trial on a rung is among the best of those that have been there, or it isn't:

    promotion  it pauses at each rung; whenever a slot is free, the best trial of the highest rung
               that is among its top 1/eta and hasn't been promoted goes on
    stopping   it goes on at once if it is among the top 1/eta of those that have been there so
               far, and ends if not

Promotion wastes no training and needs checkpoints to waste no time. Stopping needs none, but
spends more on early trials, which have few to be compared with.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from sys import maxsize
from typing import Any, Final, final

import numpy as np

from luthier.core.history import History
from luthier.core.jobs import NEW, Decision, Job, Resume
from luthier.core.settings import Choice, Rule, settle, spec_of
from luthier.core.trial import FrozenTrial
from luthier.schedulers.ladder import (
    LADDER_RULES,
    best_first,
    ladder,
    landed,
    rung_metrics,
    standing,
    without,
)
from luthier.schedulers.stopping import paused_at_budget

__all__ = ["Asha"]

_RULES: Final[Mapping[str, Rule]] = {**LADDER_RULES, "mode": Choice(("promotion", "stopping"))}


@final
@dataclass(frozen=True, slots=True)
class Asha:
    """Let only the best third of the trials on each rung go on, without ever waiting.

    The choice for many workers, or trials of very different length.

    Args:
        max_resource: The step at which a trial has finished: its last epoch, say.
        min_resource: The step of the lowest rung.
        eta: One in so many trials goes on from a rung to the next.
        mode: "promotion" pauses trials and resumes the best; "stopping" ends the others.
        metric: The reported metric to compare by; the objectives if None.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> Asha(27).rungs
        (1, 3, 9, 27)

    References:
        Li et al., A System for Massively Parallel Hyperparameter Tuning (MLSys 2020), algorithm 2;
        the stopping form is that of Tune's ASHA and of section 4 of Klein et al., Model-based
        Asynchronous Hyperparameter and Neural Architecture Search (2020).
    """

    max_resource: int
    min_resource: int = 1
    eta: int = 3
    mode: str = "promotion"
    metric: str | None = None
    rungs: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        settle(self, _RULES)
        object.__setattr__(self, "rungs", ladder(self.min_resource, self.max_resource, self.eta))

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("asha", self)

    def budget(self, history: History, number: int) -> int | None:
        """The lowest rung, where trials pause; to the end where they don't."""
        return self.rungs[0] if self.mode == "promotion" else self.max_resource

    def next(self, history: History, rng: np.random.Generator) -> Job | None:
        """Resume the best trial of the highest rung that deserves it, else start a new one."""
        if self.mode == "stopping":
            return NEW
        return promotion(history, self.rungs, self.eta, self.metric, self.max_resource) or NEW

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Pause the trial where its budget ends, or stop it if it is not among the best there."""
        if self.mode == "promotion":
            return paused_at_budget(trial, step, self.rungs[0], self.max_resource)
        if step >= self.max_resource:
            return Decision.CONTINUE
        place = landed(self.rungs, trial.reports.last_before(step), step)
        if place is None:
            return Decision.CONTINUE
        better, total = standing(history, self.rungs[place], trial.number, self.metric)
        return Decision.CONTINUE if better * self.eta < total else Decision.STOP

    def unwatched(self, trial: FrozenTrial, step: int) -> range:
        """The steps up to the next rung, or to the end of the trial's budget."""
        if self.mode == "promotion":
            return range(step + 1, trial.budget or self.rungs[0])
        place = bisect_right(self.rungs[:-1], step)
        return range(step + 1, self.rungs[place] if place < len(self.rungs) - 1 else maxsize)


def promotion(
    history: History, rungs: tuple[int, ...], eta: int, metric: str | None, end: int
) -> Resume | None:
    """Return the resumption of the best trial that deserves it, from the highest rung downwards.

    Args:
        history: What has happened.
        rungs: The steps of the rungs.
        eta: One in so many deserves it.
        metric: What to compare by; the objectives if None.
        end: Where trials finish. If all planned ones were started and none got there, the best
            one does.
    """
    if not history.paused:
        return None
    for place in reversed(range(len(rungs) - 1)):
        order = best_first(history.rung(rungs[place], rung_metrics(metric)))
        higher = history.rung(rungs[place + 1], rung_metrics(metric)).numbers
        for number in without(order[: len(order) // eta], higher).tolist():
            trial = history.paused_trial(number)
            if trial is not None and (trial.budget or 0) < rungs[place + 1]:
                return Resume(number, rungs[place + 1])
    return _finale(history, rungs, metric, end)


def _finale(
    history: History, rungs: tuple[int, ...], metric: str | None, end: int
) -> Resume | None:
    if history.planned != history.next_number or history.completed or history.running:
        return None
    for step in reversed(rungs):
        for number in best_first(history.rung(step, rung_metrics(metric))).tolist():
            if history.paused_trial(number) is not None:
                return Resume(number, end)
    return None
