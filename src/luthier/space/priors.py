"""Priors: what values of a numeric parameter are likely, in the parameter's own units.

A prior is cut off at the parameter's range and rescaled. Besides ``Normal``, ``LogNormal`` and
``Beta`` any frozen distribution of ``scipy.stats`` will do; it is kept as its name and
arguments, so that it survives JSON. SciPy is imported only when a prior is used.

    F(v) = cdf(v)        q(p) = ppf(p)        v = q(F(low) + u (F(high) - F(low)))
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.errors import SpaceError
from luthier.space.values import from_json_value, plain, to_json_value

__all__ = ["Beta", "LogNormal", "Normal", "Prior", "ScipyPrior", "as_prior", "prior_from_json"]

Array = NDArray[np.float64]


class Prior(ABC):
    """A distribution over the numbers, vectorised."""

    __slots__ = ()

    @abstractmethod
    def cdf(self, x: ArrayLike) -> Array:
        """The probability of values up to x, elementwise."""

    @abstractmethod
    def ppf(self, q: ArrayLike) -> Array:
        """The value below which a share q of the probability lies, elementwise."""

    @abstractmethod
    def logpdf(self, x: ArrayLike) -> Array:
        """The logarithm of the density at x, elementwise."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the prior as JSON data, for ``prior_from_json``."""

    def mass(self, low: float, high: float) -> float:
        """Return the probability between two values."""
        return float(self.cdf(high)) - float(self.cdf(low))


@final
@dataclass(frozen=True, slots=True)
class Normal(Prior):
    """The normal distribution.

    Args:
        mu: Mean, in the parameter's units.
        sigma: Standard deviation, above 0.

    Raises:
        SpaceError: A number isn't finite, or sigma isn't positive.

    Example:
        >>> float(Normal(0.5, 0.1).cdf(0.5))
        0.5
    """

    mu: float
    sigma: float

    def __post_init__(self) -> None:
        _finite(self, mu=self.mu, sigma=self.sigma)
        _positive(self, sigma=self.sigma)

    def cdf(self, x: ArrayLike) -> Array:
        """See Prior."""
        from scipy.special import ndtr

        return np.asarray(ndtr((np.asarray(x, float) - self.mu) / self.sigma))

    def ppf(self, q: ArrayLike) -> Array:
        """See Prior."""
        from scipy.special import ndtri

        return np.asarray(self.mu + self.sigma * ndtri(np.asarray(q, float)))

    def logpdf(self, x: ArrayLike) -> Array:
        """See Prior."""
        z = (np.asarray(x, float) - self.mu) / self.sigma
        return np.asarray(-0.5 * z * z - math.log(self.sigma * math.sqrt(2 * math.pi)))

    def to_json(self) -> dict[str, Any]:
        """See Prior."""
        return {"normal": [self.mu, self.sigma]}


@final
@dataclass(frozen=True, slots=True)
class LogNormal(Prior):
    """The distribution of values whose logarithm is normal.

    Args:
        mu: Mean of the logarithm; ``exp(mu)`` is the median.
        sigma: Standard deviation of the logarithm, above 0.

    Raises:
        SpaceError: A number isn't finite, or sigma isn't positive.

    Example:
        >>> float(LogNormal(0.0, 1.0).ppf(0.5))
        1.0
    """

    mu: float
    sigma: float

    def __post_init__(self) -> None:
        _finite(self, mu=self.mu, sigma=self.sigma)
        _positive(self, sigma=self.sigma)

    def cdf(self, x: ArrayLike) -> Array:
        """See Prior."""
        from scipy.special import ndtr

        return np.asarray(ndtr((_log(x) - self.mu) / self.sigma))

    def ppf(self, q: ArrayLike) -> Array:
        """See Prior."""
        from scipy.special import ndtri

        return np.asarray(np.exp(self.mu + self.sigma * ndtri(np.asarray(q, float))))

    def logpdf(self, x: ArrayLike) -> Array:
        """See Prior."""
        positive = np.asarray(x, float) > 0
        log_x = np.log(np.where(positive, x, 1.0))
        z = (log_x - self.mu) / self.sigma
        density = -0.5 * z * z - log_x - math.log(self.sigma * math.sqrt(2 * math.pi))
        return np.where(positive, density, -np.inf)

    def to_json(self) -> dict[str, Any]:
        """See Prior."""
        return {"log_normal": [self.mu, self.sigma]}


