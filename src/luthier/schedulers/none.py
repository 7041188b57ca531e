"""No early stopping: every trial runs to its end."""

from __future__ import annotations

from dataclasses import dataclass
from sys import maxsize
from typing import Any, final

from luthier.core.history import History
from luthier.core.jobs import Decision
from luthier.core.settings import spec_of
from luthier.core.trial import FrozenTrial
from luthier.schedulers.stopping import StoppingRule

__all__ = ["NoStopping"]


@final
@dataclass(frozen=True, slots=True)
class NoStopping(StoppingRule):
    """Let every trial run to its end. The default where trials are short or report nothing.

    Example:
        >>> NoStopping().spec
        {'name': 'none'}
    """

    @property
    def spec(self) -> dict[str, Any]:
        """Its name as JSON values."""
        return spec_of("none", self)

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Always continue."""
        return Decision.CONTINUE

    def unwatched(self, trial: FrozenTrial, step: int) -> range:
        """All later steps."""
        return range(step + 1, maxsize)
