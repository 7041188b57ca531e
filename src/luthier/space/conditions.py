"""Conditions: when a parameter is active.

``when={"optimizer": "sgd", "layers": AtLeast(2)}`` holds where both hold; a list of such dicts
holds where any of them does. A condition on an inactive parameter is false. Conditions are
written before their parent is known, so a plain value is kept as ``Is(value)``; the space, which
knows the parent, turns every predicate into a test of the parent's values.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, final

from luthier.errors import SpaceError
from luthier.space.values import (
    canonical_json,
    from_json_value,
    plain,
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


class Predicate(ABC):
    """Something that holds for some values of a parameter and not for others."""

    __slots__ = ()

    @abstractmethod
    def test(self, parse: Callable[[Any], Any], order: Callable[[Any], float]) -> Test:
        """Return the predicate as a function of the parent's value.

        Args:
            parse: Returns a value of the parent as the parent writes it; ParamValueError if
                the parent never takes it.
            order: Returns a value's place in the parent's order; SpaceError if it has none.
        """

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the predicate as JSON data."""

    def __repr__(self) -> str:
        names = cast("tuple[str, ...]", self.__slots__)
        return f"{type(self).__name__}({', '.join(repr(getattr(self, name)) for name in names)})"


@final
@dataclass(frozen=True, slots=True, repr=False)
class AtLeast(Predicate):
    """Holds for numbers, or ordinal values, from ``bound`` upwards.

    Args:
        bound: The lowest value for which it holds.

    Example:
        >>> AtLeast(2).to_json()
        {'at_least': 2}
    """

    bound: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "bound", _bound(self, self.bound))

    def test(self, parse: Callable[[Any], Any], order: Callable[[Any], float]) -> Test:
        """See Predicate."""
        least = order(self.bound)
        return lambda value: order(value) >= least

    def to_json(self) -> dict[str, Any]:
        """See Predicate."""
        return {"at_least": to_json_value(self.bound)}


@final
@dataclass(frozen=True, slots=True, repr=False)
class AtMost(Predicate):
    """Holds for numbers, or ordinal values, up to ``bound``.

    Args:
        bound: The highest value for which it holds.

    Example:
        >>> AtMost(0.5).to_json()
        {'at_most': 0.5}
    """

    bound: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "bound", _bound(self, self.bound))

    def test(self, parse: Callable[[Any], Any], order: Callable[[Any], float]) -> Test:
        """See Predicate."""
        most = order(self.bound)
        return lambda value: order(value) <= most

    def to_json(self) -> dict[str, Any]:
        """See Predicate."""
        return {"at_most": to_json_value(self.bound)}


@final
@dataclass(frozen=True, slots=True, repr=False)
class Between(Predicate):
    """Holds for numbers, or ordinal values, from ``low`` to ``high``, both included.

    Args:
        low: The lowest value for which it holds.
        high: The highest value for which it holds.

    Example:
        >>> Between(2, 4).to_json()
        {'between': [2, 4]}
    """

    low: Any
    high: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", _bound(self, self.low))
        object.__setattr__(self, "high", _bound(self, self.high))

    def test(self, parse: Callable[[Any], Any], order: Callable[[Any], float]) -> Test:
        """See Predicate."""
        least, most = order(self.low), order(self.high)
        return lambda value: least <= order(value) <= most

    def to_json(self) -> dict[str, Any]:
        """See Predicate."""
        return {"between": [to_json_value(self.low), to_json_value(self.high)]}


@final
@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class OneOf(Predicate):
    """Holds for the values listed.

    Args:
        *values: One value or more.

    Raises:
        SpaceError: No value, or one that isn't a JSON value or tuple.

    Example:
        >>> OneOf("sgd", "adam").to_json()
        {'one_of': ['sgd', 'adam']}
    """

    values: tuple[Any, ...]

    def __init__(self, *values: Any) -> None:
        if not values:
            raise SpaceError("OneOf: at least one value is needed, got none.")
        object.__setattr__(self, "values", tuple(plain(value) for value in values))
        self._key()

    def _key(self) -> Any:
        return tuple(map(value_key, self.values))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OneOf) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"OneOf({', '.join(map(repr, self.values))})"

    def test(self, parse: Callable[[Any], Any], order: Callable[[Any], float]) -> Test:
        """See Predicate."""
        keys = frozenset(value_key(parse(value)) for value in self.values)
        return lambda value: value_key(value) in keys

    def to_json(self) -> dict[str, Any]:
        """See Predicate."""
        return {"one_of": [to_json_value(value) for value in self.values]}


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Is(Predicate):
    """Holds for one value; a list, tuple or set that isn't itself a value means any of its items.

    This is what plain values in ``when`` become; there's no need to write it.

    Args:
        value: A value of the parent, or several.

    Example:
        >>> Is(["sgd", "adam"]).to_json()
        {'is': ['sgd', 'adam']}
    """

    value: Any

    def __post_init__(self) -> None:
        value = self.value
        if isinstance(value, set | frozenset):  # in an order that every process agrees on
            value = sorted(value, key=lambda item: canonical_json(to_json_value(plain(item))))
        object.__setattr__(self, "value", plain(value))
        value_key(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Is) and value_key(self.value) == value_key(other.value)

    def __hash__(self) -> int:
        return hash(value_key(self.value))

    def __repr__(self) -> str:
        return repr(self.value)

    def test(self, parse: Callable[[Any], Any], order: Callable[[Any], float]) -> Test:
        """See Predicate."""
        try:
            key = value_key(parse(self.value))
        except ValueError:  # not a value itself
            if isinstance(self.value, list | tuple) and self.value:
                return OneOf(*self.value).test(parse, order)
            raise
        return lambda value: value_key(value) == key

    def to_json(self) -> dict[str, Any]:
        """See Predicate."""
        return {"is": to_json_value(self.value)}


