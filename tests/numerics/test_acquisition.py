from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy import special

from luthier.errors import ArgumentError
from luthier.numerics.acquisition import (
    ACQUISITIONS,
    Acquired,
    chain,
    expected_improvement,
    log_cost,
    log_expected_improvement,
    log_named,
    log_optimistic_improvement,
    log_prior,
    log_probability_below,
    lower_confidence_bound,
    probability_of_improvement,
    thompson,
)
from luthier.numerics.gp import fit
from luthier.numerics.paths import sample_path

FUNCTIONS: list[Callable[..., Acquired]] = [
    expected_improvement,
    log_expected_improvement,
    probability_of_improvement,
    log_probability_below,
    lower_confidence_bound,
    log_optimistic_improvement,
]


def log_h(z: float) -> float:
    """Log of the integral of t phi(t - z) over t > 0, by quadrature without cancellation."""
    if z >= 0:
        t = np.linspace(0.0, z + 14.0, 400_001)
        log_scale, integrand = 0.0, t * np.exp(-0.5 * (t - z) ** 2)
    else:  # t = u / |z|: exp(-z^2 / 2) / z^2 times the integral of u exp(-u - u^2 / 2 z^2)
        t = np.linspace(0.0, min(60.0, 14.0 * abs(z) + 60.0), 400_001)
        log_scale = -0.5 * z * z - 2.0 * math.log(-z)
        integrand = t * np.exp(-t - 0.5 * (t / z) ** 2)
    width = t[1] - t[0]
    simpson = integrand[0] + integrand[-1] + 4 * integrand[1::2].sum() + 2 * integrand[2:-1:2].sum()
    return log_scale + math.log(width / 3 * simpson) - 0.5 * math.log(2 * math.pi)


@pytest.mark.parametrize("z", [-1e5, -3e3, -150.0, -101.0, -100.0, -99.0, -30.0, -10.0, -3.0])
@pytest.mark.parametrize("nudge", [0.0, 0.37])
def test_log_ei_in_the_lower_tail(z: float, nudge: float) -> None:
    z += nudge
    value = log_expected_improvement([0.0], [1.0], z).value[0]
    assert value == pytest.approx(log_h(z), rel=1e-12, abs=1e-8)


@pytest.mark.parametrize("z", [-1.5, -1.01, -1.0, -0.99, -0.3, 0.0, 0.5, 2.0, 8.0, 40.0, 1e4])
def test_log_ei_in_the_middle_and_the_upper_tail(z: float) -> None:
    reference = log_h(z) if z < 30 else math.log(z)
    assert log_expected_improvement([0.0], [1.0], z).value[0] == pytest.approx(reference, abs=1e-8)


def test_log_ei_in_the_far_tail_by_fifty_digits() -> None:
    """z^2 h / phi = 1 - 3/z^2 + 15/z^4 - ...; its sum in decimals, to the smallest term."""
    with localcontext() as context:
        context.prec = 50
        for z in (-20, -60, -100, -100.5, -250):
            w = 1 / (Decimal(z) * Decimal(z))
            total, term = Decimal(0), Decimal(1)
            for k in range(20):
                total += term
                term *= -w * (2 * k + 3)
            rest = float((total * w).ln())
            value = log_expected_improvement([0.0], [1.0], z).value[0]
            found = value + 0.5 * z * z + 0.5 * math.log(2 * math.pi)
            assert found == pytest.approx(rest, abs=1e-9)


def test_ei_of_the_textbook() -> None:
    mean, std = np.array([0.3, -0.2, 1.0]), np.array([0.5, 0.1, 2.0])
    z = (0.1 - mean) / std
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    expected = (0.1 - mean) * special.ndtr(z) + std * density
    assert np.allclose(expected_improvement(mean, std, 0.1).value, expected)
    assert np.allclose(np.exp(log_expected_improvement(mean, std, 0.1).value), expected)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("mean", [-2.0, 0.0, 0.9, 1.1, 5.0, 30.0])
