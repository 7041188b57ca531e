"""Trials as a pandas table with Optuna's columns: ``params_x``, ``values_0``, ``user_attrs_y``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from luthier.errors import ArgumentError, require_extra

if TYPE_CHECKING:
    from luthier.optuna.trial import FrozenTrial

__all__ = ["ATTRS", "frame"]

_VALUES = ("value", "values")
_TIMES = ("datetime_start", "datetime_complete", "duration")
ATTRS = ("number", "value", *_TIMES, "params", "user_attrs", "system_attrs", "state")
_KNOWN = (*ATTRS, "values", "constraints", "distributions", "intermediate_values", "last_step")


def frame(
    trials: Sequence[FrozenTrial], names: Sequence[Any], attrs: Sequence[str], multi_index: bool
) -> Any:
    """Return a table with a row a trial.

    Args:
        trials: The trials.
        names: What the objectives' columns are called; ("",) for a single one without a name.
        attrs: Attributes of the trials; a dict's keys become columns of their own, sorted.
        multi_index: Whether columns are pairs such as ("params", "lr").

    Raises:
        ArgumentError: An attribute that trials don't have.
        MissingExtraError: pandas isn't installed.
    """
    pd = require_extra("pandas", "pandas", "trials_dataframe")
    for attr in attrs:
        if attr not in _KNOWN:
            raise ArgumentError(f"Trials have no attribute {attr!r}; they have {_KNOWN}.")
    rows = [{attr: _cells(trial, attr, names) for attr in attrs} for trial in trials]
    columns = [(attr, key) for attr in attrs for key in _keys(attr, rows)]
    data = [[row[attr].get(key) for attr, key in columns] for row in rows]
    several = "values" if len(names) > 1 else "value"
    labels = [(several if attr in _VALUES else attr, key) for attr, key in columns]
    if multi_index and labels:
        return pd.DataFrame(data, columns=pd.MultiIndex.from_tuples(labels))
    return pd.DataFrame(data, columns=[f"{a}_{k}" if k != "" else a for a, k in labels])


def _cells(trial: FrozenTrial, attr: str, names: Sequence[Any]) -> dict[Any, Any]:
    """The cells of an attribute by the second part of their columns' names."""
    if attr in _VALUES:
        return dict(zip(names, trial.values or [None] * len(names), strict=True))
    cell = getattr(trial, attr)
    if isinstance(cell, dict):
        return cell
    return {"": cell.name if attr == "state" else cell}


def _keys(attr: str, rows: Sequence[dict[str, dict[Any, Any]]]) -> list[Any]:
    keys = list(dict.fromkeys(key for row in rows for key in row[attr]))
    return keys if attr in _VALUES else sorted(keys, key=str)
