"""Parameters that take one of a few given values: Categorical, Ordinal, Constant, Permutation.

Values are told apart by type as well: ``[1, True, 1.0, "1"]`` are four choices. Objects that
aren't JSON values are given under names; trials record the name, objectives get the object.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

from luthier.errors import SpaceError
from luthier.space.conditions import Condition, When
from luthier.space.definition import Definition
from luthier.space.values import plain, to_json_value, value_key

__all__ = ["Categorical", "Constant", "Ordinal", "Permutation"]


@final
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Categorical(Definition):
    """One of several choices without an order.

    Args:
        choices: JSON values, tuples or None; or a mapping of names to any objects, of which
            trials record the name and objectives get the object.
        prior: A positive weight for each choice. None: all equal.
        when: Condition under which the parameter is active.
        default: Where to start.

    Raises:
        SpaceError: No choice, a duplicate, an object without a name, or a bad option.

    Example:
        >>> Categorical(["adam", "sgd"]).index("sgd")
        1
        >>> Categorical({"root": math.sqrt, "log": math.log}).resolve("root")(4)
        2.0
    """

    kind: ClassVar[str] = "categorical"

    choices: tuple[Any, ...] = field(compare=False)
    prior: tuple[float, ...] | None
    when: Condition | None
    default: Any = field(compare=False)
    named: bool = field(init=False)
    objects: Mapping[str, Any] | None = field(init=False, compare=False)
    _positions: dict[Hashable, int] = field(init=False, compare=False)
    _identity: tuple[Hashable, ...] = field(init=False)

    def __init__(
        self,
        choices: Iterable[Any] | Mapping[str, Any],
        *,
        prior: Sequence[float] | None = None,
        when: When | None = None,
        default: Any = None,
    ) -> None:
        objects = dict(choices) if isinstance(choices, Mapping) else None
        if objects is not None and any(type(name) is not str or not name for name in objects):
            raise self._error(
                f"the names of choices must be non-empty strings, got {list(objects)!r}",
                "Use a mapping {'name': object, ...}.",
                choices=choices,
            )
        values, positions = _read_values(self, choices, "choices")
        self._set(
            when,
            default,
            choices=values,
            prior=_read_weights(self, prior, len(values)),
            named=objects is not None,
            objects=objects,
            _positions=positions,
        )
        object.__setattr__(self, "_identity", (*positions, "default", value_key(self.default)))

    @property
    def size(self) -> int:
        """See Definition."""
        return len(self.choices)

    def index(self, value: Any) -> int | None:
        """See Definition."""
        return _position(self._positions, value)

    def value_at(self, k: int) -> Any:
        """See Definition."""
        return _own(self.choices[k])

    def resolve(self, value: Any) -> Any:
        """Return the object of a named choice, any other value as it is.

        Raises:
            SpaceError: The definition was read from JSON, which knows only the names.
        """
        if not self.named:
            return value
        if self.objects is None:
            raise self._error(
                f"the objects of the named choices {list(self.choices)!r} aren't known, since "
                "JSON keeps only their names",
                "Give the parameter again in code: Categorical({'name': object, ...}).",
                value=value,
            )
        return self.objects[value]

    def domain(self) -> str:
        """See Definition."""
        return f"one of {_listed(self.choices)}"

    def to_json(self) -> dict[str, Any]:
        """See Definition."""
        data: dict[str, Any] = {"kind": self.kind, "choices": to_json_value(list(self.choices))}
        if self.named:
            data["named"] = True
        return data | _weights_json(self.prior) | self._options()

    def _arguments(self) -> str:
        shown = self.objects if self.objects is not None else list(self.choices)
        return ", ".join(filter(None, (repr(shown), self._shown(prior=self.prior))))


@final
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Ordinal(Definition):
    """One of several values in a meaningful order.

    Args:
        values: JSON values, tuples or None, lowest first.
        prior: A positive weight for each value. None: all equal.
        when: Condition under which the parameter is active.
        default: Where to start.

    Raises:
        SpaceError: No value, a duplicate, one that isn't a JSON value, or a bad option.

    Example:
        >>> Ordinal(["small", "medium", "large"]).value_at(1)
        'medium'
    """

    kind: ClassVar[str] = "ordinal"

    values: tuple[Any, ...] = field(compare=False)
    prior: tuple[float, ...] | None
    when: Condition | None
    default: Any = field(compare=False)
    _positions: dict[Hashable, int] = field(init=False, compare=False)
    _identity: tuple[Hashable, ...] = field(init=False)

    def __init__(
        self,
        values: Iterable[Any],
        *,
        prior: Sequence[float] | None = None,
        when: When | None = None,
        default: Any = None,
    ) -> None:
        read, positions = _read_values(self, values, "values")
        weights = _read_weights(self, prior, len(read))
        self._set(when, default, values=read, prior=weights, _positions=positions)
        object.__setattr__(self, "_identity", (*positions, "default", value_key(self.default)))

    @property
    def size(self) -> int:
        """See Definition."""
        return len(self.values)

    def index(self, value: Any) -> int | None:
        """See Definition."""
        return _position(self._positions, value)

    def value_at(self, k: int) -> Any:
        """See Definition."""
        return _own(self.values[k])

    def domain(self) -> str:
        """See Definition."""
        return f"one of {_listed(self.values)}"

    def to_json(self) -> dict[str, Any]:
        """See Definition."""
        data: dict[str, Any] = {"kind": self.kind, "values": to_json_value(list(self.values))}
        return data | _weights_json(self.prior) | self._options()

    def _arguments(self) -> str:
        return ", ".join(filter(None, (repr(list(self.values)), self._shown(prior=self.prior))))


@final
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Constant(Definition):
    """A single fixed value, recorded with every trial.

    Args:
        value: A JSON value, tuple or None.
        when: Condition under which the parameter is active.

    Raises:
        SpaceError: The value isn't a JSON value.

    Example:
        >>> Constant(0.1).size
        1
    """

    kind: ClassVar[str] = "constant"

    value: Any = field(compare=False)
    when: Condition | None
    default: Any = field(compare=False)
    _identity: Hashable = field(init=False)

    def __init__(self, value: Any, *, when: When | None = None) -> None:
        value = plain(value)
        self._set(when, None, value=value, _identity=value_key(value))
        object.__setattr__(self, "default", value)

    @property
    def size(self) -> int:
        """See Definition."""
        return 1

    @property
    def width(self) -> int:
        """No column: there is nothing to encode."""
        return 0

    def index(self, value: Any) -> int | None:
        """See Definition."""
        return _position({self._identity: 0}, value)

    def value_at(self, k: int) -> Any:
        """See Definition."""
        return _own((self.value,)[k])

    def domain(self) -> str:
        """See Definition."""
        return repr(self.value)

    def to_json(self) -> dict[str, Any]:
        """See Definition."""
        data: dict[str, Any] = {"kind": self.kind, "value": to_json_value(self.value)}
        return data if self.when is None else data | {"when": self.when.to_json()}

    def _arguments(self) -> str:
        return repr(self.value) + ("" if self.when is None else f", when={self.when!r}")


@final
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Permutation(Definition):
    """An ordering of all items; its values are tuples.

    Args:
        items: At least two different JSON values, tuples or None.
        when: Condition under which the parameter is active.
        default: Where to start.

    Raises:
        SpaceError: Fewer than two items, a duplicate, or one that isn't a JSON value.

    Example:
        >>> Permutation(["a", "b", "c"]).size
        6
    """

    kind: ClassVar[str] = "permutation"

    items: tuple[Any, ...] = field(compare=False)
    when: Condition | None
    default: Any = field(compare=False)
    _positions: dict[Hashable, int] = field(init=False, compare=False)
    _identity: tuple[Hashable, ...] = field(init=False)

    def __init__(
        self, items: Iterable[Any], *, when: When | None = None, default: Any = None
    ) -> None:
        read, positions = _read_values(self, items, "items")
        if len(read) < 2:
            raise self._error(
                f"at least two items are needed, got {list(read)!r}",
                "For a fixed value use Constant.",
                items=items,
            )
        self._set(when, default, items=read, _positions=positions)
        object.__setattr__(self, "_identity", (*positions, "default", value_key(self.default)))

    @property
    def size(self) -> int:
        """The factorial of the number of items."""
        return math.factorial(len(self.items))

    @property
    def width(self) -> int:
        """One column for each item."""
        return len(self.items)

    def order(self, value: Any) -> list[int] | None:
        """Return the places of the items in a value, or None if it isn't an ordering of them.

        Args:
            value: A sequence of the items.

        Example:
            >>> Permutation(["a", "b", "c"]).order(("c", "a", "b"))
            [2, 0, 1]
        """
        if not isinstance(value, list | tuple) or len(value) != len(self.items):
            return None
        places = [_position(self._positions, item) for item in value]
        known = [place for place in places if place is not None]
        return known if len(set(known)) == len(self.items) else None

    def in_order(self, places: Iterable[int]) -> tuple[Any, ...]:
        """Return the value that has the items in the order of these places."""
        return tuple(_own(self.items[place]) for place in places)

    def index(self, value: Any) -> int | None:
        """Return the position among all orderings, sorted by the places of their items."""
        places = self.order(value)
        if places is None:
            return None
        rest, k = list(range(len(places))), 0
        for place in places:
            k = k * len(rest) + rest.index(place)
            rest.remove(place)
        return k

    def value_at(self, k: int) -> tuple[Any, ...]:
        """See Definition."""
        if not 0 <= k < self.size:
            raise IndexError(f"{self!r} has values 0 to {self.size} - 1, got {k}")
        digits = []
        for base in range(1, len(self.items) + 1):
            k, digit = divmod(k, base)
            digits.append(digit)
        rest = list(range(len(self.items)))
        return self.in_order(rest.pop(digit) for digit in reversed(digits))

    def domain(self) -> str:
        """See Definition."""
        return f"an ordering of {_listed(self.items)}"

    def to_json(self) -> dict[str, Any]:
        """See Definition."""
        return {"kind": self.kind, "items": to_json_value(list(self.items))} | self._options()

    def _arguments(self) -> str:
        return ", ".join(filter(None, (repr(list(self.items)), self._shown())))


def _read_values(
    param: Definition, given: Any, what: str
) -> tuple[tuple[Any, ...], dict[Hashable, int]]:
    """Return the values and where each stands, by key."""
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise param._error(
            f"{what} must be a list of values, got {given!r}",
            "Write them in brackets.",
            **{what: given},
        )
    values = tuple(
        copy.deepcopy(plain(value)) if _mutable(value) else plain(value) for value in given
    )
    if not values:
        raise param._error(f"{what} must not be empty", "Give at least one.", **{what: given})
    positions: dict[Hashable, int] = {}
    for k, value in enumerate(values):
        try:
            key = value_key(value)
        except SpaceError as error:
            raise param._error(
                f"{what} must be JSON values, tuples or None, got {value!r} of type "
                f"{type(value).__name__}",
                "Give objects a name: Categorical({'name': object, ...}).",
                **{what: given},
            ) from error
        if key in positions:
            raise param._error(
                f"{what} must differ from each other, got {value!r} twice",
                "Remove one; for unequal chances use prior=[weights].",
                **{what: given},
            )
        positions[key] = k
    return values, positions


def _read_weights(param: Definition, given: Any, n: int) -> tuple[float, ...] | None:
    if given is None:
        return None
    try:
        weights = tuple(float(weight) for weight in given)
    except (TypeError, ValueError):
        weights = ()
    usable = all(0 <= weight < math.inf for weight in weights) and sum(weights) > 0
    if len(weights) != n or not usable:
        raise param._error(
            f"prior must be {n} weights of at least 0, one for each value and not all 0, "
            f"got prior={given!r}",
            "Give one weight for each value, in their order.",
            prior=given,
        )
    return weights


def _weights_json(prior: tuple[float, ...] | None) -> dict[str, Any]:
    return {} if prior is None else {"prior": list(prior)}


def _position(positions: Mapping[Hashable, int], value: Any) -> int | None:
    try:
        k = positions.get(value_key(plain(value)))
        if k is None and isinstance(value, list):  # JSON can't tell lists from tuples
            k = positions.get(value_key(_tupled(plain(value))))
    except SpaceError:
        return None
    return k


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def _mutable(value: Any) -> bool:
    return isinstance(value, list | dict | tuple)


def _own(value: Any) -> Any:
    """A copy of what could be changed, so that the definition stays as it is."""
    return copy.deepcopy(value) if _mutable(value) else value


def _listed(values: tuple[Any, ...]) -> str:
    shown = ", ".join(map(repr, values[:20]))
    return shown if len(values) <= 20 else f"{shown}, ... ({len(values)} in all)"
