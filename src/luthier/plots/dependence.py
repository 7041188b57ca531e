"""Partial dependence: how the metric changes with parameters, others as in the trials."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np

from luthier.core.history import History
from luthier.plots.axis import ParamAxis, axis_of
from luthier.plots.figure import Figure, rounded
from luthier.plots.labels import counted, shown
from luthier.plots.marks import dots, line, notes
from luthier.plots.panels import Panels, blank, chosen_params, jittered
from luthier.plots.relevance import modelled
from luthier.plots.results import Results, results
from luthier.plots.surrogate import FEWEST, Surrogate, surrogate
from luthier.plots.theme import BLUE, GREY, MARKS, fade
from luthier.space import Space

__all__ = ["draw_contour", "draw_dependence"]

_CURVE: Final = 40
_PLANE: Final = 24
_BACKGROUND: Final = 100
_FEW: Final = 24
_MOST: Final = 400
_PANELS: Final = 9
_Z: Final = 1.96
_TOO_FEW: Final = f"Too few trials have completed to tell: at least {FEWEST} are needed."
_RARE: Final = f"fewer than {FEWEST} trials<br>have"


def draw_dependence(
    history: History,
    space: Space,
    *,
    params: Sequence[str] | None = None,
    metric: str | None = None,
) -> Figure:
    """Draw how the metric depends on each parameter, as a forest has learnt it.

    The band is where 95% of the forest's trees lie: how sure it is of the mean, not how much trials
    vary. Ticks at the foot are trials.

    Args:
        history: The history.
        space: Its space.
        params: Which parameters; None: the nine that matter most.
        metric: An objective, or another metric; None: the first objective.

    Raises:
        ArgumentError: No such metric.
        UnknownParamError: No such parameter.
    """
    found = results(history, metric)
    title = f"{shown(found.metric)} as it depends on each parameter"
    names = modelled(space, params, found, found.values)[: _PANELS if params is None else None]
    model = surrogate(space, found, found.values, history.seed)
    if model is None or not names:
        return Figure("dependence", title, (), blank(_TOO_FEW))
    panels, traces = Panels(len(names), columns=3), []
    for k, name in enumerate(names):
        axis = axis_of(name, space[name])
        if not model.knows([name]):
            panels.say(k, f"{_RARE} it")
        traces += [trace | panels.axes(k) for trace in _curve(axis, model)]
        panels.set_x(k, axis.layout())
        panels.set_y(k, {"title": {"text": shown(found.metric)}} if panels.is_first(k) else {})
    note = notes(
        "random forest, mean and 95% band over its trees",
        counted(len(names), len(chosen_params(space, params, len(space))), "parameters"),
    )
    layout = panels.layout(share_y=True) | {"showlegend": False}
    return Figure("dependence", title, traces, layout, note)


def _curve(axis: ParamAxis, model: Surrogate) -> list[dict[str, Any]]:
    places, codes = axis.grid(_CURVE)
    told = model.dependence([axis.name], codes[:, None], _BACKGROUND)
    if told is None:
        return [line("", [], [])]
    mean, std = told
    if axis.is_listed:
        error = {"type": "data", "array": rounded(_Z * std), "thickness": 1.5, "width": 4}
        marker = {"color": BLUE, "size": 8}
        points = line("", places, mean) | {"mode": "markers", "marker": marker}
        return [points | {"error_y": error | {"color": BLUE}, "hoverinfo": "y"}]
    low, high = mean - _Z * std, mean + _Z * std
    edge = {"width": 0, "color": fade(BLUE, 0.0)}
    band = line("", np.r_[places, places[::-1]], np.r_[low, high[::-1]], **edge)
    band |= {"fill": "toself", "fillcolor": fade(BLUE, 0.2)}
    return [band, line("", places, mean, color=BLUE, width=2.5) | {"hoverinfo": "x+y"}]


def draw_contour(
    history: History,
    space: Space,
    *,
    params: Sequence[str] | None = None,
    metric: str | None = None,
    uncertainty: bool = True,
) -> Figure:
    """Draw how the metric depends on pairs of parameters, as a forest has learnt it.

    Points are trials, the star is the best.

    Args:
        history: The history.
        space: Its space.
        params: At least two parameters, each pair of which is drawn; None: the two that matter
            most among those that trials have together.
        metric: An objective, or another metric; None: the first objective.
        uncertainty: Whether to draw beside it how sure the forest is, for a single pair.

    Raises:
        ArgumentError: No such metric.
        UnknownParamError: No such parameter.
    """
    found = results(history, metric)
    title = f"{shown(found.metric)} as it depends on pairs of parameters"
    names = modelled(space, params, found, found.values)
    model = surrogate(space, found, found.values, history.seed)
    if model is None or len(names) < 2:
        why = _TOO_FEW if model is None else "A contour needs two parameters that vary."
        return Figure("contour", title, (), blank(why))
    names = model.pair(names) if params is None else names[:4]
    pairs = list(combinations(names, 2))
    beside = uncertainty and len(pairs) == 1
    panels = Panels(2 if beside else len(pairs), columns=2 if len(pairs) < 3 else 3, height=380)
    shown_trials = found.shown(_MOST)
    axes = {name: axis_of(name, space[name]) for name in names}
    traces: list[dict[str, Any]] = []
    for k, (a, b) in enumerate(pairs):
        planes = _planes(axes[a], axes[b], model)
        if not model.knows([a, b]):
            panels.say(k, f"{_RARE} both")
        traces += [
            t | panels.axes(k) for t in (planes[0], *_trials(axes[a], axes[b], shown_trials))
        ]
        _name(panels, k, axes[a], axes[b])
        if beside:
            traces.append(planes[1] | panels.axes(1))
            _name(panels, 1, axes[a], axes[b])
    layout = panels.layout() | {"showlegend": False}
    bar = {"title": {"text": shown(found.metric, 16)}}
    layout["coloraxis"] = {"colorbar": bar, "reversescale": found.sign > 0}
    if beside:
        layout |= _two_bars(layout, bar)
    note = notes("random forest", counted(len(shown_trials), len(found)))
    return Figure("contour", title, traces, layout, note)


def _planes(a: ParamAxis, b: ParamAxis, model: Surrogate) -> tuple[dict[str, Any], dict[str, Any]]:
    """The mean and the uncertainty of a pair, as traces."""
    (x, codes_x), (y, codes_y) = a.grid(_PLANE), b.grid(_PLANE)
    grid = np.column_stack([np.tile(codes_x, len(y)), np.repeat(codes_y, len(x))])
    told = model.dependence([a.name, b.name], grid, _FEW)
    mean, std = told if told is not None else (np.full(len(grid), np.nan),) * 2
    flat = a.is_listed or b.is_listed or len(x) < 6 or len(y) < 6
    plane: dict[str, Any] = {
        "type": "heatmap" if flat else "contour",
        "x": rounded(x),
        "y": rounded(y),
        "hovertemplate": "%{z}<extra></extra>",
    }
    if not flat:
        plane |= {"contours": {"coloring": "heatmap"}, "ncontours": 14, "line": {"width": 0.4}}
    shape = (len(y), len(x))
    z, doubt = ([rounded(row) for row in values.reshape(shape)] for values in (mean, std))
    return (
        plane | {"z": z, "coloraxis": "coloraxis"},
        plane | {"z": doubt, "coloraxis": "coloraxis2"},
    )


def _trials(a: ParamAxis, b: ParamAxis, found: Results) -> list[dict[str, Any]]:
    x, y = a.places(found.trials), b.places(found.trials)
    x, y = (jittered(x) if a.is_listed else x), (jittered(y[::-1])[::-1] if b.is_listed else y)
    marker = {"color": "#ffffff", "size": 5, "opacity": 0.9, "line": {"width": 1, "color": GREY}}
    here = np.flatnonzero(~np.isnan(x) & ~np.isnan(y))
    part = found.at(here)
    traces = [dots("trials", x[here], y[here], part.trials, marker)]
    best = found.best()
    if best is not None and best in here:
        star = MARKS["best"].marker(14, 1.0) | {"line": {"width": 1, "color": "#ffffff"}}
        at = np.array([best])
        traces.append(dots("best", x[at], y[at], [found.trials[best]], star))
    return traces


def _name(panels: Panels, k: int, a: ParamAxis, b: ParamAxis) -> None:
    panels.set_x(k, a.layout() | {"showgrid": False})
    panels.set_y(k, b.layout() | {"showgrid": False})


def _two_bars(layout: dict[str, Any], bar: dict[str, Any]) -> dict[str, Any]:
    """Room for a scale of colours beside each of two panels."""
    left = layout["coloraxis"] | {"colorbar": bar | {"x": 0.41, "xanchor": "left"}}
    right = {"colorbar": {"title": {"text": "uncertainty"}, "x": 1.01, "xanchor": "left"}}
    return {
        "coloraxis": left,
        "coloraxis2": right,
        "xaxis": layout["xaxis"] | {"domain": [0, 0.4]},
        "xaxis2": layout["xaxis2"] | {"domain": [0.6, 1]},
    }
