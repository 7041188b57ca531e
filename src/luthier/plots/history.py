"""History: every trial's value, and the best so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from luthier.core.folds import fold_scores
from luthier.core.history import History
from luthier.core.trial import FrozenTrial
from luthier.errors import ArgumentError
from luthier.plots.figure import Figure, rounded
from luthier.plots.labels import counted, shown
from luthier.plots.marks import dots, line, notes
from luthier.plots.panels import blank
from luthier.plots.relevance import LARGEST
from luthier.plots.results import MOST, Results, results, thinned
from luthier.plots.theme import DASHES, MARKS, PALETTE, VERMILION
from luthier.space import Space

__all__ = ["draw_history"]

_MARKED: Final = 300  # failed and pruned trials each
Axis = Literal["trial", "time"]
Array = NDArray[np.float64]


def draw_history(
    history: History,
    space: Space,
    *,
    metric: str | None = None,
    x: Axis = "trial",
    most: int = MOST,
    others: Mapping[str, History] | None = None,
    label: str = "this study",
) -> Figure:
    """Draw every trial's value and the best so far.

    Pruned trials stand at their last report, failed ones at the lower edge. Where trials reported
    the scores of folds, incumbents have the standard error of their mean.

    Args:
        history: The history.
        space: Its space.
        metric: An objective, or another metric; None: the first objective.
        x: By the trial's "trial" number, or by the "time" at which it ended.
        most: So many completed trials at most are points; of the others only incumbents.
        others: Histories to compare with, by name: the best so far of each.
        label: What this history is called beside others.

    Raises:
        ArgumentError: No such metric, or axis.
    """
    if x not in ("trial", "time"):
        raise ArgumentError(f"history: x must be 'trial' or 'time', got {x!r}.")
    found = results(history, metric)
    name = shown(found.metric)
    if not history.n_finished:
        return Figure("history", f"{name} over trials", (), blank("No trial has finished yet."))
    at = _positions(found.trials, found.numbers, x)
    order = np.argsort(at, kind="stable")
    leaders = _incumbents(found, order)
    kept = thinned(len(found), most, _notable(found, leaders, most))
    traces = [
        *_points(found.at(kept), at[kept]),
        *_ended(history, found, x),
        *_line(found, at, leaders),
    ]
    for k, (title, other) in enumerate((others or {}).items()):
        traces += _rival(title, results(other, metric), x, k)
    if others:
        for trace in traces:
            if trace["name"] == "best so far":
                trace["name"] = shown(label)
    axis: dict[str, Any] = {"title": {"text": "trial" if x == "trial" else "finished"}}
    axis |= {"type": "linear", "rangemode": "tozero"} if x == "trial" else {"type": "date"}
    layout: dict[str, Any] = {"xaxis": axis, "yaxis": {"title": {"text": name}, "type": "linear"}}
    ends = _ends(found)
    if ends is not None:
        layout["yaxis"]["range"] = ends
    goal = "lower" if found.sign > 0 else "higher"
    note = notes(f"{goal} is better", counted(len(kept), len(found)))
    return Figure("history", f"{name} over trials", traces, layout, note)


def _positions(trials: Any, numbers: NDArray[np.int64], x: Axis) -> Array:
    """Where trials lie on the x axis: their numbers, or milliseconds since the epoch."""
    if x == "trial":
        return numbers.astype(np.float64)
    return np.array([1000 * (t.finished or t.started or np.nan) for t in trials], dtype=np.float64)


def _incumbents(found: Results, order: NDArray[np.intp]) -> NDArray[np.intp]:
    """The places of trials that were the best when they came."""
    ok = found.feasible & ~np.isnan(found.losses)
    losses = np.where(ok, found.losses, np.inf)[order]
    best = np.minimum.accumulate(losses)
    before = np.r_[np.inf, best[:-1]][: len(best)]
    leading: NDArray[np.intp] = order[best < before]
    return leading


def _notable(found: Results, leaders: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """Incumbents, and the worst."""
    known = np.flatnonzero(np.isfinite(found.losses))
    if not len(known) or len(found) <= most:
        return leaders
    worst = known[found.losses[known].argmax()]
    return np.append(leaders[-most // 2 :], worst)


def _points(found: Results, at: Array) -> list[dict[str, Any]]:
    """Completed trials, those that break constraints apart."""
    traces = []
    for feasible, what in ((True, "complete"), (False, "infeasible")):
        places = np.flatnonzero(found.feasible == feasible)
        if len(places):
            chosen = found.at(places)
            mark = MARKS[what]
            size, opacity = (7, 0.8) if len(found) <= 200 else (5, 0.55)
            marker = mark.marker(size, opacity)
            traces.append(dots(mark.label, at[places], chosen.values, chosen.trials, marker))
    return traces


def _ended(history: History, found: Results, x: Axis) -> list[dict[str, Any]]:
    """Trials that ended without a result: pruned ones at their last report, failed ones below."""
    traces = []
    ends = _ends(found)
    inside = 0.0 if ends is None else 0.015 * (ends[1] - ends[0])
    edges = (0.0, 0.0) if ends is None else (ends[0] + inside, ends[1] - inside)
    for what, group in (("pruned", history.pruned), ("failed", history.failed)):
        if not len(group):
            continue
        listed = sorted(group, key=lambda trial: trial.number)
        chosen = [listed[k] for k in thinned(len(listed), _MARKED)]
        numbers = np.array([trial.number for trial in chosen])
        bottom, top = edges
        values = [_last(t, found.metric) if what == "pruned" else bottom for t in chosen]
        mark = MARKS[what]
        label = f"{len(listed):,} {mark.label}"
        y = np.array(values, dtype=np.float64)
        y = np.clip(np.where(np.isnan(y), bottom, y), bottom, top)
        marker = mark.marker(7, 0.9 if what == "failed" else 0.6)
        if what == "failed":
            marker["line"] = {"width": 1.5, "color": mark.colour}
        places = _positions(chosen, numbers, x)
        traces.append(dots(label, places, y, chosen, marker) | {"cliponaxis": False})
    return traces


def _line(found: Results, at: Array, leaders: NDArray[np.intp]) -> list[dict[str, Any]]:
    """The best so far, as steps, and the last of the incumbents as a star."""
    if not len(leaders):
        return []
    best = found.at(leaders)
    end = _latest(at)
    errors = [_standard_error(trial) for trial in best.trials]
    x, y = np.r_[at[leaders], end], np.r_[best.values, best.values[-1]]
    traces = [line("best so far", x, y, shape="hv", width=2.5, color=VERMILION)]
    if not np.isnan(errors).all():
        traces.append(_whiskers(best, at[leaders], np.array(errors)))
    last = best.at(np.array([len(best) - 1]))
    star = MARKS["best"].marker(13, 1.0)
    traces.append(dots("best", at[leaders[-1:]], last.values, last.trials, star))
    return traces


def _rival(title: str, found: Results, x: Axis, k: int) -> list[dict[str, Any]]:
    """The best so far of another history."""
    at = _positions(found.trials, found.numbers, x)
    leaders = _incumbents(found, np.argsort(at, kind="stable"))
    if not len(leaders):
        return []
    best = found.values[leaders]
    style = {"dash": DASHES[1 + k % (len(DASHES) - 1)], "color": PALETTE[(k + 2) % len(PALETTE)]}
    ends = np.r_[at[leaders], _latest(at)], np.r_[best, best[-1]]
    return [line(shown(title), *ends, shape="hv", width=2, **style) | {"hoverinfo": "x+y+name"}]


def _latest(at: Array) -> float:
    known = at[~np.isnan(at)]
    return float(known.max()) if len(known) else np.nan


def _whiskers(best: Results, at: Array, errors: Array) -> dict[str, Any]:
    error = {"type": "data", "array": rounded(errors), "color": VERMILION, "thickness": 1}
    marker = {"color": VERMILION, "size": 4, "symbol": "circle"}
    trace = dots("standard error", at, best.values, best.trials, marker)
    return trace | {"error_y": {**error, "width": 3}}


def _last(trial: FrozenTrial, metric: str) -> float:
    step = trial.last_step
    return np.nan if step is None else trial.reports[step].get(metric, np.nan)


def _standard_error(trial: FrozenTrial) -> float:
    """Of the mean of a trial's folds; NaN without at least two."""
    known = fold_scores(trial.reports).values() if trial.reports else ()
    scores = [score for score in known if abs(score) < LARGEST]
    return float(np.std(scores, ddof=1) / np.sqrt(len(scores))) if len(scores) > 1 else np.nan


def _ends(found: Results) -> list[float] | None:
    """The ends of the y axis: outliers on the bad side mustn't squeeze all others."""
    known = np.clip(found.losses[np.isfinite(found.losses)], -LARGEST, LARGEST)
    if not len(known):
        return None
    low, median, high = np.min(known), np.median(known), np.max(known)
    usual = min(high, max(np.quantile(known, 0.95), median + 4 * (median - low)))
    room = 0.06 * (usual - low) or 0.05 * abs(low) or 0.5
    ends = sorted([found.sign * (low - room), found.sign * (usual + room)])
    return [float(end) for end in ends]
