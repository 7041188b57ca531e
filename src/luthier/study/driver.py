"""One process's hand on a study: it keeps the mirror, proposes, claims and records.

Everything that must stay true with any number of drivers on one storage is here:

* A proposal for trial n is made from a history that holds all trials before n, and is added
  only if n is still free; otherwise the driver looks again. So no number is used twice, and no
  two drivers try the same cell.
* A trial whose worker is gone is claimed again under its own number, with its own proposal,
  unless that has happened too often.
* A result counts only if the trial still runs at the attempt that produced it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext, suppress
from typing import Any, final

import numpy as np

from luthier.core.checkpoint import Checkpoint, CheckpointStore
from luthier.core.events import (
    Event,
    LogEvent,
    TrialFailed,
    TrialFinished,
    TrialPaused,
    TrialReported,
    TrialStarted,
)
from luthier.core.history import History
from luthier.core.jobs import Clone, Decision, Job, Outcome, Proposal, Resume, Stop
from luthier.core.ledger import Ledger
from luthier.core.lockstep import KEY as REPRODUCIBLE
from luthier.core.protocols import Changes, Sampler, Scheduler, Storage, StudyRecord
from luthier.core.record import dump
from luthier.core.rng import generator
from luthier.core.trial import (
    EMPTY,
    FrozenTrial,
    Metrics,
    Origin,
    TrialState,
    changed,
    lapsed,
)
from luthier.core.worker import is_gone
from luthier.errors import (
    CheckpointMissingError,
    NumberTakenError,
    TrialNotFoundError,
    TrialStateError,
)
from luthier.space import Param, Space
from luthier.study import lease
from luthier.study.instep import InStep
from luthier.study.keeper import Keeper
from luthier.study.lease import Lease, Terms, given_up
from luthier.study.proposing import clone_of, new_trial, on_rungs, origin_of, propose
from luthier.study.trial import Ticket, as_ended, check_definitions, last_metrics

__all__ = ["Driver"]

logger = logging.getLogger("luthier")
Listener = Callable[[Event], object]
_FLUSH_SECONDS = 0.5
_CROWDED_SECONDS = 10.0  # so long after another driver was faster, drivers take turns
_ENDS: Mapping[TrialState, type[TrialFailed | TrialFinished | TrialPaused]] = {
    TrialState.PAUSED: TrialPaused,
    TrialState.COMPLETE: TrialFinished,
    TrialState.PRUNED: TrialFinished,
    TrialState.FAILED: TrialFailed,
}
_NOTHING = Space()
_WATCHED = (0, range(0))
_UNKNOWN = Proposal({}, "all that is known of the space is taken: the objective may hold more")


@final
class Driver:
    """Proposes, claims and records trials of one study. Thread-safe; also a trial's channel.

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
        self.use(sampler, scheduler)
        self.listeners: list[Listener] = []
        self.ledger = Ledger(record.objective, record.seed)
        self.lock = self.ledger.lock
        self.declared: Space | None = None
        self.in_step: InStep | None = None  # where the study is reproducible
        self.requirements = dict(requirements or {})
        self._checkpoints = checkpoints
        self._keeper = Keeper(self.open_checkpoints, self._log, self._present, self._donors)
        self._crowded_until = 0.0
        self._flush_at = 0.0
        self.lease = Lease(storage, record.id)
        self.flush_seconds = _FLUSH_SECONDS  # reports are kept back so long, to go together

    def use(self, sampler: Sampler, scheduler: Scheduler) -> None:
        """Go on with these."""
        self.sampler = sampler
        self.scheduler = scheduler
        self.proposer = on_rungs(sampler, scheduler)
        self._unwatched: dict[int, tuple[int, range]] = {}  # attempts, and steps let pass
        self._sampler_spec = dump(dict(self.proposer.spec))
        self._scheduler_spec = dump({"scheduler": dict(scheduler.spec)})

    def work_as(self, worker: str) -> None:
        """Claim trials in another name than this process's; what runs under it is this driver's."""
        self.lease.go_on_as(worker, self.refresh().running)

    def best(self) -> FrozenTrial | None:
        """The best trial by the first objective: asked of the storage if nothing is read yet."""
        return self.storage.best_trial(self.record.id, self.record.objective.directions[0])

    @property
    def unread(self) -> bool:
        """Whether this driver hasn't read the study's trials yet."""
        return self.ledger.version == 0

    def refresh(self) -> History:
        """Take in what others have written; return the history as it now stands."""
        with self.lock:
            changes = self.storage.changes_since(self.record.id, self.ledger.version)
            if changes.version == self.ledger.version:
                return self.ledger.snapshot()
            spaces = [
                (version, Space.from_json(text, requirements=self.requirements))
                for version, text in changes.spaces
            ]
            if self._must_follow(changes):
                self._follow(changes.version)
            else:
                self.ledger.apply(*changes.trials, spaces=spaces)
            self.declared = spaces[-1][1] if spaces else self.declared
            self.ledger.put_state(changes.state, changes.version)
            self.lease.heed(changes.trials)
            if lease.KEY in changes.state:
                self.lease.terms = Terms.of(changes.state)
            if REPRODUCIBLE in changes.state and self.in_step is None:
                self.in_step = InStep(self.ledger, self._log, self._read_space)
            return self.ledger.snapshot()

    def _read_space(self, text: str) -> Space:
        """A space of the log; of the one that is declared now, the caller's own object."""
        if self.declared is not None and self.declared.to_json() == text:
            return self.declared
        return Space.from_json(text, requirements=self.requirements)

    def _must_follow(self, changes: Changes) -> bool:
        """Whether the space is learnt from trials that pause, so that their pauses count as well.

        A record says when its trial ended, not when it was paused and what it had asked for then.
        """
        declared = () if self.declared is None else self.declared
        learnt = not declared or len(self.ledger.definitions) > len(declared)
        learnt = learnt or any(trial.declares for trial in changes.trials)
        return learnt and any(trial.budget is not None for trial in changes.trials)

    def _follow(self, version: int) -> None:
        """Take in the log up to a version, line by line."""
        for event in self.storage.events(self.record.id, self.ledger.version):
            if event.version <= version:
                self.ledger.follow(event, self.requirements)

    def declare(self, space: Space) -> None:
        """Record a new declared space, unless it is the present one."""
        with self.lock:
            self.refresh()
            if self.declared != space:
                self.storage.put_space(self.record.id, space.to_json())
                self.refresh()
            self.declared = space  # the caller's own: it may hold functions
            self.ledger.declare(space, self.ledger.version)

    def plan(self, n_trials: int | None) -> None:
        """Record how many trials the study is to have, if that is known; samplers may use it."""
        with self.lock:
            if self.ledger.state.get("planned") != n_trials:
                self.storage.put_state(self.record.id, "planned", n_trials)
                self.refresh()

    def conclude(self) -> bool:
        """Record that no trials will come beside those there are, if paused ones may wait for them.

        Returns:
            Whether that was news, so that something may have become due.
        """
        with self.lock:
            history = self.refresh()
            if not history.paused or history.planned == history.next_number:
                return False
            self.plan(history.next_number)
            return True

    def start(
        self,
        *,
        total: int | None = None,
        fixed: Mapping[str, Param] | None = None,
        history: History | None = None,
        eager: bool = False,
        new: bool = True,
        attrs: Mapping[str, Any] = EMPTY,
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

        Returns:
            The trial, now RUNNING under this process; None if there is nothing to start.
        """
        with self.lock:
            # What is decided from must be in the log before the decision.
            if self.ledger.unstored or self.in_step:
                self._flush()
                history = None
            while True:
                crowded = time.monotonic() < self._crowded_until
                try:
                    with self.storage.turn(self.record.id) if crowded else nullcontext():
                        history = self.refresh() if history is None or crowded else history
                        may_add = new and (total is None or history.n_trials < total)
                        trial = self._claim_one(history) or self._next(
                            history, fixed or {}, eager, may_add, attrs
                        )
                except _FasterError:
                    self._crowded_until = time.monotonic() + _CROWDED_SECONDS
                    history = None
                    continue
                if trial is None and eager and not history.running and self.conclude():
                    history = None
                    continue
                if trial is not None:
                    self.lease.take(trial)
                    if self.listeners:
                        self.emit(TrialStarted(self.record.name, trial))
                return trial

    def is_done(self) -> bool:
        """Whether the scheduler has nothing more to run, though the space may hold more."""
        return self._due(self.refresh())[0] is None

    def elsewhere(self) -> list[int]:
        """Numbers of the trials that other processes are running.

        They will end, or lose their worker: worth waiting for where there is nothing to start.
        """
        return [t.number for t in self.ledger.snapshot().running if self.lease.awaits(t)]

    def add(self, build: Callable[[int, History], FrozenTrial]) -> FrozenTrial:
        """Add a trial that isn't the sampler's: ``build`` gets its number and the history."""
        with self.lock:
            while True:
                history = self.refresh()
                trial = build(history.next_number, history)
                try:
                    return self._write(self.storage.add_trials(self.record.id, [trial])[0])
                except NumberTakenError:
                    continue

    def ticket(self, trial: FrozenTrial) -> Ticket:
        """What a worker needs to run a trial."""
        steps = self.in_step
        definitions = self.ledger.definitions if steps is None else steps.definitions(trial.number)
        if trial.declares:
            definitions = {**definitions, **trial.declares}
        declared = _NOTHING if self.declared is None else self.declared
        return Ticket(
            trial,
            self.record.seed,
            definitions,
            declared,
            self.record.objective,
            self.open_checkpoints,
        )

    def report(self, number: int, step: int, metrics: Metrics) -> Decision:
        """Take a report of a running trial; return the scheduler's decision.

        STOP for a trial that was ended or taken up elsewhere: what it says counts no more.
        """
        ledger, now = self.ledger, time.monotonic()
        attempt, unwatched = self._unwatched.get(number, _WATCHED)
        passes = step in unwatched and ledger.is_running(number, attempt)
        if passes and now < self._flush_at and not self.listeners:  # that needs no lock
            ledger.hear(number, attempt, step, metrics)
            return Decision.CONTINUE
        with self.lock:
            trial = self.trial(number)
            if trial.state is not TrialState.RUNNING or self.lease.is_lost(trial):
                return Decision.STOP
            trial = ledger.report(number, step, metrics)
            if now >= self._flush_at:
                self._flush()
                trial = self.trial(number)
            decision = Decision.CONTINUE if passes else self._decided(trial, step)
            if self.listeners:
                self.emit(TrialReported(self.record.name, trial, step, metrics, decision))
            return decision

    def _decided(self, trial: FrozenTrial, step: int) -> Decision:
        """Ask the scheduler, and which of the next steps it will let pass."""
        decision = self.scheduler.decide(self.ledger.snapshot(), trial, step)
        unwatched = getattr(self.scheduler, "unwatched", None)
        if unwatched is not None:
            self._unwatched[trial.number] = trial.attempt, unwatched(trial, step)
        return decision

    def set_attrs(self, number: int, attrs: Mapping[str, Any]) -> None:
        """Record notes on a trial; those of a run that has lost it are left out."""
        with self.lock:
            if self.lease.is_lost(self.trial(number)):
                return
            self._write(self.storage.set_attrs(self.record.id, number, attrs))

    def checkpoint(self, number: int, checkpoint: Checkpoint) -> None:
        """Record a trial's saved state, with all that it has reported.

        Raises:
            TrialStateError: It was ended elsewhere, or, as TrialLostError, taken up.
            CheckpointMissingError: It was saved out of this process's sight.
        """
        with self.lock:
            trial = self.trial(number)
            attempt = self.lease.attempt(trial)
            if attempt == trial.attempt:
                self._keeper.check_in_sight(number, checkpoint)
            self.ledger.unstored.discard(number)
            self._write(
                self.storage.checkpoint(self.record.id, number, attempt, checkpoint, trial.reports)
            )
            self._keeper.tidy()

    def open_checkpoints(self) -> CheckpointStore:
        """Open the place where trials' saved states are kept."""
        if self._checkpoints is None:
            self._checkpoints = self.storage.checkpoints(self.record.id)
        return self._checkpoints

    def finish(self, number: int, outcome: Outcome) -> FrozenTrial | None:
        """Record the end of a trial's run: of the trial, or until it is resumed.

        Returns:
            The trial as recorded, or None if it wasn't this driver's any more: another had
            taken it up, or it was told from elsewhere. Then the result is refused.
        """
        with self.lock:
            self.ledger.unstored.discard(number)
            self._unwatched.pop(number, None)
            self._flush()  # what others have said may be why this one ends
            trial = self.trial(number)
            if self.lease.is_lost(trial):  # so that it is refused
                trial = changed(trial, attempt=self.lease.attempt(trial))
            try:
                ended = self._end(trial, outcome)
            except TrialStateError as refused:
                logger.warning("The result of trial %d was refused: %s", number, refused)
                self.refresh()
                ended = None
            self.lease.drop(number)
            return ended

    def _end(self, trial: FrozenTrial, outcome: Outcome) -> FrozenTrial:
        ended = as_ended(trial, outcome, self.ledger.version + 1)  # or later: then it is restamped
        trial = self._write(self.storage.finish(self.record.id, ended))
        if trial.checkpoint is not None and trial.state.is_finished:
            self._keeper.tidy()
        if self.listeners:
            self.emit(_ENDS[trial.state](self.record.name, trial))
        return trial

    def lapse(self, number: int, reason: str) -> None:
        """Put a running trial back since its worker is gone; fail it if that was too often."""
        with self.lock:
            trial = self.trial(number)
            if self.lease.is_lost(trial) or not self._given_up(trial):
                self.release(number, reason, lapse=True)
            self.ledger.unstored.discard(number)
            self._unwatched.pop(number, None)
            self.lease.drop(number)

    def release(self, number: int, reason: str, *, lapse: bool = False) -> None:
        """Put a running trial back to WAITING, to be run again under its own number."""
        with self.lock:
            attempt = self.lease.attempt(self.trial(number))
            self.ledger.unstored.discard(number)
            self._unwatched.pop(number, None)
            try:
                trial = self.storage.release(
                    self.record.id, number, attempt, TrialState.WAITING, reason, lapse=lapse
                )
            except TrialStateError:  # it has ended, or is another's: nothing to put back
                self.refresh()
            else:
                self._write(trial)
                self.emit(TrialPaused(self.record.name, trial))
            self.lease.drop(number)

    def trial(self, number: int) -> FrozenTrial:
        """A trial's present record.

        Raises:
            TrialNotFoundError: There is none of that number.
        """
        trials = self.ledger.trials
        try:
            return trials[number.__index__() if number >= 0 else len(trials)]
        except (AttributeError, IndexError, TypeError):
            raise TrialNotFoundError(
                f"Study {self.record.name!r} has no trial {number!r}; it has {len(trials)} trials, "
                "numbered from 0.",
                number=number,
            ) from None

    def emit(self, event: Event) -> None:
        """Tell all listeners; one that fails is reported and changes nothing."""
        for listener in self.listeners:
            try:
                listener(event)
            except Exception:
                logger.exception(
                    "A listener failed on %s; the study goes on.", type(event).__name__
                )

    def check_definitions(self, definitions: Mapping[str, Param]) -> None:
        """Refuse definitions that contradict the declared space.

        Raises:
            SpaceError: A condition or relation doesn't fit them.
        """
        if definitions:
            declared = _NOTHING if self.declared is None else self.declared
            check_definitions(declared, {**self.ledger.definitions, **definitions})

    def write(self, trial: FrozenTrial) -> FrozenTrial:
        """Take in a record that the storage has just returned."""
        with self.lock:
            return self._write(trial)

    def _write(self, trial: FrozenTrial) -> FrozenTrial:
        if trial.version == self.ledger.version + 1:
            self.ledger.apply_one(trial)
        else:  # others have written in between
            self.refresh()
        return trial

    def _claim_one(self, history: History) -> FrozenTrial | None:
        gone = self.lease.gone(history.running) if history.running else ()
        if not gone and not history.waiting:
            return None
        for trial in history.pending:
            orphan = trial.worker in gone and not self.lease.holds(trial.number)
            if orphan and trial.state is TrialState.RUNNING:
                if self._given_up(trial):
                    self._forget_worker_of(trial)
                    raise _FasterError
            elif trial.state is not TrialState.WAITING:
                continue
            fresh = trial.budget is None
            budget = self.scheduler.budget(history, trial.number) if fresh else None
            if (claimed := self._claimed(trial, budget)) is not None:
                return claimed
        return None

    def _claimed(self, trial: FrozenTrial, budget: int | None) -> FrozenTrial | None:
        claimed = self.storage.claim(
            self.record.id,
            trial.number,
            self.lease.worker,
            attempt=trial.attempt,
            at=time.time(),
            budget=budget,
            state=trial.state,
        )
        if claimed is None:
            return None
        if trial.state is TrialState.RUNNING:
            level = logging.INFO if is_gone(trial.worker or "") else logging.WARNING
            logger.log(level, "Trial %d runs again: %s is gone.", trial.number, trial.worker)
            self._forget_worker_of(trial)
        return self._write(claimed)

    def _given_up(self, trial: FrozenTrial) -> bool:
        """Fail a running trial whose worker is gone, if that has happened too often."""
        lapses, _ = lapsed(trial)
        if lapses < self.lease.terms.max_attempts:
            return False
        reason = given_up(lapses, self.lease.terms)
        outcome = Outcome(TrialState.FAILED, trial.params, reports=trial.reports, error=reason)
        with suppress(TrialStateError):  # it has ended, or is another's
            self._end(changed(trial, lapses=lapses), outcome)
            logger.warning("Trial %d failed: %s", trial.number, reason)
        return True

    def _forget_worker_of(self, trial: FrozenTrial) -> None:
        """Let go of the counter of a worker that is gone, with its last trial."""
        others = (t for t in self.ledger.snapshot().running if t.number != trial.number)
        if trial.worker is not None and all(t.worker != trial.worker for t in others):
            self.lease.forget(trial.worker)

    def _next(
        self,
        history: History,
        fixed: Mapping[str, Param],
        eager: bool,
        may_add: bool,
        attrs: Mapping[str, Any],
    ) -> FrozenTrial | None:
        """Do what the scheduler says.

        Raises:
            _FasterError: Another driver did something first.
        """
        job, rng = self._due(history)
        while isinstance(job, Stop):
            self._stop(job)
            history = self.refresh()
            job, rng = self._due(history)
        if isinstance(job, Resume):
            return self._resume(job)
        if job is None or not may_add:
            return None
        trial = (
            self._cloned(job, history)
            if isinstance(job, Clone)
            else self._proposed(fixed, eager, rng)
        )
        if trial is None:
            return None
        if attrs:
            trial = changed(trial, user_attrs=attrs)
        try:
            return self._write(self.storage.add_trials(self.record.id, [trial])[0])
        except NumberTakenError:
            raise _FasterError from None

    def _due(self, history: History) -> tuple[Job | None, np.random.Generator]:
        """What the scheduler says, and the generator from which the next trial is drawn."""
        rng = generator(self.record.seed, history.next_number)
        return self.scheduler.next(history, rng), rng

    def _resume(self, job: Resume) -> FrozenTrial:
        trial = self.trial(job.trial)
        claimed = self._claimed(trial, job.budget) if trial.state is TrialState.PAUSED else None
        if claimed is None:
            raise _FasterError
        return claimed

    def _stop(self, job: Stop) -> None:
        """End a paused trial for good, in one transaction.

        Raises:
            _FasterError: It isn't paused any more.
        """
        trial = self.trial(job.trial)
        outcome = Outcome(
            TrialState.PRUNED,
            trial.params,
            metrics=last_metrics(self.record.objective, trial.reports),
            reports=trial.reports,
            error=job.reason,
        )
        if self.finish(trial.number, outcome) is None:
            raise _FasterError

    def _cloned(self, job: Clone, history: History) -> FrozenTrial:
        """The record of a clone, once its parent's saved state was read and found whole.

        Raises:
            _FasterError: Another driver has let the parent go on, or end.
            CheckpointMissingError: The parent never saved its state, or that is gone.
            CheckpointCorruptError: It isn't what was saved.
        """
        parent = self.trial(job.parent)
        origin, checkpoint = clone_of(parent, job, self._scheduler_spec, history.version)
        self._verify(parent, checkpoint)
        return changed(
            self._new(history, job.params, origin), budget=job.budget, checkpoint=checkpoint
        )

    def _verify(self, parent: FrozenTrial, checkpoint: Checkpoint) -> None:
        try:
            self.open_checkpoints().verify(checkpoint.key)
        except CheckpointMissingError:
            self.refresh()
            if self.trial(parent.number).version != parent.version:  # it went on, or ended
                raise _FasterError from None
            raise

    def _proposed(
        self, fixed: Mapping[str, Param], eager: bool, rng: np.random.Generator
    ) -> FrozenTrial | None:
        for seen in (self.ledger,) if self.in_step is None else self.in_step.views():
            history = seen.snapshot()
            declares = {n: p for n, p in fixed.items() if seen.definitions.get(n) != p} or EMPTY
            sampler, proposal = self._sampler_spec, propose(self.proposer, history, declares, rng)
            if proposal is None and self._may_hold_more(seen, eager):
                sampler, proposal = "objective", _UNKNOWN
            if proposal is not None:
                origin = origin_of(proposal, sampler, history.version)
                trial = self._new(history, proposal.params, origin)
                budget = self.scheduler.budget(history, trial.number)
                return changed(trial, budget=budget, declares=declares)
            rng = generator(self.record.seed, history.next_number)
        return None

    def _new(self, history: History, params: Mapping[str, Any], origin: Origin) -> FrozenTrial:
        n_objectives = len(self.record.objective.names)
        return new_trial(history, params, origin, self.lease.worker, n_objectives)

    def _log(self, since: int) -> list[LogEvent]:
        return self.storage.events(self.record.id, since)

    def _present(self) -> Iterable[FrozenTrial]:
        self.refresh()  # what another process has recorded a moment ago may be needed
        return self.ledger.trials

    def _donors(self) -> Iterable[FrozenTrial]:
        donors = getattr(self.scheduler, "donors", None)
        return () if donors is None else donors(self.ledger.snapshot())

    def _may_hold_more(self, seen: Ledger, eager: bool) -> bool:
        """Whether a space that looks exhausted may not be: it is learnt, and still changing."""
        learnt = self.declared is None
        return learnt and (seen.moving or (eager and bool(seen.snapshot().running)))

    def _flush(self) -> None:
        """Group commit of reports: every half second, and before anything is proposed."""
        unstored = self.ledger.unstored
        for number in sorted(unstored):
            unstored.discard(number)  # first: more may be heard while this is written
            trial = self.trial(number)
            attempt = self.lease.attempt(trial)
            try:
                self._write(self.storage.report(self.record.id, number, attempt, trial.reports))
            except TrialStateError:  # no longer ours; finish() will be refused and say so
                self.refresh()
        self._flush_at = time.monotonic() + self.flush_seconds


@final
class _FasterError(Exception):
    """Another driver was faster: look again."""
