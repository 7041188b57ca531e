"""What the dashboard's tests share: a real server on loopback, and requests to it."""

from __future__ import annotations

import gc
import http.client
import json
import re
import threading
from contextlib import suppress
from typing import Any, final
from urllib.parse import quote

from luthier.core.events import LogEvent
from luthier.core.protocols import Storage
from luthier.dashboard.access import Access
from luthier.dashboard.server import dashboard_server
from luthier.service.guard import Guard
from luthier.service.server import listen

TOKEN = "a-token-of-the-tests"


def of(study: str, *parts: object) -> str:
    """The address of something of a study, as the pages write it."""
    mark = "~" if re.fullmatch(r"~*\.\.?", study) else ""
    return "/".join(["/api/studies", mark + quote(study, safe=""), *map(str, parts)])


@final
class Dashboard:
    """A server in a thread, on a port of its own."""

    def __init__(
        self, storage: Storage, token: str | None = None, *, read_only: bool = False
    ) -> None:
        self.storage = storage
        listening = listen("127.0.0.1", 0)
        self.port = listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        place = f"127.0.0.1:{self.port}"
        access = Access(Guard(token, "127.0.0.1"), token, place, read_only=read_only)
        self.server = dashboard_server(storage, access, "runs.db")
        self._thread = threading.Thread(target=self.server.run, args=([listening],), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self.server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()
        self.__dict__.pop("server", None)
        gc.collect()

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """Send exactly this, and return status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            with suppress(BrokenPipeError):  # of a body that is too large the server hears no end
                connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read()
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """GET JSON."""
        status, _, body = self.send("GET", path, None, headers)
        return status, json.loads(body or b"null")

    def post(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """POST JSON, as the dashboard's own page does."""
        own = {"Content-Type": "application/json", "Origin": self.url, **headers}
        content = json.dumps({} if body is None else body).encode()
        status, _, answer = self.send("POST", path, content, own)
        return status, json.loads(answer or b"null")

    def log(self) -> list[tuple[str, list[LogEvent]]]:
        """Everything that the storage holds, by study."""
        return [(s.record.name, self.storage.events(s.record.id)) for s in self.storage.studies()]
