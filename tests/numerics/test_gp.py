from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from luthier.errors import ArgumentError
from luthier.numerics.gp import GaussianProcess, condition, fit
from luthier.numerics.kernels import KERNELS, Kernel
from luthier.numerics.marginal import Hyperparameters, negative_log_posterior
from luthier.numerics.warp import Bend

Array = NDArray[np.float64]
HYPER = Hyperparameters(np.array([0.3, 0.7]), scale=1.3, noise=1e-3)


def points(n: int = 20, seed: int = 0) -> tuple[Array, Array]:
    X = np.random.default_rng(seed).random((n, 2))
    return X, np.sin(6 * X[:, 0]) + X[:, 1] ** 2 + 3.0


def mixed() -> tuple[GaussianProcess, Array]:
    rng = np.random.default_rng(3)
    X = np.column_stack([rng.random(30), rng.integers(3, size=30), rng.random(30)])
    X[::7, 2] = np.nan
    y = np.cos(5 * X[:, 0]) + (X[:, 1] == 2) + np.nan_to_num(X[:, 2])
    return fit(X, y, categories=(0, 3, 0)), X


@pytest.mark.parametrize("kernel", KERNELS)
def test_posterior_and_likelihood_are_those_of_scikit_learn(kernel: Kernel) -> None:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

    X, y = points()
    z = (y - y.mean()) / y.std()
    nu = {"matern52": 2.5, "matern32": 1.5}
    shape = Matern(HYPER.lengths, nu=nu[kernel]) if kernel in nu else RBF(HYPER.lengths)
    reference = GaussianProcessRegressor(
        ConstantKernel(HYPER.scale) * shape + WhiteKernel(HYPER.noise), alpha=0.0, optimizer=None
    ).fit(X, z)
    model = condition(X, y, HYPER, kernel=kernel)
    grid = np.random.default_rng(1).random((50, 2))
    mean, std = model.predict(grid)
    their_mean, their_std = reference.predict(grid, return_std=True)
    assert np.allclose((mean - y.mean()) / y.std(), their_mean, atol=1e-8)
    without_noise = np.sqrt(their_std**2 - HYPER.noise)
    assert np.allclose(std / y.std(), without_noise, atol=1e-8)
    assert model.log_likelihood == pytest.approx(reference.log_marginal_likelihood_value_)


@pytest.mark.parametrize("kernel", KERNELS)
def test_gradients_are_those_of_finite_differences(kernel: Kernel) -> None:
    X, y = points()
    model = condition(X, y, HYPER, kernel=kernel)
    grid, step = np.random.default_rng(1).random((10, 2)), 1e-6
    mean, std, d_mean, d_std = model.gradient(grid)
    assert np.allclose(model.predict(grid), (mean, std))
    assert np.allclose(model.mean(grid), mean)
    for j, e in enumerate(np.eye(2)):
        above, below = model.predict(grid + step * e), model.predict(grid - step * e)
        assert np.allclose(d_mean[:, j], (above[0] - below[0]) / (2 * step), atol=1e-5)
        assert np.allclose(d_std[:, j], (above[1] - below[1]) / (2 * step), atol=1e-5)


def test_gradients_pass_by_choices_and_what_does_not_apply() -> None:
    model, X = mixed()
    at, step = X[2:3] + np.array([[0.03, 0.0, 0.02]]), 1e-6
    _, _, d_mean, d_std = model.gradient(at)
    assert (d_mean[0, 1], d_std[0, 1]) == (0.0, 0.0)
    for j in (0, 2):
        e = step * np.eye(3)[j]
        above, below = model.predict(at + e), model.predict(at - e)
        assert d_mean[0, j] == pytest.approx((above[0] - below[0])[0] / (2 * step), abs=1e-5)
        assert d_std[0, j] == pytest.approx((above[1] - below[1])[0] / (2 * step), abs=1e-5)


def test_appending_is_conditioning_on_everything() -> None:
    X, y = points(20)
    noise = np.linspace(0.0, 0.2, 20)
    center, unit = y[:15].mean(), y[:15].std()
    grown = condition(X[:15], y[:15], HYPER, noise=noise[:15])
    grown = grown.append(X[15:18], y[15:18], noise[15:18]).append(X[18:], y[18:], noise[18:])
    A = X / HYPER.lengths
    r2 = np.square(A[:, None] - A).sum(axis=2)
    K = HYPER.scale * KERNELS["matern52"](r2)[0] + np.diag(HYPER.noise + noise / unit**2)
    assert np.allclose(grown.a, np.linalg.solve(K, (y - center) / unit), atol=1e-7)
    assert np.allclose(grown.J @ np.linalg.cholesky(K), np.eye(20), atol=1e-9)


