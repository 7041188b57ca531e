"""The parts of a training in PyTorch, and the checkpoint that holds them all.

It holds the ``state_dict`` of each, and what the settings of the optimisers were at first: a clone,
whose own settings differ, takes over how far a setting has come (lr decayed to a tenth), not its
value.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, final

from luthier.errors import ArgumentError, require_extra
from luthier.integrations.optimizers import adopt, settings_of

if TYPE_CHECKING:
    import torch
else:
    torch = require_extra("torch", "torch", "luthier.integrations.torch")

__all__ = ["Parts", "Stateful"]


class Stateful(Protocol):
    """A module, an optimiser, a scheduler of learning rates, a GradScaler, an average."""

    def state_dict(self) -> dict[str, Any]:
        """Return what it has come to."""

    def load_state_dict(self, state_dict: Any) -> Any:
        """Take over what it had come to."""


@final
class Parts:
    """What training changes, by name.

    Args:
        parts: Modules, optimisers, schedulers and other things with ``state_dict``.

    Raises:
        ArgumentError: No parts, or one without ``state_dict``.
    """

    def __init__(self, parts: Mapping[str, Stateful]) -> None:
        if not parts or not all(hasattr(part, "state_dict") for part in parts.values()):
            raise ArgumentError(
                "Training takes what is trained as keywords: model=..., optimizer=..., each with "
                f"a state_dict, got {', '.join(parts) or 'none'}."
            )
        self._parts = parts
        self._own = {n: settings_of(part) for n, part in parts.items() if _is_optimizer(part)}

    def content(self) -> bytes:
        """Return a checkpoint."""
        states = {name: part.state_dict() for name, part in self._parts.items()}
        file = io.BytesIO()
        torch.save({"states": states, "settings": self._own}, file)
        return file.getvalue()

    def load(self, path: Path) -> None:
        """Take over what a checkpoint holds.

        Raises:
            ArgumentError: It is one of other parts.
        """
        saved = torch.load(path, map_location="cpu", weights_only=True)
        states = saved["states"]
        if states.keys() != self._parts.keys():
            raise ArgumentError(
                f"Training: the checkpoint holds {', '.join(states)}, and this trial trains "
                f"{', '.join(self._parts)}. Give the same parts in every run."
            )
        for name, part in self._parts.items():
            own_lrs = list(getattr(part, "base_lrs", ()))
            part.load_state_dict(states[name])
            if own_lrs:
                part.base_lrs = own_lrs  # type: ignore[attr-defined]  # of schedulers
            if _is_optimizer(part):
                adopt(part, self._own[name], saved["settings"][name])


def _is_optimizer(part: object) -> bool:
    return isinstance(part, torch.optim.Optimizer)
