from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from luthier.errors import ArgumentError
from luthier.numerics.forest import Forest, fit

RNG = np.random.default_rng


def accuracy(forest: Forest, X: np.ndarray, y: np.ndarray) -> float:
    """The share of variance explained."""
    return float(1 - np.mean((forest.predict(X)[0] - y) ** 2) / y.var())


def test_it_recovers_a_smooth_function() -> None:
    def f(X: np.ndarray) -> np.ndarray:
        return np.sin(4 * X[:, 0]) + (X[:, 1] - 0.4) ** 2

    X, new = RNG(0).random((400, 3)), RNG(1).random((300, 3))
    assert accuracy(fit(X, f(X), [0, 0, 0], RNG(2)), new, f(new)) > 0.9


def test_more_samples_in_the_leaves_count_as_if_they_had_been_there() -> None:
    X, y = RNG(0).random((40, 2)), RNG(1).random(40)
    whole = fit(X, y, [0, 0], RNG(2), n_trees=3, min_leaf=40, share=1.0)  # a root each
    half = fit(X[:25], y[:25], [0, 0], RNG(2), n_trees=3, min_leaf=25, share=1.0)
    for one, other in zip(half.updated(X[25:], y[25:]).predict(X), whole.predict(X), strict=True):
        np.testing.assert_allclose(one, other)


def test_newer_samples_move_the_mean_where_they_are_only() -> None:
    X = RNG(0).random((200, 1))
    forest = fit(X, X[:, 0], [0], RNG(1))
    newer = forest.updated(np.full((30, 1), 0.9), np.full(30, 5.0))
    places = np.array([[0.1], [0.9]])
    before, after = forest.predict(places)[0], newer.predict(places)[0]
    assert after[0] == before[0]
    assert after[1] > 3


def test_trees_that_see_everything_interpolate() -> None:
    X = RNG(0).random((50, 2))
    forest = fit(X, X[:, 0], [0, 0], RNG(1), share=1.0)
    mean, std = forest.predict(X)
    np.testing.assert_allclose(mean, X[:, 0])
    np.testing.assert_allclose(std, 0, atol=1e-12)


def test_uncertainty_grows_away_from_the_data_and_with_noise() -> None:
    rng = RNG(0)
    x = np.concatenate([rng.uniform(0, 0.3, 60), rng.uniform(0.8, 1.0, 60)])[:, None]
    forest = fit(x, np.sin(7 * x[:, 0]), [0], rng, n_trees=50)
    _, near = forest.predict(np.linspace(0.05, 0.25, 20)[:, None])
    _, far = forest.predict(np.linspace(0.45, 0.65, 20)[:, None])
    assert far.mean() > 3 * near.mean()
    X = rng.random((300, 1))
    noisy = fit(X, np.where(X[:, 0] < 0.5, 0.1, 1.0) * rng.standard_normal(300), [0], rng)
    _, std = noisy.predict(np.array([[0.25], [0.75]]))
    assert std[1] > 3 * std[0]


def test_categories_have_no_order_of_their_own() -> None:
    rng = RNG(0)
    effect = np.array([0.0, 5.0, 0.0, 5.0, 0.0, 5.0])
    X = np.column_stack([rng.integers(6, size=200), rng.random(200)]).astype(float)
    y = effect[X[:, 0].astype(int)] + X[:, 1]
    forest = fit(X, y, [6, 0], rng, min_leaf=3)
    every = np.column_stack([np.arange(6.0), np.full(6, 0.5)])
    np.testing.assert_allclose(forest.predict(every)[0], effect + 0.5, atol=0.4)


def test_a_category_never_seen_is_no_error() -> None:
    forest = fit(np.array([[0.0], [1.0]]), np.array([0.0, 1.0]), [3], RNG(0))
    assert np.isfinite(forest.predict(np.array([[2.0]]))).all()


def test_missing_values_go_their_own_way() -> None:
    rng = RNG(0)
    X = rng.random((300, 2))
    X[:150, 1] = np.nan
    y = np.where(np.isnan(X[:, 1]), 10.0, 3 * X[:, 1])
    forest = fit(X, y, [0, 0], rng)
    mean, _ = forest.predict(np.array([[0.5, np.nan], [0.5, 0.2], [0.5, 0.8]]))
    np.testing.assert_allclose(mean, [10.0, 0.6, 2.4], atol=0.5)


def test_a_column_without_any_value_is_ignored() -> None:
    X = np.column_stack([np.linspace(0, 1, 20), np.full(20, np.nan)])
    forest = fit(X, X[:, 0], [0, 0], RNG(0))
    assert accuracy(forest, X, X[:, 0]) > 0.8


@pytest.mark.parametrize("min_leaf", [1, 5])
def test_leaves_are_as_large_as_asked(min_leaf: int) -> None:
    X = RNG(0).random((64, 3))
    forest = fit(X, X.sum(axis=1), [0, 0, 0], RNG(1), min_leaf=min_leaf, share=1.0)
    leaves = forest._leaves(X)
    sizes = [np.unique(row, return_counts=True)[1].min() for row in leaves]
    assert min(sizes) >= min_leaf