def test_uncertainty_grows_away_from_data_and_with_noise() -> None:
    X, y = points()
    _, std = condition(X, y, HYPER).predict(np.array([X[0], X[0] + 5.0]))
    assert std[0] < 0.1 < std[1]
    _, noisy = condition(X, y, HYPER, noise=np.full(20, 0.3)).predict(X[:1])
    assert noisy[0] > 2 * std[0]


def test_leaving_one_out_is_what_it_says() -> None:
    X, y = points(12)
    mean, std = condition(X, y, HYPER).leave_one_out
    unit, center = y.std(), y.mean()
    others = np.arange(12) != 4
    A = X / HYPER.lengths
    K = HYPER.scale * KERNELS["matern52"](np.square(A[:, None] - A).sum(axis=2))[0]
    K += HYPER.noise * np.eye(12)
    weights = np.linalg.solve(K[np.ix_(others, others)], K[others, 4])
    assert mean[4] == pytest.approx(center + weights @ (y - center)[others])
    assert std[4] == pytest.approx(unit * np.sqrt(K[4, 4] - weights @ K[others, 4]))


def test_draws_have_the_mean_and_deviation_that_are_predicted() -> None:
    model, X = mixed()
    at = X[:5] + np.array([[0.05, 0.0, 0.0]])
    drawn = model.sample(at, 4000, np.random.default_rng(0))
    mean, std = model.predict(at)
    assert np.allclose(drawn.mean(axis=0), mean, atol=5 * std.max() / np.sqrt(4000) + 1e-3)
    assert np.allclose(drawn.std(axis=0), std, rtol=0.1, atol=1e-3)


def test_other_values_at_the_same_points_give_the_model_of_these() -> None:
    X, y = np.random.default_rng(0).random((10, 2)), np.arange(10.0)
    hyper = Hyperparameters(np.array([0.3, 0.8]), 1.3, 0.02)
    one = condition(X, y[::-1] ** 2, hyper).revalued(y)
    other = condition(X, y, hyper)
    assert np.allclose(one.predict(X + 0.1), other.predict(X + 0.1))
    assert np.allclose(other.smoothed, other.mean(X))


def test_skill_is_above_0_only_where_there_is_something_to_know() -> None:
    X = np.random.default_rng(0).random((40, 2))
    assert fit(X, np.sin(5 * X[:, 0])).skill > 1.0
    assert abs(fit(X, np.random.default_rng(1).standard_normal(40)).skill) < 0.3


def test_bent_models_have_the_gradients_of_finite_differences() -> None:
    X = np.random.default_rng(0).random((12, 2))
    X[:, 1] = np.arange(12) % 3
    bend = Bend(np.array([0.5]), np.array([1.4]))
    hyper = Hyperparameters(np.array([0.3, 0.8]), 1.3, 0.02, bend)
    model = condition(X, np.arange(12.0), hyper, categories=(0, 3))
    at, step = X[:4] + np.array([[0.01, 0.0]]), np.array([[1e-6, 0.0]])
    _, _, *gradients = model.gradient(at)
    above, below = model.predict(at + step), model.predict(at - step)
    for gradient, up, down in zip(gradients, above, below, strict=True):
        assert np.allclose(gradient[:, 0], (up - down) / 2e-6, rtol=1e-4, atol=1e-4)


def test_learns_what_a_choice_means() -> None:
    model, _ = mixed()
    mean, _ = model.predict([[0.5, 2.0, 0.5], [0.5, 0.0, 0.5]])
    assert mean[0] - mean[1] == pytest.approx(1.0, abs=0.15)


