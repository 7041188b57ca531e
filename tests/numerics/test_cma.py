from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from luthier.errors import ArgumentError
from luthier.numerics import cma

Array = NDArray[np.float64]


def sphere(X: Array) -> Array:
    return np.asarray(np.square(X - 0.3).sum(axis=1))


def descend(state: cma.State, n: int, k: int, seed: int = 0, noise: float = 0.0) -> cma.State:
    rng = np.random.default_rng(seed)
    for _ in range(n // k):
        X = cma.ask(state, cma.draws(k, len(state.mean), rng))
        state = cma.tell(state, X, sphere(X) + noise * rng.standard_normal(k))
    return state


def told_slowly(state: cma.State, X: Array, y: Array) -> dict[str, Array | float]:
    """The tutorial's figure 6, line by line, for states whose axes are up to date."""
    k, n = X.shape
    raw = [math.log((k + 1) / 2) - math.log(i) for i in range(1, k + 1)]
    mu = k // 2
    mu_eff = sum(raw[:mu]) ** 2 / sum(w * w for w in raw[:mu])
    mu_neg = sum(raw[mu:]) ** 2 / sum(w * w for w in raw[mu:])
    c_1 = 2 / ((n + 1.3) ** 2 + mu_eff)
    c_mu = min(1 - c_1, 2 * (0.25 + mu_eff + 1 / mu_eff - 2) / ((n + 2) ** 2 + 2 * mu_eff / 2))
    c_c = (4 + mu_eff / n) / (n + 4 + 2 * mu_eff / n)
    c_s = (mu_eff + 2) / (n + mu_eff + 5)
    d_s = 1 + 2 * max(0, math.sqrt((mu_eff - 1) / (n + 1)) - 1) + c_s
    least = min(1 + c_1 / c_mu, 1 + 2 * mu_neg / (mu_eff + 2), (1 - c_1 - c_mu) / (n * c_mu))
    up, down = sum(w for w in raw if w > 0), -sum(w for w in raw if w < 0)
    w = [r / up if r >= 0 else r * least / down for r in raw]
    values, B = np.linalg.eigh(state.C)
    whiten = B @ np.diag(values**-0.5) @ B.T
    Y = (X[np.argsort(y)] - state.mean) / state.sigma
    step = sum(w[i] * Y[i] for i in range(mu))
    p_s = (1 - c_s) * state.p_sigma + math.sqrt(c_s * (2 - c_s) * mu_eff) * whiten @ step
    chi = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n**2))
    g = state.generation + 1
    norm = np.linalg.norm(p_s)
    h = norm / math.sqrt(1 - (1 - c_s) ** (2 * g)) < (1.4 + 2 / (n + 1)) * chi
    p_c = (1 - c_c) * state.p_c + h * math.sqrt(c_c * (2 - c_c) * mu_eff) * step
    C = (1 + c_1 * (1 - h) * c_c * (2 - c_c) - c_1 - c_mu * sum(w)) * state.C
    C = C + c_1 * np.outer(p_c, p_c)
    for i in range(k):
        share = w[i] if w[i] >= 0 else w[i] * n / np.linalg.norm(whiten @ Y[i]) ** 2
        C = C + c_mu * share * np.outer(Y[i], Y[i])
    sigma = state.sigma * math.exp(c_s / d_s * (norm / chi - 1))
    return {"mean": state.mean + state.sigma * step, "C": C, "p_c": p_c, "sigma": sigma}


@pytest.mark.parametrize(("d", "k"), [(2, 6), (5, 8), (10, 25)])
def test_tell_is_the_tutorial(d: int, k: int) -> None:
    rng = np.random.default_rng(d)
    state = cma.start(rng.random(d), 0.3)
    for _ in range(5):
        B, D, W = cma._decomposed(state.C)
        state = cma.State(
            state.mean, state.sigma, state.C, B, D, W, state.A, state.p_sigma, state.p_c,
            state.generation,
        )  # fmt: skip
        X = cma.ask(state, rng.standard_normal((k, d)))
        y = rng.random(k)
        expected = told_slowly(state, X, y)
        state = cma.tell(state, X, y)
        for name, value in expected.items():
            assert np.allclose(getattr(state, name), value, rtol=1e-9), name


def test_a_state_is_left_as_it_was() -> None:
    rng = np.random.default_rng(0)
    state = descend(cma.start(np.full(4, 0.5), 0.2, adapt=True), 80, 8)
    before = [state.mean.copy(), state.C.copy(), state.p_c.copy(), state.p_sigma.copy()]
    X, y = cma.ask(state, rng.standard_normal((8, 4))), rng.random(8)
    kept = X.copy()
    first, second = cma.tell(state, X, y), cma.tell(state, X, y)
    after = [state.mean, state.C, state.p_c, state.p_sigma]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert np.array_equal(X, kept)
    assert np.array_equal(first.C, second.C)


