"""Acquisition functions: how much it would be worth to try a point, from what a model says of it.

All are for minimisation of the objective and are themselves to be maximised. Each returns its
values and how they change with the model's mean and standard deviation; ``chain`` turns these
into gradients by coordinates. Logarithms of acquisitions add up: constraints, a cost or a belief
about the optimum enter ``log_expected_improvement`` as further terms, whose slopes are by the
mean of a model of their own, or by the log density.

    name     meaning                                              shape
    mu       predicted means                                      (m,)
    s        predicted standard deviations, above 0               (m,)
    best     the value to improve on                              () or (m,)
    z        (best - mu) / s                                      (m,)
    phi      density of the normal distribution
    Phi      its distribution function
    h        phi(z) + z Phi(z), so that EI = s h(z)

References:
    Jones, Schonlau and Welch, Efficient global optimization, J. Global Optim. 13 (1998). Ament et
    al., Unexpected improvements to expected improvement, arXiv:2310.20708. Srinivas et al.,
    Gaussian process optimization in the bandit setting, arXiv:0912.3995. Gardner et al., Bayesian
    optimization with inequality constraints, ICML 2014. Hvarfner et al., piBO, arXiv:2204.11051.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.errors import ArgumentError
from luthier.numerics.checks import floats

__all__ = [
    "ACQUISITIONS",
    "Acquired",
    "chain",
    "expected_improvement",
    "log_cost",
    "log_expected_improvement",
    "log_named",
    "log_optimistic_improvement",
    "log_prior",
    "log_probability_below",
    "lower_confidence_bound",
    "probability_of_improvement",
    "thompson",
]

Array = NDArray[np.float64]
ACQUISITIONS: Final[Mapping[str, str]] = {"logei": "LogEI", "ei": "EI", "ucb": "UCB", "pi": "PI"}
"""Names of acquisition functions, and how they are called in reasons."""
_LOG_2PI: Final = math.log(2.0 * math.pi)
_FAR: Final = -100.0
_NEAR: Final = -1.0
_SMOOTH: Final = 0.05
_TAIL: Final = -30.0


class Acquired(NamedTuple):
    """Values of an acquisition function, and their derivatives by mean and deviation, (m,) each.

    Example:
        >>> (log_cost([2.0], 0.5) + log_prior([-3.0], 1.0)).value.tolist()
        [-4.0]
    """

    value: Array
    by_mean: Array
    by_std: Array

    def __add__(self, other: object) -> Acquired:
        """Add values and derivatives; for logarithms of what is multiplied."""
        if not isinstance(other, Acquired):
            return NotImplemented
        return Acquired(*(a + b for a, b in zip(self, other, strict=True)))


def chain(acquired: Acquired, d_mean: ArrayLike, d_std: ArrayLike) -> Array:
    """Return the gradient by coordinates.

    Args:
        acquired: What an acquisition function returned for m points.
        d_mean: Gradient of the mean at each, shape (m, d).
        d_std: Gradient of the standard deviation, shape (m, d).

    Returns:
        Shape (m, d).

    Raises:
        ArgumentError: Other shapes.

    Example:
        >>> chain(lower_confidence_bound([0.0], [1.0], 2.0), [[3.0]], [[1.0]]).tolist()
        [[-1.0]]
    """
    by_mean, by_std = floats(d_mean, "d_mean"), floats(d_std, "d_std")
    if by_mean.shape != by_std.shape or by_mean.shape[:1] != acquired.by_mean.shape:
        raise ArgumentError(
            f"chain: d_mean and d_std must have {len(acquired.value)} rows, one a value, got "
            f"shapes {by_mean.shape} and {by_std.shape}. Take both from the model's gradient."
        )
    return acquired.by_mean[:, None] * by_mean + acquired.by_std[:, None] * by_std


def expected_improvement(mean: ArrayLike, std: ArrayLike, best: ArrayLike) -> Acquired:
    """EI = s h(z): by how much a point is expected to be better than the best one.

    It is 0 to machine precision in most of the space, where its logarithm still tells points
    apart: for searching use ``log_expected_improvement``.

    Args:
        mean: Shape (m,).
        std: Above 0, shape (m,), in the units of the mean.
        best: The value to improve on, shape () or (m,).

    Raises:
        ArgumentError: Other shapes, or a deviation that isn't above 0.

    Example:
        >>> expected_improvement([0.0, 1.0], [1.0, 1.0], 0.0).value.round(3).tolist()
        [0.399, 0.083]
    """
    log_value, by_mean, by_std = log_expected_improvement(mean, std, best)
    value = np.exp(log_value)
    return Acquired(value, value * by_mean, value * by_std)


def log_expected_improvement(mean: ArrayLike, std: ArrayLike, best: ArrayLike) -> Acquired:
    """The logarithm of EI: log EI = log h(z) + log s, exact however small it is.

    Args:
        mean: Shape (m,).
        std: Above 0, shape (m,), in the units of the mean.
        best: The value to improve on, shape () or (m,).

    Raises:
        ArgumentError: Other shapes, or a deviation that isn't above 0.

    Example:
        >>> log_expected_improvement([0.0, 40.0], [1.0, 1.0], 0.0).value.round(3).tolist()
        [-0.919, -808.299]
    """
    from scipy.special import log_ndtr

    mu, s, least = _checked(mean, std, best)
    z = (least - mu) / s
    log_h = _log_h(z)
    log_phi = -0.5 * (z * z + _LOG_2PI)
    return Acquired(
        log_h + np.log(s),
        -np.exp(log_ndtr(z) - log_h) / s,  # d(s h) / dmu = -Phi
        np.exp(log_phi - log_h) / s,  # d(s h) / ds = phi
    )


def probability_of_improvement(mean: ArrayLike, std: ArrayLike, best: ArrayLike) -> Acquired:
    """PI = Phi(z): how likely it is that a point is better than the best one.

    Greedier than EI, since it doesn't ask by how much.

    Args:
        mean: Shape (m,).
        std: Above 0, shape (m,), in the units of the mean.
        best: The value to improve on, shape () or (m,).

    Raises:
        ArgumentError: Other shapes, or a deviation that isn't above 0.

    Example:
        >>> probability_of_improvement([0.0, 1.0], [1.0, 1.0], 0.0).value.round(3).tolist()
        [0.5, 0.159]
    """
    log_value, by_mean, by_std = log_probability_below(mean, std, best)
    value = np.exp(log_value)
    return Acquired(value, value * by_mean, value * by_std)


def log_probability_below(mean: ArrayLike, std: ArrayLike, bound: ArrayLike) -> Acquired:
    """The log probability that a value is below a bound: log Phi((bound - mu) / s).

    It is log PI, and the term that a constraint g(x) <= bound adds to ``log_expected_improvement``.

    Args:
        mean: Shape (m,).
        std: Above 0, shape (m,), in the units of the mean.
        bound: What the value should be below, shape () or (m,).

    Raises:
        ArgumentError: Other shapes, or a deviation that isn't above 0.

    Example:
        >>> log_probability_below([0.0], [1.0], 0.0).value.round(3).tolist()
        [-0.693]
    """
    from scipy.special import log_ndtr

    mu, s, most = _checked(mean, std, bound)
    z = (most - mu) / s
    value = log_ndtr(z)
    slope = np.exp(-0.5 * (z * z + _LOG_2PI) - value) / s
    return Acquired(value, -slope, -slope * z)


def lower_confidence_bound(mean: ArrayLike, std: ArrayLike, kappa: float = 1.8) -> Acquired:
    """-(mu - kappa s), known as UCB: how good a point may be at best.

    Args:
        mean: Shape (m,).
        std: Above 0, shape (m,), in the units of the mean.
        kappa: How optimistic, at least 0.

    Raises:
        ArgumentError: Other shapes, a deviation that isn't above 0, or kappa below 0.

    Example:
        >>> lower_confidence_bound([0.0], [1.0], kappa=2.0).value.tolist()
        [2.0]
    """
    mu, s, _ = _checked(mean, std, 0.0)
    _check_within(kappa, math.inf, "kappa")
    return Acquired(kappa * s - mu, np.full_like(mu, -1.0), np.full_like(mu, kappa))


def log_optimistic_improvement(
    mean: ArrayLike, std: ArrayLike, best: ArrayLike, kappa: float = 1.8
) -> Acquired:
    """Log t log(1 + exp((best - (mu - kappa s)) / t)): by how much a point may be better at best.

    The same points as ``lower_confidence_bound``, on a scale to which the logarithm of a
    probability can be added; t = 0.05 smooths the place where nothing is to be gained.

    Args:
        mean: Shape (m,).
        std: Above 0, shape (m,), in the units of the mean.
        best: What is to be improved on, shape () or (m,).
        kappa: How optimistic, at least 0.

    Raises:
        ArgumentError: Other shapes, a deviation that isn't above 0, or kappa below 0.

    Example:
        >>> log_optimistic_improvement([0.0], [1.0], 0.0, kappa=2.0).value.round(3).tolist()
        [0.693]
    """
    mu, s, least = _checked(mean, std, best)
    bound = lower_confidence_bound(mu, s, kappa)
    u = (bound.value + least) / _SMOOTH
    soft = np.logaddexp(0.0, u)
    tail = u < _TAIL
    safe = np.where(tail, 1.0, soft)
    value = np.where(tail, u, np.log(safe)) + math.log(_SMOOTH)
    slope = np.where(tail, 1.0, (1.0 - np.exp(-soft)) / safe) / _SMOOTH
    return Acquired(value, bound.by_mean * slope, bound.by_std * slope)


def log_named(
    name: str, mean: ArrayLike, std: ArrayLike, best: ArrayLike, kappa: float = 1.8
) -> Acquired:
    """One of ``ACQUISITIONS``, on the logarithmic scale to which terms can be added.

    Args:
        name: "logei" or "ei": ``log_expected_improvement``, the same points for both; "ucb":
            ``log_optimistic_improvement``; "pi": ``log_probability_below``.
        mean: Shape (m,).
        std: Above 0, shape (m,), in the units of the mean.
        best: What is to be improved on, shape () or (m,).
        kappa: How optimistic "ucb" is, at least 0.

    Raises:
        ArgumentError: Another name, or what these functions refuse.

    Example:
        >>> log_named("pi", [0.0], [1.0], 0.0).value.round(3).tolist()
        [-0.693]
    """
    if name not in ACQUISITIONS:
        raise ArgumentError(
            f"log_named: name must be one of {', '.join(map(repr, ACQUISITIONS))}, got {name!r}.",
            name=name,
        )
    if name == "ucb":
        return log_optimistic_improvement(mean, std, best, kappa)
    if name == "pi":
        return log_probability_below(mean, std, best)
    return log_expected_improvement(mean, std, best)


def log_cost(mean_log_cost: ArrayLike, weight: float) -> Acquired:
    """The term that makes ``log_expected_improvement`` count improvement for its cost.

    Args:
        mean_log_cost: Predicted natural logarithm of the cost, shape (m,).
        weight: From 1 (improvement per cost) to 0; a good schedule is the share of the budget
            that is left. Derivatives are by the mean of this other model.

    Raises:
        ArgumentError: A weight outside [0, 1].

    Example:
        >>> log_cost([2.0], weight=0.5).value.tolist()
        [-1.0]
    """
    _check_within(weight, 1.0, "weight")
    mu = floats(mean_log_cost, "mean_log_cost")
    return Acquired(-weight * mu, np.full_like(mu, -weight), np.zeros_like(mu))


def log_prior(log_density: ArrayLike, weight: float) -> Acquired:
    """The term that makes ``log_expected_improvement`` heed what somebody believes: piBO.

    Args:
        log_density: Believed log density of the optimum, in nats, up to a constant, shape (m,).
        weight: At least 0; beta / n after n trials, so that data overrule the belief in the end.
            A good beta is a tenth of the trials planned. Derivatives are by the log density.

    Raises:
        ArgumentError: A weight below 0.

    Example:
        >>> log_prior([-3.0], weight=0.5).value.tolist()
        [-1.5]
    """
    _check_within(weight, math.inf, "weight")
    log_pi = floats(log_density, "log_density")
    return Acquired(weight * log_pi, np.full_like(log_pi, weight), np.zeros_like(log_pi))


def thompson(drawn: ArrayLike) -> Acquired:
    """-f(x), f a function drawn from the model, by ``luthier.numerics.paths.sample_path``.

    The point that is best with just the probability that it is so. No value to improve on is
    needed, and draws differ: right for many trials at once.

    Args:
        drawn: Numbers, else ArgumentError: values of a draw, shape (m,). Derivatives are by these.

    Example:
        >>> thompson([0.5, -1.0]).value.tolist()
        [-0.5, 1.0]
    """
    f = floats(drawn, "drawn")
    return Acquired(-f, np.full_like(f, -1.0), np.zeros_like(f))


def _checked(mean: ArrayLike, std: ArrayLike, best: ArrayLike) -> tuple[Array, Array, Array]:
    mu, s, least = floats(mean, "mean"), floats(std, "std"), floats(best, "best")
    if mu.shape != s.shape or (mu.ndim < 2 and least.shape not in ((), mu.shape)):
        raise ArgumentError(
            "mean and std must have one shape, and best that shape or none, got "
            f"{mu.shape}, {s.shape} and {least.shape}. Take mean and std from one prediction."
        )
    if not np.minimum.reduce(s, axis=None, initial=math.inf) > 0:
        raise ArgumentError(f"std must be above 0, got {s!r:.200}. Use np.maximum(std, 1e-9).")
    return mu, s, least


def _check_within(value: float, most: float, name: str) -> None:
    if not 0 <= value <= most:
        raise ArgumentError(f"{name} must be at least 0 and at most {most:g}, got {value!r}.")


def _log_h(z: Array) -> Array:
    """Log of phi(z) + z Phi(z), by three formulas (after section 4.1 of Ament et al.)."""
    from scipy.special import erfcx, ndtr

    near, far = z > _NEAR, z < _FAR
    out = np.empty_like(z)
    x = z[near]
    out[near] = np.log(np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi) + x * ndtr(x))
    x = z[~near]
    inner = np.maximum(x, _FAR)
    left = np.log1p(inner * math.sqrt(math.pi / 2.0) * erfcx(-inner / math.sqrt(2.0)))
    w = 1.0 / np.square(np.minimum(x, _FAR))  # z^2 h / phi = 1 - 3 w + 15 w^2 - 105 w^3 + ...
    series = np.log1p(w * (-3.0 + w * (15.0 - 105.0 * w))) + np.log(w)
    out[~near] = -0.5 * (x * x + _LOG_2PI) + np.where(far[~near], series, left)
    return out
