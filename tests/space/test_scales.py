"""Scales: positions in the unit interval."""

from __future__ import annotations

import math

import numpy as np
import pytest

from luthier.space.scales import SCALES, Grid, binned, continuous, forward, inverse, outer_edges


@pytest.mark.parametrize("scale", SCALES)
def test_inverse_undoes_forward(scale):
    for value in (0.001, 0.25, 0.5, 0.9, 0.999):
        assert math.isclose(inverse(scale)(forward(scale)(value)), value, rel_tol=1e-12)


def test_where_scales_are_fine():
    half = {s: continuous(0.001, 0.999, s).to_value(0.5) for s in SCALES if s != "power_of_two"}
    assert half["linear"] == half["logit"] == 0.5
    assert half["log"] == pytest.approx(math.sqrt(0.001 * 0.999))
    assert half["reverse_log"] == pytest.approx(1 - math.sqrt(0.001 * 0.999))


def test_out_of_range_has_no_position():
    to_unit = continuous(1.0, 2.0, "log").to_unit
    assert math.isnan(to_unit(0.5))
    assert math.isnan(to_unit(2.5))
    assert math.isnan(to_unit(math.nan))


def test_clipping():
    for codec in (continuous(1, 2, "log"), binned(Grid(1, 1, 1, 2, integral=True), "log")):
        assert codec.to_value(-3.0) == 1
        assert codec.to_value(7.0) == 2


def test_bins_partition_the_unit_interval():
    grid = Grid(1, 1, 100, 99, integral=False)
    for scale in ("linear", "log", "reverse_log", "logit"):
        codec = binned(grid, scale)
        drawn = [codec.to_value(u) for u in np.linspace(0, 1, 20_001)]
        assert drawn == sorted(drawn)
        assert set(drawn) == {grid.value_at(k) for k in range(99)}


def test_outer_edges_stay_in_the_domain():
    assert outer_edges(Grid(1, 4, 1, 3, integral=True), "log") == (0.5, 11.0)
    lower, upper = outer_edges(Grid(1, 8, 10, 2, integral=False), "logit")
    assert (lower, upper) == pytest.approx((0.05, 0.95))
    assert outer_edges(Grid(-5, 1, 1, 3, integral=True), "linear") == (-5.5, -2.5)
