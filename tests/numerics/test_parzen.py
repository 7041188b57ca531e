from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import truncnorm

from luthier.errors import ArgumentError
from luthier.numerics import parzen
from luthier.numerics.parzen import Axis, Parzen, neighbour_widths

RNG = np.random.default_rng
GRID = (np.arange(2000) + 0.5) / 2000
NUMBER = Axis("number")


def bins(n: int) -> np.ndarray:
    return np.arange(n + 1) / n


def total(density: Parzen, points: np.ndarray, volume: float = 1.0) -> float:
    return float(np.exp(density.log_density(points)).sum() * volume)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 12), st.integers(0, 99), st.sampled_from([0.1, 1.0, 5.0]))
def test_continuous_density_integrates_to_one(n: int, seed: int, prior_weight: float) -> None:
    X = RNG(seed).random((n, 1))
    density = Parzen(X, [NUMBER], prior_weight=prior_weight)
    assert total(density, GRID[:, None], 1 / 2000) == pytest.approx(1, abs=1e-6)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 8), st.integers(0, 99))
def test_probabilities_of_mixed_configurations_add_up_to_one(n: int, seed: int) -> None:
    rng = RNG(seed)
    inner = np.sort(rng.random(3))
    axes = [
        Axis("number", edges=np.array([0.0, *inner, 1.0])),
        Axis("choice", 3, prior=np.array([0.7, 0.2, 0.1])),
        Axis("order", 3),
        Axis("number", edges=bins(2), prior=np.array([0.9, 0.1])),
    ]
    middles = (axes[0].edges[1:] + axes[0].edges[:-1]) / 2
    orders = itertools.permutations([1 / 6, 1 / 2, 5 / 6])
    points = [
        (a, b, *c, d) for a, b, c, d in itertools.product(middles, range(3), orders, (0.25, 0.75))
    ]
    table = np.array(points)
    X = table[rng.integers(len(table), size=n)]
    assert total(Parzen(X, axes), table) == pytest.approx(1)


def test_density_over_a_tree_adds_up_to_one() -> None:
    axes = [Axis("choice", 2), NUMBER, Axis("number", edges=bins(3))]
    X = np.array([[0, 0.2, np.nan], [0, 0.3, np.nan], [1, np.nan, 0.5]])
    density = Parzen(X, axes)
    first = np.column_stack([np.zeros(2000), GRID, np.full(2000, np.nan)])
    second = np.array([[1, np.nan, (k + 0.5) / 3] for k in range(3)])
    whole = total(density, first, 1 / 2000) + total(density, second)
    assert whole == pytest.approx(1, abs=1e-6)


def test_kernels_are_truncated_gaussians() -> None:
    X, weights = np.array([[0.1], [0.5]]), np.array([2.0, 3.0])
    density = Parzen(X, [NUMBER], weights=weights, prior_weight=1.0, least_width=0.05)
    expected = 1.0
    for (mu,), w in zip(X, weights, strict=True):
        low, high = -mu / 0.4, (1 - mu) / 0.4
        expected = expected + w * truncnorm(low, high, loc=mu, scale=0.4).pdf(GRID)
    found = np.exp(density.log_density(GRID[:, None]))
    np.testing.assert_allclose(found, expected / 6, rtol=1e-10)


def test_one_bin_gets_the_integral_of_the_density() -> None:
    X, edges = np.array([[0.3], [0.4]]), np.array([0.0, 0.35, 1.0])
    fine = np.exp(Parzen(X, [NUMBER]).log_density(GRID[:, None]))
    coarse = np.exp(Parzen(X, [Axis("number", edges=edges)]).log_density(np.array([[0.2]])))
    assert coarse[0] == pytest.approx(fine[GRID < 0.35].mean() * 0.35, rel=1e-5)


def test_the_prior_fills_what_is_missing() -> None:
    prior = np.array([0.4, 0.3, 0.2, 0.1])
    density = Parzen(np.full((1, 1), np.nan), [Axis("number", prior=prior)])
    found = np.exp(density.log_density(np.array([[0.1], [0.9]])))
    np.testing.assert_allclose(found, [1.6, 0.4])
    draws = density.sample(4000, RNG(0))[:, 0]
    np.testing.assert_allclose(np.histogram(draws, bins(4))[0] / 4000, prior, atol=0.03)


