"""Where a study is to be kept, said as a URL or a path."""

from __future__ import annotations

import os
import re
from typing import Final

from luthier.core.protocols import Storage
from luthier.errors import ArgumentError, UnsupportedError
from luthier.storages.memory import MemoryStorage

__all__ = ["open_storage"]

_SCHEME: Final = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://(.*)$", re.DOTALL)
_MEMORY: Final = frozenset({"memory:", "memory://", ":memory:", "sqlite://", "sqlite:///:memory:"})
_KNOWN: Final = "'memory:', 'sqlite:///relative.db', 'sqlite:////absolute.db', or a plain path"


def open_storage(url: str | os.PathLike[str] | Storage | None) -> Storage:
    """Open the storage that a URL or path names; a storage is returned as it is.

    Args:
        url: None or "memory:" for this process's memory; "sqlite:///relative.db",
            "sqlite:////absolute.db" or a plain path for a SQLite file.

    Raises:
        ArgumentError: The URL isn't one of these.
        UnsupportedError: A database that a later version will support.
        StorageError: The file can't be used; the subclass and the message say why.

    Example:
        >>> open_storage("memory:")
        MemoryStorage()
    """
    if url is None:
        return MemoryStorage()
    if not isinstance(url, str | os.PathLike):
        if hasattr(url, "changes_since"):
            return url
        raise ArgumentError(
            f"A storage must be a URL, a path or a storage object, got {url!r} of type "
            f"{type(url).__name__}. Use {_KNOWN}.",
            storage=url,
        )
    text = os.fsdecode(url)
    if text in _MEMORY:
        return MemoryStorage()
    from luthier.storages.sqlite import sqlite_storage

    return sqlite_storage(_sqlite_path(text))


def _sqlite_path(text: str) -> str:
    if not text.strip():
        raise ArgumentError(f"A storage must have a name, got {text!r}. Use {_KNOWN}.")
    match = _SCHEME.match(text)
    if match is None:
        return text
    scheme, rest = match[1].lower(), match[2]
    if scheme.partition("+")[0] in ("postgres", "postgresql"):
        raise UnsupportedError(
            "PostgreSQL comes with a later version of Luthier. Until then keep the study in a "
            "SQLite file on a local disk: 'sqlite:///runs.db'."
        )
    if scheme != "sqlite" or not rest.startswith("/") or rest == "/" or "?" in rest:
        raise ArgumentError(
            f"A storage URL must be one of {_KNOWN}, got {_without_password(text)!r}. "
            "Settings go to luthier.storages.sqlite.sqlite_storage(path, ...), not into the URL.",
            storage=_without_password(text),
        )
    return rest[1:]


def _without_password(url: str) -> str:
    return re.sub(r"//.*@", "//***@", url)
