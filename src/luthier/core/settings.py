"""Settings of plug-ins: one check for all of them, with one kind of message."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any, final

from luthier.errors import ArgumentError

__all__ = ["Choice", "Flag", "Number", "Rule", "settle", "spec_of"]


@final
@dataclass(frozen=True, slots=True)
class Number:
    """A number within bounds, the upper one or the lower one excluded where ``open`` says so.

    Attributes:
        low: The least value.
        high: The greatest value.
        whole: Whether it must be a whole number.
        open: Bounds that are excluded: "", "low", "high" or "both".
    """

    low: float
    high: float = math.inf
    whole: bool = False
    open: str = "high"

    @property
    def words(self) -> str:
        """The rule in words."""
        kind = "a whole number" if self.whole else "a number"
        low = "above" if self.open in ("low", "both") else "of at least"
        high = "below" if self.open in ("high", "both") else "at most"
        end = "" if self.high == math.inf else f" and {high} {self.high:g}"
        return f"{kind} {low} {self.low:g}{end}"

    def read(self, value: object) -> int | float | None:
        """Return the value as a plain number, or None if it breaks the rule."""
        kind = Integral if self.whole else Real
        if isinstance(value, bool) or not isinstance(value, kind):
            return None
        number: int | float = int(value) if isinstance(value, Integral) else float(value)
        low_ok = number > self.low if self.open in ("low", "both") else number >= self.low
        high_ok = number < self.high if self.open in ("high", "both") else number <= self.high
        return number if low_ok and high_ok else None


@final
@dataclass(frozen=True, slots=True)
class Choice:
    """One of some names."""

    known: Collection[str]

    @property
    def words(self) -> str:
        """The rule in words."""
        return f"one of {', '.join(map(repr, self.known))}"

    def read(self, value: object) -> str | None:
        """Return the value, or None if it breaks the rule."""
        return value if isinstance(value, str) and value in self.known else None


@final
@dataclass(frozen=True, slots=True)
class Flag:
    """True or False."""

    words = "True or False"

    def read(self, value: object) -> bool | None:
        """Return the value, or None if it breaks the rule."""
        return value if isinstance(value, bool) else None


Rule = Number | Choice | Flag


def settle(plugin: Any, rules: Mapping[str, Rule]) -> None:
    """Check the settings of a frozen dataclass, and make their numbers plain ones.

    Args:
        plugin: Its attributes are named in the rules.
        rules: A rule for each setting.

    Raises:
        ArgumentError: A setting breaks its rule.

    Example:
        >>> from luthier.samplers import Forest
        >>> Forest(n_trees=0)
        Traceback (most recent call last):
        luthier.errors.ArgumentError: Forest: n_trees must be a whole number of at least 1, got 0.
    """
    for name, rule in rules.items():
        given = getattr(plugin, name)
        value = rule.read(given)
        if value is None:
            raise ArgumentError(
                f"{type(plugin).__name__}: {name} must be {rule.words}, got {given!r}.",
                **{name: given},
            )
        object.__setattr__(plugin, name, value)


def spec_of(name: str, plugin: Any) -> dict[str, Any]:
    """Return the spec of a dataclass whose settings are JSON values: its name and all of them.

    Args:
        name: What it is known by.
        plugin: The dataclass; what its constructor doesn't take isn't a setting.

    Example:
        >>> from luthier.samplers import Random
        >>> spec_of("random", Random())
        {'name': 'random', 'allow_duplicates': False}
    """
    settings = (field.name for field in fields(plugin) if field.init)
    return {"name": name, **{setting: getattr(plugin, setting) for setting in settings}}
