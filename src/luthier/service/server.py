"""The server: an address, a storage, a token, and the application between them."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from luthier.core.amounts import read_size
from luthier.core.protocols import Storage
from luthier.errors import ArgumentError, require_extra
from luthier.service.guard import Guard, is_loopback, token_in
from luthier.service.leases import Clock
from luthier.service.routes import MOST_LEASE
from luthier.storages import open_storage

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

    from luthier.service.desks import Desks

__all__ = ["LEASE", "config_of", "http_server", "listen", "serve"]

LEASE: Final = 60.0
_PATIENCE: Final = 30.0
_MOST_CONNECTIONS: Final = 1_024
_MOST_HEADER_BYTES: Final = 16_384


def serve(
    storage: Storage | str | os.PathLike[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8470,
    token_file: str | os.PathLike[str] | None = "luthier.token",
    allow_hosts: Iterable[str] = (),
    lease: float = LEASE,
    max_checkpoint: str | int = "10GB",
    clock: Clock = time.monotonic,
    tell: Callable[[str], object],
) -> None:
    """Serve the studies of a storage over HTTP, until the process is asked to end.

    Args:
        storage: A storage, path or URL.
        host: The address to listen on. Off loopback a token is required.
        port: The port; 0 takes a free one.
        token_file: Where the token is kept; made if there is no such file. None: no token.
        allow_hosts: Names beside its own that clients may call it by, such as a proxy's.
        lease: Seconds after which a silent client loses its trial, if it doesn't name others.
        max_checkpoint: How large a checkpoint may be that a client sends; bytes, or text.
        clock: Tells seconds, for leases.
        tell: Gets what the person who started it should read, line by line.

    Raises:
        ArgumentError: No token off loopback, a bad token file, lease or address.
        MissingExtraError: starlette or uvicorn isn't installed.
        StorageError: The storage can't be used.
    """
    require_extra("uvicorn", "serve", "The service")
    require_extra("starlette", "serve", "The service")
    from luthier.service.desks import Desks

    if token_file is None and not is_loopback(host):
        raise ArgumentError(
            f"A service that others can reach must have a token, got --no-token with {host!r}. "
            "Leave --no-token out, or serve on 127.0.0.1."
        )
    if not 0 < lease <= MOST_LEASE:
        raise ArgumentError(f"A lease must be above 0 and at most a week, got {lease!r} seconds.")
    most = read_size(max_checkpoint, "max_checkpoint", "10GB")
    token, is_new = (None, False) if token_file is None else token_in(Path(token_file))
    with listen(host, port) as listening:
        port = listening.getsockname()[1]
        where = f"{f'[{host}]' if ':' in host else host}:{port}"
        worker = f"service {socket.gethostname()} {where}"
        desks = Desks(open_storage(storage), worker, lease, _PATIENCE, clock)
        guard = Guard(token, host, allow_hosts)
        if is_new:
            tell(f"Token, made now and kept in {token_file}: {token}")
        tell(f"Serving on http://{where} (the API's description: /openapi.json). Ctrl-C ends it.")
        http_server(desks, guard, most).run(sockets=[listening])


def http_server(desks: Desks, guard: Guard, most_checkpoint: int | None = None) -> uvicorn.Server:
    """Return the service's server, ready to run on a socket."""
    import uvicorn

    from luthier.service.api import MOST_CHECKPOINT, application

    return uvicorn.Server(config_of(application(desks, guard, most_checkpoint or MOST_CHECKPOINT)))


def config_of(application: ASGIApp) -> uvicorn.Config:
    """Return how an application is served: HTTP only, nothing said of the server, limits."""
    import uvicorn

    from luthier.service.prompt import Prompt

    return uvicorn.Config(
        application,
        http=Prompt,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        h11_max_incomplete_event_size=_MOST_HEADER_BYTES,
        timeout_graceful_shutdown=10,
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address; port 0 takes a free one.

    Raises:
        ArgumentError: The address isn't this machine's, or is taken.
    """
    try:
        [(family, _, _, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        found = socket.create_server(address[:2], family=family)
    except (OSError, OverflowError) as error:
        raise ArgumentError(
            f"The service must listen on a free address of this machine, got {host}:{port} "
            f"({error}). Choose another --host or --port."
        ) from None
    # what it accepts inherits this; else a small answer waits 40 ms for the client's network
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found
