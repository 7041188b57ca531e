"""Learning curves: what trials reported, step by step."""

from __future__ import annotations

from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.core.trial import FrozenTrial, TrialState
from luthier.plots.figure import Figure, rounded
from luthier.plots.labels import counted, shown
from luthier.plots.marks import joined, notes
from luthier.plots.panels import blank
from luthier.plots.results import metric_of, ranks, sign_of, thinned
from luthier.plots.theme import AMBER, BLUE, GREEN, PURPLE, SKY, VERMILION, fade
from luthier.space import Space

__all__ = ["draw_curves"]

Array = NDArray[np.float64]
_MOST: Final = 150
_POINTS: Final = 6_000
_FEWEST: Final = 12
_GROUPS: Final = {
    "pruned": (AMBER, 0.5, "dot"),
    "failed": (PURPLE, 0.5, "dot"),
    "completed": (BLUE, 0.55, "solid"),
    "paused": (SKY, 0.6, "dash"),
    "running": (GREEN, 0.8, "solid"),
    "best": (VERMILION, 1.0, "solid"),
}
_LABELS: Final = {
    TrialState.PRUNED: "pruned",
    TrialState.FAILED: "failed",
    TrialState.COMPLETE: "completed",
    TrialState.PAUSED: "paused",
}


def draw_curves(
    history: History,
    space: Space,
    *,
    metric: str | None = None,
    most: int = _MOST,
    points: int = _POINTS,
    log: bool = False,
) -> Figure:
    """Draw what trials reported by step; the best stands out.

    Of many trials the best, those that run or are paused, and evenly chosen others are shown; of
    long curves some steps, always the first, the last, the lowest and the highest.

    Args:
        history: The history.
        space: Its space.
        metric: What was reported; None: the first objective.
        most: So many curves at most.
        points: So many points at most, all curves together.
        log: Whether the metric has a logarithmic axis.

    Raises:
        ArgumentError: No such metric.
    """
    name = metric or metric_of(history, None)[0]
    fidelity = history.objective.fidelity
    title = f"{shown(name)} by {fidelity}"
    groups = (history.completed, history.pruned, history.failed, history.live)
    trials = [trial for trial in chain(*groups) if trial.reports]
    finals = np.array([_final(trial, name) for trial in trials]) * sign_of(history, name)
    if not trials or np.isnan(finals).all():
        return Figure("curves", title, (), blank(f"No trial has reported {shown(name)}."))
    chosen = _chosen(trials, finals, most)
    best = _best(trials, finals)
    each = max(_FEWEST, points // len(chosen))
    lines: dict[str, list[tuple[int, Array, Array]]] = {group: [] for group in _GROUPS}
    for place in chosen.tolist():
        trial = trials[place]
        group = "best" if place == best else _LABELS.get(trial.state, "running")
        lines[group].append((trial.number, *_curve(trial, name, each)))
    traces = [_trace(group, found, fidelity) for group, found in lines.items() if found]
    everything = np.concatenate([y for found in lines.values() for _, _, y in found])
    axis: dict[str, Any] = {"title": {"text": shown(name)}, "type": "log" if log else "linear"}
    if not log and (ends := _ends(everything, sign_of(history, name))) is not None:
        axis["range"] = ends
    layout = {
        "xaxis": {"title": {"text": fidelity}, "type": "linear"},
        "yaxis": axis,
    }
    note = notes(counted(len(chosen), len(trials), "curves"))
    return Figure("curves", title, traces, layout, note)


def _chosen(trials: list[FrozenTrial], finals: Array, most: int) -> NDArray[np.intp]:
    """The best, those that run, and others spread over all ranks."""
    if len(trials) <= most:
        return np.arange(len(trials))
    order = np.argsort(np.where(np.isnan(finals), np.inf, finals), kind="stable")
    live = [k for k, trial in enumerate(trials) if not trial.state.is_finished][: most // 4]
    spread = order[thinned(len(order), most - most // 4 - len(live))]
    return np.unique(np.r_[order[: most // 4], spread, np.array(live, dtype=np.intp)])


def _best(trials: list[FrozenTrial], finals: Array) -> int:
    """The place of the best completed curve, of all if none has completed."""
    complete = np.array([trial.state is TrialState.COMPLETE for trial in trials])
    share = np.nan_to_num(ranks(finals), nan=-1.0)
    if complete.any():
        share = np.where(complete, share, -2.0)
    return int(share.argmax())


def _curve(trial: FrozenTrial, metric: str, most: int) -> tuple[Array, Array]:
    """Steps and values of one trial, in order of step."""
    series = trial.reports.series(metric)
    x = np.array(sorted(series), dtype=np.float64)
    y = np.array([series[int(step)] for step in x], dtype=np.float64)
    if len(x) > most:
        finite = np.where(np.isfinite(y), y, np.nan)
        ends = [] if np.isnan(finite).all() else [np.nanargmin(finite), np.nanargmax(finite)]
        kept = thinned(len(x), most, np.array(ends, dtype=np.intp))
        x, y = x[kept], y[kept]
    return x, y


def _trace(group: str, lines: list[tuple[int, Array, Array]], fidelity: str) -> dict[str, Any]:
    colour, opacity, dash = _GROUPS[group]
    alone = any(len(x) == 1 for _, x, _ in lines)
    label = group if group == "best" else f"{len(lines):,} {group}"
    return {
        "type": "scatter",
        "mode": "lines+markers" if alone else "lines",
        "name": label,
        "x": joined(rounded(x) for _, x, _ in lines),
        "y": joined(rounded(y) for _, _, y in lines),
        "customdata": joined([number] * len(x) for number, x, _ in lines),
        "hovertemplate": f"trial %{{customdata}}<br>{fidelity} %{{x}}: %{{y}}<extra></extra>",
        "line": {
            "color": fade(colour, opacity),
            "width": 3 if group == "best" else 1.2,
            "dash": dash,
        },
        "marker": {"color": fade(colour, opacity), "size": 4},
    }


def _final(trial: FrozenTrial, metric: str) -> float:
    """The last report of a metric."""
    step = trial.last_step
    value = np.nan if step is None else trial.reports[step].get(metric, np.nan)
    return value if np.isfinite(value) else np.nan


def _ends(values: Array, sign: float) -> list[float] | None:
    """The ends of the axis: a few wild values on the bad side mustn't squeeze all others."""
    losses = sign * values[np.isfinite(values)]
    if not len(losses):
        return None
    low, high = losses.min(), losses.max()
    usual = np.quantile(losses, 0.98)
    if high - low < 3 * (usual - low):
        usual = high
    room = 0.05 * (usual - low) or 0.05 * abs(low) or 0.5
    return sorted([float(sign * (low - room)), float(sign * (usual + room))])
