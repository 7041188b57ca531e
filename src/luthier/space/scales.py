"""Scales: how numbers meet the unit interval, exactly both ways.

Notation: v a value, t its position in the scale, u = (t - t_low) / (t_high - t_low).

    scale          t(v)              for
    linear         v                 anything
    log            ln v              learning rates, weight decays: 1e-5 .. 1e-1
    reverse_log    -ln(1 - v)        momenta, discounts: 0.9 .. 0.9999, fine near 1
    logit          ln(v / (1 - v))   probabilities, fine near both ends
    power_of_two   log2 v            widths and batch sizes: 16, 32, 64, ...

Continuous values are rounded on the way from u to v (12 significant digits, or 12 decimals of
the range), which makes v -> u -> v exact although u is a float. Values on a grid sit at the
middle of their bin, so that a uniform u gives each bin its share of the scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, final, get_args

__all__ = ["SCALES", "Codec", "Grid", "Powers", "Scale", "binned", "continuous", "indexed"]

Scale = Literal["linear", "log", "reverse_log", "logit", "power_of_two"]
SCALES: Final[tuple[Scale, ...]] = get_args(Scale)


@final
@dataclass(frozen=True, slots=True)
class Codec:
    """A pair of functions between a parameter's values and the unit interval.

    Attributes:
        to_unit: From a value to u; NaN for numbers that aren't values of the parameter.
        to_value: From u to a value of the domain; u is clipped to [0, 1].
    """

    to_unit: Callable[[Any], float]
    to_value: Callable[[float], Any]


@final
@dataclass(frozen=True, slots=True)
class Grid:
    """The values ``(start + k * step) / divisor`` for k = 0 .. size - 1, exact in integers.

    Attributes:
        divisor: A power of ten; 1 for integers.
        integral: Whether the values are ints; else they are floats.
        first: The first value as a float.
        stride: The difference of neighbouring values as a float.

    Example:
        >>> [Grid(1, 1, 10, 3, integral=False).value_at(k) for k in range(3)]
        [0.1, 0.2, 0.3]
    """

    start: int
    step: int
    divisor: int
    size: int
    integral: bool
    first: float = field(init=False)
    stride: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "first", self.start / self.divisor)
        object.__setattr__(self, "stride", self.step / self.divisor)

    def value_at(self, k: int) -> Any:
        """Return the k-th value, 0 <= k < size."""
        number = self.start + k * self.step
        return number if self.integral else number / self.divisor

    def index(self, value: float) -> int | None:
        """Return the position of a value, or None if it isn't on the grid.

        Floats may be off by 1e-8 of a step, as results of arithmetic are.
        """
        if type(value) is int and self.divisor == 1:
            k, rest = divmod(value - self.start, self.step)
            return k if rest == 0 and 0 <= k < self.size else None
        if not math.isfinite(value):
            return None
        k = self.nearest(value)
        return k if abs(value - self.value_at(k)) <= 1e-8 * self.stride else None

    def nearest(self, value: float) -> int:
        """Return the position of the value that is nearest to a finite number."""
        return min(max(round((value - self.first) / self.stride), 0), self.size - 1)


@final
@dataclass(frozen=True, slots=True)
class Powers:
    """The powers of two from ``low`` on, ints or floats as it is one; asked like a Grid.

    Example:
        >>> [Powers(16, 3).value_at(k) for k in range(3)]
        [16, 32, 64]
    """

    low: float
    size: int

    def value_at(self, k: int) -> Any:
        """Return the k-th value, 0 <= k < size."""
        return self.low * 2**k

    def index(self, value: float) -> int | None:
        """Return the position of a value, or None if it isn't one of these powers."""
        mantissa, exponent = math.frexp(value)
        k = exponent - math.frexp(self.low)[1]
        return k if mantissa == 0.5 and 0 <= k < self.size else None

    def nearest(self, value: float) -> int:
        """Return the position of the power that is nearest on the scale to a number inside."""
        return round(math.log2(value / self.low))


def continuous(low: float, high: float, scale: Scale) -> Codec:
    """Return the codec of a continuous range within the domain of its scale.

    Example:
        >>> codec = continuous(1e-5, 1e-1, "log")
        >>> codec.to_value(0.5), codec.to_unit(1e-3)
        (0.001, 0.5)
    """
    into = forward(scale)
    t_low = into(low)
    t_span = into(high) - t_low
    rounded = _linear_rounding(low, high) if scale == "linear" else _ROUNDED[scale]
    # values nearer to an end than a quarter of a quantum are that end, whatever its digits
    near_low = low + _quantum(low, low, high, scale) / 4
    near_high = high - _quantum(high, low, high, scale) / 4

    def to_unit(value: float) -> float:
        return (into(value) - t_low) / t_span if low <= value <= high else math.nan

    def to_value(u: float) -> float:
        if u <= 0.0:
            return low
        if u >= 1.0:
            return high
        value = rounded(t_low + u * t_span)
        return low if value < near_low else high if value > near_high else value

    return Codec(to_unit, to_value)


