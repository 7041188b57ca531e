from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.numerics.reflection import reflected


@pytest.mark.parametrize(("u", "expected"), [(-0.2, 0.2), (0.4, 0.4), (1.3, 0.7), (2.1, 0.1)])
def test_steps_come_back_from_the_ends(u: float, expected: float) -> None:
    assert reflected(np.array([u]))[0] == pytest.approx(expected)


@given(st.floats(-1e6, 1e6))
def test_it_stays_inside_and_moves_nothing_that_is(u: float) -> None:
    [once] = reflected(np.array([u]))
    assert 0 <= once <= 1
    assert reflected(np.array([once]))[0] == pytest.approx(once)