@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(2, 9))
def test_nothing_counts_but_ranks(seed: int, d: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    state = cma.start(rng.random(d), 0.3)
    X, y = cma.ask(state, rng.standard_normal((k, d))), rng.integers(0, 3, k).astype(float)
    order = rng.permutation(k)
    a, b = cma.tell(state, X, y), cma.tell(state, X[order], np.exp(y[order]))
    assert np.allclose(a.mean, b.mean)
    assert np.allclose(a.C, b.C)
    assert np.isfinite(a.C).all()


def test_equal_values_move_nothing_on_average() -> None:
    state = cma.start([0.5, 0.5], 0.1)
    X = 0.5 + 0.1 * np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    assert np.allclose(cma.tell(state, X, np.full(4, np.inf)).mean, 0.5)


@pytest.mark.parametrize("d", [1, 2, 10])
def test_it_converges(d: int) -> None:
    state = descend(cma.start(np.full(d, 0.9), 0.2), 200 * d + 600, 4 + int(3 * math.log(d)))
    assert np.abs(state.mean - 0.3).max() < 1e-6


def test_it_learns_which_directions_are_long() -> None:
    rng, d = np.random.default_rng(1), 6
    H = np.diag(10.0 ** np.arange(d))
    state = cma.start(np.full(d, 0.5), 0.2)
    for _ in range(400):
        X = cma.ask(state, cma.draws(9, d, rng))
        state = cma.tell(state, X, np.einsum("ij,jk,ik->i", X, H, X))
    ratios = np.diag(state.C) * np.diag(H)
    assert ratios.max() / ratios.min() < 30
    assert np.abs(state.mean).max() < 1e-4


def test_corners_of_the_cube_are_found() -> None:
    rng, d = np.random.default_rng(0), 8
    weights, best = 10.0 ** np.linspace(0, 2, d), np.inf
    state = cma.start(np.full(d, 0.5), 0.2, bounded=True)
    for _ in range(150):
        X = cma.ask(state, cma.draws(10, d, rng))
        y = (1 - np.clip(X, 0, 1)) @ weights
        best = min(best, float(y.min()))
        reach = state.std / 2 + 1e-12
        state = cma.tell(state, X, y)
        assert (state.mean >= -reach).all()
        assert (state.mean <= 1 + reach).all()
    assert best == 0


@given(st.integers(1, 30), st.integers(0, 12), st.integers(0, 99))
def test_draws_are_at_right_angles_and_mirrored(k: int, d: int, seed: int) -> None:
    Z, half = cma.draws(k, d, np.random.default_rng(seed)), (k + 1) // 2
    assert Z.shape == (k, d)
    assert np.array_equal(Z[half:], -Z[: k - half])
    for first in range(0, half, max(d, 1)):
        block = Z[first : min(first + d, half)]
        angles = block @ block.T
        assert np.allclose(angles, np.diag(np.diag(angles)), atol=1e-6)


def test_each_draw_is_normal() -> None:
    rng = np.random.default_rng(0)
    Z = np.stack([cma.draws(4, 3, rng) for _ in range(4000)])
    for row in (0, 3):
        assert np.allclose(np.cov(Z[:, row].T), np.eye(3), atol=0.1)
        assert np.allclose(Z[:, row].mean(axis=0), 0, atol=0.06)
        assert np.mean(np.abs(Z[:, row]) < 1) == pytest.approx(0.683, abs=0.02)


def test_draws_save_evaluations() -> None:
    rng, d, k = np.random.default_rng(0), 10, 10
    ends: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(8):
        for even, found in ends.items():
            state = cma.start(np.full(d, 0.9), 0.2)
            for _ in range(60):
                Z = cma.draws(k, d, rng) if even else rng.standard_normal((k, d))
                X = cma.ask(state, Z)
                state = cma.tell(state, X, sphere(X))
            found.append(float(np.log(sphere(state.mean[None])[0])))
    assert np.median(ends[True]) < np.median(ends[False])


def test_learning_rates_adapt_to_noise() -> None:
    def end(adapt: bool, seed: int) -> float:
        state = cma.start(np.full(5, 0.9), 0.3, adapt=adapt)
        return float(sphere(descend(state, 3000, 8, seed, noise=1.0).mean[None])[0])

    plain, adapted = (np.median([end(adapt, s) for s in range(5)]) for adapt in (False, True))
    assert adapted < plain / 2
    state = descend(cma.start(np.full(5, 0.9), 0.3, adapt=True), 400, 8, noise=1.0)
    assert state.adaptation is not None
    assert state.adaptation.rates[0] < 0.5


def test_adapted_rates_still_converge() -> None:
    state = descend(cma.start(np.full(5, 0.9), 0.2, adapt=True), 4000, 8)
    assert np.abs(state.mean - 0.3).max() < 1e-4


def test_moved_is_where_the_mean_may_go() -> None:
    rng = np.random.default_rng(0)
    state = cma.start([0.5, 0.5], 0.2)
    X, y = cma.ask(state, rng.standard_normal((6, 2))), rng.random(6)
    moved = X.copy()
    moved[:, 1] = 0.5
    plain, held = cma.tell(state, X, y), cma.tell(state, X, y, moved)
    assert held.mean[1] == pytest.approx(0.5)
    assert held.mean[0] == pytest.approx(plain.mean[0])
    assert np.array_equal(held.C, plain.C)


def test_points_from_elsewhere_are_brought_nearer() -> None:
    state = cma.start([0.5, 0.5, 0.5], 0.1)
    X = np.array([[0.6, 0.5, 0.5], [50.5, 0.5, 0.5]])
    near = cma.shortened(state, X)
    assert np.allclose(near[0], X[0])
    assert np.allclose(near[1], [0.5 + 0.1 * (math.sqrt(3) + 6 / 5), 0.5, 0.5])


@given(
    st.integers(2, 12),
    st.floats(0, 1),
    st.floats(1e-9, 1.0),
    st.floats(1e-4, 0.2),
)
def test_margins_leave_every_neighbour_a_chance(
    bins: int, mean: float, sigma: float, least: float
) -> None:
    edges = np.arange(bins + 1) / bins
    state = cma.with_margins(cma.start([mean, 0.5], sigma), [edges, None], least)
    assert state.mean[1] == 0.5
    assert state.A[1] == 1
    normal = NormalDist(float(state.mean[0]), float(state.std[0]))
    shares = [normal.cdf(edge) for edge in edges[1:-1].tolist()]
    inside = int(np.searchsorted(edges[1:-1], state.mean[0]))
    if 0 < inside < bins - 1:
        assert shares[inside - 1] >= 0.49 * least
        assert 1 - shares[inside] >= 0.49 * least
    elif inside == 0:
        assert 1 - shares[0] >= 0.99 * least
    else:
        assert shares[-1] >= 0.99 * least


def test_margins_leave_alone_what_is_wide_enough() -> None:
    state = cma.start([0.5], 0.3)
    wide = cma.with_margins(state, [np.arange(6) / 5], 0.05)
    assert wide.mean[0] == 0.5
    assert wide.A[0] == 1


def test_why_a_search_is_over() -> None:
    state = cma.start([0.5, 0.5], 0.1)
    assert cma.stopped(state, [3.0, 2.0, 1.0], 6) == ""
    assert cma.stopped(cma.start([0.5, 0.5], 1e-13), [], 6) == "converged"
    assert cma.stopped(cma.start([0.5, 0.5], 0.1, np.diag([1, 1e-16])), [], 6) == "degenerate"
    window = cma.flat_window(2, 6)
    assert cma.stopped(state, [1.0] * window, 6) == "flat"
    assert cma.stopped(state, [1.0] * (window - 1), 6) == ""
    assert cma.stopped(state, [math.inf] * window, 6) == ""


def test_rank_weights() -> None:
    weights = cma.rank_weights(np.array([5.0, 1.0, 1.0, 7.0]))
    assert weights.sum() == pytest.approx(1)
    assert weights[1] == weights[2] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("mean", "sigma", "covariance"),
    [([[0.5]], 0.1, None), ([0.5], 0.0, None), ([0.5], math.inf, None), ([0.5], 0.1, np.eye(2))],
)
def test_bad_starts(mean: object, sigma: float, covariance: object) -> None:
    with pytest.raises(ArgumentError, match=r"cma\.start"):
        cma.start(mean, sigma, covariance)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.zeros((3, 2)), np.zeros(2)),
        (np.zeros((3, 3)), np.zeros(3)),
        (np.zeros((1, 2)), np.zeros(1)),
        (np.zeros((3, 2)), np.array([0.0, np.nan, 1.0])),
    ],
)
def test_bad_generations(X: Array, y: Array) -> None:
    with pytest.raises(ArgumentError, match=r"cma\.tell"):
        cma.tell(cma.start([0.5, 0.5], 0.1), X, y)
