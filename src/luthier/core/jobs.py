"""What samplers propose, what schedulers decide, what a worker gets and gives back."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, final

from luthier.core.trial import EMPTY, Metrics, Reports, TrialState

if TYPE_CHECKING:
    from luthier.space import Param

__all__ = ["NEW", "Clone", "Decision", "Job", "Outcome", "Proposal", "Resume", "Start", "Stop"]


@final
@dataclass(frozen=True, slots=True)
class Proposal:
    """A configuration a sampler wants to see tried.

    Attributes:
        params: Values of the active parameters that the sampler knows of.
        reason: Why, in words: "sobol point 3 of 16".
        fill: How parameters it doesn't know get their values: "prior" or "first".
        parent: The trial it was derived from, if any.
        data: What the sampler wants to find again in the trial's origin; JSON values.
    """

    params: Mapping[str, Any]
    reason: str
    fill: str = "prior"
    parent: int | None = None
    data: Mapping[str, Any] = EMPTY


class Decision(enum.Enum):
    """What becomes of a trial that has just reported."""

    CONTINUE = "continue"
    PAUSE = "pause"
    STOP = "stop"


@final
@dataclass(frozen=True, slots=True)
class Start:
    """Start a new trial, with parameters that the sampler proposes."""


@final
@dataclass(frozen=True, slots=True)
class Resume:
    """Resume a paused trial, up to a budget."""

    trial: int
    budget: int | None = None


@final
@dataclass(frozen=True, slots=True)
class Clone:
    """Start a new trial from another's checkpoint, with these parameters.

    Attributes:
        parent: The trial to go on from; it has a checkpoint.
        params: The new trial's parameters.
        budget: Up to which step it may run, or None for no limit.
        reason: Why, in words.
        data: What the scheduler wants to find again in the trial's origin; JSON values. The step
            of the parent's checkpoint is added as "step_from".
    """

    parent: int
    params: Mapping[str, Any]
    budget: int | None = None
    reason: str = ""
    data: Mapping[str, Any] = EMPTY


@final
@dataclass(frozen=True, slots=True)
class Stop:
    """End a paused trial for good, as PRUNED, and say what to do next then."""

    trial: int
    reason: str


Job = Start | Resume | Clone | Stop
NEW: Final = Start()


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one run of a trial.

    Attributes:
        state: COMPLETE, PRUNED, FAILED or PAUSED.
        params: The parameters in the order they were asked for.
        metrics: The checked result, objectives first; empty if there is none.
        reports: All that was reported.
        declares: Definitions new to the study.
        error: What went wrong, in words.
        exception: The exception itself, where it could be kept.
        cost: Seconds of work.
    """

    state: TrialState
    params: Mapping[str, Any]
    metrics: Metrics = EMPTY
    reports: Reports = field(default_factory=Reports)
    declares: Mapping[str, Param] = EMPTY
    error: str | None = None
    exception: BaseException | None = None
    cost: float = 0.0
