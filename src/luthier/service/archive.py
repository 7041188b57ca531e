"""A saved state on its way: a file as it is, a folder as a tar archive of names and bytes.

An archive that comes from elsewhere is believed nothing: it may hold only files and folders with
plain relative names, each once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from pathlib import Path
from typing import BinaryIO, Final

from luthier.service.problems import RefusedError

__all__ = ["FILE", "FOLDER", "digest_of", "pack", "unpack"]

FILE: Final = "application/octet-stream"
FOLDER: Final = "application/x-tar"
_CHUNK: Final = 1 << 20
_MOST_ENTRIES: Final = 100_000


def digest_of(place: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with open(place, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pack(folder: Path, target: BinaryIO) -> None:
    """Write a folder's files and folders as a tar archive: names and bytes, nothing else of them.

    Args:
        folder: The folder; without symlinks, as a store has it.
        target: Where to.
    """
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for place in sorted(folder.rglob("*")):
            entry = tarfile.TarInfo(place.relative_to(folder).as_posix())
            if place.is_dir():
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)
            else:
                entry.size = place.stat().st_size
                with open(place, "rb") as file:
                    archive.addfile(entry, file)


def unpack(archive: Path, folder: Path) -> None:
    """Make the folder that an archive stands for.

    Args:
        archive: A tar file, not compressed.
        folder: Nothing may be there yet.

    Raises:
        RefusedError: 422: no archive, or one with links, devices, holes, or names that are taken
            or lead elsewhere.
    """
    folder.mkdir()
    try:
        with tarfile.open(archive, "r:") as entries:
            for count, entry in enumerate(entries):
                if count >= _MOST_ENTRIES:
                    raise _unfit(f"has more than {_MOST_ENTRIES:,} entries")
                _unpack_one(entries, entry, folder)
    except (tarfile.TarError, OSError, ValueError, UnicodeError) as error:
        raise _unfit(f"can't be unpacked ({type(error).__name__}: {error!s:.200})") from None


def _unpack_one(entries: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path) -> None:
    names = entry.name.removesuffix("/").removeprefix("./").split("/")
    if names == ["."]:  # the folder itself, as ``tar -C folder .`` has it
        return
    if any(name in ("", ".", "..") or "\0" in name for name in names):
        raise _unfit(f"has an entry {entry.name[:100]!r}, which isn't a plain relative name")
    place = folder.joinpath(*names)
    if entry.isdir():
        place.mkdir(parents=True, exist_ok=True)
        return
    content = entries.extractfile(entry) if entry.isreg() and not entry.issparse() else None
    if content is None:
        raise _unfit(f"has an entry {entry.name[:100]!r} that is neither a file nor a folder")
    place.parent.mkdir(parents=True, exist_ok=True)
    with content, open(place, "xb") as file:
        shutil.copyfileobj(content, file, _CHUNK)
    if os.path.getsize(place) != entry.size:
        raise _unfit(f"ends in the middle of {entry.name[:100]!r}")


def _unfit(what: str) -> RefusedError:
    return RefusedError(
        422,
        f"A checkpoint sent as {FOLDER} must be an uncompressed archive of files and folders; "
        f"this one {what}.",
    )
