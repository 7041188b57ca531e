"""The timeline: which worker ran which trial when."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

from luthier.core.history import History
from luthier.core.trial import FrozenTrial
from luthier.plots.figure import Figure
from luthier.plots.labels import counted, shown, told
from luthier.plots.marks import notes
from luthier.plots.panels import blank
from luthier.plots.theme import MARKS
from luthier.space import Space

__all__ = ["draw_timeline"]

_MOST: Final = 600
_LANES: Final = 60
_PATTERNS: Final = {"pruned": "/", "failed": "x", "running": "."}


def draw_timeline(history: History, space: Space, *, most: int = _MOST) -> Figure:
    """Draw each trial as a bar from its first start to its end, in the lane of its worker.

    A worker that ran several trials at once has as many lanes.

    Args:
        history: The history.
        space: Its space.
        most: So many trials at most: the last ones.
    """
    title = "Trials by worker and time"
    groups = (history.completed, history.pruned, history.failed, history.running)
    trials = [t for t in chain(*groups) if t.started is not None]
    trials.sort(key=lambda trial: (trial.started, trial.number))
    if not trials:
        return Figure("timeline", title, (), blank("No trial has been run yet."))
    kept = trials[-most:]
    now = max(trial.finished or trial.started or 0.0 for trial in trials)
    lanes, names = _lanes(kept, now)
    traces = []
    for state in ("complete", "pruned", "failed", "running"):
        places = [k for k, trial in enumerate(kept) if trial.state.name.lower() == state]
        if places:
            traces.append(_bars(state, [kept[k] for k in places], [lanes[k] for k in places], now))
    rows = len(names)
    ticks = {} if rows > _LANES else {"tickvals": list(range(rows)), "ticktext": names}
    layout = {
        "barmode": "overlay",
        "bargap": 0.15,
        "xaxis": {"type": "date"},
        "yaxis": {
            "type": "linear",
            "range": [rows - 0.5, -0.5],
            "tickmode": "array",
            "showgrid": False,
            "tickvals": [],
            **ticks,
        },
        "height": min(150 + max(24 * rows, 140), 900),
    }
    last = counted(len(kept), len(trials)).replace("showing", "showing the last")
    workers = len({trial.worker for trial in kept})
    lanes_told = f"{workers:,} {'worker' if workers == 1 else 'workers'}"
    return Figure("timeline", title, traces, layout, notes(lanes_told, last))


def _lanes(trials: Sequence[FrozenTrial], now: float) -> tuple[list[int], list[str]]:
    """The lane of each trial, and the lanes' names."""
    ends: dict[str, list[float]] = {}
    found = []
    for trial in trials:
        worker = trial.worker or ""
        start, end = trial.started or 0.0, trial.finished or now
        free = ends.setdefault(worker, [])
        lane = next((k for k, until in enumerate(free) if until <= start + 1e-6), len(free))
        free[lane : lane + 1] = [end]
        found.append((worker, lane))
    order = {pair: k for k, pair in enumerate((w, k) for w in ends for k in range(len(ends[w])))}
    names = [_name(worker) if lane == 0 else "" for worker, lane in order]
    return [order[pair] for pair in found], names


def _name(worker: str) -> str:
    """A worker's machine and process, of ``machine/namespace:boot:pid:start``."""
    parts = worker.rsplit(":", 3)
    if len(parts) < 4:
        return shown(worker or "unknown", 24)
    machine = parts[0].split("/")[0]
    return shown(f"{machine[:14]} {parts[2]}", 24)


def _bars(
    state: str, trials: Sequence[FrozenTrial], lanes: Sequence[int], now: float
) -> dict[str, Any]:
    mark = MARKS[state]
    starts = [1000 * (trial.started or 0.0) for trial in trials]
    ends = [1000 * (trial.finished or now) for trial in trials]
    return {
        "type": "bar",
        "orientation": "h",
        "name": mark.label,
        "base": starts,
        "x": [max(b - a, 1.0) for a, b in zip(starts, ends, strict=True)],
        "y": list(lanes),
        "customdata": [trial.number for trial in trials],
        "hovertext": [_text(trial) for trial in trials],
        "hoverinfo": "text",
        "marker": {
            "color": mark.colour,
            "opacity": 0.85,
            "line": {"width": 0.5, "color": mark.colour},
            "pattern": {"shape": _PATTERNS.get(state, ""), "size": 5, "solidity": 0.3},
        },
    }


def _text(trial: FrozenTrial) -> str:
    lines = [told(trial)]
    if trial.started is not None and trial.finished is not None:
        lines.insert(0, f"{trial.finished - trial.started:.3g} s")
    if trial.attempt > 1:
        lines.append(f"attempt {trial.attempt}")
    return "<br>".join(lines)