@final
@dataclass(frozen=True, slots=True)
class Beta(Prior):
    """The beta distribution, stretched over a range.

    Args:
        a: First shape, above 0; larger moves the weight up.
        b: Second shape, above 0; larger moves the weight down.
        low: Lower end; None for the parameter's own.
        high: Upper end; None for the parameter's own.

    Raises:
        SpaceError: A shape isn't positive, or the ends aren't in order.

    Example:
        >>> float(Beta(2, 2, 0, 10).ppf(0.5))
        5.0
    """

    a: float
    b: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        _finite(self, a=self.a, b=self.b, low=self.low or 0.0, high=self.high or 0.0)
        _positive(self, a=self.a, b=self.b)
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise SpaceError(
                f"Beta: low must be below high, got low={self.low!r}, high={self.high!r}. "
                "Leave both out to use the parameter's range.",
                low=self.low,
                high=self.high,
            )

    def over(self, low: float, high: float) -> Beta:
        """Return the same shape with the ends that weren't given set to these."""
        return Beta(
            self.a,
            self.b,
            low if self.low is None else self.low,
            high if self.high is None else self.high,
        )

    def cdf(self, x: ArrayLike) -> Array:
        """See Prior."""
        from scipy.special import betainc

        low, span = self._range()
        return np.asarray(
            betainc(self.a, self.b, np.clip((np.asarray(x, float) - low) / span, 0, 1))
        )

    def ppf(self, q: ArrayLike) -> Array:
        """See Prior."""
        from scipy.special import betaincinv

        low, span = self._range()
        return np.asarray(low + span * betaincinv(self.a, self.b, np.asarray(q, float)))

    def logpdf(self, x: ArrayLike) -> Array:
        """See Prior."""
        from scipy.special import betaln, xlog1py, xlogy

        low, span = self._range()
        z = (np.asarray(x, float) - low) / span
        inside = (z >= 0) & (z <= 1)
        z = np.where(inside, z, 0.5)
        density = xlogy(self.a - 1, z) + xlog1py(self.b - 1, -z) - betaln(self.a, self.b)
        return np.where(inside, density - math.log(span), -np.inf)

    def to_json(self) -> dict[str, Any]:
        """See Prior."""
        return {"beta": [self.a, self.b, self.low, self.high]}

    def _range(self) -> tuple[float, float]:
        low = 0.0 if self.low is None else self.low
        return low, (1.0 if self.high is None else self.high) - low


@final
@dataclass(frozen=True, slots=True)
class ScipyPrior(Prior):
    """A distribution of ``scipy.stats``, by name and arguments.

    Args:
        name: Its name in ``scipy.stats``, such as "gamma".
        args: Positional arguments, numbers.
        kwds: Keyword arguments as (name, number) pairs, sorted.

    Raises:
        SpaceError: There is no such distribution, or it doesn't take these arguments.

    Example:
        >>> float(ScipyPrior("expon").cdf(0.0))
        0.0
    """

    name: str
    args: tuple[float, ...] = ()
    kwds: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        arguments = (*self.args, *(value for _, value in self.kwds))
        if any(type(value) not in (int, float) for value in arguments):
            raise SpaceError(
                f"A scipy.stats prior must have plain numbers as arguments, got {arguments!r}. "
                "Use one number for each argument.",
                arguments=arguments,
            )
        if math.isnan(float(_frozen(self).cdf(0.0))):
            raise SpaceError(
                f"scipy.stats.{self.name} doesn't accept the arguments {arguments!r}. "
                "Check their domain in SciPy's reference.",
                name=self.name,
                arguments=arguments,
            )

    def cdf(self, x: ArrayLike) -> Array:
        """See Prior."""
        return np.asarray(_frozen(self).cdf(x))

    def ppf(self, q: ArrayLike) -> Array:
        """See Prior."""
        return np.asarray(_frozen(self).ppf(q))

    def logpdf(self, x: ArrayLike) -> Array:
        """See Prior; for a discrete distribution, the logarithm of the probability."""
        frozen = _frozen(self)
        return np.asarray((getattr(frozen, "logpdf", None) or frozen.logpmf)(x))

    def to_json(self) -> dict[str, Any]:
        """See Prior."""
        data = [self.name, list(self.args), [list(pair) for pair in self.kwds]]
        return {"scipy": to_json_value(data)}


