"""Numeric parameters: Float and Int, on a scale, with or without a grid.

Both are frozen; all arguments after ``low`` and ``high`` are keywords. A range that ``step``
doesn't divide ends at the last value that it reaches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, cast, final

from luthier.space.conditions import Condition, When
from luthier.space.definition import Definition
from luthier.space.priors import Prior, as_prior
from luthier.space.scales import SCALES, Codec, Grid, Scale, binned, continuous, forward, indexed
from luthier.space.values import plain

__all__ = ["Float", "Int", "codec_of"]

_LIMIT = 1e300  # beyond, spans and logarithms leave the range of floats
_NARROWEST = 1e-290
_MAX_BINS = 2**50  # more values than that can't be told apart in the unit interval
_MAX_SCALED_BINS = 2**42  # the same on curved scales, where rounding errors are larger


@final
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Float(Definition):
    """A number from ``low`` to ``high``, both included.

    Args:
        low: The lowest value.
        high: The highest value, above ``low``. With ``step``, the last value that
            ``low + k * step`` reaches takes its place.
        log: Short for ``scale="log"``.
        step: Distance of neighbouring values; None for a continuous range.
        scale: "linear", "log" (low > 0), "reverse_log" (even in log(1 - v), high < 1),
            "logit" (0 < low, high < 1), or "power_of_two" (the powers of two from low to high).
        prior: What values are likely, in the parameter's own units: ``Normal``, ``LogNormal``,
            ``Beta`` or a frozen ``scipy.stats`` distribution. None: uniform in the scale.
        when: Condition under which the parameter is active.
        default: Where to start.

    Raises:
        SpaceError: The range, step, scale, prior, condition or default makes no sense.

    Example:
        >>> Float(1e-5, 1e-1, log=True)
        Float(1e-05, 0.1, scale='log')
        >>> Float(0, 1, step=0.25).grid(1)
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """

    kind: ClassVar[str] = "float"

    low: float
    high: float
    step: float | None
    scale: Scale
    prior: Prior | None
    when: Condition | None
    default: float | None
    _grid: Grid | None = field(init=False, compare=False)

    def __init__(
        self,
        low: float,
        high: float,
        *,
        log: bool = False,
        step: float | None = None,
        scale: Scale | None = None,
        prior: Any = None,
        when: When | None = None,
        default: float | None = None,
    ) -> None:
        low, high = self._number(low, "low"), self._number(high, "high")
        _check_order(self, low, high)
        scale = _check_scale(self, scale, log, SCALES)
        _check_domain(self, low, high, scale)
        grid = None
        if scale == "power_of_two":
            _check_powers(self, low, high, step is None)
        elif step is not None:
            step = self._number(step, "step")
            if not 0 < step <= high - low:
                raise self._error(
                    f"step must be above 0 and at most high - low, got step={step!r}, "
                    f"low={low!r}, high={high!r}",
                    "Use a smaller step, or step=None for a continuous range.",
                    step=step,
                )
            grid = _float_grid(low, high, step)
            high = grid.value_at(grid.size - 1)
            _check_bins(self, grid, scale)
        self._set(
            when,
            default,
            low=low,
            high=high,
            step=step,
            scale=scale,
            prior=as_prior(prior, *_edges(low, high, grid, scale), "Float"),
            _grid=grid,
        )

    @property
    def log(self) -> bool:
        """Whether the scale is logarithmic."""
        return self.scale == "log"

    @property
    def edges(self) -> tuple[float, float]:
        """The range of the prior: that of the values, plus half a step at both ends."""
        return _edges(self.low, self.high, self._grid, self.scale)

    @property
    def size(self) -> int | float:
        """See Definition."""
        if self.scale == "power_of_two":
            return round(math.log2(self.high) - math.log2(self.low)) + 1
        return math.inf if self._grid is None else self._grid.size

    def index(self, value: Any) -> int | None:
        """See Definition."""
        return _index(self, value)

    def value_at(self, k: int) -> float:
        """See Definition."""
        return float(_value_at(self, k))

    def normalise(self, value: Any) -> float:
        """See Definition."""
        if self._grid is not None or self.scale == "power_of_two":
            return cast("float", Definition.normalise(self, value))
        if type(value) is not float:
            value = _real(value)
        if self.low <= value <= self.high:
            return cast("float", value)
        raise ValueError(value)

    def grid(self, points: int) -> list[float]:
        """See Definition."""
        if self.size < math.inf or type(points) is not int or points < 1:
            return Definition.grid(self, points)
        to_value = codec_of(self).to_value
        if points == 1:
            return [to_value(0.5)]
        return list(dict.fromkeys(to_value(i / (points - 1)) for i in range(points)))

    def domain(self) -> str:
        """See Definition."""
        return _domain(self, "a number")

    def to_json(self) -> dict[str, Any]:
        """See Definition."""
        return _numeric_json(self)

    def _arguments(self) -> str:
        return _numeric_arguments(self)

    def _number(self, value: Any, what: str) -> float:
        try:
            number = _real(value)
        except ValueError:
            number = math.nan
        if not abs(number) <= _LIMIT:
            raise self._error(
                f"{what} must be a finite number (at most 1e300), got {what}={value!r}",
                "Give both ends of the range as numbers.",
                **{what: value},
            )
        return number


@final
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Int(Definition):
    """An integer from ``low`` to ``high``, both included.

    Args:
        low: The lowest value.
        high: The highest value, above ``low``. The last value that ``low + k * step`` reaches
            takes its place.
        log: Short for ``scale="log"``.
        step: Distance of neighbouring values, at least 1.
        scale: "linear", "log" (low >= 1) or "power_of_two" (16, 32, 64, ...).
        prior: As for ``Float``; each integer gets the probability of its bin.
        when: Condition under which the parameter is active.
        default: Where to start.

    Raises:
        SpaceError: The range, step, scale, prior, condition or default makes no sense.

    Example:
        >>> Int(1, 10, step=3)
        Int(1, 10, step=3)
        >>> Int(16, 128, scale="power_of_two").grid(1)
        [16, 32, 64, 128]
    """

    kind: ClassVar[str] = "int"

    low: int
    high: int
    step: int
    scale: Scale
    prior: Prior | None
    when: Condition | None
    default: int | None
    _grid: Grid = field(init=False, compare=False)

    def __init__(
        self,
        low: int,
        high: int,
        *,
        log: bool = False,
        step: int = 1,
        scale: Scale | None = None,
        prior: Any = None,
        when: When | None = None,
        default: int | None = None,
    ) -> None:
        low, high = self._integer(low, "low"), self._integer(high, "high")
        _check_order(self, low, high)
        scale = _check_scale(self, scale, log, ("linear", "log", "power_of_two"))
        _check_domain(self, low, high, scale)
        step = self._integer(step, "step")
        if not 1 <= step <= high - low:
            raise self._error(
                f"step must be at least 1 and at most high - low, got step={step!r}, "
                f"low={low!r}, high={high!r}",
                "Use a smaller step.",
                step=step,
            )
        grid = Grid(low, step, 1, (high - low) // step + 1, integral=True)
        if scale == "power_of_two":
            _check_powers(self, low, high, step == 1)
        else:
            high = grid.value_at(grid.size - 1)
            _check_bins(self, grid, scale)
        self._set(
            when,
            default,
            low=low,
            high=high,
            step=step,
            scale=scale,
            prior=as_prior(prior, *_edges(low, high, grid, scale), "Int"),
            _grid=grid,
        )

    @property
    def log(self) -> bool:
        """Whether the scale is logarithmic."""
        return self.scale == "log"

    @property
    def edges(self) -> tuple[float, float]:
        """The range of the prior: that of the values, plus half a step at both ends."""
        return _edges(self.low, self.high, self._grid, self.scale)

    @property
    def size(self) -> int:
        """See Definition."""
        if self.scale == "power_of_two":
            return self.high.bit_length() - self.low.bit_length() + 1
        return self._grid.size

    def index(self, value: Any) -> int | None:
        """See Definition."""
        return _index(self, value)

    def value_at(self, k: int) -> int:
        """See Definition."""
        return int(_value_at(self, k))

    def domain(self) -> str:
        """See Definition."""
        return _domain(self, "an integer")

    def to_json(self) -> dict[str, Any]:
        """See Definition."""
        return _numeric_json(self)

    def _arguments(self) -> str:
        return _numeric_arguments(self)

    def _integer(self, value: Any, what: str) -> int:
        try:
            number = _whole(value)
        except ValueError:
            raise self._error(
                f"{what} must be an integer, got {what}={value!r}",
                "Use Float for fractions.",
                **{what: value},
            ) from None
        return number


def codec_of(param: Float | Int) -> Codec:
    """Return the two functions between a numeric parameter's values and the unit interval.

    Args:
        param: A Float or Int.

    Example:
        >>> codec_of(Int(1, 4)).to_unit(2)
        0.375
    """
    if param.scale == "power_of_two":
        return indexed(int(param.size), param.index, param.value_at)
    if param._grid is not None:
        return binned(param._grid, param.scale)
    return continuous(param.low, param.high, param.scale)


def _edges(low: float, high: float, grid: Grid | None, scale: Scale) -> tuple[float, float]:
    half = 0.0 if grid is None or scale == "power_of_two" else grid.stride / 2
    return low - half, high + half


def _index(param: Float | Int, value: Any) -> int | None:
    try:
        number = _whole(value) if isinstance(param, Int) else _real(value)
    except ValueError:
        return None
    if param.scale == "power_of_two":
        mantissa, exponent = math.frexp(number)
        inside = param.low <= number <= param.high and mantissa == 0.5
        return exponent - math.frexp(param.low)[1] if inside else None
    if param._grid is None:
        raise _continuous_error(param)
    return param._grid.index(number)


def _value_at(param: Float | Int, k: int) -> float:
    if not 0 <= k < param.size:
        raise IndexError(f"{param!r} has values 0 to {param.size} - 1, got {k}")
    if param.scale == "power_of_two":
        return float(param.low * 2**k) if isinstance(param, Float) else param.low << k
    if param._grid is None:
        raise _continuous_error(param)
    return cast("float", param._grid.value_at(k))


def _continuous_error(param: Float | Int) -> Exception:
    return param._error(
        "a continuous range has no countable values",
        "Give it a step, or use grid(points).",
        param=param,
    )


def _real(value: Any) -> float:
    value = plain(value)
    if type(value) not in (int, float):
        raise ValueError(value)
    try:
        return float(value)
    except OverflowError:
        raise ValueError(value) from None


def _whole(value: Any) -> int:
    if type(value) is int:
        return value
    value = plain(value)
    if type(value) is int or (type(value) is float and value.is_integer()):
        return int(value)
    raise ValueError(value)


def _check_order(param: Float | Int, low: float, high: float) -> None:
    if not low < high:
        advice = f"For a fixed value use Constant({low!r})" if low == high else "Swap them"
        raise param._error(
            f"low must be below high, got low={low!r}, high={high!r}",
            f"{advice}.",
            low=low,
            high=high,
        )


def _check_scale(
    param: Float | Int, scale: Scale | None, log: bool, known: tuple[Scale, ...]
) -> Scale:
    if scale is not None and scale not in known:
        raise param._error(
            f"scale must be one of {', '.join(map(repr, known))}, got scale={scale!r}",
            "Choose one of them.",
            scale=scale,
        )
    if log and scale not in (None, "log"):
        raise param._error(
            f"log=True means scale='log', got log=True and scale={scale!r}",
            "Give one of the two.",
            scale=scale,
        )
    return "log" if log else scale or "linear"


def _check_domain(param: Float | Int, low: float, high: float, scale: Scale) -> None:
    needs = {
        "linear": (True, ""),
        "log": (low >= 1 / _LIMIT, "low > 0"),
        "power_of_two": (low >= 1 / _LIMIT, "low > 0"),
        "reverse_log": (high < 1, "high < 1"),
        "logit": (low >= 1 / _LIMIT and high < 1, "0 < low and high < 1"),
    }
    holds, rule = needs[scale]
    if not holds:
        raise param._error(
            f"scale {scale!r} needs {rule}, got low={low!r}, high={high!r}",
            "Move the range, or use scale='linear'.",
            low=low,
            high=high,
        )
    narrow = high - low < _NARROWEST if scale == "linear" else not _spans(low, high, scale)
    if narrow:
        raise param._error(
            f"the range is too narrow to be resolved, got low={low!r}, high={high!r}",
            "Search for a multiple of the value.",
            low=low,
            high=high,
        )


def _spans(low: float, high: float, scale: Scale) -> bool:
    return forward(scale)(low) < forward(scale)(high)


def _check_powers(param: Float | Int, low: float, high: float, no_step: bool) -> None:
    for what, value in (("low", low), ("high", high)):
        if math.frexp(value)[0] != 0.5:
            raise param._error(
                f"scale 'power_of_two' needs powers of two, got {what}={value!r}",
                f"The nearest one is {2 ** max(round(math.log2(value)), 0)}.",
                **{what: value},
            )
    if not no_step:
        raise param._error(
            "scale 'power_of_two' has its own steps and takes no step", "Leave step out."
        )


def _check_bins(param: Float | Int, grid: Grid, scale: Scale) -> None:
    first, last = grid.value_at(0), grid.value_at(grid.size - 1)
    largest = max(abs(first), abs(last))
    if scale == "linear":
        most, bins = _MAX_BINS, float(grid.size)
    else:
        most, bins = _MAX_SCALED_BINS, max(largest, 0 if scale == "log" else 1) / grid.stride
    if bins > most or grid.stride < (0 if grid.integral else 8 * math.ulp(largest)):
        raise param._error(
            f"values must be far enough apart to be told apart on the scale {scale!r} (at most "
            f"2**{round(math.log2(most))} of them), got low={first!r}, high={last!r}, "
            f"step={grid.stride!r}",
            "Use a larger step, or a continuous Float.",
            low=first,
            high=last,
        )


def _float_grid(low: float, high: float, step: float) -> Grid:
    start, stride = Decimal(repr(low)), Decimal(repr(step))
    places = max(0, *(-int(d.as_tuple().exponent) for d in (start, stride)))
    divisor = 10**places
    size = math.floor((high - low) / step + 1e-8) + 1
    return Grid(int(start * divisor), int(stride * divisor), divisor, size, integral=False)


def _domain(param: Float | Int, noun: str) -> str:
    text = f"{noun} from {param.low!r} to {param.high!r}"
    if param.scale == "power_of_two":
        return f"{text} that is a power of two"
    if param.step not in (None, 1):
        return f"{text} in steps of {param.step!r}"
    return text


def _numeric_json(param: Float | Int) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": param.kind, "low": param.low, "high": param.high}
    if param.step != (1 if isinstance(param, Int) else None):
        data["step"] = param.step
    if param.scale != "linear":
        data["scale"] = param.scale
    if param.prior is not None:
        data["prior"] = param.prior.to_json()
    return data | param._options()


def _numeric_arguments(param: Float | Int) -> str:
    options = param._shown(
        step=None if isinstance(param, Int) and param.step == 1 else param.step,
        scale=None if param.scale == "linear" else param.scale,
        prior=param.prior,
    )
    return ", ".join(filter(None, (f"{param.low!r}, {param.high!r}", options)))
