"""Proposals as a study asks for them, on rungs and with new definitions, and their trials."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from luthier.core.checkpoint import Checkpoint
from luthier.core.history import History
from luthier.core.jobs import Clone, Proposal
from luthier.core.protocols import Sampler, Scheduler
from luthier.core.trial import FrozenTrial, Origin, TrialState
from luthier.errors import CheckpointMissingError, SpaceError
from luthier.samplers import Challenger, HighestRung, Random
from luthier.space import Param, Space

__all__ = ["Wanted", "clone_of", "never", "new_trial", "on_rungs", "origin_of", "propose"]


def never(history: History) -> bool:
    """Whatever the history, no."""
    return False


@final
@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller of ``Driver.start`` wants; the attributes are its arguments."""

    total: int | None
    fixed: Mapping[str, Param]
    eager: bool
    new: bool
    attrs: Mapping[str, Any]
    unless: Callable[[History], bool]

    def allows(self, history: History) -> bool:
        """Whether a new trial may be added."""
        return self.new and (self.total is None or history.n_trials < self.total)


def on_rungs(sampler: Sampler, scheduler: Scheduler) -> Sampler:
    """A sampler as it is used under a scheduler: where that has rungs, it learns from one.

    Random draws learn from nothing, so for them no rung is looked at; nor for samplers that read
    rungs themselves. Under a race proposals know the incumbent.
    """
    alone = isinstance(sampler, Random) or getattr(sampler, "reads_rungs", False)
    rungs = () if alone else getattr(scheduler, "rungs", ())
    learner = HighestRung(sampler, rungs) if len(rungs) > 1 else sampler
    return Challenger(learner) if getattr(scheduler, "is_race", False) else learner


def propose(
    sampler: Sampler, history: History, declares: Mapping[str, Param], rng: np.random.Generator
) -> Proposal | None:
    """Ask a sampler for one proposal in the study's space, with definitions new to it."""
    if declares:
        history = history.seen_in(_with_definitions(history.space, declares))
    proposals = sampler.suggest(history.space, history, 1, rng)
    return proposals[0] if proposals else None


def origin_of(proposal: Proposal, sampler: str, version: int) -> Origin:
    """Why a trial exists that was proposed from a history at a version."""
    return Origin(
        sampler=sampler,
        reason=proposal.reason,
        history_version=version,
        fill=proposal.fill,
        parent=proposal.parent,
        data=proposal.data,
    )


def clone_of(
    parent: FrozenTrial, job: Clone, scheduler: str, version: int
) -> tuple[Origin, Checkpoint]:
    """Why a clone exists, and from what it goes on.

    Raises:
        CheckpointMissingError: The parent never saved its state.
    """
    if parent.checkpoint is None:
        raise CheckpointMissingError(
            f"Trial {parent.number} is to be cloned, but has saved no checkpoint. Call "
            "trial.save_checkpoint(...) in the objective after every trial.report(...), and "
            "go on from trial.load_checkpoint() where that isn't None.",
            number=parent.number,
        )
    origin = Origin(
        sampler=scheduler,
        reason=job.reason or f"clone of trial {parent.number}",
        history_version=version,
        parent=parent.number,
        data={**job.data, "step_from": parent.checkpoint.step},
    )
    return origin, parent.checkpoint


def new_trial(
    history: History, params: Mapping[str, Any], origin: Origin, worker: str, n_objectives: int
) -> FrozenTrial:
    """The record of the next trial of a study, running under a worker."""
    return FrozenTrial(
        number=history.next_number,
        state=TrialState.RUNNING,
        param_names=tuple(params),
        param_values=tuple(params.values()),
        objectives=n_objectives,
        started=time.time(),
        worker=worker,
        attempt=1,
        origin=origin,
        version=history.version + 1,
    )


def _with_definitions(space: Space, definitions: Mapping[str, Param]) -> Space:
    """A learnt space with new definitions; conditions learnt of old ones may have to go."""
    try:
        return space.with_params(definitions)
    except SpaceError:
        freed = {n: p.with_when(None) for n, p in space.items() if n not in definitions}
        return space.with_params(freed | dict(definitions))
