"""The Pareto front, and how the volume that it dominates grew."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.core.history import History
from luthier.errors import ArgumentError
from luthier.numerics.pareto import hypervolume, non_dominated
from luthier.plots.figure import Figure
from luthier.plots.labels import counted, shown
from luthier.plots.marks import dots, line, notes
from luthier.plots.panels import Panels, blank
from luthier.plots.results import Results, results, sign_of, thinned
from luthier.plots.theme import BLUE, GREY, MARKS, VERMILION, fade
from luthier.space import Space

__all__ = ["draw_hypervolume", "draw_pareto", "front_of"]

Array = NDArray[np.float64]
_MOST: Final = 1_500
_MOMENTS: Final = 120
_SINGLE: Final = "A front needs several objectives."
_NOTHING: Final = "No trial that keeps the constraints has completed yet."


def draw_pareto(
    history: History,
    space: Space,
    *,
    metrics: Sequence[str] | None = None,
    most: int = _MOST,
    solid: bool = False,
) -> Figure:
    """Draw completed trials by their objectives; those of the Pareto front stand out.

    More than two objectives are drawn pair by pair, with the front of all of them.

    Args:
        history: The history.
        space: Its space.
        metrics: Which objectives, at least two; None: all, at most four.
        most: So many trials at most, the front always among them.
        solid: Three objectives in one figure of three dimensions, which only ``to_plotly`` shows.

    Raises:
        ArgumentError: No such objective, or ``solid`` without three.
    """
    names = _objectives(history, metrics)
    if solid and len(names) != 3:
        raise ArgumentError(f"pareto: solid needs three objectives, got {len(names)}.")
    title = "Pareto front"
    if len(names) < 2:
        return Figure("pareto", title, (), blank(_SINGLE))
    found = [results(history, name) for name in names]
    one = found[0]
    front = front_of(found)
    places = thinned(len(one), most, np.flatnonzero(front)) if len(one) else np.arange(0)
    part = [read.at(places) for read in found]
    mark = front[places]
    note = notes(f"{int(front.sum()):,} trials on the front", counted(len(places), len(one)))
    if solid:
        return Figure("pareto", title, _solid(part, mark), _scene(names), note)
    pairs = list(combinations(range(len(names)), 2))
    panels = Panels(len(pairs), columns=3, height=460 if len(pairs) == 1 else 320)
    traces: list[dict[str, Any]] = []
    for k, (a, b) in enumerate(pairs):
        traces += [
            trace | panels.axes(k) | {"showlegend": k == 0 and trace["name"] != "edge"}
            for trace in _pair(part[a], part[b], mark, len(names) == 2)
        ]
        panels.set_x(k, {"title": {"text": _aim(part[a])}})
        panels.set_y(k, {"title": {"text": _aim(part[b])}})
    return Figure("pareto", title, traces, panels.layout(), note)


def draw_hypervolume(
    history: History, space: Space, *, reference: Sequence[float] | None = None
) -> Figure:
    """Draw the volume that the front dominates, trial by trial.

    Args:
        history: The history.
        space: Its space.
        reference: The worst values that count, one for each objective; None: a tenth of the range
            beyond the worst of all trials that were ever on the front.

    Raises:
        ArgumentError: Not one number for each objective.
    """
    names, title = history.objective.names, "Hypervolume over trials"
    if len(names) < 2:
        return Figure("hypervolume", title, (), blank(_SINGLE))
    if reference is not None and len(reference) != len(names):
        raise ArgumentError(
            f"hypervolume: reference must have {len(names)} numbers, got {len(reference)}."
        )
    found = [results(history, name) for name in names]
    Y = np.column_stack([read.losses for read in found])
    ok = found[0].feasible & np.isfinite(Y).all(axis=1)
    Y, numbers = Y[ok], found[0].numbers[ok]
    if not len(Y):
        return Figure("hypervolume", title, (), blank(_NOTHING))
    signs = np.array([sign_of(history, name) for name in names])
    bound = _reference(Y) if reference is None else signs * np.asarray(reference, dtype=np.float64)
    moments = thinned(len(Y), _MOMENTS)
    volumes = _volumes(Y, moments, bound)
    style = {"shape": "hv", "width": 2.5, "color": VERMILION}
    curve = line("hypervolume", numbers[moments], volumes, **style) | {"hoverinfo": "x+y"}
    layout = {
        "xaxis": {"title": {"text": "trial"}, "type": "linear"},
        "yaxis": {"title": {"text": "hypervolume"}, "type": "linear", "rangemode": "tozero"},
        "showlegend": False,
    }
    spoken = ", ".join(f"{shown(n)} {v:.4g}" for n, v in zip(names, signs * bound, strict=True))
    return Figure("hypervolume", title, [curve], layout, f"measured from {spoken}")


def front_of(found: Sequence[Results]) -> NDArray[np.bool_]:
    """Mark the feasible trials that no other is better than in all metrics, shape (n,)."""
    Y = np.column_stack([read.losses for read in found])
    ok = found[0].feasible & ~np.isnan(Y).any(axis=1)
    front = np.zeros(len(Y), dtype=np.bool_)
    places = np.flatnonzero(ok)
    if len(places):
        front[places] = non_dominated(Y[places])
    return front


def _objectives(history: History, metrics: Sequence[str] | None) -> list[str]:
    names = list(history.objective.names)
    if metrics is None:
        return names[:4]
    unknown = [name for name in metrics if name not in names]
    if unknown or len(metrics) < 2:
        raise ArgumentError(
            f"pareto: metrics must be at least two of {', '.join(names)}, got {list(metrics)}."
        )
    return list(metrics)


def _pair(a: Results, b: Results, front: NDArray[np.bool_], edge: bool) -> list[dict[str, Any]]:
    """Two objectives: all trials, those that break constraints, and the front."""
    traces = []
    rest = a.feasible & ~front
    faint = {"color": fade(BLUE, 0.6), "size": 6}
    for places, name, marker in (
        (np.flatnonzero(~a.feasible), MARKS["infeasible"].label, MARKS["infeasible"].marker()),
        (np.flatnonzero(rest), "dominated", faint),
    ):
        if len(places):
            traces.append(_points(name, a, b, places, marker, brief=not edge))
    places = np.flatnonzero(front)
    places = places[np.lexsort((b.losses[places], a.losses[places]))]
    if not len(places):
        return traces
    if edge:  # what no trial has reached lies beyond it
        style = {"shape": "hv", "width": 2, "color": VERMILION, "dash": "dot"}
        traces.append(line("edge", a.values[places], b.values[places], **style))
    marker = {"color": VERMILION, "size": 9, "symbol": "diamond", "line": {"width": 0}}
    traces.append(_points("Pareto front", a, b, places, marker, brief=not edge))
    return traces


def _points(
    name: str,
    a: Results,
    b: Results,
    places: NDArray[np.intp],
    marker: dict[str, Any],
    *,
    brief: bool,
) -> dict[str, Any]:
    listed = [a.trials[k] for k in places]
    return dots(name, a.values[places], b.values[places], listed, marker, brief=brief)


def _aim(found: Results) -> str:
    return f"{shown(found.metric)} ({'lower' if found.sign > 0 else 'higher'} is better)"


def _solid(found: Sequence[Results], front: NDArray[np.bool_]) -> list[dict[str, Any]]:
    traces = []
    for name, mark, colour, size in (
        ("dominated", ~front, GREY, 3),
        ("Pareto front", front, VERMILION, 5),
    ):
        places = np.flatnonzero(mark)
        x, y, z = (read.at(places) for read in found)
        trace = dots(name, x.values, y.values, x.trials, {"color": colour, "size": size})
        traces.append(trace | {"type": "scatter3d", "z": z.values.tolist()})
    return traces


def _scene(names: Sequence[str]) -> dict[str, Any]:
    named = zip("xyz", names, strict=True)
    return {"scene": {f"{axis}axis": {"title": {"text": shown(name)}} for axis, name in named}}


def _reference(Y: Array) -> Array:
    """A tenth of the range beyond the worst of the trials that were once on the front."""
    once, front = [], np.empty((0, Y.shape[1]))
    for y in Y[thinned(len(Y), 2_000)]:
        if not (front <= y).all(axis=1).any():
            front = np.vstack([front[~(y <= front).all(axis=1)], y])
            once.append(y)
    points = np.array(once)
    low, high = points.min(axis=0), points.max(axis=0)
    return np.asarray(high + 0.1 * np.where(high > low, high - low, np.abs(high) + 1.0))


def _volumes(Y: Array, moments: NDArray[np.intp], bound: ArrayLike) -> list[float]:
    """The hypervolume after each of some trials."""
    front, start, volumes = np.empty((0, Y.shape[1])), 0, []
    for end in moments.tolist():
        joint = np.vstack([front, Y[start : end + 1]])
        front, start = joint[non_dominated(joint)], end + 1
        volumes.append(hypervolume(front, bound))
    return volumes
