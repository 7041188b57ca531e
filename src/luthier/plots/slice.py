"""Slices: the metric beside each parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from luthier.core.history import History
from luthier.plots.axis import axis_of
from luthier.plots.figure import Figure
from luthier.plots.labels import counted, shown
from luthier.plots.marks import dots, notes
from luthier.plots.panels import Panels, blank, chosen_params, jittered
from luthier.plots.results import results
from luthier.plots.theme import MARKS
from luthier.space import Space

__all__ = ["draw_slice"]

_MOST: Final = 1_000
_PANELS: Final = 12


def draw_slice(
    history: History,
    space: Space,
    *,
    params: Sequence[str] | None = None,
    metric: str | None = None,
    most: int = _MOST,
) -> Figure:
    """Draw the metric beside each parameter, later trials in stronger colours.

    Trials in which a parameter was inactive are left out of its panel.

    Args:
        history: The history.
        space: Its space.
        params: Which parameters; None: all, at most twelve.
        metric: An objective, or another metric; None: the first objective.
        most: So many trials at most.

    Raises:
        ArgumentError: No such metric.
        UnknownParamError: No such parameter.
    """
    found = results(history, metric)
    names = chosen_params(space, params, _PANELS)
    if not names or not len(found):
        why = "No trial has completed yet." if names else "The study has no parameters that vary."
        return Figure("slice", f"{shown(found.metric)} by parameter", (), blank(why))
    kept = found.shown(most if len(names) < 5 else most // 2)
    panels = Panels(len(names), columns=4)
    best = kept.best()
    traces: list[dict[str, Any]] = []
    for k, name in enumerate(names):
        axis = axis_of(name, space[name], kept.trials)
        places = axis.places(kept.trials)
        here = np.flatnonzero(~np.isnan(places) & ~np.isnan(kept.values))
        at = jittered(places[here]) if axis.is_listed else places[here]
        marker = {"color": kept.numbers[here].tolist(), "coloraxis": "coloraxis", "size": 6}
        part = kept.at(here)
        trace = dots(
            axis.title, at, part.values, part.trials, marker | {"opacity": 0.8}, brief=True
        )
        traces.append(trace | panels.axes(k))
        if best is not None and best in here:
            star, of_best = MARKS["best"].marker(12, 1.0), [kept.trials[best]]
            value = kept.values[best : best + 1]
            traces.append(dots("best", at[here == best], value, of_best, star) | panels.axes(k))
        panels.set_x(k, axis.layout())
        panels.set_y(k, {"title": {"text": shown(found.metric)}} if panels.is_first(k) else {})
    layout = panels.layout(share_y=True) | {
        "showlegend": False,
        "coloraxis": {"colorbar": {"title": {"text": "trial"}}},
    }
    of_params = counted(len(names), len(space), "parameters")
    note = notes(counted(len(kept), len(found)), of_params)
    return Figure("slice", f"{shown(found.metric)} by parameter", traces, layout, note)
