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
from typing import Any, ClassVar, cast, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.space.values import from_json_value, plain, refused, to_json_value

__all__ = ["Beta", "LogNormal", "Normal", "Prior", "ScipyPrior", "as_prior", "prior_from_json"]

Array = NDArray[np.float64]


class Prior(ABC):
    """A distribution over the numbers, vectorised."""

    __slots__ = ()

    kind: ClassVar[str]
    """The word for it in JSON."""

    def cdf(self, x: ArrayLike) -> Array:
        """The probability of values up to x, elementwise."""
        return np.asarray(self._cdf(np.asarray(x, float)))

    def ppf(self, q: ArrayLike) -> Array:
        """The value below which a share q of the probability lies, elementwise."""
        return np.asarray(self._ppf(np.asarray(q, float)))

    def mass(self, low: float, high: float) -> float:
        """Return the probability between two values."""
        return float(self.cdf(high)) - float(self.cdf(low))

    def to_json(self) -> dict[str, Any]:
        """Return the prior as JSON data, for ``prior_from_json``."""
        names = cast("tuple[str, ...]", self.__slots__)
        return {self.kind: to_json_value([getattr(self, name) for name in names])}

    @abstractmethod
    def _cdf(self, x: Array) -> Any: ...

    @abstractmethod
    def _ppf(self, q: Array) -> Any: ...

    def _check(self, *positive: str, **numbers: Any) -> None:
        """Demand that numbers are finite, and some of them positive."""
        for name, value in numbers.items():
            finite = type(value) in (int, float) and math.isfinite(value)
            if not finite or (name in positive and value <= 0):
                rule = "above 0" if finite else "a finite number"
                place = f"{type(self).__name__}: {name}"
                raise refused(f"{place} must be {rule}", "Choose another", **{name: value})


@final
@dataclass(frozen=True, slots=True)
class Normal(Prior):
    """The normal distribution.

    Args:
        mu: Mean, in the parameter's units.
        sigma: Standard deviation, above 0.

    Example:
        >>> float(Normal(0.5, 0.1).cdf(0.5))
        0.5
    """

    kind = "normal"
    mu: float
    sigma: float

    def __post_init__(self) -> None:
        self._check("sigma", mu=self.mu, sigma=self.sigma)

    def _cdf(self, x: Array) -> Any:
        from scipy.special import ndtr

        return ndtr((x - self.mu) / self.sigma)

    def _ppf(self, q: Array) -> Any:
        from scipy.special import ndtri

        return self.mu + self.sigma * ndtri(q)


@final
@dataclass(frozen=True, slots=True)
class LogNormal(Prior):
    """The distribution of values whose logarithm is normal.

    Args:
        mu: Mean of the logarithm; ``exp(mu)`` is the median.
        sigma: Standard deviation of the logarithm, above 0.

    Example:
        >>> float(LogNormal(0.0, 1.0).ppf(0.5))
        1.0
    """

    kind = "log_normal"
    mu: float
    sigma: float

    def __post_init__(self) -> None:
        self._check("sigma", mu=self.mu, sigma=self.sigma)

    def _cdf(self, x: Array) -> Any:
        log_x = np.log(x, out=np.full(x.shape, -np.inf), where=x > 0)
        return Normal(self.mu, self.sigma).cdf(log_x)

    def _ppf(self, q: Array) -> Any:
        return np.exp(Normal(self.mu, self.sigma).ppf(q))


@final
@dataclass(frozen=True, slots=True)
class Beta(Prior):
    """The beta distribution, stretched over a range.

    Args:
        a: First shape, above 0; larger moves the weight up.
        b: Second shape, above 0; larger moves the weight down.
        low: Lower end; None for the parameter's own.
        high: Upper end; None for the parameter's own.

    Example:
        >>> float(Beta(2, 2, 0, 10).ppf(0.5))
        5.0
    """

    kind = "beta"
    a: float
    b: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        ends = {"low": self.low, "high": self.high}
        given: dict[str, Any] = {name: end for name, end in ends.items() if end is not None}
        self._check("a", "b", a=self.a, b=self.b, **given)
        if len(given) == 2 and not given["low"] < given["high"]:
            advice = "Leave both out to use the parameter's range"
            raise refused("Beta: low must be below high", advice, **given)

    def over(self, low: float, high: float) -> Beta:
        """Return the same shape with the ends that weren't given set to these."""
        low = low if self.low is None else self.low
        return Beta(self.a, self.b, low, high if self.high is None else self.high)

    def _cdf(self, x: Array) -> Any:
        from scipy.special import betainc

        low, span = self._range()
        return betainc(self.a, self.b, np.clip((x - low) / span, 0, 1))

    def _ppf(self, q: Array) -> Any:
        from scipy.special import betaincinv

        low, span = self._range()
        return low + span * betaincinv(self.a, self.b, q)

    def _range(self) -> tuple[float, float]:
        low = 0.0 if self.low is None else self.low
        return low, (1.0 if self.high is None else self.high) - low


