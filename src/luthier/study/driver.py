"""One process's hand on a study: it starts trials, hears what they say, and records what ends.

What is known of the study is kept in ``mirror.py``, how trials are started in ``starting.py``. Here
is what happens between the start of a run and its end. A report or a result counts only if the
trial still runs at the attempt that produced it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, final

from luthier.core.checkpoint import Checkpoint, CheckpointStore
from luthier.core.events import (
    Event,
    TrialFailed,
    TrialFinished,
    TrialPaused,
    TrialReported,
    TrialStarted,
)
from luthier.core.history import History
from luthier.core.jobs import Decision, Outcome
from luthier.core.protocols import Sampler, Scheduler, Storage, StudyRecord
from luthier.core.trial import EMPTY, FrozenTrial, Metrics, TrialState, changed, lapsed
from luthier.errors import NumberTakenError, TrialStateError
from luthier.space import Param, Space
from luthier.study.instep import InStep
from luthier.study.keeper import Keeper
from luthier.study.lease import Lease, given_up
from luthier.study.mirror import Mirror
from luthier.study.proposing import Wanted, never, on_rungs
from luthier.study.starting import Starter
from luthier.study.stops import is_stopped, require_stopped, stop_outcome
from luthier.study.trial import Ticket, as_ended, left_over

__all__ = ["Driver"]

logger = logging.getLogger("luthier")
Listener = Callable[[Event], object]
_FLUSH_SECONDS = 0.5
_ENDS: Mapping[TrialState, type[TrialFailed | TrialFinished | TrialPaused]] = {
    TrialState.PAUSED: TrialPaused,
    TrialState.COMPLETE: TrialFinished,
    TrialState.PRUNED: TrialFinished,
    TrialState.FAILED: TrialFailed,
}
_WATCHED = (0, range(0))


@final
class Driver:
    """Proposes, claims and records trials of one study. Thread-safe.

    Args:
        storage: Where the study is kept.
        record: The study.
        sampler: Proposes.
        scheduler: Decides.
        requirements: Functions behind the named requirements of a stored space.
        checkpoints: Where trials' saved states are kept; the storage's own place if None.
    """

    def __init__(
        self,
        storage: Storage,
        record: StudyRecord,
        sampler: Sampler,
        scheduler: Scheduler,
        requirements: Mapping[str, Callable[..., bool]] | None = None,
        checkpoints: CheckpointStore | None = None,
    ) -> None:
        self.storage = storage
        self.record = record
        self.mirror = Mirror(storage, record, requirements)
        self.ledger = self.mirror.ledger
        self.lock = self.mirror.lock
        self.listeners: list[Listener] = []
        self._checkpoints = checkpoints
        self._keeper = Keeper(self.open_checkpoints, self.mirror.log, self._present, self._donors)
        self.flush_at = 0.0  # when what was heard is to be stored
        self.flush_seconds = _FLUSH_SECONDS  # reports are kept back so long, to go together
        self.use(sampler, scheduler)

    def use(self, sampler: Sampler, scheduler: Scheduler) -> None:
        """Go on with these."""
        self.sampler = sampler
        self.scheduler = scheduler
        self.proposer = on_rungs(sampler, scheduler)
        self._unwatched: dict[int, tuple[int, range]] = {}  # attempts, and steps let pass
        self._starter = Starter(
            self.mirror,
            self.proposer,
            scheduler,
            self.open_checkpoints,
            self.finish,
            self._given_up,
        )

    # What is known

    @property
    def lease(self) -> Lease:
        """The hold on the trials that run here."""
        return self.mirror.lease

    @lease.setter
    def lease(self, lease: Lease) -> None:
        self.mirror.lease = lease

    @property
    def declared(self) -> Space | None:
        """The declared space, if there is one."""
        return self.mirror.declared

    @property
    def in_step(self) -> InStep | None:
        """What may be looked at, where the study is reproducible."""
        return self.mirror.in_step

    def refresh(self) -> History:
        """Take in what others have written; return the history as it now stands."""
        return self.mirror.refresh()

    def trial(self, number: int) -> FrozenTrial:
        """A trial's present record.

        Raises:
            TrialNotFoundError: There is none of that number.
        """
        return self.mirror.trial(number)

    def work_as(self, worker: str) -> None:
        """Claim trials in another name than this process's; what runs under it is this driver's."""
        self.lease.go_on_as(worker, self.refresh().running)

    def elsewhere(self) -> list[int]:
        """Numbers of the trials that other processes are running.

        They will end, or lose their worker: worth waiting for where there is nothing to start.
        """
        return [t.number for t in self.mirror.latest().running if self.lease.awaits(t)]

    # Starting

    def start(
        self,
        *,
        total: int | None = None,
        fixed: Mapping[str, Param] | None = None,
        history: History | None = None,
        eager: bool = False,
        new: bool = True,
        attrs: Mapping[str, Any] = EMPTY,
        unless: Callable[[History], bool] = never,
    ) -> FrozenTrial | None:
        """Claim a trial that waits or was orphaned, else do what the scheduler says.

        That is to propose and add a new trial, to resume a paused one, or to clone one.

        Args:
            total: Add no new trial where the study has so many.
            fixed: Definitions beside the study's space that the new trial needs (``ask``).
            history: What ``refresh`` has just returned, if the caller has it; a stale one does
                no harm, the storage refuses what is made from it.
            eager: Start something even where all that is known of a learnt space is being tried,
                rather than wait until running trials show whether there is more of it. Where
                nothing runs and nothing new can come, ``conclude``.
            new: Whether a new trial may be added.
            attrs: Notes on a new trial, recorded with it; JSON values.
            unless: Start nothing where this says so of the history.

        Returns:
            The trial, now RUNNING under this process; None if there is nothing to start.
        """
        with self.lock:
            # What is decided from must be in the log before the decision.
            if self.ledger.unstored or self.in_step:
                self._flush()
                history = None
            wanted = Wanted(total, fixed or {}, eager, new, attrs, unless)
            trial = self._starter.start(wanted, history)
            if trial is not None and self.listeners:
                self.emit(TrialStarted(self.record.name, trial))
            return trial

    def is_done(self) -> bool:
        """Whether the scheduler has nothing more to run, though the space may hold more."""
        return self._starter.is_done()

    def add(self, build: Callable[[int, History], FrozenTrial]) -> FrozenTrial:
        """Add a trial that isn't the sampler's: ``build`` gets its number and the history."""
        with self.lock:
            while True:
                history = self.refresh()
                trial = build(history.next_number, history)
                try:
                    return self.mirror.write(self.storage.add_trials(self.record.id, [trial])[0])
                except NumberTakenError:
                    continue

    def ticket(self, trial: FrozenTrial) -> Ticket:
        """What a worker needs to run a trial."""
        steps = self.in_step
        definitions = self.ledger.definitions if steps is None else steps.definitions(trial.number)
        if trial.declares:
            definitions = {**definitions, **trial.declares}
        return Ticket(
            trial,
            self.record.seed,
            definitions,
            self.mirror.space,
            self.record.objective,
            self.open_checkpoints,
            left_over(self.scheduler, self.ledger.snapshot(), trial),
        )

    # What runs say

    def report(self, number: int, step: int, metrics: Metrics, attempt: int) -> Decision:
        """Take a report of a running trial; return the scheduler's decision.

        STOP for a run whose trial was ended, put back or taken up: what it says counts no more.
        """
        with self.lock:
            self.mirror.catch_up()
            trial = self.ledger.before_reports(number)
            if trial.state is not TrialState.RUNNING or not self._is_of(trial, attempt):
                return Decision.STOP
            trial = self.ledger.report(number, step, metrics)
            if time.monotonic() >= self.flush_at:
                self._flush()
                trial = self.trial(number)
                if trial.state is not TrialState.RUNNING:  # so that flush was refused
                    return Decision.STOP
            passes = step in self.unwatched(number, attempt)
            decision = Decision.CONTINUE if passes else self._decided(trial, step)
            if self.listeners:
                self.emit(TrialReported(self.record.name, trial, step, metrics, decision))
            return decision

    def unwatched(self, number: int, attempt: int) -> range:
        """The steps that the scheduler has said it will let pass in a trial's run.

        While it runs, the scheduler is the same, there are no listeners, and ``flush_at`` isn't
        reached, reports of them may be left with the ledger, which needs no lock.
        """
        watched_at, steps = self._unwatched.get(number, _WATCHED)
        return steps if watched_at == attempt else range(0)

    def _decided(self, trial: FrozenTrial, step: int) -> Decision:
        """Ask the scheduler, and which of the next steps it will let pass."""
        decision = self.scheduler.decide(self.ledger.snapshot(), trial, step)
        unwatched = getattr(self.scheduler, "unwatched", None)
        if unwatched is not None:
            self._unwatched[trial.number] = trial.attempt, unwatched(trial, step)
        return decision

    def _is_of(self, trial: FrozenTrial, attempt: int) -> bool:
        """Whether a trial's present run is the one at this attempt, and ours."""
        return trial.attempt == attempt and not self.lease.is_lost(trial)

    def set_attrs(self, number: int, attrs: Mapping[str, Any], attempt: int | None = None) -> None:
        """Record notes on a trial.

        Args:
            number: The trial.
            attrs: The notes; JSON values.
            attempt: Of the run that makes them; if it has lost the trial, they are left out.
        """
        with self.lock:
            trial = self.trial(number)
            put_back = trial.state is TrialState.WAITING
            if attempt is not None and (put_back or not self._is_of(trial, attempt)):
                return
            self.mirror.write(self.storage.set_attrs(self.record.id, number, attrs))

    def checkpoint(self, number: int, checkpoint: Checkpoint, attempt: int) -> None:
        """Record what a trial's run at an attempt has saved, with all that it has reported.

        Raises:
            TrialStateError: It was ended elsewhere, or, as TrialLostError, taken up.
            CheckpointMissingError: It was saved out of this process's sight.
        """
        with self.lock:
            trial = self.trial(number)
            if self._is_of(trial, attempt):
                self._keeper.check_in_sight(number, checkpoint)
                self.ledger.unstored.discard(number)
            self.mirror.write(
                self.storage.checkpoint(self.record.id, number, attempt, checkpoint, trial.reports)
            )
            self._keeper.tidy()

    def open_checkpoints(self) -> CheckpointStore:
        """Open the place where trials' saved states are kept."""
        if self._checkpoints is None:
            self._checkpoints = self.storage.checkpoints(self.record.id)
        return self._checkpoints

    # How they end

    def finish(self, number: int, outcome: Outcome) -> FrozenTrial | None:
        """Record the end of a trial's run: of the trial, or until it is resumed.

        Returns:
            The trial as recorded, or None if it wasn't this driver's any more: another had
            taken it up, or it was told from elsewhere. Then the result is refused.
        """
        with self.lock:
            self.ledger.unstored.discard(number)
            self._flush()  # what others have said may be why this one ends
            trial = self.trial(number)
            if self.lease.is_lost(trial):  # so that it is refused
                trial = changed(trial, attempt=self.lease.attempt(trial))
            try:
                ended = self._end(trial, outcome)
            except TrialStateError as refused:
                self.refresh()
                level = logging.INFO if self.stopped(number) else logging.WARNING
                logger.log(level, "The result of trial %d was refused: %s", number, refused)
                ended = None
            self._let_go(number)
            return ended

    def stop(self, number: int, reason: str) -> FrozenTrial:
        """End a trial for the user, whoever runs it; what is recorded of it stays.

        Returns:
            The trial, PRUNED; as it is if the user has stopped it before.

        Raises:
            TrialStateError: It has ended otherwise.
        """
        with self.lock:
            self._flush()
            while not (trial := self._read(number)).state.is_finished:
                with suppress(TrialStateError):  # claimed, paused or ended since: look again
                    trial = self._end(trial, stop_outcome(trial, self.record.objective, reason))
                    self._let_go(number)
                    return trial
            return require_stopped(trial)

    def stopped(self, number: int) -> FrozenTrial | None:
        """A trial that the user has stopped, as far as is known here; None if that isn't so."""
        trials = self.ledger.trials
        known = number < len(trials)  # a new one may not have been read yet, where drivers crowd
        return trials[number] if known and is_stopped(trials[number]) else None

    def _read(self, number: int) -> FrozenTrial:
        self.refresh()
        return self.trial(number)

    def _let_go(self, number: int) -> None:
        """A run of a trial is over, or not wanted any more."""
        self.ledger.unstored.discard(number)
        self._unwatched.pop(number, None)
        self.lease.drop(number)

    def _end(self, trial: FrozenTrial, outcome: Outcome) -> FrozenTrial:
        ended = as_ended(trial, outcome, self.ledger.version + 1)  # or later: then it is restamped
        trial = self.mirror.write(self.storage.finish(self.record.id, ended))
        if trial.checkpoint is not None and trial.state.is_finished:
            self._keeper.tidy()
        if self.listeners:
            self.emit(_ENDS[trial.state](self.record.name, trial))
        return trial

    def lapse(self, number: int, reason: str, cost: float = 0.0) -> FrozenTrial:
        """Put a running trial back since its worker is gone; fail it if that was too often.

        Args:
            number: The trial.
            reason: What became of its worker, in words.
            cost: Seconds for which that has worked on it.

        Returns:
            The trial as it stands then.
        """
        with self.lock:
            trial = self.trial(number)
            if self.lease.is_lost(trial) or not self._given_up(trial, f"{reason} ", cost):
                self.release(number, reason, lapse=True)
            self._let_go(number)
            return self.trial(number)

    def release(self, number: int, reason: str, *, lapse: bool = False) -> None:
        """Put a running trial back to WAITING, to be run again under its own number."""
        with self.lock:
            attempt = self.lease.attempt(self.trial(number))
            try:
                trial = self.storage.release(
                    self.record.id, number, attempt, TrialState.WAITING, reason, lapse=lapse
                )
            except TrialStateError:  # it has ended, or is another's: nothing to put back
                self.refresh()
            else:
                self.mirror.write(trial)
                self.emit(TrialPaused(self.record.name, trial))
            self._let_go(number)

    def _given_up(self, trial: FrozenTrial, what: str = "", cost: float = 0.0) -> bool:
        """Fail a running trial whose worker is gone, if that has happened too often."""
        lapses, _ = lapsed(trial)
        if lapses < self.lease.terms.max_attempts:
            return False
        reason = what + given_up(lapses, self.lease.terms)
        outcome = Outcome(
            TrialState.FAILED, trial.params, reports=trial.reports, error=reason, cost=cost
        )
        with suppress(TrialStateError):  # it has ended, or is another's
            self._end(changed(trial, lapses=lapses), outcome)
            logger.warning("Trial %d failed: %s", trial.number, reason)
        return True

    @contextmanager
    def heard_by(self, listeners: Sequence[Listener]) -> Iterator[None]:
        """Have events told to these listeners, too, for a while."""
        self.listeners.extend(listeners)
        try:
            yield
        finally:
            for listener in listeners:
                self.listeners.remove(listener)

    def emit(self, event: Event) -> None:
        """Tell all listeners; one that fails is reported and changes nothing."""
        for listener in self.listeners:
            try:
                listener(event)
            except Exception:
                logger.exception(
                    "A listener failed on %s; the study goes on.", type(event).__name__
                )

    def _present(self) -> Iterable[FrozenTrial]:
        self.refresh()  # what another process has recorded a moment ago may be needed
        return self.ledger.trials

    def _donors(self) -> Iterable[FrozenTrial]:
        donors = getattr(self.scheduler, "donors", None)
        return () if donors is None else donors(self.ledger.snapshot())

    def _flush(self) -> None:
        """Group commit of reports: every half second, and before anything is proposed."""
        unstored = self.ledger.unstored
        for number in sorted(unstored):
            unstored.discard(number)  # first: more may be heard while this is written
            trial = self.trial(number)
            attempt = self.lease.attempt(trial)
            try:
                self.mirror.write(
                    self.storage.report(self.record.id, number, attempt, trial.reports)
                )
            except TrialStateError:  # no longer ours; finish() will be refused and say so
                self.refresh()
        self.flush_at = time.monotonic() + self.flush_seconds
