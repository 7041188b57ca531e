"""The content of a checkpoint: read once, to learn its key and its size, and to copy it.

The key of a file is the SHA-256 of its bytes. The key of a folder is the SHA3-256 of its
manifest, a JSON list of all names in it with each file's key and size. A folder's content is
names and bytes; times, owners and modes aren't part of it, and symlinks are what they lead to.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from luthier.errors import ArgumentError

__all__ = ["discard", "read_content", "sync_folder", "tree_size", "write_bytes"]

_CHUNK: Final = 1 << 20


def read_content(source: Path, copy: Path | None = None) -> tuple[str, int]:
    """Return the key and the size in bytes of a file or folder, as it is while it is read.

    Args:
        source: The file or folder.
        copy: Where to copy it to, durably and read-only; nothing may be there.

    Raises:
        ArgumentError: There is nothing, or something that is neither file nor folder, or a
            symlink that leads out of the folder, in a circle or nowhere.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile() as file:
        ...     read_content(Path(file.name))
        ('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 0)
    """
    real = Path(os.path.realpath(source))
    return _read_folder(real, copy) if _is_folder(real, source) else _read_file(real, copy)


def write_bytes(content: bytes, place: Path) -> None:
    """Write a new read-only file, durably."""
    with open(place, "xb") as file:
        file.write(content)
        _seal(file)


def tree_size(folder: str | Path) -> int:
    """Return the bytes of all files in a folder."""
    files = (os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names)
    return sum(os.lstat(file).st_size for file in files)


def discard(place: Path) -> None:
    """Remove a file or folder, whatever is left of it."""
    if place.is_dir():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_file(source: Path, copy: Path | None) -> tuple[str, int]:
    with open(source, "rb") as file:
        if copy is None:
            return _pass_on(file, None)
        with open(copy, "xb") as target:
            read = _pass_on(file, target)
            _seal(target)
            return read


def _pass_on(file: BinaryIO, target: BinaryIO | None) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if target is not None:
            target.write(chunk)
    return digest.hexdigest(), size


def _seal(file: BinaryIO) -> None:
    file.flush()
    os.chmod(file.name, stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
    os.fsync(file.fileno())


def _read_folder(source: Path, copy: Path | None) -> tuple[str, int]:
    if copy is not None:
        copy.mkdir()
    manifest: list[tuple[str, str, int]] = []
    folders = []
    for name, place in _entries(source):
        target = None if copy is None else copy / name
        if place.is_dir():
            folders.append(target)
            manifest.append((name + "/", "", 0))
            if target is not None:
                target.mkdir()
        else:
            manifest.append((name, *_read_file(place, target)))
    for folder in (*folders, copy):
        if folder is not None:
            sync_folder(folder)
    text = json.dumps(sorted(manifest), separators=(",", ":"))
    return hashlib.sha3_256(text.encode()).hexdigest(), sum(size for *_, size in manifest)


def _entries(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield the relative name and the real path of all in a folder, folders before their own."""
    waiting: list[tuple[str, Path, tuple[Path, ...]]] = [("", root, (root,))]
    while waiting:
        prefix, folder, above = waiting.pop()
        for shown in folder.iterdir():
            place = Path(os.path.realpath(shown))
            name = prefix + shown.name
            if not place.is_relative_to(root):
                raise _unfit(root / name, f"is a symlink out of {root}, to {place}")
            if _is_folder(place, root / name):
                if place in above:
                    raise _unfit(root / name, "is a symlink to a folder that it is in")
                waiting.append((name + "/", place, (*above, place)))
            yield name, place


def _is_folder(place: Path, shown: Path) -> bool:
    try:
        mode = place.stat().st_mode
    except OSError as error:
        raise _unfit(shown, f"can't be found: {error.strerror}") from error
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise _unfit(shown, "is something else")
    return stat.S_ISDIR(mode)


def _unfit(place: Path, what: str) -> ArgumentError:
    return ArgumentError(
        f"A checkpoint must be made of files and folders, {place} {what}. "
        "Save a folder that holds all it needs.",
        path=str(place),
    )
