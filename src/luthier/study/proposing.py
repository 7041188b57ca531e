"""Asking a sampler for a proposal, as a study does: on rungs, and with definitions new to it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.protocols import Sampler, Scheduler
from luthier.errors import SpaceError
from luthier.samplers import HighestRung, Random
from luthier.space import Param, Space

__all__ = ["on_rungs", "propose"]


def on_rungs(sampler: Sampler, scheduler: Scheduler) -> Sampler:
    """A sampler as it is used under a scheduler: where that has rungs, it learns from one.

    Random draws learn from nothing, so for them no rung is looked at.
    """
    rungs = () if isinstance(sampler, Random) else getattr(scheduler, "rungs", ())
    return HighestRung(sampler, rungs) if len(rungs) > 1 else sampler


def propose(
    sampler: Sampler, history: History, declares: Mapping[str, Param], rng: np.random.Generator
) -> Proposal | None:
    """Ask a sampler for one proposal in the study's space, with definitions new to it."""
    if declares:
        history = history.seen_in(_with_definitions(history.space, declares))
    proposals = sampler.suggest(history.space, history, 1, rng)
    return proposals[0] if proposals else None


def _with_definitions(space: Space, definitions: Mapping[str, Param]) -> Space:
    """A learnt space with new definitions; conditions learnt of old ones may have to go."""
    try:
        return space.with_params(definitions)
    except SpaceError:
        freed = {n: p.with_when(None) for n, p in space.items() if n not in definitions}
        return space.with_params(freed | dict(definitions))
