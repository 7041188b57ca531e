"""Checkpoints: what a trial saved of itself, and what a place that keeps them must offer.

A checkpoint in the log is three values; its content lies in a store, under the digest of the
content. So content never changes under its key, two trials may hold the same one, and a clone
costs nothing. What may be deleted follows from the records: whatever no live trial holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, final

__all__ = ["Checkpoint", "CheckpointStore", "Holder", "needed_checkpoints"]


@final
@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A trial's saved state.

    Attributes:
        step: The step it was saved at.
        key: The content's key in the store, 64 hex digits: the SHA-256 of bytes or of a file;
            of a folder, the SHA3-256 of its manifest, so that no file has the key of a folder.
        size: Bytes of the content.

    Example:
        >>> checkpoint = Checkpoint(step=3, key="5f" * 32, size=120)
        >>> Checkpoint.from_json(checkpoint.to_json()) == checkpoint
        True
    """

    step: int
    key: str
    size: int

    def to_json(self) -> list[int | str]:
        """Return ``[step, key, size]``."""
        return [self.step, self.key, self.size]

    @classmethod
    def from_json(cls, data: list[int | str]) -> Checkpoint:
        """Read what ``to_json`` gave."""
        step, key, size = data
        return cls(int(step), str(key), int(size))


class CheckpointStore(Protocol):
    """Keeps contents under their keys. Used by several threads and processes at once."""

    def save(self, source: bytes | Path) -> tuple[str, int]:
        """Keep bytes, or the present content of a file or a whole folder.

        When this returns, the content is on disk. A saver that is killed leaves nothing, or the
        whole. Content that is there already isn't stored again.

        Args:
            source: Bytes, or a path. A folder's symlinks are followed.

        Returns:
            The content's key, and its size in bytes.

        Raises:
            ArgumentError: There is no such file or folder, or a symlink in it leads out of it.
            StorageError: The place can't be written; the subclass and the message say why.
        """
        ...

    def path(self, key: str) -> Path:
        """Return a read-only file, or a folder of such files, that holds the content.

        Raises:
            ArgumentError: Not a key.
            CheckpointMissingError: Nothing is kept under that key.
        """
        ...

    def verify(self, key: str) -> None:
        """Read the whole content and compare it with its key.

        Raises:
            ArgumentError: Not a key.
            CheckpointMissingError: Nothing is kept under that key.
            CheckpointCorruptError: The content isn't what was saved.
        """
        ...

    def delete(self, key: str) -> None:
        """Delete a content; no error if it is gone.

        Raises:
            ArgumentError: Not a key.
        """
        ...

    def sizes(self) -> Mapping[str, int]:
        """The bytes of each content by key; those saved longest ago first."""
        ...


class _State(Protocol):
    @property
    def is_finished(self) -> bool: ...


class Holder(Protocol):
    """Of a trial's record, what decides about its checkpoint."""

    @property
    def state(self) -> _State:
        """Whether more may happen to it."""
        ...

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The last that it saved, if any."""
        ...


def needed_checkpoints(trials: Iterable[Holder], donors: Iterable[Holder] = ()) -> set[str]:
    """Return the keys that must be kept: those that live trials hold, and donors in any state.

    Args:
        trials: All trials; of them the WAITING, RUNNING and PAUSED ones count.
        donors: Trials, finished ones too, that others may still be cloned from.

    Example:
        >>> needed_checkpoints([])
        set()
    """
    held = [trial.checkpoint for trial in trials if not trial.state.is_finished]
    held += [trial.checkpoint for trial in donors]
    return {checkpoint.key for checkpoint in held if checkpoint is not None}
