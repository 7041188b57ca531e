"""Scales of values."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from luthier.analysis.importance.trials import ranks_of, rescaled

VALUES = st.lists(st.integers(-9, 9).map(float), min_size=1, max_size=30).map(np.array)


@given(VALUES)
def test_ranks_are_scipys(y: np.ndarray) -> None:
    np.testing.assert_allclose(ranks_of(y), rankdata(y) - 1)


@given(VALUES)
def test_clipping_keeps_the_order_and_all_good_values(y: np.ndarray) -> None:
    clipped = rescaled(y, "clipped")
    first, third = np.quantile(y, [0.25, 0.75])
    kept = (y <= third + 3 * (third - first)) | (first == third)
    assert np.array_equal(clipped[kept], y[kept])
    assert (np.diff(clipped[np.argsort(y)]) >= 0).all()


def test_raw_values_stay_and_ranks_are_even() -> None:
    y = np.array([3.0, 1.0, 1e9])
    assert rescaled(y, "raw") is y
    assert rescaled(y, "ranks").tolist() == [1 / 3, 0.0, 2 / 3]
