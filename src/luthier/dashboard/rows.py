"""Trials as JSON for the pages: a row of the table, and all that is known of one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from luthier.core.events import LogEvent
from luthier.core.objective import Objective
from luthier.core.output import output_files
from luthier.core.record import metrics_json, params_json
from luthier.core.trial import EMPTY, FrozenTrial, Metrics, Reports
from luthier.study.export import origin_record
from luthier.study.notes import note_in, tags_in

__all__ = [
    "metrics_now",
    "report_columns",
    "row_of",
    "shortened",
    "trial_page",
]

LONGEST: Final = 200
_MOST_REPORTS: Final = 1_000
_MOST_CHILDREN: Final = 100
_MOST_EVENTS: Final = 200


def metrics_now(trial: FrozenTrial) -> Metrics:
    """The metrics of a trial's result; before there is one, what it reported last."""
    if trial.metric_names:
        return trial.metrics
    if not trial.reports:
        return EMPTY
    last = trial.reports.last_step
    return EMPTY if last is None else trial.reports[last]


def shortened(value: Any, longest: int = LONGEST) -> Any:
    """Return JSON data with its texts cut to a length."""
    if isinstance(value, str):
        return value if len(value) <= longest else value[: longest - 1] + "…"
    if isinstance(value, dict):
        return {name: shortened(item, longest) for name, item in value.items()}
    return [shortened(item, longest) for item in value] if isinstance(value, list) else value


def row_of(
    trial: FrozenTrial, objective: Objective, best: Iterable[int], *, cut: bool = True
) -> dict[str, Any]:
    """Return a trial as a row of the table.

    Args:
        trial: The trial.
        objective: What the study optimises.
        best: Numbers of the best trials.
        cut: Whether long texts are cut.
    """
    metrics = metrics_now(trial)
    feasible = None
    if objective.constraints and trial.metric_names:
        feasible = objective.violation(trial.metrics) <= 0
    error = (trial.error or "").strip().split("\n", 1)[0]
    row = {
        "params": params_json(trial),
        "metrics": metrics_json(metrics),
        "worker": trial.worker,
        "reason": trial.origin.reason,
        "error": error or None,
        "invalid": trial.invalid,
        "note": note_in(trial.user_attrs),
        "tags": tags_in(trial.user_attrs),
    }
    return {
        "number": trial.number,
        "state": trial.state.name,
        "step": trial.last_step,
        "started": trial.started,
        "finished": trial.finished,
        "cost": trial.cost,
        "attempt": trial.attempt,
        "parent": trial.origin.parent,
        "feasible": feasible,
        "best": trial.number in best,
        **(shortened(row) if cut else row),
    }


def trial_page(
    trial: FrozenTrial,
    trials: Sequence[FrozenTrial],
    events: Sequence[LogEvent],
    folder: Path | None,
) -> dict[str, Any]:
    """Return what is known of one trial beside its row.

    Args:
        trial: The trial.
        trials: All trials by number.
        events: Its lines of the log.
        folder: Where what trials print is kept, if it is.
    """
    number, checkpoint = trial.number, trial.checkpoint
    children = [t.number for t in trials if t.origin.parent == number]
    return {
        "origin": origin_record(trial.origin),
        "attrs": dict(trial.user_attrs),
        "error": trial.error,
        "budget": trial.budget,
        "checkpoint": None
        if checkpoint is None
        else {"step": checkpoint.step, "size": checkpoint.size},
        "reports": report_columns(trial.reports),
        "parents": _parents(trial, trials),
        "children": children[:_MOST_CHILDREN],
        "logs": [] if folder is None else list(output_files(folder, number)),
        "events": [_event(event) for event in events[-_MOST_EVENTS:]],
        "neighbours": {
            "previous": number - 1 if number else None,
            "next": number + 1 if number + 1 < len(trials) else None,
        },
    }


def report_columns(reports: Reports, most: int = _MOST_REPORTS) -> dict[str, Any]:
    """Return reports as columns in order of steps, at most so many of them, evenly.

    Example:
        >>> report_columns(Reports([(1, {"loss": 0.5}), (2, {"loss": math.inf})]))
        {'total': 2, 'steps': [1, 2], 'metrics': {'loss': [0.5, None]}}
    """
    items = sorted(reports.items_in_order(), key=lambda item: item[0])
    kept = items
    if len(items) > most:
        kept = [items[k] for k in np.linspace(0, len(items) - 1, most).astype(int).tolist()]
    names = dict.fromkeys(name for _, metrics in kept for name in metrics)
    return {
        "total": len(items),
        "steps": [step for step, _ in kept],
        "metrics": {name: [_finite(metrics.get(name)) for _, metrics in kept] for name in names},
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _parents(trial: FrozenTrial, trials: Sequence[FrozenTrial]) -> list[int]:
    """Numbers of those it was derived from, nearest first."""
    line: list[int] = []
    parent = trial.origin.parent
    while parent is not None and 0 <= parent < min(trial.number, len(trials)):
        line.append(parent)
        trial = trials[parent]
        parent = trial.origin.parent
    return line


def _event(event: LogEvent) -> dict[str, Any]:
    return {
        "version": event.version,
        "at": event.at,
        "kind": event.kind,
        "text": shortened(_told(event)),
    }


def _told(event: LogEvent) -> str:
    """What a line of the log says, in short."""
    data = event.data
    match event.kind:
        case "added":
            return data["origin"][1] if "origin" in data else ""
        case "claimed":
            return f"attempt {data['attempt']} by {data['worker']}"
        case "reported":
            return "step " + ", ".join(str(step) for step, _ in data["reports"][-5:])
        case "checkpointed":
            return f"step {data['checkpoint'][0]}, {data['checkpoint'][2]} bytes"
        case "released":
            return f"{data['state']}: {data['reason']}"
        case "paused" | "finished":
            return f"{data['state']} {_pairs(data['metrics'])}".strip()
        case "attrs":
            return _pairs(data["user_attrs"])
        case _:
            return str(data.get("reason", ""))


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())
