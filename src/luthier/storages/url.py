"""Where a study is to be kept, said as a URL or a path."""

from __future__ import annotations

import os
import re
from typing import Final
from urllib.parse import parse_qsl

from luthier.core.protocols import Storage
from luthier.errors import ArgumentError, require_extra
from luthier.storages.memory import MemoryStorage

__all__ = ["open_storage", "without_password"]

_SCHEME: Final = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://(.*)$", re.DOTALL)
_MEMORY: Final = frozenset({"memory:", "memory://", ":memory:", "sqlite://", "sqlite:///:memory:"})
_POSTGRES: Final = frozenset({"postgres", "postgresql"})
_KNOWN: Final = (
    "'memory:', 'sqlite:///relative.db', 'sqlite:////absolute.db', a plain path, or "
    "'postgresql://USER@HOST/DATABASE'"
)


def open_storage(url: str | os.PathLike[str] | Storage | None, *, create: bool = True) -> Storage:
    """Open the storage that a URL or path names; a storage is returned as it is.

    Args:
        url: None or "memory:" for this process's memory; "sqlite:///relative.db",
            "sqlite:////absolute.db" or a plain path for a SQLite file;
            "postgresql://user:password@host/database?schema=name" for a PostgreSQL server.
        create: Whether to make the tables in a file or database that is empty.

    Raises:
        ArgumentError: The URL isn't one of these.
        MissingExtraError: PostgreSQL's driver isn't installed.
        StorageError: The file or database can't be used; the subclass and the message say why.

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
    if text.partition("://")[0].partition("+")[0].lower() in _POSTGRES and "://" in text:
        require_extra("psycopg", "postgresql", "A PostgreSQL storage")
        from luthier.storages.postgresql import postgresql_storage

        return postgresql_storage(text, create=create)
    from luthier.storages.sqlite import sqlite_storage

    return sqlite_storage(_sqlite_path(text), create=create)


def without_password(url: str) -> str:
    """A storage's URL as it may be shown.

    Example:
        >>> without_password("postgresql://me:secret@host/runs?sslpassword=x")
        'postgresql://me:***@host/runs?sslpassword=***'
    """
    shown = re.sub(r"(?<=://)([^:/@?]*):.*@", r"\1:***@", url, count=1, flags=re.DOTALL)
    for name, value in parse_qsl(url.partition("?")[2]) if "://" in url else ():
        if value and re.search("pass|secret|key", name, re.IGNORECASE):
            shown = re.sub(rf"({re.escape(name)}=)[^&]*", r"\1***", shown)
    return shown


def _sqlite_path(text: str) -> str:
    if not text.strip():
        raise ArgumentError(f"A storage must have a name, got {text!r}. Use {_KNOWN}.")
    match = _SCHEME.match(text)
    if match is None:
        return text
    scheme, rest = match[1].lower(), match[2]
    if scheme != "sqlite" or not rest.startswith("/") or rest == "/" or "?" in rest:
        raise ArgumentError(
            f"A storage URL must be one of {_KNOWN}, got {without_password(text)!r}. "
            "Settings go to luthier.storages.sqlite.sqlite_storage(path, ...), not into the URL.",
            storage=without_password(text),
        )
    return rest[1:]
