"""Studies side by side: how each got on, and one figure of them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from luthier.core.history import History
from luthier.core.trial import FrozenTrial
from luthier.dashboard.view import View
from luthier.plots import Figure
from luthier.plots.labels import shown
from luthier.plots.theme import DASHES, PALETTE

__all__ = ["compared", "side_by_side"]

_MOST_STEPS: Final = 500


def compared(view: View) -> dict[str, Any]:
    """Return how a study got on, to be laid beside others.

    Args:
        view: The study.
    """
    with view.lock:
        record = view.study._driver.record
        return {
            "name": record.name,
            "created": record.created,
            "objective": record.objective.to_json(),
            "cost": view.history.cost,
            **{name: view.glance()[name] for name in ("version", "n_trials", "states", "front")},
            "best": view.best_row(),
            "curve": _curve(view.history),
        }


def _curve(history: History) -> dict[str, list[Any]]:
    """The best value so far, at the trials that changed it, and at the last one."""
    trials: list[FrozenTrial] = sorted(history.completed, key=lambda trial: trial.number)
    order = np.argsort([trial.number for trial in history.completed], kind="stable")
    ok = (history.violations[order] <= 0) & ~np.isnan(history.Y[order, 0])
    losses = np.where(ok, history.Y[order, 0], np.inf)
    best = np.minimum.accumulate(losses)
    leaders = np.flatnonzero(np.isfinite(best) & (best < np.r_[np.inf, best[:-1]]))
    if not len(leaders):
        return {"trials": [], "seconds": [], "values": []}
    places = np.r_[leaders[-_MOST_STEPS:], len(trials) - 1]
    seconds = np.cumsum([trial.cost or 0.0 for trial in trials])
    sign = 1.0 if history.objective.directions[0] == "minimize" else -1.0
    return {
        "trials": [trials[k].number for k in places],
        "seconds": seconds[places].tolist(),
        "values": [v if np.isfinite(v) else None for v in (sign * best[places]).tolist()],
    }


def side_by_side(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what ``compared`` gave of several studies, and a figure if they are comparable.

    Args:
        found: The studies.
    """
    why_not = _why_not([study["objective"] for study in found])
    figure = None if why_not else _figure(found).to_dict()
    comparable = why_not is None
    return {
        "studies": list(found),
        "comparable": comparable,
        "why_not": why_not,
        "figure": figure,
    }


def _why_not(objectives: Sequence[Mapping[str, Any]]) -> str | None:
    if any(len(objective["names"]) > 1 for objective in objectives):
        return "Studies of several objectives have no best trial to compare."
    goals = {(o["names"][0], o["directions"][0]) for o in objectives}
    if len(goals) > 1:
        told = sorted(f"{way} {shown(name)}" for name, way in goals)
        return f"These studies have different goals: {', '.join(told)}."
    return None


def _figure(found: Sequence[Mapping[str, Any]]) -> Figure:
    traces: list[dict[str, Any]] = []
    for place, study in enumerate(found):
        curve = study["curve"]
        line = {
            "shape": "hv",
            "width": 2,
            "color": PALETTE[place % len(PALETTE)],
            "dash": DASHES[place % len(DASHES)],
        }
        trace = {"type": "scatter", "mode": "lines", "name": shown(study["name"]), "line": line}
        traces.append({**trace, "x": curve["trials"], "y": curve["values"]})
    name = shown(found[0]["objective"]["names"][0])
    layout = {
        "xaxis": {"title": {"text": "trial"}, "type": "linear", "rangemode": "tozero"},
        "yaxis": {"title": {"text": name}, "type": "linear"},
    }
    return Figure("compare", f"Best {name} so far", traces, layout)