def test_derivatives_are_those_of_finite_differences(
    function: Callable[..., Acquired], mean: float
) -> None:
    std, best, step = 0.4, 0.5, 1e-6
    _, by_mean, by_std = (part[0] for part in function([mean], [std], best))

    def value(m: float, s: float) -> float:
        return float(function([m], [s], best).value[0])

    numeric = (value(mean + step, std) - value(mean - step, std)) / (2 * step)
    assert by_mean == pytest.approx(numeric, rel=1e-5, abs=1e-9)
    numeric = (value(mean, std + step) - value(mean, std - step)) / (2 * step)
    assert by_std == pytest.approx(numeric, rel=1e-5, abs=1e-9)


def test_derivatives_stay_finite_however_hopeless_a_point_is() -> None:
    for function in (
        log_expected_improvement,
        log_probability_below,
        log_optimistic_improvement,
    ):
        acquired = function([1e4, 1e6], [1e-2, 1e-3], 0.0)
        assert np.isfinite(np.array(acquired)).all()
        assert (acquired.by_mean < 0).all()


def test_better_means_and_more_doubt_are_worth_more() -> None:
    for function in FUNCTIONS:
        worth = function([1.0, 0.5, 1.0], [0.2, 0.2, 0.4], 0.5).value
        assert worth[1] > worth[0]
        assert worth[2] > worth[0]


def test_the_optimistic_improvement_orders_as_the_bound_does_and_is_its_logarithm() -> None:
    mean, std = np.random.default_rng(0).normal(0, 2, (2, 100))
    bound = lower_confidence_bound(mean, np.abs(std), 1.5).value
    found = log_optimistic_improvement(mean, np.abs(std), 0.2, 1.5).value
    assert np.array_equal(np.argsort(found), np.argsort(bound))
    much = bound + 0.2 > 1.0
    assert np.allclose(found[much], np.log(bound[much] + 0.2), atol=1e-6)


def test_chain_and_sums() -> None:
    both = log_expected_improvement([0.2], [0.3], 0.0) + log_probability_below([0.1], [0.2], 0.0)
    assert isinstance(both, Acquired)
    assert both.value[0] == pytest.approx(
        log_expected_improvement([0.2], [0.3], 0.0).value[0]
        + log_probability_below([0.1], [0.2], 0.0).value[0]
    )
    gradient = chain(
        lower_confidence_bound([0.0], [1.0], 2.0), np.array([[1.0, 0.0]]), np.array([[0.0, 3.0]])
    )
    assert gradient.tolist() == [[-1.0, 6.0]]
    assert log_cost([2.0, 0.0], 0.5).value.tolist() == [-1.0, 0.0]


