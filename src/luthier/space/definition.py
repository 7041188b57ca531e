"""What every parameter definition offers, whatever its kind.

A definition is a frozen value: a domain plus three options. ``prior`` says what is likely,
``when`` says under which condition the parameter exists, ``default`` where to start. The fields
of its dataclass are its arguments: from them follow JSON and repr; ``_identity`` is the domain
and the options as something that can be compared and hashed.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Self, cast

from luthier.errors import ParamValueError
from luthier.space.conditions import Condition, When
from luthier.space.values import refused, to_json_value, value_key

__all__ = ["Definition", "same_domain"]


@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class Definition(ABC):
    """The common contract of Float, Int, Categorical, Ordinal, Constant and Permutation."""

    kind: ClassVar[str]
    """The word for this kind in JSON."""

    _identity: tuple[Hashable, ...] = field(init=False, repr=False)

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
        """Return the position of a value, or None; SpaceError if the domain is continuous."""

    @abstractmethod
    def value_at(self, k: int) -> Any:
        """Return the k-th value, 0 <= k < size; SpaceError if the domain is continuous."""

    @abstractmethod
    def domain(self) -> str:
        """Say in words what values there are, for messages."""

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
            usual = isinstance(value, int | float | str)
            note = "" if usual else f" of type {type(value).__name__}"
            raise ParamValueError(
                f"{place}: a value must be {self.domain()}, got {value!r}{note}. "
                "Correct the value, or widen the parameter.",
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
            rule = "grid: points must be an int of at least 1"
            raise refused(rule, "Example: grid(5)", got=repr(points))
        if 1_000_000 < self.size < math.inf:
            rule, got = f"grid: {self!r} has too many values", f"{self.size}, more than a million"
            raise refused(rule, "Give it a larger step", got=got)
        return self._grid_values(points)

    def _grid_values(self, points: int) -> list[Any]:
        return [self.value_at(k) for k in range(int(self.size))]

    def with_when(self, when: When | None) -> Self:
        """Return the same definition under another condition; None for always active.

        Example:
            >>> from luthier.space import Float
            >>> Float(0, 1).with_when({"a": 1}).when.names
            ('a',)
        """
        condition = None if when is None else Condition.of(when)
        domain, prior, _, default = self._identity
        return self._twin(when=condition, _identity=(domain, prior, condition, default))

    def with_default(self, default: Any) -> Self:
        """Return the same definition with another value to start from; None for no such value.

        Raises:
            SpaceError: The value is outside of the domain.

        Example:
            >>> from luthier.space import Int
            >>> Int(1, 9).with_default(3)
            Int(1, 9, default=3)
        """
        default = self._checked_default(default)
        domain, prior, condition, _ = self._identity
        identity = (domain, prior, condition, value_key(default))
        return self._twin(default=default, _identity=identity)

    def _twin(self, **changed: Any) -> Self:
        twin = object.__new__(type(self))
        for f in fields(self):
            object.__setattr__(twin, f.name, changed.get(f.name, getattr(self, f.name)))
        return twin

    def _checked_default(self, default: Any) -> Any:
        """Return a default in standard form; SpaceError if it is outside of the domain."""
        if default is None:
            return None
        try:
            return self.normalise(default)
        except ValueError:
            rule = f"{type(self).__name__}: default must be {self.domain()}"
            raise refused(rule, "Choose one inside", default=default) from None

    def to_json(self) -> dict[str, Any]:
        """Return the definition as JSON data, for ``param_from_json``."""
        data: dict[str, Any] = {"kind": self.kind}
        for name, value in self._arguments().items():
            if hasattr(value, "to_json"):
                data[name] = value.to_json()
            else:
                several = isinstance(value, tuple) and name not in ("value", "default")
                data[name] = to_json_value(list(value) if several else value)
        return data

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._identity == cast("Self", other)._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        given = self._arguments()
        options = [f.name for f in fields(self) if f.init and f.default is not MISSING]
        shown = [f"{name}={given[name]!r}" for name in options if name in given]
        return f"{type(self).__name__}({', '.join([self._shown_domain(), *shown])})"

    @abstractmethod
    def _shown_domain(self) -> str:
        """The positional arguments, as in repr."""

    def _arguments(self) -> dict[str, Any]:
        """The fields that say what this definition is, those left out that have their default."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if f.repr}
        return {
            f.name: given[f.name] for f in fields(self) if f.repr and given[f.name] != f.default
        }

    def _set(
        self, domain: tuple[Hashable, ...], when: When | None, default: Any, **others: Any
    ) -> None:
        """Set the fields of a new instance, ``default`` late since it needs the others."""
        put = object.__setattr__
        for name, value in others.items():
            put(self, name, value)
        default = self._checked_default(default)
        condition = None if when is None else Condition.of(when)
        put(self, "when", condition)
        put(self, "default", default)
        put(self, "_identity", (domain, others.get("prior"), condition, value_key(default)))


def same_domain(a: Definition, b: Definition) -> bool:
    """Whether two definitions have the same values and scale; their options may differ.

    Example:
        >>> from luthier.space import Float, Int
        >>> same_domain(Float(0, 1), Float(0, 1, default=0.5)), same_domain(Float(0, 1), Int(0, 1))
        (True, False)
    """
    return a is b or a._identity[0] == b._identity[0]