def test_same_points_and_constant_values_are_no_trouble() -> None:
    model = fit(np.zeros((6, 2)), [1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    mean, std = model.predict(np.zeros((1, 2)))
    assert (mean[0], np.isfinite(std[0])) == (1.0, True)
    assert np.isfinite(model.append(np.zeros((2, 2)), [1.0, 3.0]).predict([[0.5, 0.5]])[0]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": [1.0, 2.0]}, r"y must hold a finite value for each of 3 points, got shape \(2,\)"),
        ({"y": [1.0, np.nan, 2.0]}, "and 1 that aren't finite. Leave out"),
        ({"X": np.empty((0, 1)), "y": []}, "X must hold at least 1 point"),
        ({"X": [[0.0], [np.inf], [1.0]]}, "X must be finite, or NaN where missing, got inf"),
        ({"X": [[0.0], [0.5, 1.0]]}, "X must hold numbers, in rows of one length, got"),
        ({"X": [["red"], [0.5], [1.0]]}, "Write choices as codes 0, 1, ..."),
        ({"X": [0.0, 0.5, 1.0]}, r"X must have shape \(m, 1\).* got \(3,\)"),
        ({"X": [[0], [7], [1]], "categories": [3]}, "X: column 0 must hold codes 0 .. 2 .*got 7"),
        ({"X": [[0], [-1], [1]], "categories": [3]}, "codes 0 .. 2 of 3 choices.* got -1"),
        ({"X": [[0], [0.5], [1]], "categories": [3]}, "codes 0 .. 2 of 3 choices.* got 0.5"),
        ({"noise": [0.1, 0.1]}, "variances .* one for each of 3 points or one for all"),
        ({"noise": np.inf}, "variances of at least 0, finite"),
        ({"noise": np.nan}, "variances of at least 0, finite"),
        ({"kernel": "linear"}, "kernel must be one of 'matern52', .* got 'linear'"),
        ({"noise": -1.0}, "noise must hold variances of at least 0, .* got -1.0"),
        ({"categories": [0, 0]}, r"X must have shape \(m, 2\).* got \(3, 1\)"),
    ],
)
def test_bad_input_is_refused(arguments: dict[str, object], message: str) -> None:
    good: dict[str, object] = {"X": [[0.0], [0.5], [1.0]], "y": [1.0, 0.0, 1.0]}
    with pytest.raises(ArgumentError, match=message):
        fit(**{**good, **arguments})  # type: ignore[arg-type]


ARMED = fit([[0.0, 0], [0.5, 1], [1.0, 2]], [1.0, 0.0, 1.0], categories=[0, 3])


@pytest.mark.parametrize(
    "call",
    [
        ARMED.predict,
        ARMED.mean,
        ARMED.gradient,
        ARMED.has_seen,
        ARMED.scaled,
        lambda X: ARMED.sample(X, 1, np.random.default_rng(0)),
        lambda X: ARMED.append(X, [0.0]),
    ],
)
def test_points_of_another_shape_are_refused(call: Callable[[ArrayLike], object]) -> None:
    wrong: list[tuple[ArrayLike, str]] = [
        ([[0.0]], r"X must have shape \(m, 2\).* got \(1, 1\)"),
        ([0.0, 1.0], r"got \(2,\). For a single point pass \[point\]"),
        ([["a", "b"]], "X must hold numbers"),
    ]
    for X, message in wrong:
        with pytest.raises(ArgumentError, match=message):
            call(X)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": [np.nan]}, "y must hold a finite value for each of 1 points"),
        ({"y": [1.0, 2.0]}, r"y must hold .* got shape \(2,\)"),
        ({"noise": -5.0}, "noise must hold variances of at least 0"),
        ({"noise": [0.1, 0.1]}, "one for each of 1 points or one for all"),
        ({"X": [[np.inf, 0]]}, "X must be finite"),
        ({"X": [[0.2, 7]]}, "column 1 must hold codes 0 .. 2"),
    ],
)
def test_bad_data_are_not_appended(arguments: dict[str, ArrayLike], message: str) -> None:
    good: dict[str, ArrayLike] = {"X": [[0.2, 1]], "y": [0.5]}
    with pytest.raises(ArgumentError, match=message):
        ARMED.append(**{**good, **arguments})


def test_other_bad_arguments_are_refused() -> None:
    for y in ([1.0, 2.0], [1.0, np.inf, 0.0]):
        with pytest.raises(ArgumentError, match="y must hold a finite value for each of 3 points"):
            ARMED.revalued(y)
    with pytest.raises(ArgumentError, match="n must be at least 1, got 0"):
        ARMED.sample([[0.0, 1]], 0, np.random.default_rng(0))


def split_by_choice() -> tuple[GaussianProcess, Array]:
    """The first number matters under choice 1 only, and there the model must learn it."""
    rng = np.random.default_rng(5)
    X = np.column_stack([rng.random((36, 2)), rng.integers(3, size=36)])
    y = np.where(X[:, 2] == 1, np.sin(6 * X[:, 0]), 0.2) + 0.3 * X[:, 1]
    return fit(X, y, categories=(0, 0, 3), by_choice=True), X


