"""Axes of parameters: where their values lie, and how the axis is labelled.

Numbers on a linear or logarithmic scale lie at themselves, so that a reader may zoom in. All others
lie at places of their own: choices at 0, 1, 2, ..., numbers on other scales in the unit interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.trial import FrozenTrial
from luthier.plots.labels import shown, value_text
from luthier.space import Categorical, Constant, Float, Int, Ordinal, Param, Permutation
from luthier.space.numeric import codec_of

__all__ = ["ParamAxis", "axis_of"]

Array = NDArray[np.float64]
_LONGEST_TICK: Final = 14
_MOST_TICKS: Final = 12
_PLAIN: Final = {"linear", "log"}
_MISSING: Final = object()


@final
@dataclass(frozen=True, slots=True, eq=False)
class ParamAxis:
    """The axis of one parameter; made by ``axis_of``.

    Attributes:
        name: The parameter's name.
        param: Its definition.
        values: For choices, those that have a place, in order.
    """

    name: str
    param: Param
    values: tuple[Any, ...] = ()

    @property
    def title(self) -> str:
        """The name, as it may be shown."""
        return shown(self.name)

    @property
    def is_listed(self) -> bool:
        """Whether values are choices at 0, 1, 2, ..."""
        return not isinstance(self.param, Float | Int)

    @property
    def is_log(self) -> bool:
        """Whether the axis is logarithmic."""
        return isinstance(self.param, Float | Int) and self.param.scale == "log"

    def places(self, trials: Iterable[FrozenTrial]) -> Array:
        """Where trials lie on the axis, NaN where they have no such value, shape (n,)."""
        found = (_value(trial, self.name) for trial in trials)
        return np.array([self.place(value) for value in found], dtype=np.float64)

    def place(self, value: Any) -> float:
        """Where a value lies; NaN if it isn't one of the axis."""
        param = self.param
        if isinstance(param, Permutation):
            return next((float(k) for k, v in enumerate(self.values) if v == value), math.nan)
        if value is _MISSING or not param.contains(value):
            return math.nan
        if isinstance(param, Float | Int):
            return float(value) if param.scale in _PLAIN else codec_of(param).to_unit(value)
        k = param.index(value)
        return math.nan if k is None else float(k)

    def unit(self, places: Array) -> Array:
        """Places as shares of the axis, in [0, 1]."""
        if self.is_listed:
            return np.asarray((places + 0.5) / max(len(self.values), 1))
        param = self.param
        assert isinstance(param, Float | Int)
        if param.scale not in _PLAIN:
            return places
        low, high = float(param.low), float(param.high)
        if self.is_log:
            low, high, places = math.log(low), math.log(high), np.log(places)
        return np.asarray((places - low) / (high - low if high > low else 1.0))

    def grid(self, points: int) -> tuple[Array, Array]:
        """Values spread over the whole axis.

        Args:
            points: The most values of a number.

        Returns:
            Where they lie on the axis, and in their column of the encoding; shapes (n,).
        """
        param = self.param
        if isinstance(param, Float | Int):
            if param.size == math.inf:
                values = param.grid(points)
            else:
                chosen = np.linspace(0, int(param.size) - 1, min(points, int(param.size)))
                values = [param.value_at(int(k)) for k in chosen]
            to_unit = codec_of(param).to_unit
            codes = np.array([to_unit(value) for value in values])
            return np.array([self.place(value) for value in values]), codes
        k = np.arange(len(self.values), dtype=np.float64)
        return k, (k + 0.5) / len(k) if isinstance(param, Ordinal) else k

    def range(self) -> list[float] | None:
        """The ends of the axis with some room, in plotly's terms; None where it finds them."""
        if self.is_listed:
            return [-0.5, len(self.values) - 0.5]
        param = self.param
        assert isinstance(param, Float | Int)
        if param.scale not in _PLAIN:
            return [-0.03, 1.03]
        low, high = float(param.low), float(param.high)
        if self.is_log:
            low, high = math.log10(low), math.log10(high)
        room = 0.03 * (high - low) or 0.5
        return [low - room, high + room] if math.isfinite(room) else None

    def layout(self) -> dict[str, Any]:
        """The axis in plotly's terms."""
        axis: dict[str, Any] = {"title": {"text": self.title}, "type": "linear"}
        if (ends := self.range()) is not None:
            axis["range"] = ends
        if self.is_log:
            steps = {"dtick": _decades(ends), "exponentformat": "power", "tickfont": {"size": 9}}
            return axis | {"type": "log"} | steps  # powers are drawn a quarter larger
        if (ticks := self.ticks()) is not None:
            axis |= {"tickmode": "array", "tickvals": ticks[0], "ticktext": ticks[1]}
        return axis

    def ticks(self) -> tuple[list[float], list[str]] | None:
        """Places of ticks and their texts; None where plotly finds them."""
        if self.is_listed:
            step = max(1, math.ceil(len(self.values) / _MOST_TICKS))
            kept = range(0, len(self.values), step)
            return list(map(float, kept)), [_tick(self.values[k]) for k in kept]
        param = self.param
        assert isinstance(param, Float | Int)
        if param.scale in _PLAIN:
            return None
        codec = codec_of(param)
        values = param.grid(5)
        values = values[:: max(1, math.ceil(len(values) / _MOST_TICKS))]
        return [codec.to_unit(value) for value in values], [_tick(value) for value in values]

    def ends(self) -> tuple[str, str]:
        """The texts of the lowest and the highest value."""
        if self.is_listed:
            return (_tick(self.values[0]), _tick(self.values[-1])) if self.values else ("", "")
        assert isinstance(self.param, Float | Int)
        return _tick(self.param.low), _tick(self.param.high)


def axis_of(name: str, param: Param, trials: Iterable[FrozenTrial] = ()) -> ParamAxis:
    """Return the axis of a parameter.

    Args:
        name: Its name.
        param: Its definition.
        trials: Trials, for the orders of a Permutation: those that were tried have a place.

    Example:
        >>> axis = axis_of("lr", Float(1e-4, 1.0, log=True))
        >>> axis.layout()["type"], axis_of("c", Categorical(["a", "b"])).ticks()
        ('log', ([0.0, 1.0], ['a', 'b']))
    """
    if isinstance(param, Categorical):
        return ParamAxis(name, param, param.choices)
    if isinstance(param, Ordinal):
        return ParamAxis(name, param, param.values)
    if isinstance(param, Constant):
        return ParamAxis(name, param, (param.value,))
    if isinstance(param, Permutation):
        seen = {v for t in trials if param.contains(v := _value(t, name))}
        return ParamAxis(name, param, tuple(sorted(seen, key=repr)))
    return ParamAxis(name, param)


def _value(trial: FrozenTrial, name: str) -> Any:
    names = trial.param_names
    return trial.param_values[names.index(name)] if name in names else _MISSING


def _tick(value: Any) -> str:
    if isinstance(value, tuple):
        value = ", ".join(map(str, value))
    return value_text(value, _LONGEST_TICK)


def _decades(ends: list[float] | None) -> int:
    return 1 if ends is None else max(1, math.ceil((ends[1] - ends[0]) / 6))
