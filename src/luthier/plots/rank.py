"""Ranks: where in the space the best trials are, pair by pair of parameters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np

from luthier.core.history import History
from luthier.plots.axis import axis_of
from luthier.plots.figure import Figure, rounded
from luthier.plots.labels import counted, shown
from luthier.plots.marks import dots, notes
from luthier.plots.panels import Panels, blank, chosen_params, jittered
from luthier.plots.relevance import by_relevance
from luthier.plots.results import ranks, results
from luthier.plots.theme import MARKS
from luthier.space import Space

__all__ = ["draw_rank"]

_MOST: Final = 500
_PARAMS: Final = 3


def draw_rank(
    history: History,
    space: Space,
    *,
    params: Sequence[str] | None = None,
    metric: str | None = None,
    most: int = _MOST,
) -> Figure:
    """Draw trials in pairs of parameters, coloured by rank: outliers do no harm.

    Args:
        history: The history.
        space: Its space.
        params: At least two parameters, each pair of which is drawn; None: the three that matter
            most.
        metric: An objective, or another metric; None: the first objective.
        most: So many trials at most.

    Raises:
        ArgumentError: No such metric.
        UnknownParamError: No such parameter.
    """
    found = results(history, metric)
    title = f"Ranks by {shown(found.metric)}"
    quality = ranks(found.losses)
    if params is None:
        names = by_relevance(space, found, quality, _PARAMS)
    else:
        names = chosen_params(space, params, len(params))[:5]
    if len(names) < 2:
        return Figure("rank", title, (), blank("Pairs need two parameters that vary."))
    where = {int(n): k for k, n in enumerate(found.numbers)}
    kept = found.shown(most)
    share = np.nan_to_num(quality[[where[int(n)] for n in kept.numbers]])
    order = np.argsort(share, kind="stable")  # the best are drawn last
    kept, share = kept.at(order), share[order]
    pairs = list(combinations(names, 2))
    panels = Panels(len(pairs), columns=3, height=330)
    axes = {name: axis_of(name, space[name], kept.trials) for name in names}
    places = {name: axis.places(kept.trials) for name, axis in axes.items()}
    traces: list[dict[str, Any]] = []
    for k, (a, b) in enumerate(pairs):
        x, y = places[a], places[b]
        x = jittered(x) if axes[a].is_listed else x
        y = jittered(y[::-1])[::-1] if axes[b].is_listed else y
        here = np.flatnonzero(~np.isnan(x) & ~np.isnan(y))
        marker = {"color": rounded(share[here]), "coloraxis": "coloraxis", "size": 7}
        listed = [kept.trials[i] for i in here.tolist()]
        traces.append(dots("trials", x[here], y[here], listed, marker, brief=True) | panels.axes(k))
        best = kept.best()
        if best is not None and best in here:
            star = MARKS["best"].marker(13, 1.0)
            at = np.array([best])
            traces.append(dots("best", x[at], y[at], [kept.trials[best]], star) | panels.axes(k))
        panels.set_x(k, axes[a].layout())
        panels.set_y(k, axes[b].layout())
    bar = {"title": {"text": "rank"}, "tickmode": "array", "tickvals": [0, 0.5, 1]}
    layout = panels.layout() | {
        "showlegend": False,
        "coloraxis": {
            "cmin": 0,
            "cmax": 1,
            "colorbar": bar | {"ticktext": ["worst", "median", "best"]},
        },
    }
    return Figure("rank", title, traces, layout, notes(counted(len(kept), len(found))))
