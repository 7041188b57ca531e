from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc as scipy_qmc

from luthier.errors import ArgumentError
from luthier.numerics.joe_kuo import JOE_KUO
from luthier.numerics.qmc import BITS, Halton, Sobol, _primes, latin_hypercube

TABLED = len(JOE_KUO) + 1


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def strata(u: np.ndarray, cells: int) -> list[int]:
    return np.bincount((u * cells).astype(int), minlength=cells).tolist()


def test_sobol_equals_scipy_in_every_tabled_dimension() -> None:
    expected = scipy_qmc.Sobol(TABLED, scramble=False).random(2048)
    np.testing.assert_array_equal(Sobol(TABLED).points(0, 2048), expected)


@given(start=st.integers(0, 5000), n=st.integers(1, 40), scramble=st.booleans())
@settings(max_examples=50, deadline=None)
def test_sobol_random_access_agrees_with_the_run(start: int, n: int, scramble: bool) -> None:
    sobol = Sobol(7, rng(3) if scramble else None)
    np.testing.assert_array_equal(sobol.points(start, n), sobol.points(0, start + n)[start:])


@pytest.mark.parametrize("d", [1, 2, 10, TABLED, TABLED + 30])
@pytest.mark.parametrize("scramble", [False, True])
def test_sobol_columns_are_even_at_every_power_of_two(d: int, scramble: bool) -> None:
    points = Sobol(d, rng(1) if scramble else None).points(0, 256)
    for size in (1, 2, 16, 256):
        for column in points[:size].T:
            assert strata(column, size) == [1] * size


def test_scrambled_sobol_keeps_pairs_even() -> None:
    U = Sobol(2, rng(5)).points(0, 64)
    cells = (U[:, 0] * 8).astype(int) * 8 + (U[:, 1] * 8).astype(int)
    assert sorted(cells.tolist()) == list(range(64))


def test_scrambled_points_are_uniform_over_scrambles() -> None:
    first = np.array([Sobol(3, rng(seed)).points(5)[0] for seed in range(400)])
    assert np.all(np.abs(first.mean(axis=0) - 0.5) < 0.06)
    assert np.all(np.abs(first.var(axis=0) - 1 / 12) < 0.015)


@pytest.mark.parametrize("kind", [Sobol, Halton])
def test_more_dimensions_leave_earlier_columns_alone(kind: type[Sobol] | type[Halton]) -> None:
    narrow, wide = kind(3, rng(2)).points(9, 20), kind(12, rng(2)).points(9, 20)
    np.testing.assert_array_equal(narrow, wide[:, :3])


def test_latin_columns_stay_when_dimensions_are_added() -> None:
    np.testing.assert_array_equal(
        latin_hypercube(9, 2, rng(4)), latin_hypercube(9, 5, rng(4))[:, :2]
    )


def test_sobol_beats_random_points_in_discrepancy() -> None:
    for d in (2, 8):
        sobol = scipy_qmc.discrepancy(Sobol(d, rng(0)).points(0, 256))
        assert sobol < 0.5 * scipy_qmc.discrepancy(rng(0).random((256, d)))


def test_last_sobol_points_are_reachable() -> None:
    U = Sobol(3, rng(0)).points((1 << BITS) - 2, 2)
    assert ((U >= 0) & (U < 1)).all()


def test_halton_equals_scipy() -> None:
    expected = scipy_qmc.Halton(25, scramble=False).random(500)
    np.testing.assert_allclose(Halton(25).points(0, 500), expected, atol=1e-14)


@given(start=st.integers(0, 10**9), n=st.integers(1, 20))
@settings(max_examples=30, deadline=None)
def test_halton_random_access_agrees_with_single_points(start: int, n: int) -> None:
    halton = Halton(5, rng(3))
    singles = np.concatenate([halton.points(start + i) for i in range(n)])
    np.testing.assert_array_equal(halton.points(start, n), singles)
    assert ((singles >= 0) & (singles < 1)).all()


def test_scrambled_halton_columns_are_even_in_their_base() -> None:
    U = Halton(4, rng(7)).points(0, 49)
    assert strata(U[:32, 0], 32) == [1] * 32
    assert strata(U[:27, 1], 27) == [1] * 27
    assert strata(U[:49, 3], 49) == [1] * 49


def test_halton_has_room_for_hundreds_of_columns() -> None:
    U = Halton(300, rng(0)).points(1000, 4)
    assert U.shape == (4, 300)
    assert abs(U.mean() - 0.5) < 0.05


@pytest.mark.parametrize(("n", "d"), [(1, 1), (2, 3), (10, 5), (101, 7)])
def test_latin_hypercube_has_one_point_in_each_slice(n: int, d: int) -> None:
    U = latin_hypercube(n, d, rng(n))
    assert U.shape == (n, d)
    for column in U.T:
        assert strata(column, n) == [1] * n


def test_primes() -> None:
    assert _primes(10) == (2, 3, 5, 7, 11, 13, 17, 19, 23, 29)
    assert [len(_primes(d)) for d in (1, 2, 100, 1000)] == [1, 2, 100, 1000]
    assert _primes(1000)[-1] == 7919


@pytest.mark.parametrize("kind", [Sobol, Halton])
def test_bad_arguments(kind: type[Sobol] | type[Halton]) -> None:
    with pytest.raises(ArgumentError, match=r"d must be at least 1, got 0\."):
        kind(0)
    with pytest.raises(ArgumentError, match=r"numbered from 0 to .* got start=-1, n=1"):
        kind(1).points(-1)
    with pytest.raises(ArgumentError, match="numbered from 0 to"):
        kind(1).points(1 << BITS)
    with pytest.raises(ArgumentError, match=r"n must be at least 1, got 0\."):
        kind(1).points(0, 0)


def test_latin_hypercube_bad_arguments() -> None:
    with pytest.raises(ArgumentError, match=r"n must be at least 1, got 0\."):
        latin_hypercube(0, 1, rng())
    with pytest.raises(ArgumentError, match=r"d must be at least 1, got -1\."):
        latin_hypercube(1, -1, rng())
