"""A whole study as text for other tools: JSON, or its trials as CSV, line by line."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from numbers import Number
from typing import TYPE_CHECKING, Any, Final

from luthier.core.objective import Objective
from luthier.core.record import trial_json
from luthier.core.trial import FrozenTrial, Origin
from luthier.study.frame import table

if TYPE_CHECKING:
    from luthier.study.study import Study

__all__ = ["SHOWN", "csv_lines", "json_lines", "origin_record", "table_of", "trial_record"]

SHOWN: Final = ("number", "state", "metrics", "params", "cost")
"""The attributes of trials that are shown in a table."""

_WRITTEN: Final = (
    *SHOWN,
    *("datetime_start", "datetime_complete", "user_attrs", "error", "invalid"),
)
_AT_ONCE: Final = 500
_FORMULA: Final = re.compile(r"(?:^|(?<=[;\t\r\n]))(?=[=+\-@\t\r\n＝＋－＠])")
"""Where a spreadsheet may see a formula begin: with a cell, or where it takes one to begin."""


def trial_record(trial: FrozenTrial) -> dict[str, Any]:
    """Return all that is known of a trial, as JSON values with names for everything.

    Args:
        trial: The trial.
    """
    return {"number": trial.number, **trial_json(trial), "origin": origin_record(trial.origin)}


def origin_record(origin: Origin) -> dict[str, Any]:
    """Return where a trial comes from, by names."""
    return {
        "sampler": origin.sampler,
        "reason": origin.reason,
        "history_version": origin.history_version,
        "parent": origin.parent,
        "data": dict(origin.data),
    }


def json_lines(study: Study, version: str) -> Iterator[str]:
    """Yield the parts of a JSON object: the study's settings and space, then a line a trial.

    Args:
        study: The study.
        version: Luthier's.
    """
    trials, record = study.trials, study._driver.record
    head = {
        "format": "luthier study",
        "luthier": version,
        "study": record.name,
        "created": record.created,
        "seed": record.seed,
        "objective": record.objective.to_json(),
        "settings": study.storage.get_state(record.id).get("settings", dict(record.settings)),
        "space": json.loads(study.space.to_json()),
        "user_attrs": study.user_attrs,
    }
    yield json.dumps(head, indent=2, allow_nan=False)[:-2] + ',\n  "trials": [\n'
    for start in range(0, len(trials), _AT_ONCE):
        part = trials[start : start + _AT_ONCE]
        lines = ("    " + json.dumps(trial_record(trial), allow_nan=False) for trial in part)
        yield ",\n".join(lines) + (",\n" if start + _AT_ONCE < len(trials) else "\n")
    yield "  ]\n}\n"


def csv_lines(
    trials: Sequence[FrozenTrial], objective: Objective, *, defused: bool = False
) -> Iterator[str]:
    """Yield a table of trials as CSV, some hundred lines at a time.

    Args:
        trials: The trials, in the order of the lines.
        objective: What the study optimises.
        defused: Whether it is for spreadsheets, which run texts that begin with ``=``, ``+``, ``-``
            or ``@`` as formulas: such a text gets a ``'`` before it. Numbers are as they are.
    """
    keys = list(_keys(trials, objective, _WRITTEN))
    yield _csv([["_".join(filter(None, key)) for key in keys]], defused)
    left = iter(trials)
    while part := list(islice(left, _AT_ONCE)):
        rows = (_cells(row, keys) for row in table(part, objective, _WRITTEN))
        yield _csv([["None" if v is None else v for v in row] for row in rows], defused)


def _csv(rows: Sequence[Sequence[Any]], defused: bool) -> str:
    text = io.StringIO(newline="")
    plain = csv.writer(text, lineterminator="\n")
    quoting = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in rows:
        cells = [_harmless(cell) for cell in row] if defused else row
        # A text with a bare return isn't quoted before Python 3.13, and would be two lines.
        torn = any(isinstance(cell, str) and "\r" in cell for cell in cells)
        (quoting if torn else plain).writerow(cells)
    return text.getvalue()


def _harmless(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    if cell is None or isinstance(cell, Number):
        return cell
    return _FORMULA.sub("'", str(cell))


def table_of(
    trials: Sequence[FrozenTrial], objective: Objective, attrs: Sequence[str]
) -> tuple[list[tuple[str, str]], list[list[Any]]]:
    """Return keys (attribute, name within it) in order of attributes, and a row for each trial.

    A cell is "" where a trial has no such thing; None is a parameter's or attribute's own value.

    Args:
        trials: The trials.
        objective: What the study optimises.
        attrs: Which attributes.
    """
    keys = list(_keys(trials, objective, attrs))
    return keys, [_cells(row, keys) for row in table(trials, objective, attrs)]


def _keys(
    trials: Sequence[FrozenTrial], objective: Objective, attrs: Sequence[str]
) -> list[tuple[str, str]]:
    found: dict[tuple[str, str], None] = {}
    for start in range(0, len(trials), _AT_ONCE):
        for row in table(trials[start : start + _AT_ONCE], objective, attrs):
            found.update(dict.fromkeys(row))
    return sorted(found, key=lambda key: attrs.index(key[0])) or [("number", "")]


def _cells(row: dict[tuple[str, str], Any], keys: Sequence[tuple[str, str]]) -> list[Any]:
    return [_present(key, row.get(key, "")) for key in keys]


def _present(key: tuple[str, str], value: Any) -> Any:
    return "" if value is None and not key[1] else value