def test_samples_follow_the_density() -> None:
    axes = [NUMBER, Axis("choice", 3), Axis("order", 3), Axis("number", edges=bins(4))]
    X = np.array([[0.1, 0, 0.2, 0.5, 0.8, 0.125], [0.2, 2, 0.8, 0.5, 0.2, 0.625]])
    density = Parzen(X, axes)
    draws = density.sample(20_000, RNG(1))
    _, counts = np.unique(np.argsort(draws[:, 2:5], axis=1), axis=0, return_counts=True)
    for column, k in ((1, 3), (5, 4)):
        codes = draws[:, 1] if column == 1 else np.floor(draws[:, 5] * 4)
        points = np.full((k, 6), np.nan)
        points[:, column] = np.arange(k) if column == 1 else (np.arange(k) + 0.5) / k
        shares = np.bincount(codes.astype(int), minlength=k) / 20_000
        np.testing.assert_allclose(shares, np.exp(density.log_density(points)), atol=0.015)
    orders = np.array(list(itertools.permutations(range(3))))
    points = np.full((6, 6), np.nan)
    points[:, 2:5] = np.argsort(orders, axis=1)
    np.testing.assert_allclose(counts / 20_000, np.exp(density.log_density(points)), atol=0.015)
    points = np.full((2000, 6), np.nan)
    points[:, 0] = GRID
    below = np.exp(density.log_density(points))[GRID < 0.3].mean() * 0.3
    assert (draws[:, 0] < 0.3).mean() == pytest.approx(below, abs=0.015)


def test_widths_are_distances_to_neighbours_for_each_column_alone() -> None:
    X = np.array([[0.1, np.nan], [0.6, 0.9], [0.2, np.nan], [0.2, np.nan]])
    widths = neighbour_widths(X)
    np.testing.assert_allclose(widths[:, 0], [1 / 6, 0.4, 1 / 6, 0.4])
    np.testing.assert_allclose(widths[:, 1], [np.nan, 0.9, np.nan, np.nan])
    assert neighbour_widths(np.full((3, 1), 0.5), 0.3).tolist() == [[0.3]] * 3
    assert neighbour_widths(np.full((3, 1), 0.5)).tolist() == [[0.2]] * 3


def test_same_generator_same_draws() -> None:
    density = Parzen(RNG(0).random((5, 2)), [NUMBER, NUMBER])
    first, again = density.sample(8, RNG(3)), density.sample(8, RNG(3))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"kind": "ordinal"}, "kind must be 'number', 'choice' or 'order', got 'ordinal'"),
        ({"kind": "choice"}, "size must be at least 1, got 0"),
        ({"kind": "number", "edges": np.array([0.0, 0.5])}, "edges must increase from 0 to 1"),
        ({"kind": "choice", "size": 2, "prior": np.array([1.0])}, "prior must be 2 probabilities"),
        ({"kind": "number", "prior": np.array([1.5, -0.5])}, "prior must be some probabilities"),
    ],
)
def test_axis_says_what_is_wrong(settings_: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Axis(**settings_)  # type: ignore[arg-type]


def test_parzen_says_what_is_wrong() -> None:
    with pytest.raises(ArgumentError, match=r"X must have shape \(m, 1\).*got \(2, 3\)"):
        Parzen(np.zeros((2, 3)), [NUMBER])
    with pytest.raises(ArgumentError, match="X must hold numbers, in rows of one length"):
        Parzen([[0.0], [0.1, 0.2]], [NUMBER])
    for weights in ([-1.0], [np.nan], [np.inf], [1.0, 1.0]):
        with pytest.raises(ArgumentError, match="weights must be 1 numbers of at least 0"):
            Parzen(np.zeros((1, 1)), [NUMBER], weights=weights)
    for prior_weight in (0, np.inf, np.nan):
        with pytest.raises(ArgumentError, match="prior_weight must be above 0, got"):
            Parzen(np.zeros((1, 1)), [NUMBER], prior_weight=prior_weight)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([7.0, 0], r"X must hold numbers in \[0, 1\], got 0.5 to 7"),
        ([-0.1, 0], "got -0.1 to 0.5"),
        ([np.inf, 0], "got 0.5 to inf"),
        ([0.5, 3], "column 1 of X must hold codes 0 .. 2 of 3 choices.* got 3"),
        ([0.5, -1], "got -1"),
        ([0.5, 0.5], "got 0.5. Number the choices from 0"),
    ],
)
def test_parzen_looks_at_the_values_it_is_made_of(row: list[float], message: str) -> None:
    axes = [NUMBER, Axis("choice", 3)]
    with pytest.raises(ArgumentError, match=message):
        Parzen([[0.5, 0], row], axes)
    with pytest.raises(ArgumentError, match=message):
        Parzen([[0.5, 0]], axes).append([row])


