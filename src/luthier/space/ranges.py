"""Ranges: the rules that the numbers of Float and Int must keep.

Each function checks one rule and raises SpaceError in the name of its kind ("Float", "Int"), or
returns what it read. The limits come from what float64 can tell apart.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from luthier.space.scales import Grid, Powers, Scale, forward
from luthier.space.values import plain, refused

__all__ = [
    "check_range",
    "float_grid",
    "read_end",
    "read_powers",
    "read_scale",
    "read_steps",
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


def read_end(kind: str, what: str, value: Any) -> Any:
    """Return an end or step of a range."""
    try:
        number = whole(value) if kind == "Int" else real(value)
    except ValueError:
        number = math.nan
    if kind == "Float" and not abs(number) <= _LARGEST:
        rule, advice = "be a finite number (at most 1e300)", "Give both ends as numbers"
    elif number != number:
        rule, advice = "be an integer", "Use Float for fractions"
    elif kind == "Int" and abs(number) >= _INT_LIMIT:
        rule, advice = "fit into 64 bits", "Use a Float, or search for its logarithm"
    else:
        return number
    raise refused(f"{kind}: {what} must {rule}", advice, **{what: value})


def read_scale(kind: str, scale: Scale | None, log: bool, known: tuple[Scale, ...]) -> Scale:
    """Return the scale that ``scale`` and ``log`` mean together."""
    if scale is not None and scale not in known:
        rule = f"{kind}: scale must be one of {', '.join(map(repr, known))}"
        raise refused(rule, "Choose one of them", scale=scale)
    if log and scale not in (None, "log"):
        got = f"log=True and scale={scale!r}"
        raise refused(f"{kind}: log=True means scale='log'", "Give one of them", got=got)
    return "log" if log else scale or "linear"


def check_range(kind: str, low: float, high: float, scale: Scale) -> None:
    """Demand that a range has two ends, in the domain of its scale and far enough apart."""
    if not low < high:
        advice = f"For a fixed value use Constant({low!r})" if low == high else "Swap them"
        raise refused(f"{kind}: low must be below high", advice, low=low, high=high)
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
        raise refused(f"{kind}: scale {scale!r} needs {rule}", advice, low=low, high=high)


def read_steps(kind: str, low: Any, high: Any, step: Any, scale: Scale) -> Grid:
    """Return the grid of a stepped range, whose values can be told apart."""
    if not 0 < step <= high - low + _slack(step, low, high):
        rule = f"{kind}: step must be above 0 and at most high - low"
        advice = "Use a smaller step, or leave it out"
        raise refused(rule, advice, step=step, low=low, high=high)
    if kind == "Int":
        grid = Grid(low, step, 1, (high - low) // step + 1, integral=True)
    else:
        grid = float_grid(low, high, step)
    largest = max(abs(low), abs(grid.value_at(grid.size - 1)))
    if scale == "linear":
        most, bins = _MAX_BINS, float(grid.size)
    else:
        most, bins = _MAX_SCALED_BINS, max(largest, 0 if scale == "log" else 1) / grid.stride
    if bins > most or (not grid.integral and grid.stride < 8 * math.ulp(largest)):
        raise refused(
            f"{kind}: values must be far enough apart to be told apart on the scale {scale!r} "
            f"(at most 2**{most.bit_length() - 1} of them)",
            "Use a larger step, or a continuous Float",
            low=low,
            high=high,
            step=step,
        )
    return grid


def read_powers(kind: str, low: float, high: float, stepped: bool) -> Powers:
    """Return the powers of two from end to end."""
    ends: dict[str, Any] = {"low": low, "high": high}
    for what, value in ends.items():
        if math.frexp(value)[0] != 0.5:
            nearest = f"The nearest one is {2.0 ** round(math.log2(value)):g}"
            raise refused(
                f"{kind}: scale 'power_of_two' needs powers of two", nearest, **{what: value}
            )
    if stepped:
        rule = f"{kind}: scale 'power_of_two' has its own steps"
        raise refused(rule, "Leave it out", got="another step")
    return Powers(low, math.frexp(high)[1] - math.frexp(low)[1] + 1)


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
    many = reach / stride > _INT_LIMIT  # they will be refused; // can't count them
    size = _INT_LIMIT if many else max(int(reach // stride), 1) + 1  # at least two: read_steps
    return Grid(int(start * divisor), int(stride * divisor), divisor, size, integral=False)


def _slack(step: float, low: float, high: float) -> float:
    """How far beyond the end the last value of a grid may lie: as far as floats are rounded."""
    if isinstance(step, int):
        return 0.0
    return 1e-8 * step + math.ulp(max(abs(low), abs(high)))
