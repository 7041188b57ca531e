from __future__ import annotations

import numpy as np
import pytest

from luthier.errors import ArgumentError
from luthier.numerics.kernels import KERNELS, Features, Kernel, correlation


@pytest.mark.parametrize("kernel", KERNELS)
def test_slope_is_minus_twice_the_derivative(kernel: Kernel) -> None:
    r2 = np.linspace(0.05, 9.0, 40)
    step = 1e-6
    above, below = KERNELS[kernel](r2 + step)[0], KERNELS[kernel](r2 - step)[0]
    assert np.allclose(KERNELS[kernel](r2)[1], -(above - below) / step, atol=1e-8)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_matrix_is_a_correlation_matrix(kernel: Kernel) -> None:
    A = np.random.default_rng(0).random((20, 3))
    K, _ = correlation(A, A, kernel)
    assert (np.diagonal(K) == 1.0).all()
    assert np.allclose(K, K.T, rtol=0, atol=1e-14)
    assert np.linalg.eigvalsh(K).min() > 0


def test_choices_are_one_step_apart_whatever_their_codes() -> None:
    features = Features((0, 3))
    A = features.of(np.array([[0.25, 0.0], [0.25, 1.0], [0.25, 2.0], [0.5, 2.0]]))
    squared = np.square(A[:, None] - A).sum(axis=2)
    assert squared.round(12).tolist() == [
        [0.0, 1.0, 1.0, 1.0625],
        [1.0, 0.0, 1.0, 1.0625],
        [1.0, 1.0, 0.0, 0.0625],
        [1.0625, 1.0625, 0.0625, 0.0],
    ]
    assert features.owner.tolist() == [0, 1, 1, 1]


def test_what_does_not_apply_is_in_the_middle_of_numbers_and_half_a_step_from_choices() -> None:
    A = Features((0, 2)).of(np.array([[np.nan, np.nan], [0.5, 1.0]]))
    assert np.square(A[0] - A[1]).sum() == pytest.approx(0.5)


def test_features_of_a_fortnight_of_columns_keep_their_owners() -> None:
    categories = (2, 0, 0, 3, 0)
    features = Features(categories)
    assert features.owner.tolist() == [1, 2, 4, 0, 0, 3, 3, 3]
    assert features.of(np.zeros((1, 5))).shape == (1, 8)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ArgumentError, match="categories must hold, for each column"):
        Features((0, -1))
