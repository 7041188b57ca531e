"""Rows of the ``trials`` table: which columns an event changes, and how a row becomes a record.

Defaults are NULL and cost nothing to read. A study of 100,000 trials is read row by row, so
this file is written for speed: one JSON value per column, no names per value.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from luthier.core.checkpoint import Checkpoint
from luthier.core.record import (
    dump,
    metrics_from_json,
    origin_from_json,
    params_from_json,
    reports_from_json,
    reports_json,
)
from luthier.core.trial import EMPTY, NO_REPORTS, FrozenTrial, Origin, TrialState, record_of
from luthier.errors import StorageCorruptError
from luthier.space import param_from_json

__all__ = [
    "BEST_VALUE",
    "INSERT_EVENT",
    "INSERT_TRIAL",
    "SELECT_BEST",
    "SELECT_CHANGED",
    "SELECT_TRIAL",
    "UPDATES",
    "loads",
    "new_row",
    "plain_text",
    "read_row",
]

INSERT_EVENT: Final = (
    "INSERT INTO events (study, version, at, kind, number, data) VALUES (?, ?, ?, ?, ?, ?)"
)
INSERT_TRIAL: Final = (
    "INSERT INTO trials (study, number, state, version, finished_version, attempt, objectives,"
    " started, finished, cost, worker, error, invalid,"
    " params, value, metrics, origin, declares, user_attrs, reports, budget, checkpoint,"
    " lapses, lapsed_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
SELECT_TRIAL: Final = (
    "SELECT number, state, version, finished_version, attempt, objectives,"
    " started, finished, cost, worker, error, invalid,"
    " params, metrics, origin, declares, user_attrs, reports, budget, checkpoint, lapses, lapsed_at"
    " FROM trials WHERE study = ? AND number = ?"
)
SELECT_CHANGED: Final = (
    "SELECT number, state, version, finished_version, attempt, objectives,"
    " started, finished, cost, worker, error, invalid,"
    " params, metrics, origin, declares, user_attrs, reports, budget, checkpoint, lapses, lapsed_at"
    " FROM trials WHERE study = ? AND version > ? ORDER BY version"
)
BEST_VALUE: Final = {
    "minimize": "SELECT MIN(value) FROM trials WHERE study = ? AND state = 3 AND invalid IS NULL",
    "maximize": "SELECT MAX(value) FROM trials WHERE study = ? AND state = 3 AND invalid IS NULL",
}
SELECT_BEST: Final = (
    "SELECT number, state, version, finished_version, attempt, objectives,"
    " started, finished, cost, worker, error, invalid,"
    " params, metrics, origin, declares, user_attrs, reports, budget, checkpoint, lapses, lapsed_at"
    " FROM trials WHERE study = ? AND value = ? AND state = 3 AND invalid IS NULL"
    " ORDER BY finished_version LIMIT 1"
)

Columns = Callable[[FrozenTrial, Mapping[str, Any]], tuple[Any, ...]]
_RUN_ENDED: Final[tuple[str, Columns]] = (
    "UPDATE trials SET state = ?, finished_version = ?, finished = ?, cost = ?, error = ?,"
    " params = ?, value = ?, metrics = ?, declares = ?, reports = ?, lapses = ?, version = ?"
    " WHERE study = ? AND number = ?",
    lambda trial, data: (
        trial.state,
        trial.finished_version,
        trial.finished,
        trial.cost,
        trial.error,
        dump(data["params"]),
        _value(trial),
        _text(data, "metrics"),
        _text(data, "declares"),
        _reports_text(data),
        trial.lapses or None,
    ),
)
UPDATES: Final[Mapping[str, tuple[str, Columns]]] = {
    "claimed": (
        "UPDATE trials SET state = ?, worker = ?, attempt = ?, started = ?, budget = ?,"
        " reports = ?, lapses = ?, lapsed_at = ?, version = ? WHERE study = ? AND number = ?",
        lambda trial, data: (
            trial.state,
            trial.worker,
            trial.attempt,
            trial.started,
            trial.budget,
            _reports_text({"reports": reports_json(trial.reports)}),
            trial.lapses or None,
            trial.lapsed_at,
        ),
    ),
    "reported": (
        "UPDATE trials SET reports = COALESCE(reports || ',', '') || ?, version = ?"
        " WHERE study = ? AND number = ?",
        lambda trial, data: (_reports_text(data),),
    ),
    "checkpointed": (
        "UPDATE trials SET checkpoint = ?,"
        " reports = CASE WHEN ? IS NULL THEN reports ELSE COALESCE(reports || ',', '') || ? END,"
        " version = ? WHERE study = ? AND number = ?",
        lambda trial, data: (dump(data["checkpoint"]), *2 * (_reports_text(data),)),
    ),
    "released": (
        "UPDATE trials SET state = ?, error = ?, version = ? WHERE study = ? AND number = ?",
        lambda trial, data: (trial.state, trial.error),
    ),
    "paused": _RUN_ENDED,
    "finished": _RUN_ENDED,
    "attrs": (
        "UPDATE trials SET user_attrs = ?, version = ? WHERE study = ? AND number = ?",
        lambda trial, data: (dump(dict(trial.user_attrs)),),
    ),
    "invalidated": (
        "UPDATE trials SET invalid = ?, version = ? WHERE study = ? AND number = ?",
        lambda trial, data: (trial.invalid,),
    ),
}
"""For each kind of event, how it changes the row: a statement that ends with version, study and
number, and its other columns from the new record and the event's data."""

