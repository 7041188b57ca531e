"""A configuration of Ray Tune in which ``sample_from`` has yet to compute some values.

Each is computed when it is needed, so functions may use one another's values in any order, but not
in a circle. Each draws from random numbers of its own, so the order changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, final

from luthier.core.rng import generator
from luthier.errors import ArgumentError, SpaceError
from luthier.integrations.sample_from import Function
from luthier.space import to_json_value
from luthier.space.values import hint

__all__ = ["Config"]


@final
class Config:
    """A configuration, and what its functions have returned.

    Args:
        values: Nested dicts and lists, with a ``Function`` in the place of what it computes.
        found: What is known of these already, by name.
        key: Of the random numbers: a seed, and text or numbers.
    """

    def __init__(
        self, values: dict[str, Any], found: dict[str, Any], key: tuple[int, str, int]
    ) -> None:
        self._values = values
        self._found = found
        self._key = key
        self._open: list[str] = []

    def resolved(self) -> dict[str, Any]:
        """Return plain dicts and lists, in which everything is computed."""
        return self._resolved(self._values)  # type: ignore[no-any-return]

    def notes(self) -> dict[str, Any]:
        """Return what was computed by name, as JSON; what can't be written so is left out."""
        notes = {}
        for name, value in self._found.items():
            with suppress(SpaceError):
                notes[name] = to_json_value(value)
        return notes

    def shown(self, part: Any) -> Any:
        """Return a part of the configuration as functions see it."""
        value = self._computed(part) if isinstance(part, Function) else part
        if isinstance(value, dict):
            return _Dict(value, self)
        return _List(value, self) if _is_open(value) else value

    def _resolved(self, part: Any) -> Any:
        if isinstance(part, Function):
            return self._computed(part)
        if isinstance(part, dict):
            return {key: self._resolved(inside) for key, inside in part.items()}
        return type(part)(map(self._resolved, part)) if _is_open(part) else part

    def _computed(self, function: Function) -> Any:
        name = function.name
        if name in self._open:
            circle = " needs ".join(map(repr, [*self._open[self._open.index(name) :], name]))
            raise ArgumentError(f"sample_from: {circle}. Functions can't need one another.")
        if name not in self._found:
            seed = int(generator(*self._key, name).integers(2**32))
            self._open.append(name)
            try:
                self._found[name] = function.called(_Dict(self._values, self, True), seed)
            finally:
                self._open.pop()
        return self._found[name]


def _is_open(part: Any) -> bool:
    """Whether a list holds a function, also in lists and dicts in it."""
    if isinstance(part, dict):
        part = [*part.values()]
    return isinstance(part, list | tuple) and any(
        isinstance(inside, Function) or _is_open(inside) for inside in part
    )


@final
@dataclass(frozen=True, repr=False, eq=False)
class _Dict(Mapping[Any, Any]):
    """A dict as functions see it: its keys are attributes, too.

    The outermost is what Ray calls the spec: all is in its ``config``, and in itself.
    """

    _values: dict[Any, Any]
    _of: Config
    _is_spec: bool = False

    def __getitem__(self, key: Any) -> Any:
        if self._is_spec and key == "config":
            return _Dict(self._values, self._of)
        return self._of.shown(self._values[key])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not (
            name in self._values or (self._is_spec and name == "config")
        ):
            raise AttributeError(f"There is no {name!r}. {hint(name, map(str, self._values))}")
        return self[name]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@final
@dataclass(frozen=True, repr=False, eq=False)
class _List(Sequence[Any]):
    """A list as functions see it, in which some values are yet to be computed."""

    _values: Sequence[Any]
    _of: Config

    def __getitem__(self, place: Any) -> Any:
        found = self._values[place]
        return [*map(self._of.shown, found)] if isinstance(place, slice) else self._of.shown(found)

    def __len__(self) -> int:
        return len(self._values)
