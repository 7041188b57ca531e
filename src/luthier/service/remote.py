"""Where a trial that was asked for over HTTP keeps its saved states: here while it is at them.

What it saves is copied, so that its key is known and it can't change any more; the channel then
sends it to the service. What an earlier run has saved is fetched when it is asked for.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import weakref
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import final

from luthier.errors import CheckpointCorruptError, UnsupportedError
from luthier.storages.content import discard, read_content, write_bytes

__all__ = ["RemoteCheckpoints"]


@final
class RemoteCheckpoints:
    """The contents that one run of a trial has saved or loaded; they are gone with this object.

    Args:
        fetch: Writes the content of a key into an empty folder; returns its place.
    """

    def __init__(self, fetch: Callable[[str, Path], Path]) -> None:
        self._fetch = fetch
        self._folder: str | None = None
        self._kept: dict[str, Path] = {}
        self._count = 0

    def save(self, source: bytes | Path) -> tuple[str, int]:
        """Copy bytes, a file or a folder; return the key and the size."""
        place = self._new_folder() / "content"
        if isinstance(source, bytes):
            write_bytes(source, place)
            key, size = hashlib.sha256(source).hexdigest(), len(source)
        else:
            key, size = read_content(source, place)
        self._kept[key] = place
        return key, size

    def path(self, key: str) -> Path:
        """Return what holds the content; fetch it if it isn't here.

        Raises:
            CheckpointMissingError: It was deleted: the trial has saved others since.
            CheckpointCorruptError: It isn't what was saved.
        """
        if key not in self._kept:
            place = self._fetch(key, self._new_folder())
            if read_content(place)[0] != key:
                raise CheckpointCorruptError(
                    f"The checkpoint {key} has come with another content. Load it again; if this "
                    "stays so, look at the disk of the service.",
                    key=key,
                )
            self._kept[key] = place
        return self._kept[key]

    def forget(self, key: str) -> None:
        """Let go of a content that the service has."""
        if (place := self._kept.pop(key, None)) is not None:
            discard(place)

    def verify(self, key: str) -> None:
        """Fetch the content, which compares it with its key."""
        self.path(key)

    def delete(self, key: str) -> None:
        """Refuse: the service decides.

        Raises:
            UnsupportedError: Always.
        """
        raise UnsupportedError("Checkpoints of a service are deleted where it runs.")

    def sizes(self) -> Mapping[str, int]:
        """Nothing: what the service keeps isn't listed."""
        return {}

    def make_room(
        self, needed: Callable[[], Collection[str]], unwanted: Collection[str] = ()
    ) -> list[str]:
        """Delete nothing: the service does."""
        return []

    def _new_folder(self) -> Path:
        if self._folder is None:
            self._folder = tempfile.mkdtemp(prefix="luthier-run-")
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._count += 1
        place = Path(self._folder, str(self._count))
        place.mkdir()
        return place
