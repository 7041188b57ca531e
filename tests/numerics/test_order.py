"""Ranks and their correlation, against SciPy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.numerics.order import average_ranks, rank_correlation

SAMPLES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=30)


@given(SAMPLES)
def test_they_are_scipys(pairs: list[tuple[int, int]]) -> None:
    from scipy.stats import rankdata, spearmanr

    a, b = np.array(pairs, dtype=float).reshape(-1, 2).T
    assert average_ranks(a).tolist() == (rankdata(a).tolist() if len(a) else [])
    found = rank_correlation(a, b)
    if len(set(a)) > 1 < len(set(b)):
        assert found == pytest.approx(spearmanr(a, b).statistic)
    else:
        assert math.isnan(found)
