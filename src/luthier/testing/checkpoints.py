"""The conformance suite of checkpoint stores: what any implementation of the contract must keep.

Run all of it by ``check_checkpoints(factory)``, or one check at a time from
``CHECKPOINT_CHECKS`` under a test runner. The factory opens a handle on the store under test;
called again, it must open another handle on the same store (or return the same object). Checks
delete what they have saved.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from luthier.core.checkpoint import CheckpointStore
from luthier.errors import ArgumentError, CheckpointCorruptError, CheckpointMissingError

__all__ = ["CHECKPOINT_CHECKS", "check_checkpoints", "content_of"]

Factory = Callable[[], CheckpointStore]


def check_checkpoints(factory: Factory) -> None:
    """Run every check on a checkpoint store.

    Args:
        factory: Opens a handle on the store under test; always on the same store.

    Raises:
        AssertionError: The store breaks the contract; the message says which rule.

    Example:
        >>> import tempfile
        >>> from luthier.storages import FileCheckpoints
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     check_checkpoints(lambda: FileCheckpoints(folder))
    """
    for check in CHECKPOINT_CHECKS.values():
        check(factory)


def content_of(place: Path) -> bytes | dict[str, bytes | None]:
    """Return the bytes of a file, or of a folder the bytes by relative name; None for folders."""
    if place.is_file():
        return place.read_bytes()
    return {
        inner.relative_to(place).as_posix(): inner.read_bytes() if inner.is_file() else None
        for inner in place.rglob("*")
    }


def bytes_come_back(factory: Factory) -> None:
    """What is saved is found under its digest, with its size, through another handle too."""
    with _opened(factory) as (store, keys):
        for content in (b"", b"\0", os.urandom(3_000_000)):
            key, size = keys.of(content)
            _same(key, hashlib.sha256(content).hexdigest(), "the key of bytes is their SHA-256")
            _same(size, len(content), "save returns the size")
            for handle in (store, factory()):
                _same(content_of(handle.path(key)), content, "the content is as it was saved")
                _same(handle.sizes().get(key), size, "sizes() lists what is kept")
                handle.verify(key)


def files_come_back(factory: Factory) -> None:
    """A file is kept as bytes are, and stays when the original changes."""
    with _opened(factory) as (store, keys), _folder() as folder:
        file = folder / "weights.bin"
        file.write_bytes(keys.unique)
        key = keys.of(file)[0]
        _same(key, keys.of(keys.unique)[0], "a file has the key of its bytes")
        file.write_bytes(b"changed")
        _same(content_of(store.path(key)), keys.unique, "the original is copied")


def folders_come_back(factory: Factory) -> None:
    """A folder comes back with all names and bytes in it, and stays when the original changes."""
    with _opened(factory) as (store, keys), _folder() as folder:
        for name, content in (*_FILES.items(), ("id", keys.unique)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        (folder / "empty" / "inner").mkdir(parents=True)
        before = content_of(folder)
        key, size = keys.of(folder)
        _same(size, sum(map(len, _FILES.values())) + len(keys.unique), "the size is that of files")
        (folder / "id").write_bytes(b"changed")
        other = keys.of(folder)[0]
        (folder / "id").rename(folder / "id2")
        _same(len({key, other, keys.of(folder)[0]}), 3, "other bytes and names are other keys")
        _same(content_of(store.path(key)), before, "the content is as it was saved")
        _same(store.sizes().get(key), size, "sizes() lists what is kept")
        store.verify(key)


def same_content_is_kept_once(factory: Factory) -> None:
    """Saving what is there already returns its key; the age of the content starts anew."""
    with _opened(factory) as (store, keys):
        first, second = keys.of(keys.unique)[0], keys.of(keys.unique + b"2")[0]
        _same(_ages(store, first, second), [first, second], "sizes() lists the oldest first")
        _same(keys.of(keys.unique)[0], first, "the same content has the same key")
        _same(_ages(store, first, second), [second, first], "saving again counts as saving")


def what_is_kept_is_read_only(factory: Factory) -> None:
    """No file that ``path`` leads to may be written."""
    with _opened(factory) as (store, keys), _folder() as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "file").write_bytes(keys.unique)
        one, many = store.path(keys.of(keys.unique)[0]), store.path(keys.of(folder)[0])
        for file in (one, many / "inner" / "file"):
            _same(file.stat().st_mode & 0o222, 0, "files are read-only")


def what_is_missing_is_said(factory: Factory) -> None:
    """A deleted or unknown key raises CheckpointMissingError, and can be saved again."""
    with _opened(factory) as (store, keys):
        key = keys.of(keys.unique)[0]
        for _ in range(2):
            store.delete(key)
            _refused(CheckpointMissingError, store.path, key)
            _refused(CheckpointMissingError, store.verify, key)
            _same(key in store.sizes(), False, "what was deleted isn't listed")
        keys.of(keys.unique)
        _same(content_of(store.path(key)), keys.unique, "what was deleted can be saved again")


def what_is_no_key_is_refused(factory: Factory) -> None:
    """Keys are never taken as paths."""
    with _opened(factory) as (store, keys):
        key = keys.of(keys.unique)[0]
        for odd in ("", ".", "..", "../" + key, key + "/", key[:2], key.upper() + "A", key + "\n"):
            _refused(ArgumentError, store.path, odd)
            _refused(ArgumentError, store.verify, odd)
            _refused(ArgumentError, store.delete, odd)
        store.verify(key)


def damage_is_noticed(factory: Factory) -> None:
    """``verify`` notices any change of a file or folder."""
    damages: tuple[Callable[[Path], object], ...] = (
        lambda place: (place / "file").write_bytes(b"damaged"),
        lambda place: (place / "file").unlink(),
        lambda place: (place / "file").rename(place / "other"),
        lambda place: (place / "more").write_bytes(b""),
        lambda place: (place / "more").mkdir(),
        lambda place: (place / "link").symlink_to("/"),
    )
    with _opened(factory) as (store, keys), _folder() as folder:
        (folder / "file").write_bytes(keys.unique)
        for damage in damages:
            key = keys.of(folder)[0]
            (store.path(key) / "file").chmod(0o600)
            damage(store.path(key))
            _refused(CheckpointCorruptError, store.verify, key)
            store.delete(key)
        key = keys.of(keys.unique)[0]
        store.path(key).chmod(0o600)
        store.path(key).write_bytes(keys.unique[:-1])
        _refused(CheckpointCorruptError, store.verify, key)


def links_are_followed_within(factory: Factory) -> None:
    """Symlinks inside a folder are kept as what they lead to; others are refused, with all."""
    with _opened(factory) as (store, keys), _folder() as outer:
        folder = outer / "folder"
        (folder / "step").mkdir(parents=True)
        (folder / "step" / "file").write_bytes(keys.unique)
        (folder / "latest").symlink_to("step")
        (folder / "best").symlink_to(folder / "step" / "file")
        before = content_of(folder)
        key = keys.of(folder)[0]
        assert isinstance(before, dict), "a folder's content is by name"
        expected = {**before, "latest": None, "latest/file": keys.unique}
        _same(content_of(store.path(key)), expected, "links within are followed")
        count = len(store.sizes())
        (outer / "secret").write_bytes(b"secret")
        for target in ("../secret", "..", "/", ".", "nowhere", "bad", os.devnull):
            (folder / "bad").symlink_to(target)
            _refused(ArgumentError, store.save, folder)
            (folder / "bad").unlink()
        _refused(ArgumentError, store.save, outer / "nowhere")
        _same(len(store.sizes()), count, "what is refused leaves nothing")


def room_is_made_of_what_is_unwanted(factory: Factory) -> None:
    """What is unwanted goes, unless it is needed or was saved last by a thread that lives."""
    with _opened(factory) as (store, keys):
        needed, gone, last = [keys.of(keys.unique + bytes([n]))[0] for n in range(3)]
        kept = store.sizes().keys() - {gone, last}
        _same(store.make_room(lambda: kept, {needed, gone, last}), [gone], "one may go")
        _same(store.sizes().keys(), kept | {last}, "what is needed or just saved stays")


def many_may_save_at_once(factory: Factory) -> None:
    """Threads that save and delete the same and other contents leave each of them whole."""
    with _opened(factory) as (store, keys), _folder() as folder:
        (folder / "file").write_bytes(keys.unique)
        contents = [keys.unique + bytes([n]) for n in range(4)]

        def work(n: int) -> None:
            handle = factory()
            for content in (*contents[n:], *contents[:n]):
                key = keys.of(content)[0]
                _same(content_of(handle.path(key)), content, "what is saved is there")
                many = keys.of(folder)[0]
                _same(content_of(handle.path(many)), {"file": keys.unique}, "folders, too")
                other = keys.of(content + b"own" + bytes([n]))[0]
                handle.delete(other)
                _same(other in handle.sizes(), False, "what is deleted is gone")

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        for key in keys.kept & store.sizes().keys():
            store.verify(key)
        _same(len(keys.kept & store.sizes().keys()), 5, "each content is kept once")


CHECKPOINT_CHECKS: Final[Mapping[str, Callable[[Factory], None]]] = {
    check.__name__: check
    for check in (
        bytes_come_back,
        files_come_back,
        folders_come_back,
        same_content_is_kept_once,
        what_is_kept_is_read_only,
        what_is_missing_is_said,
        what_is_no_key_is_refused,
        damage_is_noticed,
        links_are_followed_within,
        room_is_made_of_what_is_unwanted,
        many_may_save_at_once,
    )
}
"""All checks by name; each takes a factory and raises AssertionError."""

_FILES: Final = {
    "weights.bin": bytes(range(256)) * 10,
    "a/b/c.txt": b"deep",
    "a/-rf": b"",
    "é \U0001f600 \n'\"": b"odd name",
    "...": b"dots",
}


class _Keys:
    """Saves, and remembers what is to be deleted; ``unique`` is a content nobody else has."""

    def __init__(self, store: CheckpointStore) -> None:
        self._store = store
        self.unique = uuid.uuid4().bytes
        self.kept: set[str] = set()

    def of(self, source: bytes | Path) -> tuple[str, int]:
        key, size = self._store.save(source)
        self.kept.add(key)
        return key, size


@contextmanager
def _opened(factory: Factory) -> Iterator[tuple[CheckpointStore, _Keys]]:
    store = factory()
    keys = _Keys(store)
    try:
        yield store, keys
    finally:
        for key in keys.kept:
            store.delete(key)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="luthier-") as name:
        yield Path(name)


def _ages(store: CheckpointStore, *keys: str) -> list[str]:
    return [key for key in store.sizes() if key in keys]


def _same(got: object, expected: object, rule: str) -> None:
    if got != expected:
        raise AssertionError(
            f"Checkpoint contract: {rule}.\n  got      {got!r:.500}\n  expected {expected!r:.500}"
        )


def _refused(error: type[Exception], act: Callable[..., object], *args: object) -> None:
    try:
        result = act(*args)
    except error:
        return
    raise AssertionError(f"Checkpoint contract: {error.__name__} must be raised, got {result!r}.")