def binned(grid: Grid | Powers, scale: Scale) -> Codec:
    """Return the codec of a grid; each value owns the bin from half a step below to half above.

    Powers are evenly spaced on their scale, as anything is on the linear one.

    Example:
        >>> codec = binned(Grid(1, 1, 1, 4, integral=True), "linear")
        >>> codec.to_unit(1), codec.to_value(0.99)
        (0.125, 4)
    """
    index, value_at, nearest = grid.index, grid.value_at, grid.nearest
    if isinstance(grid, Powers) or scale == "linear":
        return indexed(grid.size, index, value_at)
    into, out = forward(scale), inverse(scale)
    lower, upper = outer_edges(grid, scale)
    t_low, t_span = into(lower), into(upper) - into(lower)

    def to_unit(value: float) -> float:
        k = index(value)
        return math.nan if k is None else (into(value_at(k)) - t_low) / t_span

    def to_value(u: float) -> Any:
        return value_at(nearest(out(t_low + min(max(u, 0.0), 1.0) * t_span)))

    return Codec(to_unit, to_value)


def outer_edges(grid: Grid, scale: Scale) -> tuple[float, float]:
    """Return the outer edges of the first and the last bin, kept inside the scale's domain."""
    low, high = float(grid.value_at(0)), float(grid.value_at(grid.size - 1))
    lower, upper = low - grid.stride / 2, high + grid.stride / 2
    if scale in ("log", "logit"):
        lower = max(lower, low / 2)
    if scale in ("reverse_log", "logit"):
        upper = min(upper, 1 - (1 - high) / 2)
    return lower, upper


def indexed(size: int, index: Callable[[Any], int | None], value_at: Callable[[int], Any]) -> Codec:
    """Return the codec of countable values, each with the same share of the unit interval."""

    def to_unit(value: float) -> float:
        k = index(value)
        return math.nan if k is None else (k + 0.5) / size

    def to_value(u: float) -> Any:
        return value_at(min(max(int(u * size), 0), size - 1))

    return Codec(to_unit, to_value)


def _linear_rounding(low: float, high: float) -> Callable[[float], float]:
    exponent = _linear_exponent(low, high)
    if exponent <= 0:
        up = float(f"1e{-exponent}")
        return lambda t: round(t * up) / up
    down = float(f"1e{exponent}")
    return lambda t: round(t / down) * down


def _linear_exponent(low: float, high: float) -> int:
    """The quantum's decimal exponent: 12 digits of the range, but 4 float spacings at least."""
    spacing = 4 * math.ulp(max(abs(low), abs(high)))
    return max(math.floor(math.log10(high - low)) - 12, math.ceil(math.log10(spacing)))


def _quantum(value: float, low: float, high: float, scale: Scale) -> float:
    """The distance of the rounded numbers around a value."""
    if scale == "linear":
        return float(f"1e{_linear_exponent(low, high)}")
    resolved = {"log": value, "reverse_log": 1 - value, "logit": min(value, 1 - value)}[scale]
    return max(float(f"1e{math.floor(math.log10(resolved)) - 11}"), math.ulp(value))


def _significant(value: float) -> float:
    return float(f"{value:.12g}")


def _logistic(t: float) -> float:
    return 1 / (1 + math.exp(-t)) if t < 0 else 1 - 1 / (1 + math.exp(t))


def _rounded_logistic(t: float) -> float:
    # the smaller of v and 1 - v is what the scale resolves: round that one
    small = _significant(1 / (1 + math.exp(abs(t))))
    return small if t < 0 else 1 - small


_Curve = dict[Scale, Callable[[float], float]]
_FORWARD: Final[_Curve] = {
    "linear": float,
    "log": math.log,
    "reverse_log": lambda v: -math.log(1 - v),
    "logit": lambda v: math.log(v / (1 - v)),
    "power_of_two": math.log2,
}
_INVERSE: Final[_Curve] = {
    "linear": float,
    "log": math.exp,
    "reverse_log": lambda t: 1 - math.exp(-t),
    "logit": _logistic,
    "power_of_two": lambda t: 2.0**t,
}
_ROUNDED: Final[_Curve] = {
    "log": lambda t: _significant(math.exp(t)),
    "reverse_log": lambda t: 1 - _significant(math.exp(-t)),
    "logit": _rounded_logistic,
}
_RATE: Final[_Curve] = {
    "linear": lambda v: 1.0,
    "log": lambda v: 1 / v,
    "reverse_log": lambda v: 1 / (1 - v),
    "logit": lambda v: 1 / (v * (1 - v)),
    "power_of_two": lambda v: 1 / (v * math.log(2)),
}
forward = _FORWARD.__getitem__  # t(v) of a scale
rate = _RATE.__getitem__  # dt/dv of a scale
inverse = _INVERSE.__getitem__  # v(t) of a scale, without rounding
