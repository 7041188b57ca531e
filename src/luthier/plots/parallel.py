"""Parallel coordinates: a line for each trial, through its value on every parameter's axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.plots.axis import ParamAxis, axis_of
from luthier.plots.figure import Figure, rounded
from luthier.plots.labels import counted, number, shown
from luthier.plots.marks import joined, notes
from luthier.plots.panels import chosen_params
from luthier.plots.results import Results, ranks, results
from luthier.plots.theme import SCALE, fade
from luthier.space import Space

__all__ = ["draw_parallel"]

_MOST: Final = 400
_AXES: Final = 12
_JITTER: Final = 0.035
_GROUPS: Final = ("worst sixth", "", "", "", "", "best sixth")


def draw_parallel(
    history: History,
    space: Space,
    *,
    params: Sequence[str] | None = None,
    metric: str | None = None,
    most: int = _MOST,
) -> Figure:
    """Draw a line for each trial through its values, the better the stronger.

    A line has a gap where a parameter was inactive.

    Args:
        history: The history.
        space: Its space.
        params: Which parameters, in order; None: all, at most twelve.
        metric: An objective, or another metric; None: the first objective.
        most: So many lines at most.

    Raises:
        ArgumentError: No such metric.
        UnknownParamError: No such parameter.
    """
    found = results(history, metric)
    kept = found.shown(most)
    names = chosen_params(space, params, _AXES)
    axes = [axis_of(name, space[name], kept.trials) for name in names]
    columns = [_heights(axis, kept) for axis in axes]
    Y = np.column_stack([*columns, _values(kept)]) if columns else _values(kept)[:, None]
    traces = [*_lines(kept, Y), _frame(Y.shape[1])]
    ticks = [axis.title for axis in axes] + [f"<b>{shown(kept.metric)}</b>"]
    layout = {
        "xaxis": {
            "type": "linear",
            "tickmode": "array",
            "tickvals": list(range(len(ticks))),
            "ticktext": ticks,
            "side": "top",
            "range": [-0.25, len(ticks) - 0.75 + 0.25],
            "showgrid": False,
            "fixedrange": True,
        },
        "yaxis": {"type": "linear", "range": [-0.06, 1.04], "visible": False},
        "annotations": [*_tick_texts(axes), *_ends(kept, len(axes))],
        "legend": {"y": -0.02, "yanchor": "top"},
        "margin": {"t": 104, "b": 40},
    }
    goal = "lower" if found.sign > 0 else "higher"
    note = notes(
        f"{goal} {shown(found.metric)} is better",
        counted(len(kept), len(found)),
        counted(len(names), len(space), "parameters"),
    )
    return Figure("parallel", "Trials in all parameters", traces, layout, note)


def _heights(axis: ParamAxis, found: Results) -> NDArray[np.float64]:
    """Where trials cross an axis, in [0, 1]."""
    u = axis.unit(axis.places(found.trials))
    if axis.is_listed:
        golden = (np.arange(len(u)) * 0.6180339887498949) % 1.0 - 0.5
        u = u + golden * min(_JITTER, 0.5 / max(len(axis.values), 1))
    return u


def _values(found: Results) -> NDArray[np.float64]:
    known = np.isfinite(found.values)
    if not known.any():
        return np.full(len(found), np.nan)
    low, high = found.values[known].min(), found.values[known].max()
    return np.where(known, (found.values - low) / (high - low if high > low else 1.0), np.nan)


def _lines(found: Results, Y: NDArray[np.float64]) -> list[dict[str, Any]]:
    """A trace for each sixth of the trials by rank, the best on top."""
    share = np.nan_to_num(ranks(found.losses))
    group = np.minimum((share * len(SCALE)).astype(np.intp), len(SCALE) - 1)
    x = list(range(Y.shape[1]))
    traces = []
    for g, colour in enumerate(SCALE):
        places = np.flatnonzero(group == g)
        if not len(places):
            continue
        opacity = (0.25, 0.3, 0.35, 0.45, 0.55, 0.85)[g]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers" if np.isnan(Y[places]).any() else "lines",
                "name": _GROUPS[g],
                "showlegend": bool(_GROUPS[g]),
                "x": joined([x] * len(places)),
                "y": joined(rounded(row) for row in Y[places]),
                "customdata": joined([n] * len(x) for n in found.numbers[places].tolist()),
                "hovertemplate": "trial %{customdata}<extra></extra>",
                "line": {"color": fade(colour, opacity), "width": 2 if g == len(SCALE) - 1 else 1},
                "marker": {"size": 3, "color": fade(colour, opacity)},
            }
        )
    return traces


def _frame(n: int) -> dict[str, Any]:
    """The axes themselves."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": joined([k, k] for k in range(n)),
        "y": joined([-0.02, 1.02] for _ in range(n)),
        "line": {"color": "#7d8794", "width": 1},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _tick_texts(axes: Sequence[ParamAxis]) -> list[dict[str, Any]]:
    found = []
    for k, axis in enumerate(axes):
        ticks = axis.ticks() if axis.is_listed else None
        places = axis.unit(np.array(ticks[0])).tolist() if ticks else [0.0, 1.0]
        texts: Sequence[str] = ticks[1] if ticks else axis.ends()
        found += [_text(k, y, text) for y, text in zip(places, texts, strict=True)]
    return found


def _ends(found: Results, k: int) -> list[dict[str, Any]]:
    known = found.values[np.isfinite(found.values)]
    if not len(known):
        return []
    return [_text(k, 0.0, number(known.min())), _text(k, 1.0, number(known.max()))]


def _text(x: float, y: float, text: str) -> dict[str, Any]:
    return {
        "x": x,
        "y": round(y, 4),
        "text": text,
        "showarrow": False,
        "xanchor": "left",
        "xshift": 3,
    }
