"""Utilisation: where the time went.

Trials are laid into slots: each into the slot that was free most recently when it started; one
that was paused as if it had run at once, at the end, since it held no slot in its pauses. A slot
that has a trial works, or handles it: starts its process, passes messages, records. Between two
trials it waits for the next proposal, or for anybody to ask for one. While nothing at all ran for
long, the study was away: switched off between two runs of a script.

    present      =  all time from the first start to the last end, less away
    busy share   =  work / (slots * present)
    overhead     =  median handling of a trial + median time between two
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from operator import itemgetter
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.outcomes import outcomes_of
from luthier.analysis.wording import Worded, counted, duration, percent
from luthier.core.history import History
from luthier.core.trial import TrialState
from luthier.space import Space

__all__ = ["Span", "Utilisation", "utilisation"]

Array = NDArray[np.float64]
_SHORT: Final = 5.0  # seconds up to which what passes between trials is no idleness
_AWAY: Final = (60.0, 10.0)  # longer than so many seconds, and than so many usual trials


@final
@dataclass(frozen=True, slots=True)
class Span:
    """A trial's time in a slot.

    Attributes:
        number: The trial's number.
        slot: The slot, from 0.
        start: When it began, in seconds since the epoch.
        end: When it ended.
    """

    number: int
    slot: int
    start: float
    end: float


@final
@dataclass(frozen=True, slots=True)
class Utilisation(Worded):
    """Where the time of a study went, in seconds.

    Attributes:
        n: How many finished trials have times.
        slots: How many trials ran at once at most.
        wall: From the first start to the last end.
        away: Of that, long times in which nothing ran.
        completed: Work on trials that completed.
        pruned: Work on trials that were ended early.
        failed: Work on trials that failed.
        waiting: Time between the runs of trials that were paused or run again.
        handling: Time of other trials in their slots in which they didn't work.
        between: Time between two trials of a slot, without what was away.
        overhead: What a trial usually costs beside its work.
        spans: The trials in their slots, by start.
    """

    n: int
    slots: int
    wall: float
    away: float
    completed: float
    pruned: float
    failed: float
    waiting: float
    handling: float
    between: float
    overhead: float
    spans: tuple[Span, ...]

    @property
    def work(self) -> float:
        """Seconds of work of all trials."""
        return self.completed + self.pruned + self.failed

    @property
    def present(self) -> float:
        """Seconds in which the study was being worked on."""
        return self.wall - self.away

    @property
    def busy(self) -> float:
        """The share of the slots' time that trials worked, 0 to 1; NaN without times."""
        total = self.slots * self.present
        return min(self.work / total, 1.0) if total > 0 else math.nan

    def __str__(self) -> str:
        if not self.n:
            return "No finished trial has times."
        said = [
            f"{duration(self.work)} of work in {duration(self.present)}, on "
            f"{counted(self.slots, 'slot')}, busy {percent(self.busy)} of the time"
        ]
        if self.away:
            said[0] += f" (and away for {duration(self.away)})"
        said[0] += "."
        parts = (("completed", self.completed), ("pruned", self.pruned), ("failed", self.failed))
        shares = [f"{percent(t / self.work)} on {what} trials" for what, t in parts if t > 0]
        if self.work > 0:
            said.append(f"Of the work, {', '.join(shares)}.")
        said.append(f"Beside its work a trial usually takes {duration(self.overhead)}.")
        if self.waiting > 0.01 * self.work:
            said.append(f"Trials that had begun waited for {duration(self.waiting)}.")
        if _SHORT > self.overhead > 0.5 * self.work / self.n:
            said.append("Trials are short: several of them in one objective would cost less.")
        elif self.slots > 1 and self.busy < 0.5:
            said.append(
                "Half of the slots' time is idle: use fewer, or look at what they wait for."
            )
        return " ".join(said)


def utilisation(history: History, space: Space) -> Utilisation:
    """Tell where the time of a study went.

    Times are those that workers recorded; where their clocks differ, so do these figures.

    Args:
        history: The study; any. Only finished trials count.
        space: Its space.

    Example:
        >>> import luthier
        >>> study = luthier.create_study(seed=0)
        >>> study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=5)
        >>> found = utilisation(study.history, study.space)
        >>> found.n, found.slots, 0 < found.busy <= 1
        (5, 1, True)
    """
    trials = [
        (trial, trial.started, max(trial.finished, trial.started))
        for trial in outcomes_of(history, space).trials
        if trial.started is not None and trial.finished is not None
    ]
    trials.sort(key=lambda item: (item[1], item[2], item[0].number))
    work = dict.fromkeys((TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED), 0.0)
    waiting, handling, runs = 0.0, [], []
    for trial, start, end in trials:
        mine = end - start if trial.cost is None else trial.cost
        work[trial.state] += mine
        if trial.attempt > 1:
            waiting += max(end - start - mine, 0.0)
            start = max(start, end - mine)  # as if it had run at once, at the end
        else:
            handling.append(max(end - start - mine, 0.0))
        runs.append((trial.number, start, end))
    spans, gaps = _slots(sorted(runs, key=itemgetter(1, 2, 0)))
    away = _away(spans)
    between = np.array([end - start for start, end in gaps])
    outside = np.array([_overlap(gap, away) for gap in gaps])
    return Utilisation(
        len(trials),
        1 + max((span.slot for span in spans), default=-1),
        max((span.end for span in spans), default=0.0) - (spans[0].start if spans else 0.0),
        sum(end - start for start, end in away),
        work[TrialState.COMPLETE],
        work[TrialState.PRUNED],
        work[TrialState.FAILED],
        waiting,
        sum(handling),
        float(between.sum() - outside.sum()),
        _median(handling) + _median(between[outside == 0].tolist()),
        spans,
    )


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else 0.0


def _slots(
    trials: Sequence[tuple[int, float, float]],
) -> tuple[tuple[Span, ...], list[tuple[float, float]]]:
    """Trials in slots, and the gaps between them."""
    running: list[tuple[float, int]] = []  # when each slot will be free
    free: list[tuple[float, int]] = []  # since when it is, the latest last
    spans, gaps = [], []
    for number, start, end in trials:
        while running and running[0][0] <= start:
            free.append(heappop(running))
        slot = len(running)
        if free:
            since, slot = free.pop()
            gaps.append((since, start))
        heappush(running, (end, slot))
        spans.append(Span(number, slot, start, end))
    return tuple(spans), gaps


def _away(spans: Sequence[Span]) -> list[tuple[float, float]]:
    """When nothing ran for long."""
    if len(spans) < 2:
        return []
    usual = float(np.median([span.end - span.start for span in spans]))
    least = max(_AWAY[0], _AWAY[1] * usual)
    ends = np.maximum.accumulate([span.end for span in spans])[:-1].tolist()
    gaps = zip(ends, (span.start for span in spans[1:]), strict=True)
    return [(end, start) for end, start in gaps if start - end > least]


def _overlap(gap: tuple[float, float], away: Sequence[tuple[float, float]]) -> float:
    return sum(max(min(gap[1], end) - max(gap[0], start), 0.0) for start, end in away)
