"""Overtuning against its definition, written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.analysis import overtuning
from luthier.errors import ArgumentError

ERRORS = st.lists(
    st.tuples(st.integers(0, 20).map(float), st.integers(0, 20).map(float)), min_size=1, max_size=30
)


def reference(validation: list[float], test: list[float]) -> tuple[list[float], list[float]]:
    """Schneider, Bischl, Feurer (2025), as it stands: errors, an incumbent after each step."""
    absolute, relative = [], []
    for t in range(1, len(test) + 1):
        incumbents = [min(range(s), key=lambda i: validation[i]) for s in range(1, t + 1)]
        best = min(test[i] for i in incumbents)
        absolute.append(test[incumbents[-1]] - best)
        won = test[incumbents[0]] - best
        relative.append(absolute[-1] / won if won > 0 else math.nan)
    return absolute, relative


@given(ERRORS)
def test_it_is_the_definition(pairs: list[tuple[float, float]]) -> None:
    validation, test = map(list, zip(*pairs, strict=True))
    found = overtuning(validation, test, greater_is_better=False)
    absolute, relative = reference(validation, test)
    assert found.absolute.tolist() == absolute
    assert np.array_equal(found.relative, relative, equal_nan=True)
    scores = overtuning([-v for v in validation], [-e for e in test])
    assert np.array_equal(scores.absolute, found.absolute)
    assert np.array_equal(scores.optimism, found.optimism)


def test_a_series_by_hand() -> None:
    found = overtuning([0.70, 0.80, 0.75, 0.90], [0.70, 0.78, 0.99, 0.66])
    assert found.incumbents.tolist() == [0, 1, 1, 3]
    assert found.absolute.round(9).tolist() == [0, 0, 0, 0.12]
    assert found.relative.round(9).tolist()[1:] == [0, 0, 1.5]
    assert found.optimism.round(9).tolist() == [0, 0.02, 0.02, 0.24]
    assert found.worse_than_first
    assert "150% of what had been won" in str(found)


def test_a_search_that_lost_nothing_says_so() -> None:
    assert "No overtuning" in str(overtuning([1, 2, 3], [1, 2, 3]))
    lost = overtuning([1, 2], [5, 4])
    assert lost.worse_than_first
    assert "which is the first candidate" in str(lost)


def test_candidates_without_a_score_never_lead() -> None:
    assert overtuning([1, math.nan, 2], [1, 9, 2]).incumbents.tolist() == [0, 0, 2]


@pytest.mark.parametrize("pair", [([], []), ([1, 2], [1]), ([math.nan, 1], [1, 1])])
def test_bad_series(pair: tuple[list[float], list[float]]) -> None:
    with pytest.raises(ArgumentError, match="must be of one equal length"):
        overtuning(*pair)
