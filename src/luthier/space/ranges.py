"""Ranges: the rules that the numbers of Float and Int must keep.

Each function checks one rule and raises SpaceError in the name of its kind ("Float", "Int"), or
returns the number in its standard form. The limits come from what float64 can tell apart.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from luthier.errors import SpaceError
from luthier.space.scales import Grid, Scale, forward
from luthier.space.values import plain

__all__ = [
    "check_bins",
    "check_domain",
    "check_float",
    "check_int",
    "check_order",
    "check_powers",
    "check_scale",
    "check_step",
    "float_grid",
    "real",
    "whole",
]

_LIMIT = 1e300  # beyond, spans and logarithms leave the range of floats
_LARGEST = _LIMIT * (1 + 1e-9)  # the last value of a grid may pass its end by a rounding
_INT_LIMIT = 2**63
_NARROWEST = 1e-290
_MAX_BINS = 2**50  # more values than that can't be told apart in the unit interval
_MAX_SCALED_BINS = 2**42  # the same on curved scales, where rounding errors are larger


def real(value: Any) -> float:
    """Return a number as a float; ValueError for anything else, bools included."""
    value = plain(value)
    if type(value) not in (int, float):
        raise ValueError(value)
    try:
        return float(value)
    except OverflowError:
        raise ValueError(value) from None


def whole(value: Any) -> int:
    """Return a whole number as an int; ValueError for anything else, bools included."""
    if type(value) is int:
        return value
    value = plain(value)
    if type(value) is int or (type(value) is float and value.is_integer()):
        return int(value)
    raise ValueError(value)


def check_float(kind: str, what: str, value: Any) -> float:
    """Return an end or step of a Float."""
    try:
        number = real(value)
    except ValueError:
        number = math.nan
    if not abs(number) <= _LARGEST:
        raise SpaceError(
            f"{kind}: {what} must be a finite number (at most 1e300), got {what}={value!r}. "
            "Give both ends of the range as numbers.",
            **{what: value},
        )
    return number


def check_int(kind: str, what: str, value: Any) -> int:
    """Return an end or step of an Int."""
    try:
        number = whole(value)
    except ValueError:
        raise SpaceError(
            f"{kind}: {what} must be an integer, got {what}={value!r}. Use Float for fractions.",
            **{what: value},
        ) from None
    if abs(number) >= _INT_LIMIT:
        raise SpaceError(
            f"{kind}: {what} must fit into 64 bits, got {what}={value!r}. Use a Float, or search "
            "for its logarithm.",
            **{what: value},
        )
    return number


def check_order(kind: str, low: float, high: float) -> None:
    """Demand low < high."""
    if not low < high:
        advice = f"For a fixed value use Constant({low!r})" if low == high else "Swap them"
        raise SpaceError(
            f"{kind}: low must be below high, got low={low!r}, high={high!r}. {advice}.",
            low=low,
            high=high,
        )


def check_scale(kind: str, scale: Scale | None, log: bool, known: tuple[Scale, ...]) -> Scale:
    """Return the scale that ``scale`` and ``log`` mean together."""
    if scale is not None and scale not in known:
        raise SpaceError(
            f"{kind}: scale must be one of {', '.join(map(repr, known))}, got scale={scale!r}. "
            "Choose one of them.",
            scale=scale,
        )
    if log and scale not in (None, "log"):
        raise SpaceError(
            f"{kind}: log=True means scale='log', got log=True and scale={scale!r}. "
            "Give one of the two.",
            scale=scale,
        )
    return "log" if log else scale or "linear"


def check_domain(kind: str, low: float, high: float, scale: Scale) -> None:
    """Demand that a range lies in the domain of its scale, and is wide enough to be resolved."""
    needs = {
        "linear": (True, ""),
        "log": (low >= 1 / _LIMIT, "low > 0"),
        "power_of_two": (low >= 1 / _LIMIT, "low > 0"),
        "reverse_log": (high < 1, "high < 1"),
        "logit": (low >= 1 / _LIMIT and high < 1, "0 < low and high < 1"),
    }
    holds, rule = needs[scale]
    advice = "Move the range, or use scale='linear'"
    if holds:
        into = forward(scale)
        holds = high - low >= _NARROWEST if scale == "linear" else into(low) < into(high)
        rule, advice = "a wider range to tell values apart", "Search for a multiple of the value"
    if not holds:
        raise SpaceError(
            f"{kind}: scale {scale!r} needs {rule}, got low={low!r}, high={high!r}. {advice}.",
            low=low,
            high=high,
        )


def check_step(kind: str, step: float, low: float, high: float) -> None:
    """Demand 0 < step <= high - low, up to rounding."""
    if not 0 < step <= high - low + _slack(step, low, high):
        raise SpaceError(
            f"{kind}: step must be above 0 and at most high - low, got step={step!r}, "
            f"low={low!r}, high={high!r}. Use a smaller step, or leave it out.",
            step=step,
        )


def check_powers(kind: str, low: float, high: float, stepped: bool) -> None:
    """Demand powers of two as ends, and no step."""
    for what, value in (("low", low), ("high", high)):
        if math.frexp(value)[0] != 0.5:
            raise SpaceError(
                f"{kind}: scale 'power_of_two' needs powers of two, got {what}={value!r}. "
                f"The nearest one is {2.0 ** round(math.log2(value)):g}.",
                **{what: value},
            )
    if stepped:
        raise SpaceError(
            f"{kind}: scale 'power_of_two' has its own steps, got another step. Leave it out."
        )


def check_bins(kind: str, grid: Grid, scale: Scale) -> None:
    """Demand that neighbouring values can be told apart in the unit interval."""
    first, last = grid.value_at(0), grid.value_at(grid.size - 1)
    largest = max(abs(first), abs(last))
    if scale == "linear":
        most, bins = _MAX_BINS, float(grid.size)
    else:
        most, bins = _MAX_SCALED_BINS, max(largest, 0 if scale == "log" else 1) / grid.stride
    if bins > most or (not grid.integral and grid.stride < 8 * math.ulp(largest)):
        raise SpaceError(
            f"{kind}: values must be far enough apart to be told apart on the scale {scale!r} "
            f"(at most 2**{most.bit_length() - 1} of them), got low={first!r}, high={last!r}, "
            f"step={grid.stride!r}. Use a larger step, or a continuous Float.",
            low=first,
            high=last,
        )


def float_grid(low: float, high: float, step: float) -> Grid:
    """Return the grid of a stepped Float, exact in the decimals as they were written.

    Example:
        >>> float_grid(0.0, 1.0, 0.3).value_at(3)
        0.9
    """
    start, stride = Decimal(repr(low)), Decimal(repr(step))
    places = max(0, *(-int(d.as_tuple().exponent) for d in (start, stride)))
    divisor = 10**places
    reach = Decimal(repr(high)) - start + Decimal(_slack(step, low, high))
    size = max(int(reach // stride), 1) + 1  # check_step has seen that there are two
    return Grid(int(start * divisor), int(stride * divisor), divisor, size, integral=False)


def _slack(step: float, low: float, high: float) -> float:
    """How far beyond the end the last value of a grid may lie: as far as floats are rounded."""
    if isinstance(step, int):
        return 0.0
    return 1e-8 * step + math.ulp(max(abs(low), abs(high)))
