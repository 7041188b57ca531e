"""Slots: how many trials an executor runs at once, and what it says where there is none."""

from __future__ import annotations

from luthier.errors import ArgumentError

__all__ = ["checked_slots", "full"]


def checked_slots(executor: str, slots: int) -> int:
    """Return a number of slots as it is.

    Args:
        executor: The executor's name, for the error.
        slots: The number.

    Raises:
        ArgumentError: It isn't an integer of at least 1.
    """
    if not isinstance(slots, int) or isinstance(slots, bool) or slots < 1:
        raise ArgumentError(f"{executor}: slots must be an integer of at least 1, got {slots!r}.")
    return slots


def full(number: int, slots: int) -> ArgumentError:
    """A trial was submitted although no slot is free."""
    return ArgumentError(f"Trial {number} can't start: all {slots} slots are taken. Wait first.")
