"""Trials as a pandas table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from luthier.core.objective import Objective
from luthier.core.trial import FrozenTrial
from luthier.errors import ArgumentError, require_extra

if TYPE_CHECKING:
    import pandas

__all__ = ["frame", "table"]

_GROUPS = ("params", "user_attrs", "metrics", "intermediate_values")
_PLAIN = (
    "number",
    "datetime_start",
    "datetime_complete",
    "duration",
    "state",
    "cost",
    "worker",
    "attempt",
    "budget",
    "last_step",
    "error",
    "invalid",
)


def frame(
    trials: Sequence[FrozenTrial], objective: Objective, attrs: Sequence[str], multi_index: bool
) -> pandas.DataFrame:
    """Return a table with a row a trial; see ``Study.trials_dataframe``."""
    pd = require_extra("pandas", "pandas", "trials_dataframe")
    rows = table(trials, objective, attrs)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if multi_index:
        index: Any = pd.MultiIndex.from_tuples(columns or [("number", "")])
    else:
        index = ["_".join(part for part in key if part) for key in columns]
    cells = [[row.get(key) for key in columns] for row in rows]
    made: pandas.DataFrame = pd.DataFrame(cells, columns=index)
    return made


def table(
    trials: Sequence[FrozenTrial], objective: Objective, attrs: Sequence[str]
) -> list[dict[tuple[str, str], Any]]:
    """Return a dict a trial, keyed by (attribute, name within it or "").

    Raises:
        ArgumentError: An attribute that trials don't have.
    """
    for attr in attrs:
        if attr not in (*_GROUPS, *_PLAIN, "value", "values"):
            known = ", ".join(("value", *_PLAIN, *_GROUPS))
            raise ArgumentError(f"Trials have no attribute {attr!r}; they have {known}.")
    return [_row(trial, objective, attrs) for trial in trials]


def _row(
    trial: FrozenTrial, objective: Objective, attrs: Sequence[str]
) -> dict[tuple[str, str], Any]:
    row: dict[tuple[str, str], Any] = {}
    for attr in attrs:
        if attr in ("value", "values"):
            row |= _values(trial, objective)
        elif attr in _GROUPS:
            row |= {(attr, str(name)): value for name, value in getattr(trial, attr).items()}
        elif attr == "state":
            row["state", ""] = trial.state.name
        else:
            row[attr, ""] = getattr(trial, attr)
    return row


def _values(trial: FrozenTrial, objective: Objective) -> dict[tuple[str, str], Any]:
    values: Sequence[float | None] = trial.values or [None] * len(objective.names)
    if len(objective.names) == 1 and not objective.named:
        return {("value", ""): values[0]}
    names = objective.names if objective.named else map(str, range(len(values)))
    return {("values", name): value for name, value in zip(names, values, strict=True)}
