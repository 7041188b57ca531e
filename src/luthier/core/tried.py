"""What has been tried: the configurations that a finite space shouldn't be asked for again."""

from __future__ import annotations

from collections.abc import Container, Hashable
from itertools import chain
from typing import final

from luthier.core.history import History
from luthier.space import Space

__all__ = ["Tried"]

Key = tuple[Hashable, ...]


@final
class Tried(Container[Key]):
    """The keys of all configurations tried, being tried, or chosen just now.

    Args:
        space: The space that is sampled; its ``key`` tells configurations apart. Usually the
            history's own, which costs nothing; for another one all trials are looked through.
        history: What has been tried.
    """

    __slots__ = ("_chosen", "_history", "_others")

    def __init__(self, space: Space, history: History) -> None:
        self._history = history
        self._chosen: set[Key] = set()
        self._others: frozenset[Key] | None = None
        if space is not history.space:
            trials = chain(history.completed, history.pruned, history.failed, history.live)
            configs = (trial.params for trial in trials)
            self._others = frozenset(space.key(c) for c in configs if space.fits(c))

    def add(self, key: Key) -> None:
        """Count a configuration as tried."""
        self._chosen.add(key)

    def __contains__(self, key: object) -> bool:
        if key in self._chosen:
            return True
        if self._others is not None:
            return key in self._others
        return isinstance(key, tuple) and self._history.has_seen(key)
