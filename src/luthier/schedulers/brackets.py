"""Brackets of synchronous successive halving: rungs that are full before anybody goes on.

A bracket starts n trials with a budget of r steps each. When all of them have got there, the best
n / eta go on to r * eta steps, and so on up to the end; the others are stopped. Trials are dealt
to brackets by their numbers, so nothing has to be remembered. While trials of a full bracket are
running, further workers start the next one: nobody waits. A trial that fails leaves its place on
the next rung to another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, final

import numpy as np

from luthier.core.history import History
from luthier.core.jobs import NEW, Decision, Job, Resume, Stop
from luthier.core.trial import FrozenTrial
from luthier.schedulers.ladder import best_first, is_below, rung_metrics
from luthier.schedulers.stopping import paused_at_budget

__all__ = ["Bracket", "Bracketed", "Cycle"]


@final
@dataclass(frozen=True, slots=True)
class Bracket:
    """One bracket: so many trials, compared on these rungs.

    Attributes:
        rungs: The steps of its rungs, ascending; the last is the end.
        size: How many trials it starts.
        eta: One in so many goes on.

    Example:
        >>> [Bracket((1, 3, 9), 9, 3).places(rung, 9) for rung in (0, 1)]
        [3, 1]
    """

    rungs: tuple[int, ...]
    size: int
    eta: int

    def places(self, rung: int, size: int) -> int:
        """How many go on from a rung, if ``size`` trials were started: at least one."""
        share: int = self.eta ** (rung + 1)
        return max(1, size // share)


@final
@dataclass(frozen=True)
class Cycle:
    """Brackets that follow each other again and again.

    Attributes:
        brackets: The brackets of one round.
        metric: The reported metric to compare by; the objectives if None.
    """

    brackets: tuple[Bracket, ...]
    metric: str | None

    @cached_property
    def size(self) -> int:
        """How many trials one round starts."""
        return sum(bracket.size for bracket in self.brackets)

    def of(self, number: int) -> tuple[Bracket, range]:
        """Return the bracket that a trial is dealt to, and the numbers of the trials in it."""
        start = number - number % self.size
        for bracket in self.brackets:
            if number < start + bracket.size:
                break
            start += bracket.size
        return bracket, range(start, start + bracket.size)

    def budget(self, number: int) -> int:
        """The lowest rung of the bracket that a trial is dealt to."""
        return self.of(number)[0].rungs[0]

    def next(self, history: History) -> Job:
        """Resume or stop a paused trial where that is due, oldest bracket first; else start one."""
        paused = {trial.number: trial for trial in history.paused}
        seen: set[range] = set()
        for number in paused:
            bracket, members = self.of(number)
            if members not in seen:
                seen.add(members)
                job = self._due(history, bracket, members, paused)
                if job is not None:
                    return job
        return NEW

    def decide(self, trial: FrozenTrial, step: int) -> Decision:
        """Pause the trial where its budget ends, before the last rung."""
        rungs = self.of(trial.number)[0].rungs
        return paused_at_budget(trial, step, rungs[0], rungs[-1])

    def _due(
        self,
        history: History,
        bracket: Bracket,
        members: range,
        paused: Mapping[int, FrozenTrial],
    ) -> Job | None:
        """Say what is due on the rungs of a bracket that are full."""
        size = self._started(history, members)
        if size is None:
            return None
        live = {t.number for t in chain(history.pending, history.paused) if t.number in members}
        competitors = set(members)
        for place, step in enumerate(bracket.rungs[:-1]):
            rung = history.rung(step, rung_metrics(self.metric)).within(members)
            order = [number for number in best_first(rung).tolist() if number in competitors]
            if (live & competitors).difference(order):
                return None  # some are still on their way
            n = bracket.places(place, size)
            for number in order[n:]:
                if number in paused:
                    return Stop(number, f"not among the best {n} at step {step}")
            for number in order[:n]:
                if number in paused and is_below(paused[number], bracket.rungs[place + 1]):
                    return Resume(number, bracket.rungs[place + 1])
            competitors = set(order[:n])
        return None

    def _started(self, history: History, members: range) -> int | None:
        """How many trials a bracket has started; None if there are more to come."""
        planned = history.planned
        if planned is None or planned < history.next_number:  # more have come than were planned
            planned = members.stop
        end = min(members.stop, planned)
        return None if history.next_number < end else end - members.start


class Bracketed(ABC):
    """A scheduler that deals trials to the brackets of a cycle."""

    __slots__ = ()
    _cycle: Cycle

    @property
    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""

    @property
    def rungs(self) -> tuple[int, ...]:
        """The steps at which trials are compared, ascending; the last is the end."""
        return self._cycle.brackets[0].rungs

    def budget(self, history: History, number: int) -> int | None:
        """The lowest rung of the bracket that the trial is dealt to."""
        return self._cycle.budget(number)

    def next(self, history: History, rng: np.random.Generator) -> Job | None:
        """Resume or stop a paused trial where a rung is full, else start a new one."""
        return self._cycle.next(history)

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Pause the trial where its budget ends."""
        return self._cycle.decide(trial, step)
