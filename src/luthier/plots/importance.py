"""What mattered: the importance of parameters, and of pairs of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.importance import Importance, Method, importance
from luthier.core.history import History
from luthier.errors import NoTrialError
from luthier.plots.figure import Figure, rounded
from luthier.plots.labels import counted, shown
from luthier.plots.marks import notes
from luthier.plots.panels import blank
from luthier.plots.relevance import LARGEST
from luthier.plots.results import Results, results
from luthier.plots.theme import BLUE, GREY
from luthier.space import Constant, Space

__all__ = ["draw_importance", "draw_interactions"]

_MOST: Final = 20
_PAIRED: Final = 8
_TOO_FEW: Final = "Too few trials have completed to tell: at least 10 are needed."
_WORDS: Final = {
    "fanova": "functional ANOVA",
    "ped_anova": "PED-ANOVA",
    "permutation": "permutation",
    "shapley": "Shapley effects",
    "local": "around the best trial",
}


def draw_importance(
    history: History,
    space: Space,
    *,
    found: Importance | Mapping[str, float] | None = None,
    method: Method = "auto",
    metric: str | None = None,
) -> Figure:
    """Draw how much each parameter mattered, with 90% intervals, the most important on top.

    Args:
        history: The history.
        space: Its space.
        found: What ``luthier.analysis.importance`` found, or shares by parameter; None: ask it.
        method: Which method to ask, as there.
        metric: An objective, or another metric; None: the first objective.

    Raises:
        ArgumentError: No such metric, or method.
    """
    read = results(history, metric)
    title = f"Importance for {shown(read.metric)}"
    if found is None:
        found = _asked(history, space, read, method, interactions=False)
    if isinstance(found, Importance):
        ends = zip(found.shares.tolist(), *found.intervals.T.tolist(), strict=True)
        shares = dict(zip(found.parameters, ends, strict=True))
        how = _how(found)
    else:
        shares, how = {name: (share,) * 3 for name, share in (found or {}).items()}, ""
    shares = {n: s for n, s in shares.items() if not isinstance(space.get(n), Constant)}
    if not shares:
        return Figure("importance", title, (), blank(_why_not(space, read)))
    names = sorted(shares, key=lambda name: -shares[name][0])[:_MOST][::-1]
    x, low, high = (np.array([shares[name][k] for name in names]) for k in range(3))
    bars: dict[str, Any] = {
        "type": "bar",
        "orientation": "h",
        "x": rounded(x),
        "y": list(range(len(names))),
        "text": [f"{share:.0%}" if share >= 0.005 else "&lt;1%" for share in x],
        "textposition": "outside",
        "cliponaxis": False,
        "hoverinfo": "text",
        "hovertext": [
            f"{shown(n, 60)}: {a:.1%}" + (f" ({b:.1%} to {c:.1%})" if c > b else "")
            for n, a, b, c in zip(names, x, low, high, strict=True)
        ],
        "marker": {"color": BLUE},
    }
    if (high > low).any():
        bars["error_x"] = {
            "type": "data",
            "symmetric": False,
            "array": rounded(high - x),
            "arrayminus": rounded(x - low),
            "color": GREY,
            "thickness": 1.5,
            "width": 4,
        }
        bars["text"] = None
    layout = {
        "xaxis": {"type": "linear", "tickformat": ".0%", "rangemode": "tozero"},
        "yaxis": {
            "type": "linear",
            "tickmode": "array",
            "tickvals": list(range(len(names))),
            "ticktext": [shown(name) for name in names],
            "range": [-0.6, len(names) - 0.4],
            "showgrid": False,
        },
        "bargap": 0.35,
        "height": 150 + max(30 * len(names), 120),
        "showlegend": False,
        "margin": {"r": 60},
    }
    note = notes(how, counted(len(names), len(shares), "parameters"))
    return Figure("importance", title, [bars], layout, note)


def draw_interactions(
    history: History,
    space: Space,
    *,
    found: Importance | None = None,
    metric: str | None = None,
) -> Figure:
    """Draw what pairs of parameters explain together and neither alone.

    Args:
        history: The history.
        space: Its space.
        found: What ``luthier.analysis.importance`` found; None: ask it.
        metric: An objective, or another metric; None: the first objective.

    Raises:
        ArgumentError: No such metric.
    """
    read = results(history, metric)
    title = f"Interactions for {shown(read.metric)}"
    if found is None:
        found = _asked(history, space, read, "fanova", interactions=True)
    pairs = () if found is None else found.interactions
    if found is None or not pairs:
        return Figure("interactions", title, (), blank(_why_not(space, read)))
    paired = {name for pair in pairs for name in pair.parameters}
    names = [name for name in found.parameters if name in paired][:_PAIRED]
    z = np.full((len(names), len(names)), np.nan)
    for pair in pairs:
        if set(pair.parameters) <= set(names):
            i, j = sorted(names.index(name) for name in pair.parameters)
            z[j, i] = pair.fraction
    places = list(range(len(names)))
    labels = [shown(name, 18) for name in names]
    axis = {"type": "linear", "tickmode": "array", "showgrid": False}
    grid = {
        "type": "heatmap",
        "x": places[:-1],
        "y": places[1:],
        "z": [rounded(row[:-1]) for row in z[1:]],
        "coloraxis": "coloraxis",
        "xgap": 2,
        "ygap": 2,
        "texttemplate": "%{z:.1%}",
        "hoverinfo": "skip",
    }
    bar = {"tickformat": ".0%", "title": {"text": "share of variance"}}
    layout = {
        "xaxis": axis | {"tickvals": places[:-1], "ticktext": labels[:-1]},
        "yaxis": axis | {"tickvals": places[1:], "ticktext": labels[1:], "autorange": "reversed"},
        "coloraxis": {"cmin": 0, "cmax": float(max(0.05, np.nanmax(z))), "colorbar": bar},
        "height": 190 + max(46 * len(names), 160),
        "showlegend": False,
    }
    return Figure("interactions", title, [grid], layout, _how(found))


def _asked(
    history: History, space: Space, read: Results, method: Method, *, interactions: bool
) -> Importance | None:
    """What the analysis finds; None where there is nothing to tell."""
    values = _finite(read)
    if not _varies(space) or np.ptp(values) == 0 or np.abs(values).max() > LARGEST:
        return None
    try:
        return importance(history, space, method, read.metric, interactions=interactions)
    except NoTrialError:
        return None


def _why_not(space: Space, read: Results) -> str:
    if not _varies(space):
        return "The study has no parameters that vary."
    if len(_finite(read)) > 1 and np.ptp(_finite(read)) == 0:
        return "All trials have the same value."
    if np.abs(_finite(read)).max() > LARGEST:
        return "Some values are too large to square."
    return _TOO_FEW


def _varies(space: Space) -> bool:
    return any(param.size > 1 for param in space.values())


def _finite(read: Results) -> NDArray[np.float64]:
    known = read.values[np.isfinite(read.values)]
    return known if len(known) else np.zeros(1)


def _how(found: Importance) -> str:
    trust = found.rank_correlation
    judged = "" if trust is None else f"rank correlation {trust:.2f} on unseen trials"
    doubt = "nothing should be read into this" if found.is_meaningless else ""
    return notes(_WORDS[found.method], judged, doubt)
