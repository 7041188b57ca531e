"""The contracts of the four plug-in kinds, and the channel between a trial and its study.

Each has a conformance suite in ``luthier.testing``. A plug-in is any object of the right
shape; nothing has to be inherited.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, final

if TYPE_CHECKING:
    import numpy as np

    from luthier.core.checkpoint import Checkpoint, CheckpointStore
    from luthier.core.events import LogEvent
    from luthier.core.history import History
    from luthier.core.jobs import Decision, Job, Outcome, Proposal
    from luthier.core.objective import Direction, Objective
    from luthier.core.trial import FrozenTrial, Metrics, Reports, TrialState
    from luthier.space import Space

__all__ = [
    "Beat",
    "Changes",
    "Channel",
    "Executor",
    "Sampler",
    "Scheduler",
    "Storage",
    "StudyRecord",
    "StudySummary",
    "Work",
]


class Sampler(Protocol):
    """Proposes configurations. A pure function of its arguments; state only as a cache.

    Under a scheduler with rungs it is shown the history as of one of them, unless it has an
    attribute ``reads_rungs`` that is true: then it reads ``history.rung`` or ``history.reached``.
    """

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its name and settings as JSON values, enough to build it again: {"name": "grid"}."""
        ...

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose up to n configurations.

        Args:
            space: What is known of the space; empty before the first run of define-by-run.
            history: All that has happened. Its trial ``history.next_number`` is proposed first.
            n: How many, at least 1.
            rng: The generator that belongs to the first trial proposed.

        Returns:
            Proposals; fewer than n, or none, where the space has no more to offer.
        """
        ...


class Scheduler(Protocol):
    """Decides what runs and for how long. A pure function of the history.

    It may also have ``unwatched(trial, step) -> range``: asked after each ``decide``, the steps at
    which it will let that trial pass, whatever it or others report, as long as it has reported
    none above the last one watched. They are then recorded without asking, which costs far less.
    Where it hasn't, ``decide`` is asked at every step. ``check_unwatched`` in
    ``luthier.testing`` holds it to its word.
    """

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its name and settings as JSON values, enough to build it again."""
        ...

    def next(self, history: History, rng: np.random.Generator) -> Job | None:
        """Return what to run next, or None if nothing should start now."""
        ...

    def budget(self, history: History, number: int) -> int | None:
        """Return the step up to which a new trial may go, or None for no limit."""
        ...

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Decide about a running trial that has just reported ``step``."""
        ...


class Channel(Protocol):
    """How an objective, wherever it runs, talks to its study."""

    def report(self, number: int, step: int, metrics: Metrics) -> Decision:
        """Record a report and return the scheduler's decision."""
        ...

    def set_attrs(self, number: int, attrs: Mapping[str, Any]) -> None:
        """Record the user's notes on a trial."""
        ...

    def checkpoint(self, number: int, checkpoint: Checkpoint) -> None:
        """Record a trial's saved state."""
        ...


Work = Callable[[Channel], "Outcome"]
"""One run of a trial: gets the channel to its study, returns what came of it.

It can be pickled by ``cloudpickle`` if what the user gave can. It may say more of itself:
``shared``, the parts that are the same objects in every work, so that they need be sent only once;
``attempt``; and ``prints``, the folder for what it prints, or None.
"""


class Executor(Protocol):
    """Runs trials somewhere, several at a time."""

    @property
    def slots(self) -> int:
        """How many trials it runs at once, at least 1."""
        ...

    def submit(self, number: int, work: Work, channel: Channel) -> None:
        """Start ``work(channel)`` for a trial; there must be a free slot."""
        ...

    def wait(self, timeout: float | None = None) -> list[tuple[int, Outcome | BaseException]]:
        """Wait until a trial has ended, and return all that have, oldest first.

        Args:
            timeout: Seconds; after them the list may be empty.

        Returns:
            Trial numbers with what their work returned or raised; empty at once if nothing runs.
        """
        ...

    def cancel(self, number: int) -> bool:
        """Try to end a running trial; return whether it will end."""
        ...

    def shutdown(self) -> None:
        """Release what it holds. Running trials are ended where that is possible."""
        ...


