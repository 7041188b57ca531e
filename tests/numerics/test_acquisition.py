from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy import special

from luthier.numerics.acquisition import (
    Acquired,
    chain,
    expected_improvement,
    log_cost,
    log_expected_improvement,
    log_optimistic_improvement,
    log_probability_below,
    lower_confidence_bound,
    probability_of_improvement,
)

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
