"""Lineage and schedules: who went on from whom, and how hyperparameters changed on the way.

For populations: a trial goes on from another's checkpoint, with other hyperparameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np

from luthier.core.history import History
from luthier.core.lineage import metrics_at, position_of, step_from, stretches
from luthier.core.trial import FrozenTrial
from luthier.plots.axis import axis_of
from luthier.plots.figure import Figure, rounded
from luthier.plots.labels import counted, shown
from luthier.plots.marks import dots, joined, notes
from luthier.plots.panels import Panels, blank, chosen_params
from luthier.plots.results import sign_of, thinned
from luthier.plots.theme import BLUE, GREY, VERMILION, fade
from luthier.space import Space

__all__ = ["draw_lineage", "draw_schedules"]

_MOST: Final = 300
_POINTS: Final = 20
_PANELS: Final = 6
_NONE: Final = "No trial has reported a step."


def draw_lineage(
    history: History, space: Space, *, metric: str | None = None, most: int = _MOST
) -> Figure:
    """Draw what trials reported, each from where the one it was cloned from stood.

    Args:
        history: The history.
        space: Its space.
        metric: What was reported; None: the first objective.
        most: So many trials at most, the ancestors of the best among them.
    """
    name = metric or history.objective.names[0]
    known = _reporting(history)
    title = f"{shown(name)}: who went on from whom"
    best = _best(history, known, name)
    if best is None:
        return Figure("lineage", title, (), blank(_NONE))
    line = [stretch.trial.number for stretch in stretches(known, best)]
    numbers = list(known)
    always = [place for place, number in enumerate(numbers) if number in line]
    kept = [numbers[k] for k in thinned(len(numbers), most, always)]
    paths = {n: _path(known, known[n], name) for n in kept}
    others = [paths[n] for n in kept if n not in line]
    clones = [known[n] for n in kept if "step_from" in known[n].origin.data]
    traces = [_lines("all trials", others, fade(BLUE, 0.5), 1.2)] if others else []
    traces.append(_lines(f"ancestry of trial {best.number}", _cut(known, best, name), VERMILION, 3))
    if clones:
        at = [paths[trial.number][0] for trial in clones]
        marker = {"color": GREY, "size": 5, "symbol": "circle-open"}
        x, y = [p[0] for p in at], [p[1] for p in at]
        traces.append(dots("cloned here", x, y, clones, marker))
    layout = {
        "xaxis": {"title": {"text": history.objective.fidelity}, "type": "linear"},
        "yaxis": {"title": {"text": shown(name)}, "type": "linear"},
    }
    note = notes(f"{len(line)} trials led to the best", counted(len(kept), len(known)))
    return Figure("lineage", title, traces, layout, note)


def draw_schedules(
    history: History,
    space: Space,
    *,
    params: Sequence[str] | None = None,
    metric: str | None = None,
    most: int = _MOST,
) -> Figure:
    """Draw which hyperparameters each step was trained with; the schedule of the best stands out.

    Args:
        history: The history.
        space: Its space.
        params: Which parameters; None: all, at most six.
        metric: What was reported; None: the first objective.
        most: So many trials at most.

    Raises:
        UnknownParamError: No such parameter.
    """
    name = metric or history.objective.names[0]
    known = _reporting(history)
    names = chosen_params(space, params, _PANELS)
    best = _best(history, known, name)
    title = "Schedules of hyperparameters"
    if best is None or not names:
        return Figure("schedules", title, (), blank(_NONE))
    trials = list(known.values())
    trials = [trials[k] for k in thinned(len(trials), most)]
    spans = [(step_from(trial), position_of(trial)) for trial in trials]
    parts = stretches(known, best)
    panels, traces = Panels(len(names), columns=2), []
    for k, param in enumerate(names):
        axis = axis_of(param, space[param], trials)
        values = axis.places(trials).tolist()
        everyone = [[(a, v), (b, v)] for (a, b), v in zip(spans, values, strict=True) if v == v]
        ours = axis.places([part.trial for part in parts]).tolist()
        steps = [
            p
            for part, v in zip(parts, ours, strict=True)
            for p in ((part.step_from, v), (part.step_to, v))
        ]
        first = {"showlegend": k == 0}
        traces.append(_lines("all trials", everyone, fade(BLUE, 0.5), 1.2) | first | panels.axes(k))
        label = f"the schedule of trial {best.number}"
        traces.append(_lines(label, [steps], VERMILION, 3) | first | panels.axes(k))
        panels.set_x(
            k, {"title": {"text": history.objective.fidelity}} if k >= len(names) - 2 else {}
        )
        panels.set_y(k, axis.layout())
    note = notes(counted(len(trials), len(known)))
    return Figure("schedules", title, traces, panels.layout(), note)


def _reporting(history: History) -> dict[int, FrozenTrial]:
    groups = chain(history.completed, history.pruned, history.failed, history.live)
    found = [trial for trial in groups if trial.reports]
    return {trial.number: trial for trial in sorted(found, key=lambda trial: trial.number)}


def _best(history: History, known: Mapping[int, FrozenTrial], metric: str) -> FrozenTrial | None:
    """The best of the trials that got furthest."""
    if not known:
        return None
    end = max(position_of(trial) for trial in known.values())
    last = [trial for trial in known.values() if position_of(trial) == end]
    sign = sign_of(history, metric)

    def loss(trial: FrozenTrial) -> float:
        value = sign * trial.reports[trial.last_step or 0].get(metric, np.nan)
        return np.inf if np.isnan(value) else value

    return min(last, key=loss)


def _path(
    known: Mapping[int, FrozenTrial], trial: FrozenTrial, metric: str
) -> list[tuple[float, float]]:
    """Steps and values of a trial, from where its parent stood."""
    series = sorted(trial.reports.series(metric).items())
    kept = [series[k] for k in thinned(len(series), _POINTS)]
    start = step_from(trial)
    if start:
        kept.insert(0, (start, _at(known, trial, start, metric)))
    return [(float(x), y) for x, y in kept] or [(np.nan, np.nan)]


def _cut(
    known: Mapping[int, FrozenTrial], trial: FrozenTrial, metric: str
) -> list[list[tuple[float, float]]]:
    """The paths of a trial's ancestry, each up to where the next goes on."""
    parts = stretches(known, trial)
    paths = [(_path(known, part.trial, metric), part.step_to) for part in parts]
    return [
        [*(p for p in path if p[0] < end), (float(end), _at(known, part.trial, end, metric))]
        for part, (path, end) in zip(parts, paths, strict=True)
    ]


def _at(known: Mapping[int, FrozenTrial], trial: FrozenTrial, step: int, metric: str) -> float:
    there = metrics_at(known, trial, step, [metric]) or {}
    return there.get(metric, np.nan)


def _lines(
    name: str, paths: Sequence[Sequence[tuple[float, float]]], colour: str, width: float
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": joined(rounded([p[0] for p in path]) for path in paths),
        "y": joined(rounded([p[1] for p in path]) for path in paths),
        "line": {"color": colour, "width": width},
        "hoverinfo": "x+y",
    }
