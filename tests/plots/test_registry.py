"""All figures of all kinds of histories: valid in plotly's eyes, small, and harmless."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import plotly.graph_objects as graphs
import pytest

from luthier.analysis.importance import importance
from luthier.core.history import History
from luthier.errors import ArgumentError, UnknownParamError
from luthier.plots import FIGURES, draw_importance, draw_interactions
from luthier.plots.figure import Figure

from .conftest import HISTORIES

CARTESIAN = {"scatter", "bar", "heatmap", "contour"}


def words(data: Any) -> Iterator[str]:
    """All texts in JSON data."""
    if isinstance(data, str):
        yield data
    for item in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from words(item)


def drawn(name: str, history: History, **options: Any) -> Figure:
    return FIGURES[name].draw(history, history.space, **options)


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("of", HISTORIES)
def test_every_figure_of_every_history_is_valid(
    name: str, of: str, histories: dict[str, History]
) -> None:
    figure = drawn(name, histories[of])
    data = figure.to_dict("light")
    graphs.Figure(data)  # raises on what plotly doesn't know
    assert {trace["type"] for trace in data["data"]} <= CARTESIAN
    assert json.loads(figure.to_json()) == figure.to_dict()
    for trace in data["data"]:
        lengths = {len(trace[key]) for key in ("x", "y", "customdata", "hovertext") if key in trace}
        assert len(lengths) == 1 or trace["type"] in ("heatmap", "contour")


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("of", HISTORIES)
def test_a_figure_that_has_nothing_to_show_says_why(
    name: str, of: str, histories: dict[str, History]
) -> None:
    history = histories[of]
    figure = drawn(name, history)
    told = [note["text"] for note in figure.layout.get("annotations", ())]
    if not figure.data:
        assert told
        assert not figure.layout["xaxis"]["visible"]
    if FIGURES[name].applies(history, history.space):
        assert figure.data or of in ("infinite", "constant")


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_of_the_users_is_markup(name: str, histories: dict[str, History]) -> None:
    text = drawn(name, histories["hostile"]).to_json()
    assert "<script" not in text
    assert "<img" not in text
    assert "</script" not in text
    assert not any("\u202e" in word or "\x00" in word for word in words(json.loads(text)))
    assert len(text) < 400_000


def test_names_never_get_into_templates(histories: dict[str, History]) -> None:
    for name in FIGURES:
        for trace in drawn(name, histories["hostile"]).to_dict()["data"]:
            template = trace.get("hovertemplate", "")
            assert template.replace("%{customdata}", "").count("alert") == 0


def test_which_figures_apply(histories: dict[str, History]) -> None:
    def names(of: str) -> set[str]:
        history = histories[of]
        return {name for name, kind in FIGURES.items() if kind.applies(history, history.space)}

    assert names("empty") == names("no space") == set()
    assert names("one trial") == {"history", "slice", "parallel", "edf"}
    assert {"pareto", "hypervolume"} <= names("several")
    assert {"curves", "rungs"} <= names("mixed")
    assert "feasibility" in names("constrained")
    assert not {"pareto", "hypervolume", "lineage"} & names("mixed")
    assert FIGURES["pareto"].why_not(histories["mixed"], histories["mixed"].space) == (
        "The study has a single objective."
    )


@pytest.mark.parametrize("name", ["history", "slice", "parallel", "contour", "rank", "edf"])
def test_an_unknown_metric_is_an_error(name: str, histories: dict[str, History]) -> None:
    with pytest.raises(ArgumentError, match="no metric 'speed'. It has: loss|It has: acc, loss"):
        drawn(name, histories["constrained"], metric="speed")


@pytest.mark.parametrize("name", ["slice", "parallel", "dependence", "contour", "rank"])
def test_an_unknown_parameter_is_an_error(name: str, histories: dict[str, History]) -> None:
    with pytest.raises(UnknownParamError, match="no parameter 'depth'"):
        drawn(name, histories["mixed"], params=["depth", "lr"])


def test_any_recorded_metric_can_be_drawn(histories: dict[str, History]) -> None:
    figure = drawn("history", histories["constrained"], metric="mb")
    assert figure.layout["yaxis"]["title"]["text"] == "mb"


def test_shares_are_drawn_as_they_are(histories: dict[str, History]) -> None:
    history = histories["mixed"]
    table = {"lr": 0.7, "layers": 0.2995, "fixed": 0.0005}
    (bars,) = draw_importance(history, history.space, found=table).data
    assert bars["x"] == [0.2995, 0.7]
    assert bars["text"] == ["30%", "70%"]


def test_what_was_found_is_drawn_with_its_intervals(histories: dict[str, History]) -> None:
    history = histories["mixed"]
    found = importance(history, history.space)
    figure = draw_importance(history, history.space, found=found)
    (bars,) = figure.data
    assert bars["x"] == pytest.approx(found.shares[: len(bars["x"])][::-1], abs=1e-6)
    ends = np.add(bars["x"], bars["error_x"]["array"])
    assert ends == pytest.approx(found.intervals[: len(ends), 1][::-1], abs=1e-6)
    assert ("nothing should be read" in figure.note) == found.is_meaningless
    (grid,) = draw_interactions(history, history.space, found=found).data
    assert np.nanmax(np.array(grid["z"], dtype=float)) == pytest.approx(
        max(pair.fraction for pair in found.interactions), abs=1e-6
    )


def test_numbers_that_json_lacks_are_null(histories: dict[str, History]) -> None:
    values = [
        y for trace in drawn("history", histories["infinite"]).to_dict()["data"] for y in trace["y"]
    ]
    assert None in values
    assert all(y is None or math.isfinite(y) for y in values)
