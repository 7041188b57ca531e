"""Ray's ``sample_from``: a function of the configuration, called with random numbers of its own."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from luthier.errors import ArgumentError
from luthier.space.values import plain

__all__ = ["Function"]

_GLOBAL = threading.RLock()  # held while the global random numbers are a function's


@final
@dataclass(frozen=True, slots=True)
class Function:
    """A ``sample_from``: the domain that Ray makes of it, and the name of what it computes."""

    name: str
    domain: Any

    def called(self, spec: Any, seed: int) -> Any:
        """Return what the function returns; NumPy's scalars as numbers of Python.

        Args:
            spec: What it is given, unless it takes no argument.
            seed: Of ``random`` and NumPy's global numbers meanwhile, at least 0 and below 2**32.

        Raises:
            ArgumentError: It returns a domain.
        """
        try:
            with _seeded(seed):
                value = self.domain.func(spec) if self.domain.pass_config else self.domain.func()
        except Exception as error:
            error.add_note(f"in the sample_from of {self.name!r}")
            raise
        if hasattr(value, "get_sampler"):
            raise ArgumentError(
                f"sample_from: {self.name!r} must be computed, not chosen, got {value!r}. "
                "Use a choice of dicts, which may hold domains."
            )
        return plain(value)


@contextmanager
def _seeded(number: int) -> Iterator[None]:
    """Seed the global random numbers, and take back what was drawn."""
    with _GLOBAL:
        before = random.getstate(), np.random.get_state()  # noqa: NPY002  functions draw from it
        random.seed(number)
        np.random.seed(number)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])  # noqa: NPY002
