"""Settings of torch's optimisers: what a clone keeps of its own beside its parent's state."""

from __future__ import annotations

from typing import Any

__all__ = ["Settings", "adopt", "settings_of"]

Settings = list[dict[str, Any]]
"""The settings of an optimiser, a mapping for each group of parameters."""


def settings_of(optimizer: Any) -> Settings:
    """Return the numbers and flags that an optimiser's groups of parameters are set to."""
    plain = (bool, int, float, str, type(None))
    return [
        {name: value for name, value in group.items() if isinstance(value, plain)}
        for group in optimizer.param_groups
    ]


def adopt(optimizer: Any, own: Settings, before: Settings) -> None:
    """Give an optimiser whose state was loaded its own settings, as far as they have come.

    Args:
        optimizer: The optimiser, with the settings that the saved one had in the end.
        own: Its own settings, before any training.
        before: The same of the saved one. Where they are equal, nothing is changed.
    """
    for group, mine, first in zip(optimizer.param_groups, own, before, strict=True):
        for name, value in mine.items():
            if first.get(name) != value:
                factor = isinstance(value, float) and isinstance(first.get(name), float)
                come = group[name] / first[name] if factor and first[name] else 1.0
                group[name] = value * come if factor else value
