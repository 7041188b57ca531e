"""The map of feasibility: where trials fail or break a constraint, and how likely that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from luthier.core.history import History
from luthier.plots.axis import ParamAxis, axis_of
from luthier.plots.figure import Figure, rounded
from luthier.plots.labels import counted
from luthier.plots.marks import dots, notes
from luthier.plots.panels import blank, jittered
from luthier.plots.relevance import modelled
from luthier.plots.results import Results, thinned
from luthier.plots.surrogate import Surrogate, surrogate
from luthier.plots.theme import MARKS, VERMILION, fade
from luthier.space import Space

__all__ = ["draw_feasibility"]

_MOST: Final = 800
_PLANE: Final = 24
_BACKGROUND: Final = 24


def draw_feasibility(
    history: History, space: Space, *, params: Sequence[str] | None = None, most: int = _MOST
) -> Figure:
    """Draw where trials failed or broke a constraint, over two parameters.

    Behind them is how likely a trial is not to come to a usable result, as a forest has learnt it.

    Args:
        history: The history.
        space: Its space.
        params: Two parameters; None: the two that tell most about failures among
            those that trials have together.
        most: So many trials at most.

    Raises:
        UnknownParamError: No such parameter.
    """
    found = _outcomes(history)
    title = "Where trials fail or break constraints"
    good = np.asarray(found.feasible, dtype=np.float64)
    if not len(found):
        return Figure("feasibility", title, (), blank("No trial has finished yet."))
    if good.all():
        return Figure(
            "feasibility", title, (), blank("No trial has failed or broken a constraint.")
        )
    names = modelled(space, params, found, good)
    if len(names) < 2:
        return Figure("feasibility", title, (), blank("A map needs two parameters that vary."))
    model = surrogate(space, found, good, history.seed)
    names = names[:2] if model is None else model.pair(names)
    axes = [axis_of(name, space[name]) for name in names]
    points = _points(found, axes, most)
    traces = [*_plane(model, axes), *points]
    top = max([*(max(row) for row in traces[0].get("z", ())), 0.01])
    layout = {
        "xaxis": axes[0].layout() | {"showgrid": False},
        "yaxis": axes[1].layout() | {"showgrid": False},
        "coloraxis": {
            "cmin": 0,
            "cmax": top,
            "colorscale": [[0, fade(VERMILION, 0.0)], [1, fade(VERMILION, 0.7)]],
            "colorbar": {"title": {"text": "chance to fail"}, "tickformat": ".0%"},
        },
        "height": 520,
    }
    bad = int((~found.feasible).sum())
    note = notes(
        f"{bad:,} of {len(found):,} finished trials gave no usable result",
        counted(sum(len(trace["x"]) for trace in points), len(found)),
    )
    return Figure("feasibility", title, traces, layout, note)


def _outcomes(history: History) -> Results:
    """Completed and failed trials; feasible ones gave a result that keeps all constraints."""
    rows = [(t, bool(v <= 0)) for t, v in zip(history.completed, history.violations, strict=True)]
    rows += [(trial, False) for trial in history.failed]
    rows.sort(key=lambda row: row[0].number)
    trials = [trial for trial, _ in rows]
    ok = np.array([good for _, good in rows], dtype=np.bool_)
    numbers = np.array([trial.number for trial in trials], dtype=np.int64)
    return Results(trials, "success", numbers, ok.astype(np.float64), -1.0, ok)


def _plane(model: Surrogate | None, axes: Sequence[ParamAxis]) -> list[dict[str, Any]]:
    if model is None:
        return []
    (x, codes_x), (y, codes_y) = axes[0].grid(_PLANE), axes[1].grid(_PLANE)
    grid = np.column_stack([np.tile(codes_x, len(y)), np.repeat(codes_y, len(x))])
    told = model.dependence([axis.name for axis in axes], grid, _BACKGROUND)
    if told is None:
        return []
    z = 1 - told[0].reshape(len(y), len(x))
    plane = {
        "type": "heatmap",
        "x": rounded(x),
        "y": rounded(y),
        "z": [rounded(row) for row in z],
        "coloraxis": "coloraxis",
        "hovertemplate": "%{z:.0%} fail<extra></extra>",
    }
    return [plane]


def _points(found: Results, axes: Sequence[ParamAxis], most: int) -> list[dict[str, Any]]:
    bad = np.flatnonzero(~found.feasible)
    part = found.at(thinned(len(found), most, bad[thinned(len(bad), most // 2)]))
    x, y = (axis.places(part.trials) for axis in axes)
    x = jittered(x) if axes[0].is_listed else x
    y = jittered(y[::-1])[::-1] if axes[1].is_listed else y
    states = np.array([trial.state.name.lower() for trial in part.trials])
    groups = (
        ("complete", (states == "complete") & part.feasible),
        ("infeasible", (states == "complete") & ~part.feasible),
        ("failed", states == "failed"),
    )
    traces = []
    for what, mask in groups:
        places = np.flatnonzero(mask & ~np.isnan(x) & ~np.isnan(y))
        if len(places):
            marker = MARKS[what].marker(7 if what == "complete" else 9, 0.9)
            if what != "complete":
                marker["line"] = {"width": 2, "color": MARKS[what].colour}
            trials = [part.trials[k] for k in places.tolist()]
            traces.append(dots(MARKS[what].label, x[places], y[places], trials, marker))
    return traces
