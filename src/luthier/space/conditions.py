"""Conditions: when a parameter is active.

``when={"optimizer": "sgd", "layers": AtLeast(2)}`` holds where both hold; a list of such dicts
holds where any of them does. A condition on an inactive parameter is false. Conditions are
written before their parent is known, so a plain value is kept as ``Is(value)``; the space, which
knows the parent, turns every predicate into a test of the parent's values.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast, final

from luthier.space.values import (
    canonical_json,
    from_json_value,
    plain,
    refused,
    to_json_value,
    value_key,
)

__all__ = [
    "AtLeast",
    "AtMost",
    "Between",
    "Clause",
    "Condition",
    "Is",
    "Not",
    "OneOf",
    "Predicate",
    "When",
]

Test = Callable[[Any], bool]
Parse = Callable[[Any], Any]
"""Returns a value of the parent as the parent writes it; ParamValueError if it never takes it."""
Order = Callable[[Any], float]
"""Returns a value's place in the parent's order; SpaceError if it has none."""


class Predicate(ABC):
    """Something that holds for some values of a parameter and not for others."""

    __slots__ = ()

    kind: ClassVar[str]
    """The word for it in JSON."""

    @abstractmethod
    def test(self, parse: Parse, order: Order) -> Test:
        """Return the predicate as a function of the parent's value."""

    def arguments(self) -> tuple[Any, ...]:
        """Return what it was built from."""
        return tuple(getattr(self, name) for name in cast("tuple[str, ...]", self.__slots__))

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as JSON data."""
        values = [to_json_value(value) for value in self.arguments()]
        return {self.kind: values[0] if len(values) == 1 else values}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.arguments()))})"

    def _key(self) -> Hashable:
        return (self.kind, value_key(self.arguments()))


class _Interval(Predicate):
    """Holds for numbers, or ordinal values, between two ends, of which one may be open."""

    __slots__ = ()

    def __post_init__(self) -> None:
        names = cast("tuple[str, ...]", self.__slots__)
        for name, value in zip(names, map(plain, self.arguments()), strict=True):
            if value is None or value != value or isinstance(value, list | dict):
                raise refused(
                    f"{type(self).__name__}: a bound must be a number or an ordinal value",
                    "For a set of values use OneOf(...)",
                    got=repr(value),
                    value=value,
                )
            object.__setattr__(self, name, value)

    def test(self, parse: Parse, order: Order) -> Test:
        kind, ends = self.kind, [order(end) for end in self.arguments()]
        least = -math.inf if kind == "at_most" else ends[0]
        most = math.inf if kind == "at_least" else ends[-1]
        return lambda value: least <= order(value) <= most


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AtLeast(_Interval):
    """Holds for numbers, or ordinal values, from ``bound`` upwards.

    Example:
        >>> AtLeast(2).to_json()
        {'at_least': 2}
    """

    kind = "at_least"
    bound: Any


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AtMost(_Interval):
    """Holds for numbers, or ordinal values, up to ``bound``.

    Example:
        >>> AtMost(0.5).to_json()
        {'at_most': 0.5}
    """

    kind = "at_most"
    bound: Any


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Between(_Interval):
    """Holds for numbers, or ordinal values, from ``low`` to ``high``, both included.

    Example:
        >>> Between(2, 4).to_json()
        {'between': [2, 4]}
    """

    kind = "between"
    low: Any
    high: Any


@final
@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class OneOf(Predicate):
    """Holds for the values listed, of which there must be at least one.

    Example:
        >>> OneOf("sgd", "adam").to_json()
        {'one_of': ['sgd', 'adam']}
    """

    kind = "one_of"
    values: tuple[Any, ...]

    def __init__(self, *values: Any) -> None:
        if not values:
            raise refused("OneOf: at least one value is needed", "List them", got="none")
        object.__setattr__(self, "values", tuple(map(plain, values)))
        value_key(self.values)  # refuses what isn't a value

    def arguments(self) -> tuple[Any, ...]:
        """Return the values."""
        return self.values

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as JSON data, a list even of one value."""
        return {self.kind: to_json_value(list(self.values))}

    def test(self, parse: Parse, order: Order) -> Test:
        """Return the test whether a value is listed."""
        keys = frozenset(value_key(parse(value)) for value in self.values)
        return lambda value: value_key(value) in keys


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Is(Predicate):
    """Holds for one value; a list, tuple or set that isn't itself a value means any of its items.

    This is what plain values in ``when`` become; there's no need to write it.

    Example:
        >>> Is(["sgd", "adam"]).to_json()
        {'is': ['sgd', 'adam']}
    """

    kind = "is"
    value: Any

    def __post_init__(self) -> None:
        value = self.value
        if isinstance(value, set | frozenset):  # in an order that every process agrees on
            value = sorted(value, key=lambda item: canonical_json(to_json_value(item)))
        object.__setattr__(self, "value", plain(value))
        value_key(self.value)  # refuses what isn't a value

    def __repr__(self) -> str:
        return repr(self.value)

    def test(self, parse: Parse, order: Order) -> Test:
        """Return the test for the value, or else for its items."""
        try:
            key = value_key(parse(self.value))
        except ValueError:  # not a value itself
            if isinstance(self.value, list | tuple) and self.value:
                return OneOf(*self.value).test(parse, order)
            raise
        return lambda value: value_key(value) == key


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Not(Predicate):
    """Holds where another predicate (or plain value) doesn't; the parameter must be active.

    Example:
        >>> Not("sgd").to_json()
        {'not': {'is': 'sgd'}}
    """

    kind = "not"
    predicate: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "predicate", _as_predicate(self.predicate))

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as JSON data, with the other one inside."""
        return {self.kind: self.predicate.to_json()}

    def _key(self) -> Hashable:
        return (self.kind, self.predicate._key())

    def test(self, parse: Parse, order: Order) -> Test:
        """Return the opposite of the other test."""
        holds = self.predicate.test(parse, order)
        return lambda value: not holds(value)


Clause = tuple[tuple[str, Predicate], ...]
"""Parameter names with predicates that must all hold."""


@final
@dataclass(frozen=True, slots=True, repr=False)
class Condition:
    """Clauses of which at least one must hold.

    Attributes:
        clauses: Each a tuple of (parameter name, predicate), all of which must hold.

    Example:
        >>> Condition.of([{"optimizer": "sgd"}, {"layers": AtLeast(2)}]).names
        ('optimizer', 'layers')
    """

    clauses: tuple[Clause, ...]

    @staticmethod
    def of(when: Any) -> Condition:
        """Read a condition as users write it: one, a mapping, or a list of mappings."""
        if isinstance(when, Condition):
            return when
        branches = [when] if isinstance(when, Mapping) else when
        if isinstance(branches, str) or not isinstance(branches, Sequence) or not branches:
            raise refused(
                "when must be a dict of parameter names and values, or a list of such dicts",
                "Example: when={'optimizer': 'sgd'}",
                when=when,
            )
        return Condition(tuple(clause_of(branch, "when") for branch in branches))

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters it looks at, each once, in order of appearance."""
        return tuple(dict.fromkeys(name for clause in self.clauses for name, _ in clause))

    def __repr__(self) -> str:
        shown = [repr(dict(clause)) for clause in self.clauses]
        return shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"

    def to_json(self) -> list[dict[str, Any]]:
        """Return the condition as JSON data."""
        return [clause_to_json(clause) for clause in self.clauses]

    @staticmethod
    def from_json(data: Iterable[Mapping[str, Any]]) -> Condition:
        """Read what ``to_json`` returned."""
        return Condition(tuple(clause_from_json(clause) for clause in data))


