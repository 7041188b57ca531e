"""Figures of studies beside each other: the best so far, by trials and by work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis import Comparison, Standing
from luthier.analysis.wording import counted
from luthier.plots import Figure
from luthier.plots.figure import rounded
from luthier.plots.labels import shown
from luthier.plots.results import thinned
from luthier.plots.theme import DASHES, PALETTE, fade

__all__ = ["Line", "by_time", "by_trials", "leaders"]

Array = NDArray[np.float64]
_MOST_STEPS: Final = 500


@final
@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """How one study got on.

    Attributes:
        label: The study.
        look: The place of its colour; studies of one strategy have the same.
        places: The places to draw, shape (k,).
        values: The best so far, shape (n,).
        seconds: The work so far, shape (n,).
    """

    label: str
    look: int
    places: NDArray[np.intp]
    values: Array
    seconds: Array


def leaders(least: Array) -> NDArray[np.intp]:
    """Return the places at which a curve falls, and its end; of many the last.

    Args:
        least: A curve that only falls, infinite while there is nothing, shape (n,).

    Example:
        >>> leaders(np.array([np.inf, 3.0, 3.0, 2.0, 2.0])).tolist()
        [1, 3, 4]
    """
    before = np.r_[np.inf, least][: len(least)]
    falls = np.flatnonzero(least < before)
    return np.unique(np.r_[falls[-_MOST_STEPS:], len(least) - 1]) if len(falls) else falls


def by_trials(metric: str, lines: Sequence[Line], found: Comparison | None) -> Figure:
    """Draw the best so far over finished trials: of each study, or of each strategy its median.

    Args:
        metric: What it is the best of.
        lines: The studies.
        found: Where strategies have several studies: how these compare.
    """
    if found is None:
        traces = [_line(one, one.places + 1) for one in lines]
        return _figure(metric, "finished trials", traces, "")
    note = f"medians of {counted(len(found.blocks), 'run')}, and the middle half of them"
    traces = [trace for k, one in enumerate(found.standings) for trace in _band(k, one)]
    return _figure(metric, "finished trials", traces, note)


def by_time(metric: str, lines: Sequence[Line]) -> Figure:
    """Draw the best so far of each study over the work that its trials had taken.

    Args:
        metric: What it is the best of.
        lines: The studies.
    """
    traces = [_line(one, one.seconds[one.places]) for one in lines]
    return _figure(metric, "seconds of work", traces, "")


def _line(one: Line, x: NDArray[Any]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": shown(one.label),
        "line": _look(one.look),
        "x": rounded(x),
        "y": rounded(one.values[one.places]),
    }


def _band(k: int, standing: Standing) -> list[dict[str, Any]]:
    """The median of a strategy's studies, and between which values the middle half of them lies."""
    places = thinned(len(standing.curve), _MOST_STEPS)
    places = places[np.isfinite(standing.curve[places])]
    ends = [np.where(np.isfinite(c), c, standing.curve) for c in _ends(standing)]
    low, high = (end[places] for end in ends)
    colour, name = PALETTE[k % len(PALETTE)], shown(standing.name)
    edge = {"type": "scatter", "mode": "lines", "name": name, "x": rounded(places + 1)}
    hidden = {"line": {"width": 0, "shape": "hv"}, "hoverinfo": "skip", "showlegend": False}
    fill = {"fill": "tonexty", "fillcolor": fade(colour, 0.16)}
    return [
        {**edge, **hidden, "y": rounded(low)},
        {**edge, **hidden, **fill, "y": rounded(high)},
        {**edge, "y": rounded(standing.curve[places]), "line": _look(k)},
    ]


def _ends(standing: Standing) -> tuple[Array, Array]:
    return standing.curve_low, standing.curve_high


def _look(k: int) -> dict[str, Any]:
    dash = DASHES[k % len(DASHES)]
    return {"shape": "hv", "width": 2, "color": PALETTE[k % len(PALETTE)], "dash": dash}


def _figure(metric: str, unit: str, traces: list[dict[str, Any]], note: str) -> Figure:
    name = shown(metric)
    layout = {
        "xaxis": {"title": {"text": unit}, "type": "linear", "rangemode": "tozero"},
        "yaxis": {"title": {"text": name}, "type": "linear"},
        "showlegend": True,
        "legend": {"traceorder": "normal"},
        "hovermode": "closest",
    }
    return Figure("compare", f"Best {name} so far", traces, layout, note)
