"""Checkpoints: the saved states of trials, and where their contents are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

__all__ = ["Checkpoint"]


@final
@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A trial's saved state.

    Attributes:
        step: The step it was saved at.
        key: The content's key in the store.
        size: Bytes.

    Example:
        >>> Checkpoint.from_json(Checkpoint(3, "ab", 10).to_json()).step
        3
    """

    step: int
    key: str
    size: int

    def to_json(self) -> list[Any]:
        """The checkpoint as a JSON value."""
        return [self.step, self.key, self.size]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> Checkpoint:
        """Read what ``to_json`` wrote."""
        step, key, size = data
        return cls(int(step), str(key), int(size))
