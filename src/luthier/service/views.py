"""Records as JSON for those outside, and back again in the Python client."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from luthier.core.checkpoint import CheckpointStore
from luthier.core.objective import Objective
from luthier.core.protocols import StudyRecord, StudySummary
from luthier.core.record import origin_from_json, read_trial, trial_json
from luthier.core.trial import FrozenTrial, changed
from luthier.errors import ArgumentError, SpaceError
from luthier.space import Param, Space, param_from_json
from luthier.study.trial import Ticket

__all__ = [
    "read_definitions",
    "read_space",
    "read_ticket",
    "read_view",
    "study_view",
    "ticket_view",
    "trial_view",
]

_BROKEN = (TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError)


def trial_view(trial: FrozenTrial) -> dict[str, Any]:
    """Return all that is known of a trial as JSON data, for ``read_view``."""
    origin = trial.origin
    return {
        "number": trial.number,
        **trial_json(trial),
        "version": trial.version,
        "origin": {
            "sampler": origin.sampler,
            "reason": origin.reason,
            "history_version": origin.history_version,
            "fill": origin.fill,
            "parent": origin.parent,
            "data": dict(origin.data),
        },
    }


def read_view(data: Mapping[str, Any]) -> FrozenTrial:
    """Read what ``trial_view`` returned.

    Example:
        >>> trial = FrozenTrial(number=3, param_names=("x",), param_values=(0.5,))
        >>> read_view(trial_view(trial)) == trial
        True
    """
    plain = {name: value for name, value in data.items() if name != "origin"}
    trial = read_trial(data["number"], plain, data["version"])
    return changed(trial, origin=origin_from_json(list(data["origin"].values())))


def study_view(summary: StudySummary) -> dict[str, Any]:
    """Return a study at a glance as JSON data."""
    record = summary.record
    return {
        "name": record.name,
        "created": record.created,
        "version": summary.version,
        "n_trials": summary.n_trials,
        "states": {state.name: n for state, n in summary.states.items()},
        "objective": record.objective.to_json(),
    }


def ticket_view(ticket: Ticket, record: StudyRecord) -> dict[str, Any]:
    """Return what a client needs to answer ``suggest`` calls itself, for ``read_ticket``."""
    return {
        "seed": record.seed,
        "objective": ticket.objective.to_json(),
        "space": json.loads(ticket.declared.to_json()),
        "definitions": {name: param.to_json() for name, param in ticket.definitions.items()},
    }


def read_ticket(
    trial: FrozenTrial, data: Mapping[str, Any], checkpoints: Callable[[], CheckpointStore]
) -> Ticket:
    """Read what ``ticket_view`` returned.

    Args:
        trial: The trial's record.
        data: The JSON data.
        checkpoints: What stands for the place of saved states.
    """
    return Ticket(
        trial,
        data["seed"],
        {name: param_from_json(item) for name, item in data["definitions"].items()},
        Space.from_json(data["space"]),
        Objective.from_json(data["objective"]),
        checkpoints,
    )


def read_definitions(data: Mapping[str, Any]) -> dict[str, Param]:
    """Read definitions by name that somebody outside has written.

    Raises:
        SpaceError: One can't be built; the message names it.
    """
    return {name: _read(name, item) for name, item in data.items()}


def _read(name: str, item: Mapping[str, Any]) -> Param:
    try:
        return param_from_json(item)
    except SpaceError as error:
        raise SpaceError(f"{name!r}: {error.message}", name=name) from None
    except _BROKEN as error:
        raise SpaceError(
            f"{name!r}: a parameter must be written as in a space's JSON, such as "
            f'{{"kind": "float", "low": 0, "high": 1}}, got {item!r:.200} ({error}).',
            name=name,
        ) from None


def read_space(data: Mapping[str, Any]) -> Space:
    """Read a space that somebody outside has written: ``{"params": {...}, "relations": [...]}``.

    Raises:
        SpaceError: It can't be built.
        ArgumentError: It holds a requirement by name: a function that only Python has.
    """
    if not data.get("params"):
        raise SpaceError('A space must have parameters: {"params": {"x": {"kind": "float", ...}}}.')
    read_definitions(data["params"])
    try:
        space = Space.from_json(data)
    except SpaceError:
        raise
    except _BROKEN as error:
        raise SpaceError(
            "A space must be written as Space.to_json writes it; its relations are "
            f"{data.get('relations')!r:.200} ({error})."
        ) from None
    if named := [r for r in data.get("relations", ()) if "requirement" in r]:
        raise ArgumentError(
            f"A space that comes over HTTP must say its relations as text, such as "
            f'{{"require": "x + y <= 1"}}, got {named[0]!r:.200}: functions can\'t be sent.'
        )
    return space
