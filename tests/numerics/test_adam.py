from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from luthier.numerics.adam import Adam, centred_ranks, gain, robust

values = st.floats(-1e6, 1e6)


@given(arrays(np.float64, st.tuples(st.integers(1, 30), st.just(3)), elements=values))
def test_adam_is_the_papers_recursion(gradients: np.ndarray) -> None:
    adam = Adam.of(3)
    m = v = np.zeros(3)
    for g in gradients:
        adam = adam.after(g)
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
    n = len(gradients)
    expected = (m / (1 - 0.9**n)) / (np.sqrt(v / (1 - 0.99**n)) + 1e-12)
    assert adam.n == n
    assert adam.direction == pytest.approx(expected)


def test_adam_knows_no_scale_and_shrinks_where_gradients_disagree() -> None:
    adam = Adam.of(3)
    for k in range(200):
        adam = adam.after(np.array([1e9, -1e-3, (-1.0) ** k]))
    assert adam.direction[:2].tolist() == pytest.approx([1.0, -1.0], rel=1e-6)
    assert abs(adam.direction[2]) < 0.1
    assert Adam.of(2).direction.tolist() == [0.0, 0.0]


def test_memories_are_counted_in_pairs() -> None:
    g = np.array([1.0, -2.0])
    one_by_one = Adam.of(2).after(g).after(g).after(-g).after(-g).after(-g)
    at_once = Adam.of(2).after(g, 2).after(-g, 3)
    assert at_once.n == one_by_one.n == 5
    assert at_once.m.tolist() == pytest.approx(one_by_one.m.tolist())
    assert at_once.direction.tolist() == pytest.approx(one_by_one.direction.tolist())


def test_gains_fall_after_their_delay() -> None:
    falling = [gain(k, 2.0, 0.602, 10.0) for k in range(1000)]
    assert falling[0] == 2.0
    assert falling == sorted(falling, reverse=True)
    assert falling[10] > 2.0 * 0.66
    assert falling[-1] == pytest.approx(2.0 * (11 / 1010) ** 0.602)


def test_differences_are_counted_in_units_of_the_usual_one() -> None:
    f = np.array([2e9, -1e9, 0.0, np.inf, -np.inf, np.nan])
    assert robust(f, f[:2]).tolist() == pytest.approx([4 / 3, -2 / 3, 0.0, 3.0, -3.0, 0.0])
    assert robust(np.array([5.0, -1.0]), np.empty(0)).tolist() == [1.0, -1.0]
    assert robust(np.array([0.0]), np.zeros(3)).tolist() == [0.0]


@given(
    arrays(np.float64, 7, elements=st.sampled_from([0.0, 1.0, 2.5, np.inf])),
    arrays(np.float64, 7, elements=st.sampled_from([0.0, 0.5, 4.0])),
)
def test_centred_ranks_order_by_fault_then_value(y: np.ndarray, fault: np.ndarray) -> None:
    ranks = centred_ranks(y, fault)
    assert ranks.sum() == pytest.approx(0.0)
    assert np.abs(ranks).max() <= 1
    keys = list(zip(fault, y, strict=True))
    for i in range(7):
        for j in range(7):
            assert (keys[i] < keys[j]) == (ranks[i] < ranks[j])
