"""Numeric parameters: Float and Int, on a scale, with or without a grid.

Both are frozen; all arguments after ``low`` and ``high`` are keywords. A range that ``step``
doesn't divide ends at the last value that it reaches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

from luthier.space.conditions import Condition, When
from luthier.space.definition import Definition
from luthier.space.priors import Prior, as_prior
from luthier.space.ranges import (
    check_range,
    read_end,
    read_powers,
    read_scale,
    read_steps,
    real,
    whole,
)
from luthier.space.scales import (
    SCALES,
    Codec,
    Grid,
    Powers,
    Scale,
    binned,
    continuous,
    forward,
    rate,
)
from luthier.space.values import refused

__all__ = ["Float", "Int", "codec_of", "unit_slope"]


@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class _Numeric(Definition):
    """What Float and Int share; ``_grid`` holds the values of a range that isn't continuous."""

    low: float
    high: float
    step: float | None = None
    scale: Scale = "linear"
    prior: Prior | None = None
    when: Condition | None = None
    default: float | None = None
    _grid: Grid | Powers | None = field(init=False, repr=False)

    _noun: ClassVar[str]
    _scales: ClassVar[tuple[Scale, ...]]
    _free_step: ClassVar[int | None]
    """The step that means none was given."""

    @property
    def log(self) -> bool:
        """Whether the scale is logarithmic."""
        return self.scale == "log"

    @property
    def size(self) -> int | float:
        return math.inf if self._grid is None else self._grid.size

    @property
    def edges(self) -> tuple[float, float]:
        """The range of the prior: that of the values, plus half a step at both ends."""
        half = self._grid.stride / 2 if isinstance(self._grid, Grid) else 0.0
        return self.low - half, self.high + half

    def index(self, value: Any) -> int | None:
        try:
            number = whole(value) if isinstance(self, Int) else real(value)
        except ValueError:
            return None
        return self._countable().index(number)

    def value_at(self, k: int) -> Any:
        grid = self._countable()
        if not 0 <= k < grid.size:
            raise IndexError(f"{self!r} has values 0 to {grid.size} - 1, got {k}")
        return grid.value_at(k)

    def domain(self) -> str:
        text = f"{self._noun} from {self.low!r} to {self.high!r}"
        if self.scale == "power_of_two":
            return f"{text} that is a power of two"
        return text if self.step == self._free_step else f"{text} in steps of {self.step!r}"

    def normalise(self, value: Any) -> Any:
        if self._grid is not None:
            return Definition.normalise(self, value)
        if type(value) is not float:
            value = real(value)
        if self.low <= value <= self.high:
            return value
        raise ValueError(value)

    def _grid_values(self, points: int) -> list[Any]:
        if self._grid is not None:
            return Definition._grid_values(self, points)
        to_value = codec_of(self).to_value
        if points == 1:
            return [to_value(0.5)]
        return list(dict.fromkeys(to_value(i / (points - 1)) for i in range(points)))

    def _shown_domain(self) -> str:
        return f"{self.low!r}, {self.high!r}"

    def _countable(self) -> Grid | Powers:
        if self._grid is None:
            raise refused(
                f"{type(self).__name__}: a continuous range has no countable values",
                "Give it a step, or use grid(points)",
                param=self,
            )
        return self._grid

    def _fill(
        self,
        low: Any,
        high: Any,
        log: bool,
        step: Any,
        scale: Scale | None,
        prior: Any,
        when: When | None,
        default: Any,
    ) -> None:
        """Check the arguments of the constructor, and set the fields."""
        kind = type(self).__name__
        low, high = read_end(kind, "low", low), read_end(kind, "high", high)
        scale = read_scale(kind, scale, log, self._scales)
        check_range(kind, low, high, scale)
        grid: Grid | Powers | None = None
        if scale == "power_of_two":
            grid = read_powers(kind, low, high, step != self._free_step)
        elif step is not None:
            step = read_end(kind, "step", step)
            grid = read_steps(kind, low, high, step, scale)
            high = grid.value_at(grid.size - 1)
        for name, value in (("low", low), ("high", high), ("_grid", grid)):
            object.__setattr__(self, name, value)
        prior = as_prior(prior, *self.edges, kind)
        domain = (kind, low, high, step, scale)
        self._set(domain, when, default, step=step, scale=scale, prior=prior)


@final
@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class Float(_Numeric):
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

    kind = "float"
    _noun = "a number"
    _scales = SCALES
    _free_step = None

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
        self._fill(low, high, log, step, scale, prior, when, default)


@final
@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class Int(_Numeric):
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

    kind = "int"
    _noun = "an integer"
    _scales = ("linear", "log", "power_of_two")
    _free_step = 1

    low: int
    high: int
    step: int = 1
    default: int | None = None

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
        self._fill(low, high, log, step, scale, prior, when, default)


def codec_of(param: _Numeric) -> Codec:
    """Return the two functions between a numeric parameter's values and the unit interval.

    Args:
        param: A Float or Int.

    Example:
        >>> codec_of(Int(1, 4)).to_unit(2)
        0.375
    """
    if param._grid is None:
        return continuous(param.low, param.high, param.scale)
    return binned(param._grid, param.scale)


def unit_slope(param: Float, value: float) -> float:
    """Return how fast a continuous parameter moves with its column of the encoding, dv/du.

    Args:
        param: A Float without ``step``.
        value: Where.

    Example:
        >>> unit_slope(Float(0.0, 4.0), 1.0)
        4.0
    """
    into = forward(param.scale)
    return (into(param.high) - into(param.low)) / rate(param.scale)(value)
