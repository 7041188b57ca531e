"""Trials as JSON: the one place where records turn into text for logs and databases.

Only JSON goes out and only JSON comes in. What JSON lacks is tagged by the space layer's
``to_json_value`` (tuples, non-finite floats). Names tuples are interned, so that trials read
from a database share them as trials made in memory do.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from luthier.core.checkpoint import Checkpoint
from luthier.core.trial import (
    EMPTY,
    NO_REPORTS,
    FrozenTrial,
    Metrics,
    Origin,
    Reports,
    TrialState,
    changed,
)
from luthier.space import param_from_json
from luthier.space.values import from_json_value, to_json_value

__all__ = [
    "dump",
    "finish_json",
    "origin_from_json",
    "origin_json",
    "read_finish",
    "read_trial",
    "reports_from_json",
    "reports_json",
    "trial_json",
]

_NAMES: dict[tuple[str, ...], tuple[str, ...]] = {}
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
_encode_ascii = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def dump(value: object) -> str:
    """Write a JSON value as compact text; non-finite floats must have been tagged before.

    Lone surrogates, which UTF-8 can't carry, are written as escapes.
    """
    text = _encode(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return _encode_ascii(value)
    return text


def trial_json(trial: FrozenTrial) -> dict[str, Any]:
    """A whole trial as a JSON value, without number and versions; defaults are left out."""
    data: dict[str, Any] = {"state": trial.state.name, "params": params_json(trial)}
    if trial.origin != Origin():
        data["origin"] = origin_json(trial.origin)
    for name in ("started", "worker", "attempt", "lapsed_at", "budget", "invalid"):
        if (value := getattr(trial, name)) is not None:
            data[name] = value
    if trial.checkpoint is not None:
        data["checkpoint"] = trial.checkpoint.to_json()
    if trial.lapses:
        data["lapses"] = trial.lapses
    if trial.user_attrs:
        data["user_attrs"] = dict(trial.user_attrs)
    if trial.objectives != 1:
        data["objectives"] = trial.objectives
    if trial.state.is_finished or _has_outcome(trial):
        data |= finish_json(trial)
    return data


def _has_outcome(trial: FrozenTrial) -> bool:
    given = (trial.finished, trial.cost, trial.error)
    return bool(
        trial.metric_names or trial.reports or trial.declares or any(x is not None for x in given)
    )


def finish_json(trial: FrozenTrial) -> dict[str, Any]:
    """What finishing adds to a trial, as a JSON value; defaults are left out."""
    data: dict[str, Any] = {
        "state": trial.state.name,
        "params": params_json(trial),
        "metrics": metrics_json(trial.metrics),
        "finished": trial.finished,
        "cost": trial.cost,
    }
    if trial.error is not None:
        data["error"] = trial.error
    if trial.declares:
        data["declares"] = {name: param.to_json() for name, param in trial.declares.items()}
    if trial.reports:
        data["reports"] = reports_json(trial.reports)
    if trial.lapses:
        data["lapses"] = trial.lapses
    return data


def read_trial(number: int, data: Mapping[str, Any], version: int) -> FrozenTrial:
    """Read what ``trial_json`` wrote."""
    names, values = params_from_json(data["params"])
    trial = FrozenTrial(
        number=number,
        state=TrialState[data["state"]],
        param_names=names,
        param_values=values,
        objectives=data.get("objectives", 1),
        started=data.get("started"),
        worker=data.get("worker"),
        attempt=data.get("attempt", 0),
        lapses=data.get("lapses", 0),
        lapsed_at=data.get("lapsed_at"),
        budget=data.get("budget"),
        checkpoint=Checkpoint.from_json(data["checkpoint"]) if "checkpoint" in data else None,
        origin=origin_from_json(data["origin"]) if "origin" in data else Origin(),
        user_attrs=data.get("user_attrs", EMPTY),
        invalid=data.get("invalid"),
        version=version,
    )
    return read_finish(trial, data, version) if "metrics" in data else trial


def read_finish(trial: FrozenTrial, data: Mapping[str, Any], version: int) -> FrozenTrial:
    """Return the trial with what ``finish_json`` wrote."""
    names, values = params_from_json(data["params"])
    metric_names, metric_values = metrics_from_json(data["metrics"])
    state = TrialState[data["state"]]
    return changed(
        trial,
        state=state,
        param_names=names,
        param_values=values,
        metric_names=metric_names,
        metric_values=metric_values,
        reports=reports_from_json(data.get("reports", ())),
        finished=data["finished"],
        cost=data["cost"],
        lapses=data.get("lapses", trial.lapses),
        error=data.get("error"),
        declares={n: param_from_json(p) for n, p in data.get("declares", {}).items()} or EMPTY,
        version=version,
        finished_version=version if state.is_finished else None,
    )


def params_json(trial: FrozenTrial) -> dict[str, Any]:
    """The parameters as a JSON object, in their order."""
    return {
        name: _number_json(value) if type(value) is float else to_json_value(value)
        for name, value in zip(trial.param_names, trial.param_values, strict=True)
    }


def params_from_json(data: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Read what ``params_json`` wrote: names and values."""
    values = tuple(data.values())
    kinds = set(map(type, values))
    if not kinds <= _PLAIN:
        values = tuple(map(from_json_value, values))
    elif str in kinds:
        values = tuple([sys.intern(v) if type(v) is str else v for v in values])
    return _intern(tuple(data)), values


def metrics_json(metrics: Metrics) -> dict[str, Any]:
    """Metrics as a JSON object; non-finite numbers are tagged."""
    return {name: _number_json(value) for name, value in metrics.items()}


def metrics_from_json(data: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Read what ``metrics_json`` wrote: names and values."""
    values = tuple(data.values())
    if not _FLOAT.issuperset(map(type, values)):
        values = tuple(float(from_json_value(v)) for v in values)
    return _intern(tuple(data)), values


def reports_json(reports: Reports) -> list[Any]:
    """Reports as a JSON list of [step, metrics]."""
    return [[step, metrics_json(metrics)] for step, metrics in reports.items_in_order()]


def reports_from_json(data: Sequence[Any]) -> Reports:
    """Read what ``reports_json`` wrote."""
    if not data:
        return NO_REPORTS
    return Reports([(step, dict(zip(*metrics_from_json(m), strict=True))) for step, m in data])


def origin_json(origin: Origin) -> list[Any]:
    """An origin as a JSON list."""
    return [
        origin.sampler,
        origin.reason,
        origin.history_version,
        origin.fill,
        origin.parent,
        dict(origin.data),
    ]


def origin_from_json(data: Sequence[Any]) -> Origin:
    """Read what ``origin_json`` wrote."""
    sampler, reason, version, fill, parent, extra = data
    return Origin(sys.intern(sampler), reason, version, sys.intern(fill), parent, extra or EMPTY)


_PLAIN = frozenset({str, int, float, bool, type(None)})  # what JSON gives back as it was
_FLOAT = frozenset({float})


def _number_json(value: float) -> Any:
    # inf - inf and nan - nan are nan: only finite numbers give 0
    return value if value - value == 0 else to_json_value(value)


def _intern(names: tuple[str, ...]) -> tuple[str, ...]:
    return _NAMES.setdefault(names, names)
