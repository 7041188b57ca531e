"""Who may ask: the token, and the checks that keep a browser's other pages out.

A service on loopback is in reach of every page that the user's browser shows. Such a page can
have its own name point to 127.0.0.1 (so the Host must be one of ours), or post a form across
(so the Origin must be ours, and bodies must be JSON, which no form can send).
"""

from __future__ import annotations

import hmac
import ipaddress
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, final

from luthier.errors import ArgumentError
from luthier.service.problems import RefusedError

__all__ = ["Guard", "is_loopback", "token_in"]

_LEAST_TOKEN: Final = 16
_ONCE: Final = frozenset({"host", "authorization", "content-type", "content-length", "origin"})
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_CLOSE: Final = {"Connection": "close"}


def is_loopback(host: str) -> bool:
    """Return whether an address is one that only this machine reaches.

    Example:
        >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def token_in(path: Path) -> tuple[str, bool]:
    """Return the token in a file, made now if there is no such file, and whether it was.

    Args:
        path: The file; a new one can be read by its owner alone.

    Raises:
        ArgumentError: It can't be read or written, or holds no good token.
    """
    try:
        with open(path, "x", opener=_private) as file:
            token = secrets.token_urlsafe(32)
            file.write(token + "\n")
        return token, True
    except FileExistsError:
        pass
    except OSError as error:
        raise ArgumentError(f"The token file {str(path)!r} can't be made: {error}.") from None
    try:
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentError(f"The token file {str(path)!r} can't be read: {error}.") from None
    if len(token) < _LEAST_TOKEN or not token.isprintable() or " " in token:
        raise ArgumentError(
            f"The token in {str(path)!r} must be one word of at least {_LEAST_TOKEN} ASCII "
            f"characters, it has {len(token)}. Delete the file to have one made."
        )
    return token, False


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@final
class Guard:
    """Lets requests in or refuses them.

    Args:
        token: What a client must show; None lets everybody in.
        host: The address that the service listens on.
        names: Further names that it may be called by, such as that of a proxy before it.
    """

    def __init__(self, token: str | None, host: str, names: Iterable[str] = ()) -> None:
        self._token = None if token is None else token.encode()
        own = f"[{host}]" if ":" in host else host
        self._names = (
            frozenset({*_LOOPBACK_NAMES, own, *names}) if is_loopback(host) or names else None
        )

    def admit(
        self, headers: Sequence[tuple[bytes, bytes]], *, linked: bool = False
    ) -> dict[str, str]:
        """Return a request's headers by lower-case name, if it may come in at all.

        Args:
            headers: As they came.
            linked: Whether what is asked for says nothing of anybody, so that pages of other
                sites may link to it.

        Raises:
            RefusedError: 400: headers contradict each other; 403: a wrong Host or Origin.
        """
        pairs = [(name.decode("latin-1").lower(), v.decode("latin-1")) for name, v in headers]
        counts = Counter(name for name, _ in pairs)
        twice = sorted(name for name in _ONCE if counts[name] > 1)
        if twice or (counts["transfer-encoding"] and counts["content-length"]):
            raise RefusedError(
                400,
                "A request's headers must not contradict each other, got "
                f"{twice[0] if twice else 'both content-length and transfer-encoding'}"
                f"{' twice' if twice else ''}.",
                _CLOSE,
            )
        found = dict(pairs)
        host = found.get("host", "")
        if self._names is not None and _name(host) not in self._names:
            raise RefusedError(
                403,
                f"The Host must be a name of this service, got {host[:100]!r}. Behind a proxy "
                "start it with --allow-host NAME.",
            )
        if not linked:
            self._check_origin(found, host)
        return found

    def _check_origin(self, headers: Mapping[str, str], host: str) -> None:
        origin = headers.get("origin")
        foreign = origin is not None and origin.partition("://")[2].lower() != host.lower()
        if foreign or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise RefusedError(
                403,
                "A page of another site must not use this service, got the Origin "
                f"{(origin or 'unknown')[:100]!r}.",
            )

    def authorise(self, headers: Mapping[str, str]) -> None:
        """Demand the token.

        Raises:
            RefusedError: 401.
        """
        if self._token is None:
            return
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(shown.strip().encode("utf-8", "replace"), self._token)
        if scheme.lower() != "bearer" or not right:
            raise RefusedError(
                401,
                "A request must carry the service's token, as 'Authorization: Bearer TOKEN'. It "
                "is in the service's token file.",
                {"WWW-Authenticate": 'Bearer realm="luthier"'},
            )


def _name(host: str) -> str:
    """The name in a Host header, without the port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
