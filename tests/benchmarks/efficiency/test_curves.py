from __future__ import annotations

from xml.etree import ElementTree

import pytest

from benchmarks.efficiency.curves import HEIGHT, WIDTH, chart

SVG = "{http://www.w3.org/2000/svg}"


def test_a_chart_is_an_svg_with_a_line_for_each_label() -> None:
    lines = {"a < b": [(5, 1.0), (50, 0.1)], "c": [(5, 1.0), (50, 0.01)]}
    root = ElementTree.fromstring(chart("Title", "trials", "regret", lines))
    assert {"Title", "a < b", "c"} <= {text.text for text in root.iter(f"{SVG}text")}
    drawn = [line.attrib["points"].split() for line in root.iter(f"{SVG}polyline")]
    assert [len(points) for points in drawn] == [2, 2]
    for point in (p for points in drawn for p in points):
        x, y = map(float, point.split(","))
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT
    ends = [float(points[-1].split(",")[1]) for points in drawn]
    assert ends[1] > ends[0]  # smaller is lower on the page


def test_a_flat_line_can_be_drawn() -> None:
    assert "polyline" in chart("t", "x", "y", {"a": [(1, 0.5), (1, 0.5)]})


@pytest.mark.parametrize("lines", [{}, {"a": []}, {"a": [(1.0, 0.0)]}])
def test_a_chart_needs_positive_points(lines: dict[str, list[tuple[float, float]]]) -> None:
    with pytest.raises(ValueError, match="chart: lines need points"):
        chart("t", "x", "y", lines)