@lru_cache(maxsize=256)
def _frozen(prior: ScipyPrior) -> Any:
    """Build the distribution; the name is looked up, and must be a distribution's."""
    import scipy.stats

    kind = getattr(scipy.stats, prior.name, None)
    if not isinstance(kind, scipy.stats.rv_continuous | scipy.stats.rv_discrete):
        raise SpaceError(
            f"A prior must be a distribution of scipy.stats, got {prior.name!r}. "
            "Use for instance scipy.stats.gamma(2, scale=0.1).",
            name=prior.name,
        )
    try:
        return kind(*prior.args, **dict(prior.kwds))
    except TypeError as error:
        raise SpaceError(
            f"scipy.stats.{prior.name} can't be built from {prior.args!r} and "
            f"{dict(prior.kwds)!r}: {error}.",
            name=prior.name,
        ) from error


def as_prior(given: Any, low: float, high: float, place: str) -> Prior | None:
    """Read what users may give as ``prior=`` of a numeric parameter.

    Args:
        given: A Prior, a frozen distribution of ``scipy.stats``, or None.
        low: The parameter's lowest value.
        high: The parameter's highest value.
        place: The parameter's kind, for messages.

    Returns:
        The prior, or None for uniform in the parameter's scale.

    Raises:
        SpaceError: It is something else, or has no probability between low and high.

    Example:
        >>> as_prior(Beta(2, 5), 0.0, 4.0, "Float")
        Beta(a=2, b=5, low=0.0, high=4.0)
    """
    if given is None:
        return None
    if hasattr(given, "dist") and hasattr(given, "args") and hasattr(given, "kwds"):
        pairs = tuple(sorted((key, plain(value)) for key, value in given.kwds.items()))
        given = ScipyPrior(given.dist.name, tuple(map(plain, given.args)), pairs)
    if not isinstance(given, Prior):
        raise SpaceError(
            f"{place}: prior must be Normal, LogNormal, Beta or a frozen scipy.stats "
            f"distribution, got {given!r}. Example: prior=Normal(0.1, 0.02).",
            prior=given,
        )
    prior = given.over(low, high) if isinstance(given, Beta) else given
    if not prior.mass(low, high) > 1e-12:
        raise SpaceError(
            f"{place}: prior must have probability between low={low!r} and high={high!r}, "
            f"got {prior!r}, which has (nearly) none. Its numbers are in the parameter's own "
            "units.",
            prior=prior,
        )
    return prior


def prior_from_json(data: Mapping[str, Any]) -> Prior:
    """Read what a prior's ``to_json`` returned.

    Args:
        data: JSON data; names are looked up, nothing is evaluated.

    Raises:
        SpaceError: It is of an unknown kind.

    Example:
        >>> prior_from_json({"normal": [0.0, 1.0]})
        Normal(mu=0.0, sigma=1.0)
    """
    for kind, arguments in data.items():
        if kind in _KINDS:
            prior: Prior = _KINDS[kind](*arguments)
            return prior
        if kind == "scipy":
            name, args, kwds = from_json_value(arguments)
            return ScipyPrior(name, tuple(args), tuple((key, value) for key, value in kwds))
    raise SpaceError(
        f"A prior must be one of {', '.join(_KINDS)} or scipy, got {dict(data)!r}. "
        "The JSON was damaged or written by a newer Luthier.",
        data=dict(data),
    )


_KINDS: dict[str, Any] = {"normal": Normal, "log_normal": LogNormal, "beta": Beta}


def _log(x: ArrayLike) -> Array:
    values = np.asarray(x, float)
    safe = np.where(values > 0, values, 1.0)
    return np.where(values > 0, np.log(safe), -np.inf)


def _finite(prior: Prior, **numbers: Any) -> None:
    for name, value in numbers.items():
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise SpaceError(
                f"{type(prior).__name__}: {name} must be a finite number, got {name}={value!r}.",
                **{name: value},
            )


def _positive(prior: Prior, **numbers: float) -> None:
    for name, value in numbers.items():
        if value <= 0:
            raise SpaceError(
                f"{type(prior).__name__}: {name} must be above 0, got {name}={value!r}.",
                **{name: value},
            )