_STATES: Final = tuple(TrialState(code) for code in range(6))
_ADDED: Final = Origin()
_decode = json.JSONDecoder().raw_decode


def loads(text: str) -> Any:
    """Read JSON text that Luthier wrote.

    Raises:
        StorageCorruptError: It isn't JSON.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise StorageCorruptError(
            f"A stored text must be JSON, got {text[:60]!r}. The file is damaged: restore a copy."
        ) from error


def plain_text(data: dict[str, Any]) -> dict[str, Any]:
    """Return an event's data with messages that any database can keep: no lone surrogates."""
    for key in ("error", "reason", "worker", "invalid"):
        text = data.get(key)
        if text is not None and not text.isascii():
            data[key] = text.encode("utf-8", "backslashreplace").decode()
    return data


def new_row(trial: FrozenTrial, data: Mapping[str, Any]) -> tuple[Any, ...]:
    """The columns of a trial just added, in the order of ``INSERT_TRIAL``, but the study."""
    return (
        trial.number,
        trial.state,
        trial.version,
        trial.finished_version,
        trial.attempt,
        trial.objectives,
        trial.started,
        trial.finished,
        trial.cost,
        trial.worker,
        trial.error,
        trial.invalid,
        dump(data["params"]),
        _value(trial),
        _text(data, "metrics"),
        _text(data, "origin"),
        _text(data, "declares"),
        _text(data, "user_attrs"),
        _reports_text(data),
        trial.budget,
        _text(data, "checkpoint"),
        trial.lapses or None,
        trial.lapsed_at,
    )


def read_row(row: Sequence[Any]) -> FrozenTrial:
    """Read a row of ``SELECT_TRIAL`` or ``SELECT_CHANGED``.

    Raises:
        StorageCorruptError: A column doesn't hold what was written there.
    """
    try:
        return _trial(*row)
    except (ValueError, TypeError, LookupError, AttributeError, StopIteration) as error:
        raise StorageCorruptError(
            f"Trial {row[0]} can't be read ({type(error).__name__}: {error}): the file is damaged. "
            "Restore a copy.",
            number=row[0],
        ) from error


def _trial(
    number: int,
    state: int,
    version: int,
    finished_version: int | None,
    attempt: int,
    objectives: int,
    started: float | None,
    finished: float | None,
    cost: float | None,
    worker: str | None,
    error: str | None,
    invalid: str | None,
    params: str,
    metrics: str | None,
    origin: str | None,
    declares: str | None,
    user_attrs: str | None,
    reports: str | None,
    budget: int | None,
    checkpoint: str | None,
    lapses: int | None,
    lapsed_at: int | None,
) -> FrozenTrial:
    param_names, param_values = params_from_json(_decode(params)[0])
    metric_names, metric_values = metrics_from_json(_decode(metrics)[0]) if metrics else ((), ())
    return record_of(  # in the order of its fields
        (
            number,
            _STATES[state],
            param_names,
            param_values,
            metric_names,
            metric_values,
            objectives,
            reports_from_json(_decode(f"[{reports}]")[0]) if reports else NO_REPORTS,
            started,
            finished,
            cost,
            worker and sys.intern(worker),
            attempt,
            lapses or 0,
            lapsed_at,
            budget,
            Checkpoint.from_json(_decode(checkpoint)[0]) if checkpoint else None,
            origin_from_json(_decode(origin)[0]) if origin else _ADDED,
            error,
            _decode(user_attrs)[0] if user_attrs else EMPTY,
            _declares(declares) if declares else EMPTY,
            invalid,
            version,
            version if finished_version == version else finished_version,
        )
    )


def _declares(text: str) -> Mapping[str, Any]:
    return {name: param_from_json(data) for name, data in _decode(text)[0].items()}


def _text(data: Mapping[str, Any], key: str) -> str | None:
    value = data.get(key)
    return dump(value) if value else None


def _reports_text(data: Mapping[str, Any]) -> str | None:
    reports = data.get("reports")
    return dump(reports)[1:-1] if reports else None


def _value(trial: FrozenTrial) -> float | None:
    """The first objective's value, by which the best trial is found without reading them all."""
    return trial.metric_values[0] if trial.metric_values else None
