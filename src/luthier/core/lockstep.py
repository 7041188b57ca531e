"""Lockstep: a study as it would be had its trials taken equally long, W of them at a time.

However long they take in truth, trial n is proposed from the results of trials 0 to n - W; those
after them count as running, whatever has become of them. So what is proposed depends on no clock:

    add 0 .. add W-1, end 0, add W, end 1, add W+1, end 2, ...

What the user does to the study (declares a space, plans trials, invalidates one) takes its place
among the additions, as it did in the log. Seconds of work are left out: they differ between runs.

The log is followed in its own order; a ledger is brought forward in this one. Its version counts
the steps, and is what the origin of a trial names as seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf
from typing import Final, final

from luthier.core.events import LogEvent, evolve
from luthier.core.ledger import Ledger
from luthier.core.objective import Objective
from luthier.core.trial import EMPTY, NO_REPORTS, FrozenTrial, TrialState, changed
from luthier.space import Param, Space

__all__ = ["KEY", "Lockstep", "is_sampled"]

KEY: Final = "reproducible"
"""Under this key a study keeps W among its study-wide values; the first one that is put counts."""


@final
class Lockstep:
    """Reads a study's log, and gives what each of its trials was, or is to be, proposed from.

    Args:
        objective: What the study optimises.
        seed: The study's seed.
        read_space: Makes a space of its JSON text.

    Attributes:
        version: Up to where the log was read.
        slots: W, at least 1.
    """

    def __init__(self, objective: Objective, seed: int, read_space: Callable[[str], Space]) -> None:
        self._objective = objective
        self._seed = seed
        self._read_space = read_space
        self.version = 0
        self.slots = 0
        self._added: list[FrozenTrial] = []
        self._present: list[FrozenTrial] = []
        self._ended: dict[int, FrozenTrial] = {}
        self._notes: list[tuple[int, LogEvent]] = []  # how many trials there were, what was noted
        self._begin()

    def _begin(self) -> None:
        self._ledger = Ledger(self._objective, self._seed)
        self._noted = 0
        self._seen = 0
        self._invalid: dict[int, str] = {}
        self._definitions: dict[int, Mapping[str, Param]] = {}  # of trials that haven't ended
        self._asked_for = -1  # the trial that isn't in the log yet, and was asked for
        self._drained = False

    def follow(self, event: LogEvent) -> None:
        """Take in the line of the log after those taken in so far."""
        self.version = event.version
        number, count = event.number, len(self._present)
        if number is None:
            if event.kind == "space" or event.data["key"] in ("planned", "planned_cost"):
                self._notes.append((count, event))
            elif event.data["key"] == KEY and not self.slots:
                self.slots = event.data["value"]
        elif event.kind == "invalidated":
            self._notes.append((count, event))
        elif number == count:
            self._added.append(evolve(None, event))
            self._present.append(self._added[-1])
            self._mark_ended(number)
        elif number not in self._ended:
            self._present[number] = evolve(self._present[number], event)
            self._mark_ended(number)

    def _mark_ended(self, number: int) -> None:
        if self._present[number].state.is_finished:
            self._ended[number] = self._present[number]
            self._definitions.pop(number, None)

    @property
    def n_trials(self) -> int:
        """How many trials the log has."""
        return len(self._added)

    def held_up(self) -> int | None:
        """The trial that must end before the next can be proposed, if there is one."""
        due = range(self._seen, len(self._added) - self.slots + 1)
        return next((number for number in due if number not in self._ended), None)

    def before(self, number: int, *, drained: bool = False) -> Ledger | None:
        """Return the ledger as a trial is proposed from it; valid until the next call.

        Args:
            number: One of the log's trials, or the next.
            drained: Show the results of all trials, for the next one when all have ended.

        Returns:
            None while a trial whose result it must show hasn't ended.
        """
        if drained or self._drained or number < len(self._ledger.trials):
            self._begin()
        self._bring(number)
        if number < len(self._added):
            self._replay_up_to(number)
            return self._ledger
        self._asked_for, self._drained = number, drained
        self._take_notes(number)
        until = number if drained else number - self.slots + 1
        return self._ledger if self._see(until) else None

    def definitions(self, number: int) -> Mapping[str, Param]:
        """The parameters that were known when one of the log's trials, not ended, was proposed."""
        if number not in self._definitions:
            if number < len(self._ledger.trials):
                self._begin()
            self._bring(number + 1)
        return self._definitions[number]

    def _bring(self, number: int) -> None:
        """Add trials up to, not including, a number."""
        while (next_ := len(self._ledger.trials)) < number:
            self._replay_up_to(next_)
            self._add(self._added[next_])

    def _replay_up_to(self, number: int) -> None:
        """Show what one of the log's trials was proposed from."""
        trial = self._added[number]
        if not is_sampled(trial):
            self._take_notes(number)
            return
        version, due = trial.origin.history_version, number - self.slots + 1
        if self._asked_for == number and self._ledger.version > version:
            self._begin()  # more was shown here than whoever added it had seen
            self._bring(number)
        self._take_notes(number, version - max(due - self._seen, 0))
        self._see(due)
        while self._ledger.version < version and self._seen < number and self._see(self._seen + 1):
            pass  # it was proposed when all had ended

    def _take_notes(self, number: int, version: float = inf) -> None:
        """Take in what was noted before a trial was added, up to a version."""
        while self._noted < len(self._notes) and self._ledger.version < version:
            count, event = self._notes[self._noted]
            if count > number:
                break
            self._noted += 1
            self._take_note(event)

    def _take_note(self, event: LogEvent) -> None:
        after = self._ledger.version + 1
        if event.kind == "space":
            self._ledger.declare(self._read_space(event.data["space"]), after)
        elif event.number is None:
            self._ledger.put_state({event.data["key"]: event.data["value"]}, after)
        else:
            self._invalid[event.number] = event.data["reason"]
            self._ledger.put_state({}, after)
            if event.number < self._seen:
                trial = self._ledger.trials[event.number]
                invalid = event.data["reason"]
                self._ledger.apply_one(changed(trial, version=after, invalid=invalid))

    def _add(self, trial: FrozenTrial) -> None:
        ledger, number = self._ledger, trial.number
        if number not in self._ended:
            self._definitions[number] = dict(ledger.definitions)
        self._drained = False
        seen = trial.origin.history_version if is_sampled(trial) else ledger.version
        ledger.apply_one(
            changed(
                trial,
                state=TrialState.RUNNING,
                metric_names=(),
                metric_values=(),
                reports=NO_REPORTS,
                started=None,
                finished=None,
                cost=None,
                error=None,
                declares=EMPTY,
                invalid=None,
                origin=replace(trial.origin, history_version=seen),
                version=ledger.version + 1,
                finished_version=None,
            )
        )

    def _see(self, until: int) -> bool:
        """Show results up to, not including, a number; return whether that was possible."""
        while self._seen < until:
            if self._seen not in self._ended:
                return False
            self._end(self._ended[self._seen])
            self._seen += 1
        return True

    def _end(self, trial: FrozenTrial) -> None:
        after = self._ledger.version + 1
        self._ledger.apply_one(
            changed(
                trial,
                started=None,
                finished=None,
                cost=None,
                origin=self._ledger.trials[trial.number].origin,
                invalid=self._invalid.get(trial.number),
                version=after,
                finished_version=after,
            )
        )


def is_sampled(trial: FrozenTrial) -> bool:
    """Whether a trial is the sampler's or the objective's, not the user's own."""
    return trial.origin.sampler not in ("enqueued", "added")
