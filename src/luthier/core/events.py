"""Events: lines of the durable log, and what listeners hear.

A storage appends a ``LogEvent`` for everything that happens, and keeps the trials' present
state beside the log. ``evolve`` is the definition of what each line means: folding the log
from its beginning gives the present state (the conformance suite holds storages to it), and
folding it up to a version gives the state that a sampler saw then (``study.replay()``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from luthier.core.checkpoint import Checkpoint
from luthier.core.record import read_finish, read_trial, reports_from_json
from luthier.core.trial import NO_REPORTS, FrozenTrial, Reports, TrialState, changed

if TYPE_CHECKING:
    from luthier.core.jobs import Decision
    from luthier.core.trial import Metrics

__all__ = [
    "Event",
    "LogEvent",
    "StudyStopped",
    "TrialFailed",
    "TrialFinished",
    "TrialPaused",
    "TrialReported",
    "TrialStarted",
    "evolve",
]


@final
@dataclass(frozen=True, slots=True)
class LogEvent:
    """One line of a study's log.

    Attributes:
        version: The study's version after it; versions are dense from 1.
        at: Seconds since the epoch.
        kind: "added", "claimed", "reported", "checkpointed", "released", "paused", "finished",
            "attrs", "invalidated" (of a trial); "space", "state" (of the study).
        number: The trial, or None.
        data: The particulars, JSON values.
    """

    version: int
    at: float
    kind: str
    number: int | None
    data: Mapping[str, Any]


def evolve(trial: FrozenTrial | None, event: LogEvent) -> FrozenTrial:
    """Return the trial as it is after an event.

    Args:
        trial: The trial before, None for "added".
        event: A line of the log about this trial.

    Raises:
        ValueError: The event isn't about a trial, or of a kind unknown here.
    """
    data, version = event.data, event.version
    if event.kind == "added" and event.number is not None:
        return read_trial(event.number, data, version)
    if trial is None:
        raise ValueError(f"Event {event.kind!r} at version {version} comes before 'added'.")
    match event.kind:
        case "claimed":
            return changed(
                trial,
                state=TrialState.RUNNING,
                worker=data["worker"],
                attempt=data["attempt"],
                lapses=data.get("lapses", trial.lapses),
                lapsed_at=data.get("lapsed_at", trial.lapsed_at),
                started=event.at if trial.started is None else trial.started,
                budget=data.get("budget", trial.budget),
                reports=_still_true(trial),
                version=version,
            )
        case "reported":
            return changed(trial, reports=_with_reports(trial, data), version=version)
        case "checkpointed":
            return changed(
                trial,
                checkpoint=Checkpoint.from_json(data["checkpoint"]),
                reports=_with_reports(trial, data),
                version=version,
            )
        case "released":
            state = TrialState[data["state"]]
            return changed(trial, state=state, error=data["reason"], version=version)
        case "paused" | "finished":
            return read_finish(trial, data, version)
        case "attrs":
            attrs = {**trial.user_attrs, **data["user_attrs"]}
            return changed(trial, user_attrs=attrs, version=version)
        case "invalidated":
            return changed(trial, invalid=data["reason"], version=version)
        case _:
            raise ValueError(f"Unknown event {event.kind!r} at version {version}.")


def _still_true(trial: FrozenTrial) -> Reports:
    """The reports that a new run goes on from: all of a paused trial, else up to its checkpoint."""
    if trial.state is TrialState.PAUSED or not trial.reports:
        return trial.reports
    return NO_REPORTS if trial.checkpoint is None else trial.reports.up_to(trial.checkpoint.step)


def _with_reports(trial: FrozenTrial, data: Mapping[str, Any]) -> Reports:
    reports = trial.reports
    for step, metrics in reports_from_json(data["reports"]).items_in_order():
        reports = reports.adding(step, metrics)
    return reports


@final
@dataclass(frozen=True, slots=True)
class TrialStarted:
    """A trial has been claimed and its objective is about to run."""

    study: str
    trial: FrozenTrial


@final
@dataclass(frozen=True, slots=True)
class TrialReported:
    """A trial has reported metrics, and the scheduler has decided."""

    study: str
    trial: FrozenTrial
    step: int
    metrics: Metrics
    decision: Decision


@final
@dataclass(frozen=True, slots=True)
class TrialPaused:
    """A trial was paused or released; it may be resumed."""

    study: str
    trial: FrozenTrial


@final
@dataclass(frozen=True, slots=True)
class TrialFinished:
    """A trial is COMPLETE or PRUNED."""

    study: str
    trial: FrozenTrial


@final
@dataclass(frozen=True, slots=True)
class TrialFailed:
    """A trial has FAILED."""

    study: str
    trial: FrozenTrial


@final
@dataclass(frozen=True, slots=True)
class StudyStopped:
    """A call of ``optimize`` came to its end."""

    study: str
    reason: str


Event = TrialStarted | TrialReported | TrialPaused | TrialFinished | TrialFailed | StudyStopped
