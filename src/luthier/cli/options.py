"""Options that several commands share, and how they find their study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from luthier.errors import ArgumentError, StorageError

if TYPE_CHECKING:
    from luthier.core.protocols import Storage
    from luthier.study.study import Study

__all__ = [
    "allow_host_option",
    "host_option",
    "open_existing",
    "open_study",
    "port_option",
    "storage_option",
    "study_option",
]

F = TypeVar("F", bound=Callable[..., Any])

storage_option = click.option(
    "--storage",
    default="luthier.db",
    envvar="LUTHIER_STORAGE",
    show_default=True,
    show_envvar=True,
    metavar="FILE|URL",
    help="Where studies are kept.",
)
study_option = click.option(
    "--study", metavar="NAME", help="Which study; may be left out where there is only one."
)
host_option = click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on."
)
allow_host_option = click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="NAME",
    help="A further name that clients call it by, such as a proxy's; may be repeated.",
)


def port_option(default: int) -> Callable[[F], F]:
    """The port to listen on, for a server whose own is ``default``."""
    kind = click.IntRange(0, 65_535)
    return click.option(
        "--port", type=kind, default=default, show_default=True, help="0: any free."
    )


def open_existing(storage: str) -> Storage:
    """Open a storage to look at it; unlike ``run``, looking creates nothing.

    Args:
        storage: A path or URL.

    Raises:
        StorageError: There is no such file, or it holds nothing of Luthier's.
        ArgumentError: A storage in memory, or no storage at all.
    """
    from luthier.storages import open_storage

    path = storage.removeprefix("sqlite:///")
    if path.strip(":/") == "memory":
        raise ArgumentError(
            f"--storage must be a file to be looked at, got {storage!r}: memory ends with its "
            "process. Name the file that 'luthier run --storage' wrote."
        )
    if path and "://" not in path and not Path(path).expanduser().exists():
        raise StorageError(
            f"There is no storage {path!r}. Name the file that 'luthier run --storage' wrote, "
            "or set LUTHIER_STORAGE.",
            place=path,
        )
    return open_storage(storage, create=False)


def open_study(storage: str, name: str | None) -> Study:
    """Open a study to look at it, whatever sampler made it; nothing of it changes.

    Args:
        storage: A path or URL.
        name: The study's name; None where there is only one.

    Raises:
        StorageError: There is no such file.
        StudyNotFoundError: There is no such study.
        ArgumentError: No name, and not just one study.
    """
    from luthier.study.create import look_at

    store = open_existing(storage)
    return look_at(store, _only_name(store) if name is None else name)


def _only_name(store: Storage) -> str:
    names = [summary.record.name for summary in store.studies()]
    if len(names) != 1:
        known = f": {', '.join(map(repr, names[:10]))}" if names else ""
        raise ArgumentError(
            f"The storage must hold one study to leave out --study, it holds {len(names)}{known}. "
            + ("Name one with --study." if names else "Make one with 'luthier run'.")
        )
    return names[0]
