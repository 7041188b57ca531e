from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.numerics.margin import margins


@given(st.integers(2, 40), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_it_is_the_distance_to_the_nearest_of_the_others(n: int, d: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    F, inside = rng.random((n, d)), rng.random(n) < 0.5
    found = margins(F, inside)
    assert ((found < 0) == inside).all()
    for k in range(n if 0 < inside.sum() < n else 0):
        others = F[inside != inside[k]]
        nearest = np.linalg.norm(others - F[k], axis=1).min()
        assert abs(found[k]) == pytest.approx(nearest, abs=1e-6)


def test_one_class_alone_has_labels() -> None:
    F = np.zeros((3, 2))
    assert margins(F, np.ones(3, dtype=bool)).tolist() == [-1.0] * 3
    assert margins(F, np.zeros(3, dtype=bool)).tolist() == [1.0] * 3


def test_the_same_point_with_both_outcomes_is_on_the_edge() -> None:
    F = np.array([[0.3, 0.1], [0.3, 0.1], [0.9, 0.9]])
    assert np.abs(margins(F, np.array([True, False, False]))[:2]).max() < 1e-7