@final
@dataclass(frozen=True, slots=True, repr=False)
class Not(Predicate):
    """Holds where another predicate doesn't; the parameter must still be active.

    Args:
        predicate: A predicate, or a plain value.

    Example:
        >>> Not("sgd").to_json()
        {'not': {'is': 'sgd'}}
    """

    predicate: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "predicate", as_predicate(self.predicate))

    def test(self, parse: Callable[[Any], Any], order: Callable[[Any], float]) -> Test:
        """See Predicate."""
        holds = self.predicate.test(parse, order)
        return lambda value: not holds(value)

    def to_json(self) -> dict[str, Any]:
        """See Predicate."""
        return {"not": self.predicate.to_json()}


Clause = tuple[tuple[str, Predicate], ...]
"""Parameter names with predicates that must all hold."""


@final
@dataclass(frozen=True, slots=True, repr=False)
class Condition:
    """Clauses of which at least one must hold.

    Attributes:
        clauses: Each a tuple of (parameter name, predicate), all of which must hold.

    Example:
        >>> Condition.of({"optimizer": "sgd"}).names
        ('optimizer',)
    """

    clauses: tuple[Clause, ...]

    @staticmethod
    def of(when: Any) -> Condition:
        """Read a condition as users write it.

        Args:
            when: A Condition, a mapping of names to values or predicates, or a list of those.

        Raises:
            SpaceError: It is none of these, or empty.

        Example:
            >>> len(Condition.of([{"a": 1}, {"b": AtLeast(2)}]).clauses)
            2
        """
        if isinstance(when, Condition):
            return when
        branches = [when] if isinstance(when, Mapping) else when
        if isinstance(branches, str) or not isinstance(branches, Sequence) or not branches:
            raise SpaceError(
                f"when must be a dict of parameter names and values, or a list of such dicts, "
                f"got {when!r}. Example: when={{'optimizer': 'sgd'}}.",
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
    """Read a mapping of parameter names to values or predicates.

    Args:
        given: The mapping.
        place: What it belongs to, for the message.

    Raises:
        SpaceError: It isn't a mapping of strings, or empty.

    Example:
        >>> clause_of({"a": 1}, "forbid")
        (('a', 1),)
    """
    if not isinstance(given, Mapping) or not given or any(type(k) is not str for k in given):
        raise SpaceError(
            f"{place} must be a non-empty dict of parameter names and values, got {given!r}. "
            f"Example: {{'optimizer': 'sgd', 'layers': AtLeast(2)}}.",
            given=given,
        )
    return tuple((name, as_predicate(value)) for name, value in given.items())


def clause_to_json(clause: Clause) -> dict[str, Any]:
    """Return a clause as JSON data."""
    return {name: predicate.to_json() for name, predicate in clause}


def clause_from_json(data: Mapping[str, Any]) -> Clause:
    """Read what ``clause_to_json`` returned."""
    return tuple((name, predicate_from_json(item)) for name, item in data.items())


def as_predicate(value: Any) -> Predicate:
    """Return a predicate as it is, anything else as ``Is(value)``."""
    return value if isinstance(value, Predicate) else Is(value)


def predicate_from_json(data: Mapping[str, Any]) -> Predicate:
    """Read what a predicate's ``to_json`` returned.

    Raises:
        SpaceError: It is of an unknown kind.

    Example:
        >>> predicate_from_json({"at_least": 2})
        AtLeast(2)
    """
    for kind, value in data.items():
        if kind == "not":
            return Not(predicate_from_json(value))
        if kind in _KINDS:
            return _KINDS[kind](from_json_value(value))
    raise SpaceError(
        f"A predicate must be one of {', '.join([*_KINDS, 'not'])}, got {dict(data)!r}. "
        "The JSON was damaged or written by a newer Luthier.",
        data=dict(data),
    )


def _bound(predicate: Predicate, value: Any) -> Any:
    value = plain(value)
    if value is None or value != value or isinstance(value, list | dict):
        raise SpaceError(
            f"{type(predicate).__name__}: a bound must be a number or an ordinal value, "
            f"got {value!r}. For a set of values use OneOf(...).",
            value=value,
        )
    return value


_KINDS: dict[str, Callable[[Any], Predicate]] = {
    "is": Is,
    "one_of": lambda values: OneOf(*values),
    "at_least": AtLeast,
    "at_most": AtMost,
    "between": lambda bounds: Between(*bounds),
}