def test_a_sum_of_terms_has_the_gradient_of_finite_differences() -> None:
    rng, step = np.random.default_rng(0), 1e-6
    X = rng.random((15, 2))
    model, slow = fit(X, np.sin(5 * X[:, 0]) - X[:, 1]), fit(X, X[:, 0] ** 2)
    path = sample_path(model, rng)

    def worth(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, std, d_mean, d_std = model.gradient(x)
        cost, _, d_cost, _ = slow.gradient(x)
        drawn, d_drawn = path.gradient(x)
        log_pi, d_log_pi = -8.0 * np.square(x - 0.3).sum(axis=1), -16.0 * (x - 0.3)
        none = np.zeros_like(x)
        parts = [
            (log_expected_improvement(mean, std, -0.5), d_mean, d_std),
            (log_probability_below(mean, std, 0.2), d_mean, d_std),
            (log_cost(cost, 0.6), d_cost, none),
            (log_prior(log_pi, 2.5 / 15), d_log_pi, none),
            (thompson(drawn), d_drawn, none),
        ]
        gradients = [chain(acquired, by_mean, by_std) for acquired, by_mean, by_std in parts]
        return sum(acquired.value for acquired, *_ in parts), sum(gradients)

    at = rng.random((50, 2))
    value, gradient = worth(at)
    assert value.shape == (50,)
    assert np.allclose(np.concatenate([worth(x[None])[0] for x in at]), value, rtol=1e-9)
    for j, e in enumerate(step * np.eye(2)):
        numeric = (worth(at + e)[0] - worth(at - e)[0]) / (2 * step)
        assert np.allclose(gradient[:, j], numeric, rtol=1e-3, atol=1e-4)


def test_a_belief_counts_less_the_more_is_known() -> None:
    log_pi = np.array([0.0, -4.0])
    values = [log_prior(log_pi, 10 / n).value for n in (1, 10, 1000)]
    assert np.allclose([a - b for a, b in values], [40.0, 4.0, 0.04])
    assert np.array_equal(log_prior(log_pi, 0.0).value, [0.0, 0.0])


def test_functions_by_name_are_those_on_a_logarithmic_scale() -> None:
    mean, std = np.array([0.3, -1.0]), np.array([0.5, 2.0])
    best = 0.1
    expected = {
        "logei": log_expected_improvement(mean, std, best),
        "ei": log_expected_improvement(mean, std, best),
        "ucb": log_optimistic_improvement(mean, std, best, 2.5),
        "pi": log_probability_below(mean, std, best),
    }
    assert set(expected) == set(ACQUISITIONS)
    for name, acquired in expected.items():
        assert np.array_equal(log_named(name, mean, std, best, 2.5), acquired)
    with pytest.raises(ArgumentError, match="name must be one of 'logei', .*, got 'best'"):
        log_named("best", mean, std, best)


@pytest.mark.parametrize(
    "function",
    [
        expected_improvement,
        log_expected_improvement,
        probability_of_improvement,
        log_probability_below,
        log_optimistic_improvement,
        lambda mean, std, best: log_named("ucb", mean, std, best),
    ],
)
def test_bad_predictions_are_refused(function: Callable[..., Acquired]) -> None:
    for std in ([1.0, 0.0], [1.0, -1.0], [1.0, np.nan]):
        with pytest.raises(ArgumentError, match="std must be above 0, got"):
            function([0.0, 1.0], std, 0.0)
    for mean, std, best in (
        ([0.0, 1.0], [1.0], 0.0),
        ([0.0, 1.0], 1.0, 0.0),
        ([0.0, 1.0], [1.0, 1.0], [0.0, 0.0, 0.0]),
    ):
        with pytest.raises(ArgumentError, match="mean and std must have one shape"):
            function(mean, std, best)
    with pytest.raises(ArgumentError, match="mean must hold numbers"):
        function([[0.0], [0.0, 1.0]], [1.0, 1.0], 0.0)


def test_bad_settings_are_refused() -> None:
    for kappa in (-1.0, np.nan):
        with pytest.raises(ArgumentError, match="kappa must be at least 0 and at most inf, got"):
            lower_confidence_bound([0.0], [1.0], kappa)
    for weight in (-0.1, 5.0):
        with pytest.raises(ArgumentError, match="weight must be at least 0 and at most 1, got"):
            log_cost([2.0], weight)
    with pytest.raises(ArgumentError, match="weight must be at least 0 .* got -1"):
        log_prior([2.0], -1)
    with pytest.raises(ArgumentError, match="drawn must hold numbers"):
        thompson([[1.0], [1.0, 2.0]])


def test_gradients_of_other_points_are_not_chained() -> None:
    acquired = lower_confidence_bound([0.0, 1.0], [1.0, 1.0])
    for d_mean, d_std in ((np.ones((3, 2)), np.ones((3, 2))), (np.ones((2, 2)), np.ones((2, 1)))):
        with pytest.raises(ArgumentError, match="chain: d_mean and d_std must have 2 rows"):
            chain(acquired, d_mean, d_std)
