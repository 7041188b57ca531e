"""A folder of one search's own, for what it has computed and may want again.

It is made when a search begins, for its user alone, and removed when it ends. Whatever lies in it
was pickled by this search or its workers: nothing from a database, the network or an earlier
search is ever unpickled. What isn't there is computed again, so anything may go missing: because
there is too much, or because a worker runs on another machine.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, final

__all__ = ["MAX_BYTES", "Scratch", "scratch"]

MAX_BYTES: Final = 1 << 30


@final
@dataclass(frozen=True, slots=True)
class Scratch:
    """Keeps values under keys, as long as there is room. Used by several processes at once.

    Attributes:
        folder: Where; it must be there.
        max_bytes: What it may take. What was used longest ago goes first.

    Example:
        >>> with scratch() as place:
        ...     place.put("a", [1, 2])
        ...     place.get("a"), place.get("b")
        ([1, 2], None)
    """

    folder: str
    max_bytes: int = MAX_BYTES

    def get(self, key: str) -> Any:
        """Return a copy of the value under a key, or None."""
        path = os.path.join(self.folder, key)
        try:
            if not self._is_ours():
                return None
            with open(path, "rb") as file:
                value = pickle.load(file)  # noqa: S301  our own, see above
            os.utime(path)
        except Exception:  # noqa: BLE001  it is gone, or its class is unknown in this process
            return None
        return value

    def put(self, key: str, value: Any) -> None:
        """Keep a value under a key, in the place of what was there; unless it can't be pickled."""
        try:
            content = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        except Exception:  # noqa: BLE001  whatever the value's own methods raise
            return
        if len(content) > self.max_bytes or not self._is_ours():
            return
        with contextlib.suppress(OSError):
            self._make_room(len(content))
            handle, path = tempfile.mkstemp(dir=self.folder, prefix=".")
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(path, os.path.join(self.folder, key))

    def _is_ours(self) -> bool:
        """Whether the folder is there, and nobody else could have put anything in it."""
        try:
            found = os.stat(self.folder)
        except OSError:
            return False
        return os.name != "posix" or (found.st_uid == os.getuid() and not found.st_mode & 0o077)

    def _make_room(self, needed: int) -> None:
        with os.scandir(self.folder) as entries:
            found = [(s.st_mtime, s.st_size, e.path) for e in entries if (s := _stat(e))]
        left = self.max_bytes - needed - sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if left >= 0:
                return
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            left += size


@contextlib.contextmanager
def scratch(parent: str | os.PathLike[str] | None = None) -> Iterator[Scratch]:
    """Make a scratch folder, and remove it at the end.

    Args:
        parent: The folder to make it in; the system's place for temporary files if None.

    Raises:
        OSError: It can't be made.
    """
    if parent is not None:
        os.makedirs(parent, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="luthier-", dir=parent)
    try:
        yield Scratch(os.path.abspath(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    """What is known of a file; None if another process has just removed it."""
    try:
        return entry.stat()
    except OSError:
        return None
