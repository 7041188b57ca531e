"""What every parameter definition offers, whatever its kind.

A definition is a frozen value: a domain plus three options. ``prior`` says what is likely,
``when`` says under which condition the parameter exists, ``default`` where to start.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self, cast

from luthier.errors import ParamValueError, SpaceError
from luthier.space.conditions import Condition, When
from luthier.space.values import to_json_value

__all__ = ["Definition"]


class Definition(ABC):
    """The common contract of Float, Int, Categorical, Ordinal, Constant and Permutation."""

    __slots__ = ()

    kind: ClassVar[str]
    """The word for this kind in JSON."""

    when: Condition | None
    default: Any

    @property
    @abstractmethod
    def size(self) -> int | float:
        """The number of distinct values, or ``math.inf``."""

    @property
    def width(self) -> int:
        """The number of columns in the encoding."""
        return 1

    @abstractmethod
    def index(self, value: Any) -> int | None:
        """Return the position of a value among all values, or None if it isn't one.

        Raises:
            SpaceError: The domain is continuous.
        """

    @abstractmethod
    def value_at(self, k: int) -> Any:
        """Return the k-th value, 0 <= k < size.

        Raises:
            SpaceError: The domain is continuous.
        """

    @abstractmethod
    def domain(self) -> str:
        """Say in words what values there are, for messages."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the definition as JSON data, for ``param_from_json``."""

    def normalise(self, value: Any) -> Any:
        """Return a value of the domain in its standard form, or raise ``ValueError``."""
        k = self.index(value)
        if k is None:
            raise ValueError(value)
        return self.value_at(k)

    def contains(self, value: Any) -> bool:
        """Whether a value belongs to the domain."""
        try:
            self.normalise(value)
        except ValueError:
            return False
        return True

    def check(self, value: Any, name: str = "") -> Any:
        """Return a value in its standard form (3.0 as 3 for an Int), or raise.

        Args:
            value: Anything.
            name: The parameter's name, for the message.

        Raises:
            ParamValueError: The value is outside the domain.

        Example:
            >>> from luthier.space import Int
            >>> Int(1, 9).check(3.0, "depth")
            3
        """
        try:
            return self.normalise(value)
        except ValueError:
            place = f"{type(self).__name__} {name!r}" if name else type(self).__name__
            raise ParamValueError(
                f"{place}: a value must be {self.domain()}, got {value!r}"
                f"{_type_note(value)}. Correct the value, or widen the parameter.",
                name=name,
                value=value,
                param=self,
            ) from None

    def resolve(self, value: Any) -> Any:
        """Return what the objective gets for a recorded value; only named choices differ."""
        return value

    def grid(self, points: int) -> list[Any]:
        """Return the values that a grid search tries.

        Args:
            points: How many values of a continuous domain, evenly spaced in its scale, ends
                included; a finite domain gives all its values.

        Raises:
            SpaceError: ``points`` is below 1, or there are more than a million values.

        Example:
            >>> from luthier.space import Float
            >>> Float(0.001, 1, log=True).grid(4)
            [0.001, 0.01, 0.1, 1.0]
        """
        if type(points) is not int or points < 1:
            raise SpaceError(
                f"grid: points must be an int of at least 1, got {points!r}.", points=points
            )
        if self.size > 1_000_000:
            raise SpaceError(
                f"grid: {self!r} has {self.size} values, more than a million. "
                "Give it a larger step.",
                size=self.size,
            )
        return [self.value_at(k) for k in range(int(self.size))]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._arguments()})"

    @abstractmethod
    def _arguments(self) -> str:
        """The arguments that build this definition, defaults left out."""

    def _set(self, when: When | None, default: Any, **fields: Any) -> None:
        """Set the fields of a new instance, ``default`` last since it needs the others."""
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "when", None if when is None else Condition.of(when))
        object.__setattr__(self, "default", None)
        if default is None:
            return
        try:
            object.__setattr__(self, "default", self.normalise(default))
        except ValueError:
            raise self._error(
                f"default must be {self.domain()}, got default={default!r}",
                "Choose a default inside.",
                default=default,
            ) from None

    def _options(self) -> dict[str, Any]:
        """``when`` and ``default`` as JSON data, left out where not given."""
        options: dict[str, Any] = {}
        if self.when is not None:
            options["when"] = self.when.to_json()
        if self.default is not None:
            options["default"] = to_json_value(self.default)
        return options

    def _shown(self, **options: Any) -> str:
        """Options as keyword arguments, those that are None or False left out."""
        options |= {"when": self.when, "default": self.default}
        shown = [f"{key}={value!r}" for key, value in options.items() if value not in (None, False)]
        return ", ".join(shown)

    @classmethod
    def _error(cls, rule: str, advice: str, **fields: Any) -> SpaceError:
        return SpaceError(f"{cls.__name__}: {rule}. {advice}", **fields)

    def with_when(self, when: When | None) -> Self:
        """Return the same definition under another condition.

        Args:
            when: The condition, or None for always active.

        Example:
            >>> from luthier.space import Float
            >>> Float(0, 1).with_when({"a": 1}).when.names
            ('a',)
        """
        twin = self.__copy__()
        object.__setattr__(twin, "when", None if when is None else Condition.of(when))
        return twin

    def __copy__(self) -> Self:
        twin = object.__new__(type(self))
        for name in cast("tuple[str, ...]", self.__slots__):
            object.__setattr__(twin, name, getattr(self, name))
        return twin


def _type_note(value: Any) -> str:
    return "" if isinstance(value, int | float | str) else f" of type {type(value).__name__}"
