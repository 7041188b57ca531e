"""KerasTuner's scopes: which names parameters get, and where they are active."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from luthier.errors import UnknownParamError
from luthier.space import Param

__all__ = ["Scopes"]


class Scopes(ABC):
    """The values given so far, and the scopes that are open.

    Attributes:
        values: The values given so far, by name.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._scopes: list[str] = []
        self._inactive = 0
        self._known: set[str] = set()  # also where they are inactive

    @contextmanager
    def conditional_scope(self, parent_name: str, parent_values: Sequence[Any]) -> Iterator[None]:
        """Make what is asked for inside active only where the parent has one of these values.

        Raises:
            UnknownParamError: The parent wasn't asked for before.
        """
        wanted = parent_values if isinstance(parent_values, list | tuple) else [parent_values]
        parent = self._full(parent_name)
        if parent not in self._known:
            raise self._unknown(parent)
        off = parent not in self.values or self.values[parent] not in wanted
        self._inactive += off
        try:
            yield
        finally:
            self._inactive -= off

    @contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        """Put ``name/`` before the names of what is asked for inside."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    def get(self, name: str) -> Any:
        """Return the value of a parameter that was asked for before.

        Raises:
            UnknownParamError: It wasn't, or isn't active.
        """
        full = self._full(name)
        if full not in self.values:
            raise self._unknown(full)
        return self.values[full]

    __getitem__ = get

    def __contains__(self, name: str) -> bool:
        return self._full(name) in self.values

    @abstractmethod
    def _suggested(self, full: str, param: Param) -> Any:
        """Return the value of a parameter, by its full name."""

    def _ask(
        self,
        name: str,
        param: Param,
        parent_name: str | None = None,
        parent_values: Sequence[Any] = (),
    ) -> Any:
        if parent_name is not None:
            with self.conditional_scope(parent_name, parent_values):
                return self._ask(name, param)
        full = self._full(name)
        self._known.add(full)
        if self._inactive:
            return None
        self.values[full] = self._suggested(full, param)
        return self.values[full]

    def _full(self, name: str) -> str:
        return "/".join([*self._scopes, name])

    def _unknown(self, full: str) -> UnknownParamError:
        return UnknownParamError(
            f"{full!r} was not asked for, or is inactive; there is: "
            f"{', '.join(self.values) or 'nothing'}.",
            name=full,
        )
