"""What a driver starts: trials that wait or were orphaned, then what the scheduler says.

* A proposal for trial n is made from a history that holds all trials before n, and is added
  only if n is still free; otherwise the driver looks again. So no number is used twice, and no
  two drivers try the same cell.
* A trial whose worker is gone is claimed again under its own number, with its own proposal,
  unless that has happened too often.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, final

import numpy as np

from luthier.core.checkpoint import Checkpoint, CheckpointStore
from luthier.core.history import History
from luthier.core.jobs import Clone, Job, Outcome, Proposal, Resume, Start, Stop
from luthier.core.ledger import Ledger
from luthier.core.protocols import Changes, Sampler, Scheduler
from luthier.core.record import dump
from luthier.core.rng import generator
from luthier.core.trial import EMPTY, FrozenTrial, Origin, TrialState, changed
from luthier.core.worker import is_gone
from luthier.errors import CheckpointMissingError, NumberTakenError
from luthier.study.mirror import Mirror
from luthier.study.proposing import Wanted, clone_of, new_trial, origin_of, propose
from luthier.study.trial import last_metrics

__all__ = ["Starter"]

logger = logging.getLogger("luthier")
_CROWDED_SECONDS = 10.0  # so long after another driver was faster, drivers take turns
_QUICK_SECONDS = 0.02  # a proposal made so fast may keep others from writing meanwhile
_UNKNOWN = Proposal({}, "all that is known of the space is taken: the objective may hold more")


@final
class Starter:
    """Proposes, claims and adds trials.

    Args:
        mirror: What is known of the study.
        sampler: Proposes.
        scheduler: Decides.
        checkpoints: Opens the place where trials' saved states are kept.
        finish: Records the end of a trial.
        give_up: Fails a running trial whose worker is gone, if that was once too often.
    """

    def __init__(
        self,
        mirror: Mirror,
        sampler: Sampler,
        scheduler: Scheduler,
        checkpoints: Callable[[], CheckpointStore],
        finish: Callable[[int, Outcome], FrozenTrial | None],
        give_up: Callable[[FrozenTrial], bool],
    ) -> None:
        self._mirror = mirror
        self._checkpoints = checkpoints
        self._finish = finish
        self._give_up = give_up
        self._scheduler = scheduler
        self._sampler = sampler
        self._sampler_spec = dump(dict(sampler.spec))
        self._scheduler_spec = dump({"scheduler": dict(scheduler.spec)})
        self._proposing = 0.0  # seconds that the last proposal took

    def start(self, wanted: Wanted, history: History | None) -> FrozenTrial | None:
        """Start a trial; see ``Driver.start``, which holds the lock meanwhile."""
        mirror = self._mirror
        while True:
            try:
                trial = self._start(wanted, history)
            except _FasterError:
                mirror.crowded_until = time.monotonic() + _CROWDED_SECONDS
                history = None
                continue
            if trial is None and wanted.eager and not mirror.latest().running and mirror.conclude():
                history = None
                continue
            if trial is not None:
                mirror.lease.take(trial)
            return trial

    def _start(self, wanted: Wanted, history: History | None) -> FrozenTrial | None:
        mirror = self._mirror
        if time.monotonic() >= mirror.crowded_until:
            return self._start_by(wanted, mirror.refresh() if history is None else history)
        added = self._add_at_once(wanted)
        if added is not None:
            return added
        with mirror.storage.turn(mirror.record.id):
            return self._start_by(wanted, mirror.refresh())

    def _start_by(self, wanted: Wanted, history: History) -> FrozenTrial | None:
        if wanted.unless(history):
            return None
        return self._claim_one(history) or self._next(history, wanted)

    def _add_at_once(self, wanted: Wanted) -> FrozenTrial | None:
        """Look, propose and add in one transaction; None where that isn't what is to be done."""
        mirror = self._mirror
        running = mirror.ledger.snapshot().running
        slow = mirror.in_step is not None or self._proposing > _QUICK_SECONDS
        if slow or (running and mirror.lease.gone(running)):
            return None

        seen: list[FrozenTrial] = []

        def propose(changes: Changes) -> FrozenTrial | None:
            if changes.version < mirror.ledger.version or mirror.must_follow(changes):
                return None
            history = mirror.take_in(changes)
            seen.extend(changes.trials)
            if mirror.in_step is not None:  # since a moment ago
                return None
            if history.waiting or wanted.unless(history) or not wanted.allows(history):
                return None
            job, rng = self._due(history)
            return self._proposed(wanted, rng) if isinstance(job, Start) else None

        added = mirror.storage.add_next(mirror.record.id, mirror.ledger.version, propose)
        mirror.lease.heed(seen)  # not before: it may write
        return None if added is None else mirror.write(added)

    def is_done(self) -> bool:
        """Whether the scheduler has nothing more to run, though the space may hold more."""
        return self._due(self._mirror.refresh())[0] is None

    def _claim_one(self, history: History) -> FrozenTrial | None:
        gone = self._mirror.lease.gone(history.running) if history.running else ()
        if not gone and not history.waiting:
            return None
        for trial in history.pending:
            orphan = trial.worker in gone and not self._mirror.lease.holds(trial.number)
            if orphan and trial.state is TrialState.RUNNING:
                if self._give_up(trial):
                    self._forget_worker_of(trial)
                    raise _FasterError
            elif trial.state is not TrialState.WAITING:
                continue
            fresh = trial.budget is None
            budget = self._scheduler.budget(history, trial.number) if fresh else None
            if (claimed := self._claimed(trial, budget)) is not None:
                return claimed
        return None

    def _claimed(self, trial: FrozenTrial, budget: int | None) -> FrozenTrial | None:
        claimed = self._mirror.storage.claim(
            self._mirror.record.id,
            trial.number,
            self._mirror.lease.worker,
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
        return self._mirror.write(claimed)

    def _forget_worker_of(self, trial: FrozenTrial) -> None:
        """Let go of the counter of a worker that is gone, with its last trial."""
        others = (t for t in self._mirror.ledger.snapshot().running if t.number != trial.number)
        if trial.worker is not None and all(t.worker != trial.worker for t in others):
            self._mirror.lease.forget(trial.worker)

    def _next(self, history: History, wanted: Wanted) -> FrozenTrial | None:
        """Do what the scheduler says.

        Raises:
            _FasterError: Another driver did something first.
        """
        job, rng = self._due(history)
        while isinstance(job, Stop):
            self._stop(job)
            history = self._mirror.refresh()
            job, rng = self._due(history)
        if isinstance(job, Resume):
            return self._resume(job)
        if job is None or not wanted.allows(history):
            return None
        if isinstance(job, Clone):
            trial: FrozenTrial | None = self._cloned(job, history, wanted.attrs)
        else:
            trial = self._proposed(wanted, rng)
        if trial is None:
            return None
        try:
            return self._mirror.write(
                self._mirror.storage.add_trials(self._mirror.record.id, [trial])[0]
            )
        except NumberTakenError:
            raise _FasterError from None

    def _due(self, history: History) -> tuple[Job | None, np.random.Generator]:
        """What the scheduler says, and the generator from which the next trial is drawn."""
        rng = generator(self._mirror.record.seed, history.next_number)
        return self._scheduler.next(history, rng), rng

    def _resume(self, job: Resume) -> FrozenTrial:
        trial = self._mirror.trial(job.trial)
        claimed = self._claimed(trial, job.budget) if trial.state is TrialState.PAUSED else None
        if claimed is None:
            raise _FasterError
        return claimed

    def _stop(self, job: Stop) -> None:
        """End a paused trial for good, in one transaction.

        Raises:
            _FasterError: It isn't paused any more.
        """
        trial = self._mirror.trial(job.trial)
        outcome = Outcome(
            TrialState.PRUNED,
            trial.params,
            metrics=last_metrics(self._mirror.record.objective, trial.reports),
            reports=trial.reports,
            error=job.reason,
        )
        if self._finish(trial.number, outcome) is None:
            raise _FasterError

    def _cloned(self, job: Clone, history: History, attrs: Mapping[str, Any]) -> FrozenTrial:
        """The record of a clone, once its parent's saved state was read and found whole.

        Raises:
            _FasterError: Another driver has let the parent go on, or end.
            CheckpointMissingError: The parent never saved its state, or that is gone.
            CheckpointCorruptError: It isn't what was saved.
        """
        parent = self._mirror.trial(job.parent)
        origin, checkpoint = clone_of(parent, job, self._scheduler_spec, history.version)
        self._verify(parent, checkpoint)
        trial = self._new(history, job.params, origin)
        return changed(trial, budget=job.budget, checkpoint=checkpoint, user_attrs=attrs)

    def _verify(self, parent: FrozenTrial, checkpoint: Checkpoint) -> None:
        try:
            self._checkpoints().verify(checkpoint.key)
        except CheckpointMissingError:
            self._mirror.refresh()
            if self._mirror.trial(parent.number).version != parent.version:  # it went on, or ended
                raise _FasterError from None
            raise

    def _proposed(self, wanted: Wanted, rng: np.random.Generator) -> FrozenTrial | None:
        began = time.perf_counter()
        try:
            return self._propose(wanted, rng)
        finally:
            self._proposing = time.perf_counter() - began

    def _propose(self, wanted: Wanted, rng: np.random.Generator) -> FrozenTrial | None:
        fixed, steps = wanted.fixed, self._mirror.in_step
        for seen in (self._mirror.ledger,) if steps is None else steps.views():
            history = seen.snapshot()
            declares = {n: p for n, p in fixed.items() if seen.definitions.get(n) != p} or EMPTY
            sampler, proposal = self._sampler_spec, propose(self._sampler, history, declares, rng)
            if proposal is None and self._may_hold_more(seen, wanted.eager):
                sampler, proposal = "objective", _UNKNOWN
            if proposal is not None:
                origin = origin_of(proposal, sampler, history.version)
                trial = self._new(history, proposal.params, origin)
                budget = self._scheduler.budget(history, trial.number)
                return changed(trial, budget=budget, declares=declares, user_attrs=wanted.attrs)
            rng = generator(self._mirror.record.seed, history.next_number)
        return None

    def _new(self, history: History, params: Mapping[str, Any], origin: Origin) -> FrozenTrial:
        n_objectives = len(self._mirror.record.objective.names)
        return new_trial(history, params, origin, self._mirror.lease.worker, n_objectives)

    def _may_hold_more(self, seen: Ledger, eager: bool) -> bool:
        """Whether a space that looks exhausted may not be: it is learnt, and still changing."""
        learnt = self._mirror.declared is None
        return learnt and (seen.moving or (eager and bool(seen.snapshot().running)))


@final
class _FasterError(Exception):
    """Another driver was faster: look again."""