When = Condition | Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""What users may write after ``when=``."""


def clause_of(given: Any, place: str) -> Clause:
    """Read a mapping of parameter names to values or predicates; ``place`` is for the message."""
    if not isinstance(given, Mapping) or not given or any(type(k) is not str for k in given):
        raise refused(
            f"{place} must be a non-empty dict of parameter names and values",
            "Example: {'optimizer': 'sgd', 'layers': AtLeast(2)}",
            got=repr(given),
            given=given,
        )
    return tuple((name, _as_predicate(value)) for name, value in given.items())


def clause_to_json(clause: Clause) -> dict[str, Any]:
    """Return a clause as JSON data."""
    return {name: predicate.to_json() for name, predicate in clause}


def clause_from_json(data: Mapping[str, Any]) -> Clause:
    """Read what ``clause_to_json`` returned."""
    return tuple((name, predicate_from_json(item)) for name, item in data.items())


def predicate_from_json(data: Mapping[str, Any]) -> Predicate:
    """Read what a predicate's ``to_json`` returned.

    Example:
        >>> predicate_from_json({"not": {"at_least": 2}})
        Not(AtLeast(2))
    """
    for kind, value in data.items():
        if kind in _KINDS:
            return _KINDS[kind](value)
    raise refused(
        f"A predicate must be one of {', '.join(_KINDS)}",
        "The JSON was damaged or written by a newer Luthier",
        got=repr(dict(data)),
        data=dict(data),
    )


_KINDS: dict[str, Callable[[Any], Predicate]] = {
    "is": lambda value: Is(from_json_value(value)),
    "one_of": lambda values: OneOf(*from_json_value(values)),
    "at_least": lambda bound: AtLeast(from_json_value(bound)),
    "at_most": lambda bound: AtMost(from_json_value(bound)),
    "between": lambda bounds: Between(*from_json_value(bounds)),
    "not": lambda predicate: Not(predicate_from_json(predicate)),
}


def _as_predicate(value: Any) -> Predicate:
    return value if isinstance(value, Predicate) else Is(value)
