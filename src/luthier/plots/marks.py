"""Marks: trials as points, which tell about themselves under the pointer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from luthier.core.trial import FrozenTrial
from luthier.plots.figure import rounded
from luthier.plots.labels import told

__all__ = ["dots", "joined", "line", "notes"]


def dots(
    name: str,
    x: Any,
    y: Any,
    trials: Sequence[FrozenTrial],
    marker: dict[str, Any],
    *,
    brief: bool = False,
) -> dict[str, Any]:
    """Return a trace of trials as points.

    Args:
        name: What the legend calls them, escaped.
        x: Where they lie, shape (n,).
        y: Likewise.
        trials: The trials.
        marker: How they look.
        brief: Whether a point tells only its trial's number and where it lies, as in figures of
            many panels.
    """
    trace = {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": rounded(x),
        "y": rounded(y),
        "customdata": [trial.number for trial in trials],
        "marker": marker,
    }
    if brief:
        return trace | {"hovertemplate": "trial %{customdata}<br>%{x}, %{y}<extra></extra>"}
    return trace | {"hovertext": [told(trial) for trial in trials], "hoverinfo": "text"}


def line(name: str, x: Any, y: Any, **style: Any) -> dict[str, Any]:
    """Return a trace of one line; NaN makes a gap."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": rounded(x),
        "y": rounded(y),
        "line": style,
        "hoverinfo": "skip",
        "connectgaps": False,
    }


def notes(*texts: str) -> str:
    """Return what there is to be noted, as one line."""
    return " · ".join(text for text in texts if text)


def joined(pieces: Iterable[Sequence[Any]]) -> list[Any]:
    """Return several lists as one, with a gap behind each.

    Example:
        >>> joined([[1, 2], [3]])
        [1, 2, None, 3, None]
    """
    return [item for piece in pieces for item in (*piece, None)]
