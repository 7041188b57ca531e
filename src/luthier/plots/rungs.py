"""Rungs: who went on from which step, and what trials were worth there."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.core.lineage import step_from
from luthier.core.trial import FrozenTrial, TrialState
from luthier.plots.figure import Figure
from luthier.plots.labels import shown
from luthier.plots.marks import dots
from luthier.plots.panels import blank
from luthier.plots.results import sign_of, thinned
from luthier.plots.theme import AMBER, BLUE, GREEN, VERMILION
from luthier.space import Space

__all__ = ["draw_rungs", "rungs_of"]

_RUNGS: Final = 10
_EACH: Final = 250
_WORDY: Final = 500
_BRIEF: Final = "trial %{customdata}<br>%{y}<extra></extra>"


def draw_rungs(
    history: History, space: Space, *, metric: str | None = None, most: int = _EACH
) -> Figure:
    """Draw the trials at each rung: those that went on, and those that ended there.

    Rungs are the steps at which trials ended or paused; of many, ten evenly chosen. A trial is a
    point on each rung that it reached itself; more than 500 points tell their trials' numbers and
    values only.

    Args:
        history: The history.
        space: Its space.
        metric: What was reported; None: the first objective.
        most: So many points at most on a rung.
    """
    name = metric or history.objective.names[0]
    trials = {t.number: t for t in _reporting(history)}
    steps = rungs_of(list(trials.values()))
    title = f"{shown(name)} at each rung"
    if not steps:
        return Figure("rungs", title, (), blank("No trial has reported a step."))
    groups: dict[str, list[tuple[float, float, FrozenTrial]]] = {
        "went on": [],
        "ended here": [],
        "completed": [],
    }
    groups["still here"] = []
    texts = []
    sign = sign_of(history, name)
    for k, step in enumerate(steps):
        rung = history.rung(step, [name])
        values = sign * rung.values[:, 0]
        own = [step_from(trials[int(n)]) < step for n in rung.numbers]
        there = [trials[int(n)] for n in rung.numbers[own]]
        values = values[own]
        ways = [_way(trial, step) for trial in there]
        texts.append(_told(step, ways))
        for place in thinned(len(there), most).tolist():
            groups[ways[place]].append((float(k), values[place], there[place]))
    traces = []
    brief = sum(map(len, groups.values())) > _WORDY
    looks: dict[str, tuple[str, str, float]] = {
        "ended here": (AMBER, "triangle-down", 0.22),
        "completed": (VERMILION, "diamond", 0.22),
        "still here": (GREEN, "circle-open", 0.0),
        "went on": (BLUE, "circle", -0.22),
    }
    for way, (colour, symbol, aside) in looks.items():
        if found := groups[way]:
            x = np.array([item[0] for item in found])
            marker = {"color": colour, "symbol": symbol, "size": 6, "opacity": 0.65}
            at = np.round(x + aside + _spread(len(x)), 3)
            y = [item[1] for item in found]
            there = [item[2] for item in found]
            trace = dots(way, at, y, there, marker, brief=brief)
            traces.append(trace | ({"hovertemplate": _BRIEF} if brief else {}))
    places = list(range(len(steps)))
    axis = {"tickmode": "array", "tickvals": places, "ticktext": texts, "showgrid": False}
    layout = {
        "xaxis": {
            "title": {"text": history.objective.fidelity},
            "type": "linear",
            "range": [-0.5, len(steps) - 0.5],
            **axis,
        },
        "yaxis": {"title": {"text": shown(name)}, "type": "linear"},
    }
    return Figure("rungs", title, traces, layout)


def rungs_of(trials: list[FrozenTrial]) -> list[int]:
    """The steps at which trials ended, at most ten."""
    ended = Counter(trial.last_step for trial in trials)
    steps = sorted(step for step in ended if step is not None)
    return [steps[k] for k in thinned(len(steps), _RUNGS)]


def _reporting(history: History) -> list[FrozenTrial]:
    groups = chain(history.completed, history.pruned, history.failed, history.live)
    return [trial for trial in groups if trial.reports]


def _way(trial: FrozenTrial, step: int) -> str:
    if (trial.last_step or 0) > step:
        return "went on"
    if trial.state is TrialState.COMPLETE:
        return "completed"
    return "ended here" if trial.state.is_finished else "still here"


def _told(step: int, ways: list[str]) -> str:
    on = ways.count("went on")
    return f"{step:,}<br>{on:,} of {len(ways):,}<br>went on"


def _spread(n: int) -> NDArray[np.float64]:
    golden: Any = (np.arange(n) * 0.6180339887498949) % 1.0 - 0.5
    return np.asarray(0.32 * golden)