def test_a_number_may_matter_under_one_choice_only() -> None:
    model, _ = split_by_choice()
    within = model.hyper.lengths[3:6]  # of the first number, by choice
    assert within[1] < 1.0 < 3.0 < min(within[0], within[2])
    grid = np.array([[0.26, 0.5, 1.0], [0.26, 0.5, 0.0], [0.78, 0.5, 1.0]])
    assert np.allclose(model.predict(grid)[0], [1.15, 0.35, -0.85], atol=0.1)


@pytest.mark.parametrize("bent", [False, True])
def test_gradients_within_choices_are_those_of_finite_differences(bent: bool) -> None:
    fitted, X = split_by_choice()
    bend = Bend(np.array([1.5, 0.8]), np.array([0.7, 1.2])) if bent else None
    hyper = replace(fitted.hyper, bend=bend, noise=1e-3)
    model = condition(X, fitted.y, hyper, categories=(0, 0, 3), by_choice=True)
    points, step = X[:9] * [0.9, 0.9, 1.0] + [0.05, 0.05, 0.0], 1e-6
    _, _, d_mean, d_std = model.gradient(points)
    for j, e in enumerate(np.eye(3)[:2]):
        up, down = model.predict(points + step * e), model.predict(points - step * e)
        assert np.allclose((up[0] - down[0]) / (2 * step), d_mean[:, j], atol=1e-4)
        assert np.allclose((up[1] - down[1]) / (2 * step), d_std[:, j], atol=1e-4)
    assert not d_mean[:, 2].any()


def test_a_bent_function_is_fitted_better_with_its_inputs_warped() -> None:
    rng = np.random.default_rng(0)
    X, at = rng.random((2, 40, 2))

    def function(x: np.ndarray) -> np.ndarray:
        return np.asarray(np.sin(12 * x[:, 0] ** 0.25) + x[:, 1])

    plain, warped = fit(X, function(X)), fit(X, function(X), input_warping=True)
    bend = warped.hyper.bend
    assert bend is not None
    assert bend.a[0] < 0.7
    errors = [np.sqrt(np.mean((m.mean(at) - function(at)) ** 2)) for m in (plain, warped)]
    assert errors[1] < 0.5 * errors[0]
    assert warped.skill > plain.skill + 0.3


def test_inputs_that_need_no_warp_keep_their_scale() -> None:
    X = np.random.default_rng(1).random((60, 2))

    def function(x: np.ndarray) -> np.ndarray:
        return np.asarray(np.sin(11 * x[:, 0]) + np.sin(13 * x[:, 1] + 1.0))

    model = fit(X, function(X), input_warping=True)
    assert model.hyper.bend is not None
    x = np.linspace(0, 1, 50)[:, None].repeat(2, axis=1)
    assert np.abs(model.hyper.bend.forward(x) - x).max() < 0.1
    plain = fit(X, function(X))
    assert plain.hyper.bend is None
    errors = [np.abs(m.mean(x) - function(x)).mean() for m in (model, plain)]
    assert errors[0] < 1.2 * errors[1] + 0.02


def test_warped_fits_are_likelier_and_have_true_gradients() -> None:
    rng = np.random.default_rng(2)
    X = np.column_stack([rng.random(30), rng.integers(3, size=30)])
    y = np.log(X[:, 0] + 1e-3) + X[:, 1]
    plain = fit(X, y, categories=[0, 3])
    model = fit(X, y, categories=[0, 3], input_warping=True)
    F = model.features.of(X)
    worth = [negative_log_posterior(m.hyper.theta, F, m.y, m.features)[0] for m in (plain, model)]
    assert worth[1] < worth[0] - 3
    at, e = np.array([[0.2, 1.0], [0.7, 2.0]]), np.array([1e-6, 0.0])
    _, _, d_mean, d_std = model.gradient(at)
    above, below = model.predict(at + e), model.predict(at - e)
    assert np.allclose(d_mean[:, 0], (above[0] - below[0]) / 2e-6, rtol=1e-3, atol=1e-4)
    assert np.allclose(d_std[:, 0], (above[1] - below[1]) / 2e-6, rtol=1e-2, atol=1e-3)


def test_warped_inputs_lie_in_the_unit_interval() -> None:
    with pytest.raises(ArgumentError, match=r"numbers in \[0, 1\] for input_warping=True, got 3"):
        fit([[0.5, 3.0], [0.1, 0.2]], [0.0, 1.0], input_warping=True)
    X = [[0.5, 3.0], [np.nan, 0.0], [1.0, 1.0]]
    assert fit(X, [0.0, 1.0, 2.0], categories=[0, 4], input_warping=True).hyper.bend is not None
