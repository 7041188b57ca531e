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
from luthier.space.values import plain, refused, value_key

__all__ = ["Categorical", "Constant", "Ordinal", "Permutation"]


@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class _Listed(Definition):
    """What these kinds share: the values given, and the place of each by its key."""

    _values: tuple[Any, ...] = field(init=False, repr=False)
    _places: dict[Hashable, int] = field(init=False, repr=False)
    _phrase: ClassVar[str] = "one of {}"

    @property
    def size(self) -> int:
        return len(self._values)

    def index(self, value: Any) -> int | None:
        try:
            k = self._places.get(value_key(plain(value)))
            if k is None and isinstance(value, list):  # JSON can't tell lists from tuples
                k = self._places.get(value_key(_tupled(plain(value))))
        except SpaceError:
            return None
        return k

    def value_at(self, k: int) -> Any:
        return _own(self._values[k])

    def domain(self) -> str:
        shown = ", ".join(map(repr, self._values[:20]))
        more = "" if len(self._values) <= 20 else f", ... ({len(self._values)} in all)"
        return self._phrase.format(shown + more)

    def _shown_domain(self) -> str:
        return repr(list(self._values))

    def _fill(self, when: When | None, default: Any, named: bool = False, **given: Any) -> None:
        """Check the arguments of the constructor, the values first, and set the fields."""
        kind = type(self).__name__
        what = next(iter(given))
        values, places = _read_values(kind, what, given[what])
        given |= {what: values, "_values": values, "_places": places}
        if "prior" in given:
            given["prior"] = _read_weights(kind, given["prior"], len(values))
        self._set((kind, named, *places), when, default, **given)


@final
@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class Categorical(_Listed):
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

    kind = "categorical"

    choices: tuple[Any, ...]
    named: bool = field(init=False, default=False)
    prior: tuple[float, ...] | None = None
    when: Condition | None = None
    default: Any = None
    objects: Mapping[str, Any] | None = field(init=False, repr=False)

    def __init__(
        self,
        choices: Iterable[Any] | Mapping[str, Any],
        *,
        prior: Sequence[float] | None = None,
        when: When | None = None,
        default: Any = None,
    ) -> None:
        objects = dict(choices) if isinstance(choices, Mapping) else None
        named = objects is not None
        if objects is not None and any(type(name) is not str or not name for name in objects):
            raise refused(
                "Categorical: the names of choices must be non-empty strings",
                "Use a mapping {'name': object, ...}",
                got=repr(list(objects)),
                choices=choices,
            )
        object.__setattr__(self, "named", named)
        object.__setattr__(self, "objects", objects)
        self._fill(when, default, named, choices=choices, prior=prior)

    def resolve(self, value: Any) -> Any:
        """Return the object of a named choice, any other value as it is.

        Raises:
            SpaceError: The definition was read from JSON, which knows only the names.
        """
        if self.objects is None:
            return value
        if self.objects[value] is ...:
            raise SpaceError(
                f"Categorical: the objects of the named choices {list(self.choices)!r} aren't "
                "known, since JSON keeps only their names. "
                "Give the parameter again in code: Categorical({'name': object, ...}).",
                value=value,
            )
        return self.objects[value]

    def _shown_domain(self) -> str:
        return repr(self.objects or list(self.choices))


@final
@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class Ordinal(_Listed):
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

    kind = "ordinal"

    values: tuple[Any, ...]
    prior: tuple[float, ...] | None = None
    when: Condition | None = None
    default: Any = None

    def __init__(
        self,
        values: Iterable[Any],
        *,
        prior: Sequence[float] | None = None,
        when: When | None = None,
        default: Any = None,
    ) -> None:
        self._fill(when, default, values=values, prior=prior)


@final
@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class Constant(_Listed):
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

    kind = "constant"
    _phrase = "{}"

    value: Any
    when: Condition | None = None
    default: Any = field(init=False, repr=False)

    def __init__(self, value: Any, *, when: When | None = None) -> None:
        value, key = plain(value), value_key(plain(value))
        self._set(("Constant", key), when, value, value=value, _values=(value,), _places={key: 0})

    @property
    def width(self) -> int:
        """No column: there is nothing to encode."""
        return 0

    def _shown_domain(self) -> str:
        return repr(self.value)


@final
@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class Permutation(_Listed):
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

    kind = "permutation"
    _phrase = "an ordering of {}"

    items: tuple[Any, ...]
    when: Condition | None = None
    default: Any = None

    def __init__(
        self, items: Iterable[Any], *, when: When | None = None, default: Any = None
    ) -> None:
        self._fill(when, default, items=items)
        if len(self.items) < 2:
            raise refused(
                "Permutation: at least two items are needed",
                "For a fixed value use Constant",
                got=repr(list(self.items)),
                items=items,
            )

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

        Example:
            >>> Permutation(["a", "b", "c"]).order(("c", "a", "b"))
            [2, 0, 1]
        """
        if not isinstance(value, list | tuple) or len(value) != len(self.items):
            return None
        given = (_Listed.index(self, item) for item in value)
        places = [place for place in given if place is not None]
        return places if len(set(places)) == len(self.items) else None

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
        """Return the k-th ordering, 0 <= k < size."""
        if not 0 <= k < self.size:
            raise IndexError(f"{self!r} has values 0 to {self.size} - 1, got {k}")
        digits = []
        for base in range(1, len(self.items) + 1):
            k, digit = divmod(k, base)
            digits.append(digit)
        rest = list(range(len(self.items)))
        return self.in_order(rest.pop(digit) for digit in reversed(digits))


def _read_values(kind: str, what: str, given: Any) -> tuple[tuple[Any, ...], dict[Hashable, int]]:
    """Return the values and where each stands, by key."""
    fields = {what: given}
    if isinstance(given, str | bytes | set | frozenset) or not isinstance(given, Iterable):
        rule = f"{kind}: {what} must be a list of values"
        raise refused(rule, "Write them in brackets", got=repr(given), **fields)
    values = tuple(_own(plain(value)) for value in given)
    if not values:
        raise refused(f"{kind}: {what} must not be empty", "Give at least one", **fields)
    places: dict[Hashable, int] = {}
    for k, value in enumerate(values):
        try:
            key = value_key(value)
        except SpaceError as error:
            raise refused(
                f"{kind}: {what} must be JSON values, tuples or None",
                "Give objects a name: Categorical({'name': object, ...})",
                got=f"{value!r} of type {type(value).__name__}",
                **fields,
            ) from error
        if places.setdefault(key, k) != k:
            raise refused(
                f"{kind}: {what} must differ from each other",
                "Remove one; for unequal chances use prior=[weights]",
                got=f"{value!r} twice",
                **fields,
            )
    return values, places


def _read_weights(kind: str, given: Any, n: int) -> tuple[float, ...] | None:
    if given is None:
        return None
    try:
        weights = tuple(float(weight) for weight in given)
    except (TypeError, ValueError):
        weights = ()
    usable = all(0 <= weight < math.inf for weight in weights) and sum(weights) > 0
    if len(weights) != n or not usable:
        raise refused(
            f"{kind}: prior must be {n} weights of at least 0, one for each value and not all 0",
            "Give one weight for each value, in their order",
            prior=given,
        )
    return weights


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def _own(value: Any) -> Any:
    """A copy of what could be changed, so that the definition stays as it is."""
    return copy.deepcopy(value) if isinstance(value, list | dict | tuple) else value
