"""The empirical distribution of values: how many trials were at least as good."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from luthier.core.history import History
from luthier.plots.figure import Figure, rounded
from luthier.plots.labels import shown
from luthier.plots.panels import blank
from luthier.plots.results import results, thinned
from luthier.plots.theme import DASHES, PALETTE
from luthier.space import Space

__all__ = ["draw_edf"]

_POINTS = 500


def draw_edf(
    history: History,
    space: Space,
    *,
    metric: str | None = None,
    others: Mapping[str, History] | None = None,
    label: str = "this study",
) -> Figure:
    """Draw which share of the trials was at least as good as each value.

    A curve that rises early belongs to a search that spends its trials where it is good.

    Args:
        history: The history.
        space: Its space.
        metric: An objective, or another metric; None: the first objective.
        others: Histories to compare with, by name.
        label: What this history is called beside others.

    Raises:
        ArgumentError: No such metric.
    """
    found = {label: history, **(others or {})}
    traces = []
    name = results(history, metric).metric
    title = f"Distribution of {shown(name)}"
    for k, (called, one) in enumerate(found.items()):
        read = results(one, metric)
        losses = np.sort(read.losses[np.isfinite(read.losses)])
        if not len(losses):
            continue
        kept = thinned(len(losses), _POINTS)
        dash = DASHES[k % len(DASHES)]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": shown(called),
                "x": rounded(read.sign * losses[kept]),
                "y": rounded((kept + 1) / len(losses)),
                "line": {
                    "shape": "hv",
                    "width": 2,
                    "dash": dash,
                    "color": PALETTE[k % len(PALETTE)],
                },
                "hovertemplate": "%{y:.0%} reached %{x}<extra></extra>",
                "showlegend": len(found) > 1,
            }
        )
    if not traces:
        return Figure("edf", title, (), blank("No trial has completed yet."))
    layout = {
        "showlegend": len(found) > 1,
        "xaxis": {"title": {"text": shown(name)}, "type": "linear"},
        "yaxis": {
            "title": {"text": "share of trials at least as good"},
            "range": [0, 1.02],
            "tickformat": ".0%",
            "type": "linear",
        },
    }
    return Figure("edf", title, traces, layout)
