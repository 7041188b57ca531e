"""Checkpoints in a folder, on a disk that several processes may share.

    objects/3f/3f9a...     a content under its key: a read-only file, or a folder of such files
    incoming/WORKER~...    what a living process is at: a copy being made, a content being
                           removed, and, ending in .pin, the key that a thread saved last
    lock                   held for the moments in which contents appear, are found or go

A content appears by one rename and goes by one rename, so it is whole or not there. What the
dead left in ``incoming`` is removed by whoever saves next.

Between saving and recording, nothing in any history says that a content is needed. Therefore
each thread pins what it saved last, until it saves again or its process ends, and ``make_room``
spares what is pinned.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from stat import S_ISDIR
from typing import Final, final
from urllib.parse import quote, unquote

from luthier.core.amounts import read_size
from luthier.core.worker import is_gone, is_here, this_worker
from luthier.errors import (
    ArgumentError,
    CheckpointCorruptError,
    CheckpointMissingError,
    StorageFullError,
    StorageReadOnlyError,
    UnsupportedError,
)
from luthier.storages.content import discard, read_content, sync_folder, tree_size, write_bytes

__all__ = ["FileCheckpoints"]

logger = logging.getLogger("luthier")

_KEY: Final = re.compile(r"[0-9a-f]{64}")
_SHELF: Final = re.compile(r"[0-9a-f]{2}")
_LEFTOVER: Final = re.compile(r"(.+)~(?:[0-9a-f]{32}|\d+\.pin)", re.DOTALL)
_STALE: Final = 86400.0  # seconds, for what a worker on another machine left


@final
class FileCheckpoints:
    """Keeps checkpoints in a folder: immutable, under the digest of their content.

    Threads and processes may share the folder. It needs a POSIX system, and a disk with file
    locks. Nothing is ever unpickled.

    Args:
        folder: Made when first needed; its parent too.
        max_disk: How much its contents may take, as bytes or as text such as "10GB" (10**10) or
            "10GiB" (10 * 2**30); None for no limit. It is kept to by ``make_room``.

    Raises:
        ArgumentError: Not a folder's name, or not a size.
        UnsupportedError: A URL, or a system without POSIX file locks.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = FileCheckpoints(folder, max_disk="1 MB")
        ...     key, size = store.save(b"weights")
        ...     store.path(key).read_bytes(), size
        (b'weights', 7)
    """

    def __init__(self, folder: str | os.PathLike[str], max_disk: str | int | None = None) -> None:
        self._folder = _folder_of(folder)
        self._objects = self._folder / "objects"
        self._incoming = self._folder / "incoming"
        self._limit = None if max_disk is None else read_size(max_disk, "max_disk")
        self._warned = False

    def __repr__(self) -> str:
        return f"FileCheckpoints({str(self._folder)!r}, max_disk={self._limit})"

    def limited(self, max_disk: str | int | None) -> FileCheckpoints:
        """Return the same store with another limit."""
        return FileCheckpoints(self._folder, max_disk)

    def save(self, source: bytes | Path) -> tuple[str, int]:
        """Keep bytes, or the present content of a file or a whole folder.

        Args:
            source: Bytes, or a path. A folder's symlinks are followed.

        Returns:
            The content's key, and its size in bytes.

        Raises:
            ArgumentError: There is no such file or folder, or a symlink in it leads out of it.
            StorageFullError: The disk is full.
            StorageReadOnlyError: The store's folder can't be written.
        """
        with _explained(self._folder):
            self._clear_leftovers()
            place = self._new_place()
            try:
                if isinstance(source, bytes):
                    return self._save_bytes(source, place)
                key, size = read_content(self._outside(source), place)
                self._publish(key, place)
                return key, size
            finally:
                discard(place)

    def path(self, key: str) -> Path:
        """Return what holds the content; see ``CheckpointStore`` for this and the other methods."""
        place = self._place(key)
        if not place.exists():
            raise CheckpointMissingError(
                f"A checkpoint must be in the store, {self._folder} has no {key}. It was deleted, "
                "or saved elsewhere. Point the study at the folder that has it, or start the "
                "trial anew.",
                key=key,
                folder=str(self._folder),
            )
        return place

    def verify(self, key: str) -> None:
        """Read the whole content and compare it with its key."""
        place = self.path(key)
        try:
            found, _ = read_content(place)
        except (ArgumentError, FileNotFoundError) as error:
            self.path(key)  # raises, if it was deleted while it was read
            found = f"something else ({error})"
        if found != key:
            raise CheckpointCorruptError(
                f"A checkpoint must stay as it was saved, {place} has changed: its content is now "
                f"{found}. Delete it with store.delete({key!r}), go on from another, and check "
                "who writes there, and the disk.",
                key=key,
                path=str(place),
            )

    def delete(self, key: str) -> None:
        """Delete a content, needed or not; no error if it is gone.

        Raises:
            ArgumentError: Not a key.
            StorageReadOnlyError: The store's folder can't be written.
        """
        if self._place(key).exists():
            with _explained(self._folder), self._alone():
                removed = self._take_out(key)
            discard(removed)

    def sizes(self) -> dict[str, int]:
        """The bytes of each content by key; those saved longest ago first."""
        found = []
        for shelf in _names(self._objects, _SHELF):
            for key in _names(self._objects / shelf, _KEY):
                with contextlib.suppress(FileNotFoundError):  # deleted in this moment
                    found.append((*_age_and_size(f"{self._objects}/{shelf}/{key}"), key))
        return {key: size for _, size, key in sorted(found)}

    def make_room(
        self,
        needed: Collection[str] | Callable[[], Collection[str]],
        unwanted: Collection[str] = (),
    ) -> list[str]:
        """Delete what is unwanted, then what isn't needed until the store is within ``max_disk``.

        What was saved longest ago goes first. Never deleted: what is needed, and what a thread
        of a living process saved last. If what is needed alone exceeds ``max_disk``, a warning
        is logged, once until it fits again.

        Args:
            needed: Keys to keep, or a function that reads them. A function is called when no
                other process can save; what it reads then is complete, while keys read before
                may lack what another thread saved, recorded and followed up in between.
            unwanted: Keys to delete in any case, unless they have to be kept.

        Returns:
            The keys deleted.
        """
        if not self._objects.is_dir() or (self._limit is None and not unwanted):
            return []
        self._clear_leftovers()
        with _explained(self._folder), self._alone():
            sizes = {} if self._limit is None else self.sizes()
            excess = sum(sizes.values()) - (self._limit or 0)
            due = excess > 0 or bool(unwanted)
            keep = set(needed() if callable(needed) else needed) if due else set()
            spared = keep | self._pinned() if due else keep
            deleted = [key for key in unwanted if key not in spared]
            excess -= sum(sizes.pop(key, 0) for key in deleted)
            deleted += _oldest(sizes, excess, spared)
            removed = [self._take_out(key) for key in deleted]
            if self._limit is not None:
                self._warn(sum(sizes[key] for key in keep & sizes.keys()), self._limit)
        for place in removed:
            discard(place)
        return deleted

    def _place(self, key: str) -> Path:
        if not (isinstance(key, str) and _KEY.fullmatch(key)):
            raise ArgumentError(
                f"A checkpoint's key must be 64 hex digits, as save() gives it, got {key!r}.",
                key=key,
            )
        return self._objects / key[:2] / key

    def _outside(self, source: Path) -> Path:
        if not isinstance(source, Path):
            raise ArgumentError(
                f"A checkpoint must be bytes or the Path of a file or folder, got {source!r} of "
                f"type {type(source).__name__}. Of a name, make one by pathlib.Path(name).",
            )
        if self._incoming.resolve().is_relative_to(source.resolve()):
            raise ArgumentError(
                f"A checkpoint must not hold its own store, {source} holds {self._folder}. Save "
                "to a folder of its own, outside of what you save.",
                path=str(source),
            )
        return source

    def _new_place(self) -> Path:
        """Return a name in ``incoming`` that nothing has, by which this process is known."""
        self._incoming.mkdir(parents=True, exist_ok=True)
        return self._incoming / f"{_me()}~{uuid.uuid4().hex}"

    def _save_bytes(self, content: bytes, place: Path) -> tuple[str, int]:
        key = hashlib.sha256(content).hexdigest()
        if not self._publish(key, None):
            write_bytes(content, place)
            self._publish(key, place)
        return key, len(content)

    def _publish(self, key: str, copy: Path | None) -> bool:
        """Pin a key for this thread. Its content is there already, or the copy becomes it.

        Returns:
            False if there is neither.
        """
        place = self._place(key)
        if not place.parent.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(self._objects)
        with self._alone():
            if copy is None and not place.exists():
                return False
            (self._incoming / f"{_me()}~{threading.get_ident()}.pin").write_text(key)
            if copy is not None and not place.exists():
                os.rename(copy, place)
            now = time.time_ns()
            os.utime(place, ns=(now, now))
        sync_folder(place.parent)
        return True

    def _pinned(self) -> set[str]:
        keys = set()
        for name in _names(self._incoming, _LEFTOVER):
            if name.endswith(".pin"):
                with contextlib.suppress(FileNotFoundError):
                    keys.add((self._incoming / name).read_text())
        return keys

    def _clear_leftovers(self) -> None:
        for name in _names(self._incoming, _LEFTOVER):
            worker = unquote(name.rpartition("~")[0])
            place = self._incoming / name
            with contextlib.suppress(OSError):  # another was faster, or it is another user's
                old = not is_here(worker) and time.time() - place.lstat().st_mtime > _STALE
                if old or is_gone(worker):
                    discard(place)

    def _take_out(self, key: str) -> Path:
        """Make a content disappear; what remains to be removed is returned."""
        place = self._new_place()
        with contextlib.suppress(FileNotFoundError):
            os.rename(self._place(key), place)
        return place

    def _warn(self, held: int, limit: int) -> None:
        if held > limit and not self._warned:
            logger.warning(
                "What trials still need takes %d bytes in %s, more than max_disk=%d: nothing more "
                "can be deleted. Raise max_disk, or save less.",
                *(held, self._folder, limit),
            )
        self._warned = held > limit

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait for the lock and hold it; the system lets go of it when a process dies."""
        import fcntl

        with open(self._folder / "lock", "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)  # closing isn't enough if a child has it, too


def _oldest(sizes: dict[str, int], excess: int, spared: Collection[str]) -> list[str]:
    """Return the first keys that aren't spared, until their sizes make up for the excess."""
    chosen = []
    for key, size in sizes.items():
        if excess <= 0:
            break
        if key not in spared:
            chosen.append(key)
            excess -= size
    return chosen


def _age_and_size(place: str) -> tuple[int, int]:
    status = os.stat(place)
    return status.st_mtime_ns, tree_size(place) if S_ISDIR(status.st_mode) else status.st_size


def _names(folder: Path, pattern: re.Pattern[str]) -> list[str]:
    """Return the names in a folder that are ours; none if there is no such folder."""
    try:
        return [name for name in os.listdir(folder) if pattern.fullmatch(name)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _me() -> str:
    return quote(this_worker(), safe="")


def _folder_of(folder: str | os.PathLike[str]) -> Path:
    path = os.fspath(folder) if isinstance(folder, str | os.PathLike) else None
    if not isinstance(path, str) or not path:
        raise ArgumentError(
            f"A checkpoint store must be a folder, got {folder!r}. Give its path as text or "
            "pathlib.Path, such as 'runs/checkpoints'.",
            folder=folder,
        )
    if "://" in path:
        raise UnsupportedError(
            f"Checkpoints are kept in a folder of a local or network disk, got {folder!r}. Mount "
            "the place, and give its path."
        )
    if os.name != "posix":
        raise UnsupportedError("FileCheckpoints needs POSIX file locks. On Windows, use WSL.")
    return Path(os.path.abspath(os.path.expanduser(path)))


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Say what the system's refusals mean for a store."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFullError(
                f"The disk that holds {folder} is full. What was saved so far is safe; free some "
                "space, or set max_disk, and go on.",
                place=str(folder),
            ) from error
        ours = str(error.filename or "").startswith(str(folder))
        if ours and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
            raise StorageReadOnlyError(
                f"{folder} must be a folder that can be written, the system says: "
                f"{error.strerror}. Change its permissions, or keep checkpoints elsewhere.",
                place=str(folder),
            ) from error
        raise