@final
@dataclass(frozen=True, slots=True)
class StudyRecord:
    """What a storage knows of a study beside its trials.

    Attributes:
        id: The storage's own key.
        name: Unique in the storage.
        objective: What it optimises.
        seed: Root of all its random streams.
        created: Seconds since the epoch.
        settings: Strategy, sampler and scheduler settings as JSON values.
    """

    id: int
    name: str
    objective: Objective
    seed: int
    created: float
    settings: Mapping[str, Any]


@final
@dataclass(frozen=True, slots=True)
class StudySummary:
    """A study at a glance: its record, its version, and how many trials are in which state."""

    record: StudyRecord
    version: int
    states: Mapping[TrialState, int]

    @property
    def n_trials(self) -> int:
        """The number of trials in all states, without those that were invalidated."""
        return sum(self.states.values())


@final
@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed in a study since a version.

    Attributes:
        version: The study's version now.
        trials: The present records of all trials that changed, oldest change first.
        state: The study's state values that changed.
        spaces: Declared spaces that came since, as (version, JSON text), oldest first.
    """

    version: int
    trials: Sequence[FrozenTrial] = ()
    state: Mapping[str, Any] = ()  # type: ignore[assignment]
    spaces: Sequence[tuple[int, str]] = ()


@final
@dataclass(frozen=True, slots=True)
class Beat:
    """A worker's last sign of life. Another than the last one seen means that it lives.

    Attributes:
        count: How often it has raised its counter.
        at: Seconds since the epoch by the worker's own clock, for people to read; nothing is
            decided from it.
    """

    count: int
    at: float


class Storage(Protocol):
    """Keeps studies: an append-only log of events and the present state beside it.

    Every method that writes is one durable transaction, raises the study's version by one for
    each event it logs, and returns the records as they now stand. Trial numbers are claimed by
    compare-and-swap: a driver that proposes trial n has seen all trials before n, or is refused.
    """

    @property
    def shared(self) -> bool:
        """Whether other processes may see what is kept here."""
        ...

    def create_study(
        self, name: str, objective: Objective, seed: int, settings: Mapping[str, Any]
    ) -> StudyRecord:
        """Create a study at version 0.

        Raises:
            StudyExistsError: The name is taken.
        """
        ...

    def load_study(self, name: str) -> StudyRecord:
        """Return a study's record.

        Raises:
            StudyNotFoundError: There is none of that name.
        """
        ...

    def delete_study(self, name: str) -> None:
        """Delete a study with all its trials and its log.

        Raises:
            StudyNotFoundError: There is none of that name.
        """
        ...

    def studies(self) -> list[StudySummary]:
        """All studies, oldest first."""
        ...

    def add_trials(self, study: int, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """Add trials in any state, one "added" event each.

        Args:
            study: The study's id.
            trials: Their numbers must continue the study's without a gap.

        Raises:
            NumberTakenError: They don't: another driver was first.
        """
        ...

    def add_next(
        self, study: int, since: int, propose: Callable[[Changes], FrozenTrial | None]
    ) -> FrozenTrial | None:
        """Look at what has changed, and add the trial proposed upon it, while nobody else writes.

        For drivers that would be in each other's way: none is ever refused. But others wait for
        as long as the proposal takes, so it has to be quick.

        Args:
            study: The study's id.
            since: The version that the driver knows.
            propose: Gets what has changed since, and returns the next trial, or None to add
                nothing. It mustn't use the storage. Where a connection was lost it is called
                again, with what has changed since its last call.

        Returns:
            The trial as added, or None.

        Raises:
            NumberTakenError: Its number isn't the next one.
        """
        ...

    def turn(self, study: int) -> AbstractContextManager[object]:
        """Wait for one's turn to look at the history, propose and add trials.

        A courtesy among drivers: who has the turn isn't overtaken by others who asked for it, so
        that nobody's proposal is refused. Nothing depends on it; a storage may give it at once,
        and gives it in the end to whoever waits.
        """
        ...

    def claim(
        self,
        study: int,
        number: int,
        worker: str,
        *,
        attempt: int,
        at: float,
        budget: int | None = None,
        state: TrialState | None = None,
    ) -> FrozenTrial | None:
        """Make a trial RUNNING under a worker, its attempt raised by one.

        If it was RUNNING, its worker was gone: its lapses are raised by one too.

        A paused trial keeps its reports; any other those up to its checkpoint: it goes on there.

        Args:
            study: The study's id.
            number: A trial that waits, is paused, or runs under a worker that died.
            worker: Who claims it.
            attempt: The attempt it was last seen at; guards against two claims.
            at: The time.
            budget: A new budget; None leaves it as it was.
            state: The state it was last seen in, if no other will do: a run that seemed lost may
                have ended in a pause, which is the scheduler's to end.

        Returns:
            The trial, or None if another was faster.
        """
        ...

    def report(self, study: int, number: int, attempt: int, reports: Reports) -> FrozenTrial:
        """Record new reports of a running trial.

        Raises:
            TrialStateError: The trial isn't running, or not at that attempt.
        """
        ...

    def checkpoint(
        self, study: int, number: int, attempt: int, checkpoint: Checkpoint, reports: Reports
    ) -> FrozenTrial:
        """Record a running trial's saved state, with all that it has reported until then.

        Raises:
            TrialStateError: The trial isn't running, or not at that attempt.
        """
        ...

    def release(
        self,
        study: int,
        number: int,
        attempt: int,
        state: TrialState,
        reason: str,
        *,
        lapse: bool = False,
    ) -> FrozenTrial:
        """Put a running trial back to WAITING or PAUSED.

        Args:
            study: The study's id.
            number: The trial.
            attempt: The attempt at which it runs.
            state: WAITING or PAUSED.
            reason: Why, in words.
            lapse: Whether its worker was gone, so that its lapses are raised by one.

        Raises:
            TrialStateError: The trial isn't running, or not at that attempt.
        """
        ...

    def finish(self, study: int, trial: FrozenTrial) -> FrozenTrial:
        """Record the end of a trial's run.

        That is its state, params, metrics, reports, cost, error, declares and, unless 0, lapses.
        PAUSED is such an end too: it logs "paused" instead of "finished". A trial that waits or
        is paused may be PRUNED as it is.

        Raises:
            TrialStateError: The stored trial isn't running at that attempt.
        """
        ...

    def set_attrs(self, study: int, number: int, attrs: Mapping[str, Any]) -> FrozenTrial:
        """Add to a trial's user attributes.

        Raises:
            TrialNotFoundError: There is no such trial.
        """
        ...

    def invalidate(self, study: int, number: int, reason: str) -> FrozenTrial:
        """Take a finished trial out of every decision; it stays in the log.

        Raises:
            TrialNotFoundError: There is no such trial.
            TrialStateError: It hasn't finished.
        """
        ...

    def put_space(self, study: int, space: str) -> int:
        """Record a newly declared space (JSON text); return the study's version."""
        ...

    def put_state(self, study: int, key: str, value: object) -> int:
        """Set a study-wide value (JSON); return the study's version."""
        ...

    def get_state(self, study: int) -> dict[str, Any]:
        """All study-wide values."""
        ...

    def best_trial(self, study: int, direction: Direction) -> FrozenTrial | None:
        """Return the best valid COMPLETE trial by the first objective, without reading them all.

        Of equally good ones, the first to finish; None if there is none. NaN is never the best.
        """
        ...

    def changes_since(self, study: int, version: int) -> Changes:
        """Return what has changed since a version; costs only what changed."""
        ...

    def events(self, study: int, since: int = 0, *, number: int | None = None) -> list[LogEvent]:
        """The log after a version, oldest first; only one trial's lines if it is given."""
        ...

    def heartbeat(self, study: int, worker: str, at: float) -> None:
        """Raise the counter by which others see that a worker of a study lives.

        Counters are no part of the log: the study's version stays as it is.

        Args:
            study: The study's id.
            worker: Who lives.
            at: The time by its own clock.
        """
        ...

    def heartbeats(self, study: int) -> Mapping[str, Beat]:
        """The counters of a study's workers."""
        ...

    def forget_worker(self, study: int, worker: str) -> None:
        """Delete a worker's counter, if there is one: it runs no trial any more."""
        ...

    def checkpoints(self, study: int) -> CheckpointStore:
        """Return where the saved states of a study's trials are kept; they go with the study."""
        ...

    def logs(self, study: int) -> Path | None:
        """Return the folder for what a study's trials print, which goes with the study.

        None where nothing is kept: then they print where their driver does.
        """
        ...

    def close(self) -> None:
        """Release files and connections."""
        ...
