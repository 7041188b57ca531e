"""Numeric parameters: Float and Int, on a scale, with or without a grid.

Both are frozen; all arguments after ``low`` and ``high`` are keywords. A range that ``step``
doesn't divide ends at the last value that it reaches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast, final

from luthier.space.conditions import Condition, When
from luthier.space.definition import Definition
from luthier.space.priors import Prior, as_prior
from luthier.space.ranges import (
    check_bins,
    check_domain,
    check_float,
    check_int,
    check_order,
    check_powers,
    check_scale,
    check_step,
    float_grid,
    real,
    whole,
)
from luthier.space.scales import SCALES, Codec, Grid, Scale, binned, continuous, indexed

__all__ = ["Float", "Int", "codec_of"]


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
        low, high = check_float("Float", "low", low), check_float("Float", "high", high)
        check_order("Float", low, high)
        scale = check_scale("Float", scale, log, SCALES)
        check_domain("Float", low, high, scale)
        grid = None
        if scale == "power_of_two":
            check_powers("Float", low, high, step is not None)
        elif step is not None:
            step = check_float("Float", "step", step)
            check_step("Float", step, low, high)
            grid = float_grid(low, high, step)
            high = grid.value_at(grid.size - 1)
            check_bins("Float", grid, scale)
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
            value = real(value)
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
        low, high = check_int("Int", "low", low), check_int("Int", "high", high)
        check_order("Int", low, high)
        scale = check_scale("Int", scale, log, ("linear", "log", "power_of_two"))
        check_domain("Int", low, high, scale)
        step = check_int("Int", "step", step)
        check_step("Int", step, low, high)
        grid = Grid(low, step, 1, (high - low) // step + 1, integral=True)
        if scale == "power_of_two":
            check_powers("Int", low, high, step != 1)
        else:
            high = grid.value_at(grid.size - 1)
            check_bins("Int", grid, scale)
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
        number = whole(value) if isinstance(param, Int) else real(value)
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
