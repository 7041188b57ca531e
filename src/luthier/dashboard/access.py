"""Who may look and who may change: the guard, and sessions of browsers that have shown the token.

A session is a time and a signature by the token, in a cookie: the server keeps nothing, a restart
ends nothing, and another token ends all. A browser sends the cookie only with requests of the
dashboard's own pages (SameSite=Strict); for changes it must also say that it does (Origin).
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Final, final

from luthier.service.guard import Guard
from luthier.service.problems import RefusedError

__all__ = ["Access"]

_SECONDS: Final = 7 * 86_400
_SETTINGS: Final = "Path=/; HttpOnly; SameSite=Strict"


@final
class Access:
    """Lets requests in or refuses them.

    Args:
        guard: Checks hosts, origins and the token.
        token: The token; None lets everybody in who reaches the server.
        place: Tells this dashboard from others on the same machine, whose browsers share cookies.
        read_only: Whether nobody may change anything.
        clock: Tells seconds since the epoch.

    Example:
        >>> access = Access(Guard("a" * 16, "127.0.0.1"), "a" * 16, "8480", clock=lambda: 0.0)
        >>> cookie = access.log_in("a" * 16).partition(";")[0]
        >>> access.knows({"cookie": cookie}), access.knows({"cookie": cookie + "0"})
        (True, False)
    """

    def __init__(
        self,
        guard: Guard,
        token: str | None,
        place: str,
        *,
        read_only: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.read_only = read_only
        self._guard = guard
        self._token = None if token is None else token.encode()
        self._cookie = f"luthier-{hashlib.sha256(place.encode()).hexdigest()[:8]}"
        self._clock = clock

    @property
    def needs_token(self) -> bool:
        """Whether there is a token, which must be shown."""
        return self._token is not None

    def admit(
        self, headers: Sequence[tuple[bytes, bytes]], *, linked: bool = False
    ) -> dict[str, str]:
        """Return a request's headers by lower-case name, if it may come in at all."""
        return self._guard.admit(headers, linked=linked)

    def knows(self, headers: Mapping[str, str]) -> bool:
        """Whether a request needs to show nothing more."""
        try:
            self.authorise(headers)
        except RefusedError:
            return False
        return True

    def authorise(self, headers: Mapping[str, str], *, changes: bool = False) -> None:
        """Demand the token or a session; for changes, that they are allowed at all.

        Args:
            headers: The request's, admitted.
            changes: Whether it would change anything.

        Raises:
            RefusedError: 401 without either; 403 for a change that nobody may make, or that comes
                with a session and from no page.
        """
        in_session = "authorization" not in headers and self._in_session(headers)
        if not in_session:
            self._guard.authorise(headers)
        if not changes:
            return
        if self.read_only:
            raise RefusedError(
                403, "This dashboard is for looking only: it was started with --read-only."
            )
        if in_session and "origin" not in headers:
            raise RefusedError(403, "A change with a session must come from the dashboard's page.")

    def log_in(self, token: str) -> str | None:
        """Return the cookie of a new session, as a Set-Cookie header; None for a wrong token."""
        if self._token is None or not hmac.compare_digest(token.strip().encode(), self._token):
            return None
        until = str(int(self._clock()) + _SECONDS)
        value = f"{until}.{self._signature(until)}"
        return f"{self._cookie}={value}; Max-Age={_SECONDS}; {_SETTINGS}"

    def log_out(self) -> str:
        """Return a Set-Cookie header that makes the browser forget its session."""
        return f"{self._cookie}=; Max-Age=0; {_SETTINGS}"

    def _in_session(self, headers: Mapping[str, str]) -> bool:
        if self._token is None:
            return False
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return False
        until, _, signature = ("" if found is None else found.value).partition(".")
        is_time = until.isascii() and until.isdigit() and len(until) < 16
        right = hmac.compare_digest(signature.encode(), self._signature(until).encode())
        return is_time and right and self._clock() < int(until)

    def _signature(self, until: str) -> str:
        assert self._token is not None
        return hmac.new(self._token, f"session {until}".encode(), hashlib.sha256).hexdigest()