def test_equal_targets_make_one_leaf() -> None:
    forest = fit(RNG(0).random((10, 2)), np.full(10, 3.0), [0, 0], RNG(1), n_trees=4)
    assert len(forest.feature) == 4
    np.testing.assert_allclose(forest.predict(np.zeros((1, 2))), [[3.0], [0.0]])


def test_same_generator_same_forest() -> None:
    X = np.column_stack([RNG(0).random(50), RNG(1).integers(3, size=50)])
    first, again = (fit(X, X[:, 0], [0, 3], RNG(5)) for _ in range(2))
    np.testing.assert_array_equal(first.predict(X), again.predict(X))


@pytest.mark.parametrize(
    ("X", "y", "settings", "message"),
    [
        (np.zeros((0, 1)), np.zeros(0), {}, r"at least 1 point, got shape \(0, 1\)"),
        (np.zeros((2, 2)), np.zeros(2), {}, r"X must have shape \(m, 1\).* got \(2, 2\)"),
        (np.zeros((2, 1)), np.array([0.0, np.inf]), {}, "y must hold a finite value for each of 2"),
        (np.zeros((2, 1)), np.zeros(3), {}, r"for each of 2 points, got shape \(3,\)"),
        (np.full((2, 1), np.inf), np.zeros(2), {}, "X must be finite, or NaN where missing"),
        (np.zeros((2, 1)), np.zeros(2), {"n_trees": 0}, "n_trees and min_leaf .* got 0, 1"),
        (np.zeros((2, 1)), np.zeros(2), {"max_features": 0.0}, "max_features and share above 0"),
        (np.zeros((2, 1)), np.zeros(2), {"share": 1.5}, "at most 1, got 10, 1, 0.83.* and 1.5"),
    ],
)
def test_it_says_what_is_wrong(
    X: np.ndarray, y: np.ndarray, settings: dict[str, float], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        fit(X, y, [0], RNG(0), **settings)  # type: ignore[arg-type]


def test_a_leaf_means_its_samples_and_variances_add_up() -> None:
    """The law of total variance, by hand: one column, one possible split."""
    X = np.array([[0.0], [0.0], [1.0], [1.0]])
    y = np.array([0.0, 2.0, 5.0, 7.0])
    forest = fit(X, y, [0], RNG(0), n_trees=5, min_leaf=2, max_features=1.0, share=1.0)
    mean, std = forest.predict(np.array([[0.0], [1.0]]))
    np.testing.assert_allclose(mean, [1.0, 6.0])
    np.testing.assert_allclose(std, [1.0, 1.0])


def test_each_tree_sees_its_share() -> None:
    X = RNG(0).random((100, 1))
    forest = fit(X, X[:, 0], [0], RNG(1), n_trees=3, share=0.4)
    assert np.count_nonzero(forest.feature == -1) == 3 * 40


SEEN = fit([[0.0, 0], [1.0, 2]], [0.0, 1.0], [0, 3], RNG(0))


@pytest.mark.parametrize(
    "call", [SEEN.predict, SEEN.by_tree, lambda X: SEEN.updated(X, np.zeros(len(X)))]
)
def test_it_refuses_points_unlike_those_it_has_seen(call: Callable[[object], object]) -> None:
    wrong: list[tuple[object, str]] = [
        ([[0.0]], r"X must have shape \(m, 2\).*got \(1, 1\)"),
        ([[0.0, 1.0, 0.0]], r"got \(1, 3\)"),
        ([[0.5, 3]], "column 1 of X must hold codes 0 .. 2 of 3 choices.* got 3"),
        ([[0.5, -1]], "got -1"),
        ([[0.5, 0.5]], "got 0.5. Number the choices from 0"),
    ]
    for X, message in wrong:
        with pytest.raises(ArgumentError, match=message):
            call(X)


def test_it_learns_from_nothing_but_codes_and_finite_targets() -> None:
    with pytest.raises(ArgumentError, match="X: column 1 must hold codes 0 .. 2.* got 7"):
        fit([[0.0, 7]], [0.0], [0, 3], RNG(0))
    for y in ([np.nan], [0.0, 1.0]):
        with pytest.raises(ArgumentError, match="y must hold a finite value for each of 1 points"):
            SEEN.updated([[0.5, 1]], y)
    with pytest.raises(ArgumentError, match="X must be finite"):
        SEEN.updated([[np.inf, 1]], [0.0])


def test_lists_are_as_good_as_arrays() -> None:
    X, y = [[0.0, 0], [0.5, None], [1.0, 2]], [0, 1, 2]
    first, again = fit(X, y, [0, 3], RNG(0)), fit(np.array(X, float), np.array(y), [0, 3], RNG(0))
    np.testing.assert_array_equal(first.predict(X), again.predict(np.array(X, float)))