@final
@dataclass(frozen=True, slots=True)
class ScipyPrior(Prior):
    """A distribution of ``scipy.stats``, by its name, arguments, and (name, number) keywords.

    Example:
        >>> float(ScipyPrior("expon").cdf(0.0))
        0.0
    """

    kind = "scipy"
    name: str
    args: tuple[float, ...] = ()
    kwds: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        arguments = (*self.args, *(value for _, value in self.kwds))
        if any(type(value) not in (int, float) for value in arguments):
            rule = "A scipy.stats prior must have plain numbers as arguments"
            raise refused(rule, "Use one number for each", arguments=arguments)
        if math.isnan(float(_frozen(self).cdf(0.0))):
            rule = f"scipy.stats.{self.name} doesn't accept the arguments it has"
            raise refused(rule, "Check their domain in SciPy's reference", arguments=arguments)

    def to_json(self) -> dict[str, Any]:
        """Return the prior as JSON data, its keywords as pairs."""
        pairs = [list(pair) for pair in self.kwds]
        return {self.kind: to_json_value([self.name, list(self.args), pairs])}

    def _cdf(self, x: Array) -> Any:
        return _frozen(self).cdf(x)

    def _ppf(self, q: Array) -> Any:
        return _frozen(self).ppf(q)


@lru_cache(maxsize=256)
def _frozen(prior: ScipyPrior) -> Any:
    """Build the distribution; the name is looked up, and must be a distribution's."""
    import scipy.stats

    kind = getattr(scipy.stats, prior.name, None)
    if not isinstance(kind, scipy.stats.rv_continuous | scipy.stats.rv_discrete):
        raise refused(
            "A prior must be a distribution of scipy.stats",
            "Use for instance scipy.stats.gamma(2, scale=0.1)",
            got=repr(prior.name),
            name=prior.name,
        )
    try:
        return kind(*prior.args, **dict(prior.kwds))
    except TypeError as error:
        rule = f"scipy.stats.{prior.name} can't be built from {prior.args!r}"
        raise refused(rule, str(error), kwds=dict(prior.kwds)) from error


def as_prior(given: Any, low: float, high: float, place: str) -> Prior | None:
    """Read what users may give as ``prior=`` of a numeric parameter with this range.

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
        rule = "prior must be Normal, LogNormal, Beta or a frozen scipy.stats distribution"
        raise refused(f"{place}: {rule}", "Example: prior=Normal(0.1, 0.02)", prior=given)
    prior = given.over(low, high) if isinstance(given, Beta) else given
    if not prior.mass(low, high) > 1e-12:
        raise refused(
            f"{place}: prior must have probability between low={low!r} and high={high!r}",
            "Its numbers are in the parameter's own units",
            got=f"{prior!r}, which has (nearly) none",
            prior=prior,
        )
    return prior


def prior_from_json(data: Mapping[str, Any]) -> Prior:
    """Read what a prior's ``to_json`` returned; names are looked up, nothing is evaluated.

    Example:
        >>> prior_from_json({"normal": [0.0, 1.0]})
        Normal(mu=0.0, sigma=1.0)
    """
    for kind, arguments in data.items():
        if kind in _KINDS:
            prior: Prior = _KINDS[kind](*from_json_value(arguments))
            return prior
    raise refused(
        f"A prior must be one of {', '.join(_KINDS)}",
        "The JSON was damaged or written by a newer Luthier",
        got=repr(dict(data)),
        data=dict(data),
    )


def _scipy_prior(name: str, args: list[float], kwds: list[tuple[str, float]]) -> ScipyPrior:
    return ScipyPrior(name, tuple(args), tuple((key, value) for key, value in kwds))


_KINDS: dict[str, Any] = {
    "normal": Normal,
    "log_normal": LogNormal,
    "beta": Beta,
    "scipy": _scipy_prior,
}
