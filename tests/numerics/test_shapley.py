"""Shapley effects of functions whose effects are known."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.numerics.shapley import shapley_effects

RNG = np.random.default_rng


def effects(f, d: int, n: int = 6000, inputs=None) -> np.ndarray:
    x, z = RNG(0).random((2, n, d))
    columns = [[j] for j in range(d)] if inputs is None else inputs
    return shapley_effects(lambda u: f(u)[None], x, z, columns, RNG(1)).mean(axis=1)[0]


def test_effects_of_a_sum_are_its_variances() -> None:
    found = effects(lambda u: 3 * u[:, 0] + u[:, 1], 3)
    np.testing.assert_allclose(found, [9 / 12, 1 / 12, 0], atol=0.03)


def test_what_only_a_pair_explains_is_shared_equally() -> None:
    found = effects(lambda u: (u[:, 0] - 0.5) * (u[:, 1] - 0.5), 2)
    assert found[0] == pytest.approx(found[1], rel=0.1)
    assert found.sum() == pytest.approx(1 / 144, rel=0.1)


def test_ishigami() -> None:
    """Of its variance 13.845: S1 + S13 / 2 = .4358, S2 = .4424, S13 / 2 = .1218."""

    def f(u: np.ndarray) -> np.ndarray:
        Z = (2 * u - 1) * np.pi
        return np.sin(Z[:, 0]) * (1 + 0.1 * Z[:, 2] ** 4) + 7 * np.sin(Z[:, 1]) ** 2

    found = effects(f, 3, n=20_000)
    np.testing.assert_allclose(found / 13.845, [0.4358, 0.4424, 0.1218], atol=0.02)


def test_columns_of_one_input_change_together() -> None:
    found = effects(lambda u: u[:, 0] + u[:, 1] + u[:, 2], 3, inputs=[[0, 1], [2]])
    np.testing.assert_allclose(found, [2 / 12, 1 / 12], atol=0.01)


def test_functions_are_judged_by_the_same_draws() -> None:
    x, z = RNG(0).random((2, 50, 2))
    phi = shapley_effects(lambda u: np.stack([u[:, 0], 2 * u[:, 0]]), x, z, [[0], [1]], RNG(1))
    np.testing.assert_allclose(phi[1], 4 * phi[0])