def test_parzen_judges_points_of_its_own_shape_only() -> None:
    density = Parzen([[0.5, 0]], [NUMBER, Axis("choice", 3)])
    for x in ([[0.5]], [[0.5, 0, 0]], [0.5, 0]):
        with pytest.raises(ArgumentError, match=r"x must have shape \(m, 2\)"):
            density.log_density(x)
    with pytest.raises(ArgumentError, match="column 1 of x must hold codes 0 .. 2.* got 3"):
        density.log_density([[0.5, 3]])
    with pytest.raises(ArgumentError, match="n must be at least 0, got -1"):
        density.sample(-1, RNG(0))


def test_lists_are_as_good_as_arrays() -> None:
    first = Parzen([[0.5, 0], [None, 1]], [NUMBER, Axis("choice", 2, prior=[0.4, 0.6])])
    again = Parzen(
        np.array([[0.5, 0], [np.nan, 1]]), [NUMBER, Axis("choice", 2, prior=np.array([0.4, 0.6]))]
    )
    assert np.array_equal(first.log_density([[0.2, 1]]), again.log_density(np.array([[0.2, 1.0]])))
    assert Axis("number", edges=[0, 0.5, 1]).edges.tolist() == [0.0, 0.5, 1.0]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 12), st.lists(st.integers(0, 4), max_size=4), st.integers(0, 999))
def test_appending_is_fitting_everything_anew(first: int, then: list[int], seed: int) -> None:
    rng = RNG(seed)
    axes = [
        Axis("order", 3),
        NUMBER,
        Axis("choice", 3, prior=np.array([0.6, 0.3, 0.1])),
        Axis("number", edges=bins(4)),
        Axis("number", prior=np.array([0.7, 0.2, 0.1])),
    ]

    def rows(n: int) -> np.ndarray:
        places = (rng.permuted(np.tile(np.arange(3), (n, 1)), axis=1) + 0.5) / 3
        ties = np.round(rng.random(n), 1)  # equal values, too
        X = np.column_stack([places, ties, rng.integers(3, size=n), rng.random((n, 2))])
        X[rng.random(n) < 0.3, 3] = np.nan
        X[rng.random(n) < 0.2, :3] = np.nan
        X[rng.random(n) < 0.2, 4:] = np.nan
        return X

    settings_ = {"prior_weight": 2.0, "least_width": float(rng.choice([0.01, 0.1]))}
    X, w = rows(first), rng.random(first)
    grown = Parzen(X, axes, weights=w, **settings_)
    for n in then:
        new, v = rows(n), rng.random(n)
        X, w = np.vstack([X, new]), np.concatenate([w, v])
        grown = grown.append(new, v)
    whole, at = Parzen(X, axes, weights=w, **settings_), rows(20)
    assert np.allclose(grown.log_density(at), whole.log_density(at), rtol=1e-12, atol=1e-12)
    assert np.allclose(grown.sample(20, RNG(1)), whole.sample(20, RNG(1)), atol=1e-12)


def test_only_kernels_next_to_new_ones_are_worked_out_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts: list[int] = []
    plain = parzen._areas

    def counted(mu: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, ...]:
        counts.append(mu.size)
        return plain(mu, s)

    monkeypatch.setattr(parzen, "_areas", counted)
    density = Parzen(RNG(0).random((200, 5)), [NUMBER] * 5)
    before = density.log_density(np.full((1, 5), 0.5))
    density.append(RNG(1).random((1, 5)))
    assert counts[0] == 201 * 5
    assert counts[1] <= 5 * 4  # the new one, two neighbours, the prior
    assert np.array_equal(density.log_density(np.full((1, 5), 0.5)), before)  # it stays as it was


@pytest.mark.parametrize(
    ("X", "weights", "message"),
    [
        (np.zeros((1, 2)), None, r"X must have shape \(m, 1\)"),
        (np.zeros(1), None, r"X must have shape \(m, 1\)"),
        (np.zeros((2, 1)), np.ones(3), "weights must be 2 numbers"),
        (np.zeros((1, 1)), -np.ones(1), "weights must be 1 numbers of at least 0"),
    ],
)
def test_appending_says_what_is_wrong(
    X: np.ndarray, weights: np.ndarray | None, message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        Parzen(np.zeros((3, 1)), [NUMBER]).append(X, weights)
