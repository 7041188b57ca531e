"""The dashboard's server: an address, a storage, a token, and the application between them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from luthier.core.protocols import Storage
from luthier.errors import require_extra
from luthier.service.guard import Guard, is_loopback, token_in
from luthier.service.server import config_of, listen
from luthier.storages import open_storage
from luthier.storages.url import without_password

if TYPE_CHECKING:
    import uvicorn

    from luthier.dashboard.access import Access

__all__ = ["dashboard_server", "serve"]

_TOKEN_FILE = "luthier.token"


def serve(
    storage: Storage | str | os.PathLike[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8480,
    token_file: str | os.PathLike[str] | None = None,
    allow_hosts: Iterable[str] = (),
    read_only: bool = False,
    place: str | None = None,
    tell: Callable[[str], object],
) -> None:
    """Show the studies of a storage to browsers, until the process is asked to end.

    Args:
        storage: A storage, path or URL.
        host: The address to listen on. Off loopback a token is required.
        port: The port; 0 takes a free one.
        token_file: Where the token is kept; made if there is no such file. None: no token on
            loopback, ``luthier.token`` off it.
        allow_hosts: Names beside its own that browsers may call it by, such as a proxy's.
        read_only: Whether nothing may be changed.
        place: The storage, as it may be shown; None: as it is given, without a password.
        tell: Gets what the person who started it should read, line by line.

    Raises:
        ArgumentError: A bad token file or address.
        MissingExtraError: starlette or uvicorn isn't installed.
        StorageError: The storage can't be used.
    """
    require_extra("uvicorn", "dashboard", "The dashboard")
    require_extra("starlette", "dashboard", "The dashboard")
    from luthier.dashboard.access import Access

    if token_file is None and not is_loopback(host):
        token_file = _TOKEN_FILE
    opened = open_storage(storage)
    token, is_new = (None, False) if token_file is None else token_in(Path(token_file))
    with listen(host, port) as listening:
        port = listening.getsockname()[1]
        where = f"{f'[{host}]' if ':' in host else host}:{port}"
        access = Access(Guard(token, host, allow_hosts), token, where, read_only=read_only)
        if is_new:
            tell(f"Token, made now and kept in {token_file}: {token}")
        start = f"http://{where}/" + ("" if token is None else f"#token={token}")
        tell(f"Serving on {start} (for a browser). Ctrl-C ends it.")
        if place is None:
            place = repr(storage)
            if isinstance(storage, str | os.PathLike):
                place = without_password(os.fsdecode(storage))
        dashboard_server(opened, access, place).run(sockets=[listening])


def dashboard_server(storage: Storage, access: Access, place: str = "") -> uvicorn.Server:
    """Return the server, ready to run on a socket.

    Args:
        storage: Where the studies are.
        access: Who may ask.
        place: The storage, as it may be shown.
    """
    import uvicorn

    from luthier.dashboard.api import application
    from luthier.dashboard.views import Views

    servers: list[uvicorn.Server] = []

    def is_ending() -> bool:
        return servers[0].should_exit

    app = application(Views(storage), access, place, is_ending)
    servers.append(uvicorn.Server(config_of(app)))
    return servers[0]
