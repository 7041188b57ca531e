from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.core.ranking import Ranking


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 5), max_size=200), st.integers(1, 100), st.integers(0, 200))
def test_ranking_is_a_stable_sort_however_values_arrive(
    values: list[int], chunk: int, below: int
) -> None:
    ranking = Ranking()
    for start in range(0, len(values), chunk):
        new = np.array(values[start : start + chunk], dtype=float)
        ranking.append(new, np.arange(start, start + len(new)))
    seen = values[:below]
    expected = sorted(range(len(seen)), key=seen.__getitem__)
    assert ranking.best(7, below=below) == expected[:7]
    assert ranking.best(10_000, below=below) == expected


@pytest.mark.parametrize("n", [3, 1000])
def test_infinite_values_have_their_place(n: int) -> None:
    ranking = Ranking()
    values = np.full(n, 1.0)
    values[:2] = np.inf, -np.inf
    ranking.append(values, np.arange(n))
    assert ranking.best(2, below=n) == [1, 2]
    assert ranking.best(n, below=n)[-1] == 0
