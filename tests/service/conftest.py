"""What the service's tests share: a real server on loopback, and requests to it.

Every answer is checked against the OpenAPI document: its status must be listed there, and its
body must fit the schema.
"""

from __future__ import annotations

import gc
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, final

import pytest
from jsonschema import Draft202012Validator

from luthier.core.events import LogEvent
from luthier.core.protocols import Storage
from luthier.service.client import Client
from luthier.service.desks import Desks
from luthier.service.guard import Guard
from luthier.service.openapi import document
from luthier.service.problems import RefusedError
from luthier.service.route import match
from luthier.service.routes import ROUTES
from luthier.service.server import http_server, listen
from luthier.storages import open_storage

TOKEN = "a-token-of-the-tests"
DOCUMENT = document()
PROBLEM = DOCUMENT["components"]["schemas"]["Problem"]


@final
class Service:
    """A server in a thread, on a port of its own."""

    def __init__(self, storage: Storage, lease: float = 60.0, port: int = 0) -> None:
        self.storage = storage
        listening = listen("127.0.0.1", port)
        self.port = listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.desks = Desks(storage, "service of the tests", lease, 10.0, time.monotonic)
        self.server = http_server(self.desks, Guard(TOKEN, "127.0.0.1"))
        self._thread = threading.Thread(target=self.server.run, args=([listening],), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self.server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()
        self.__dict__.pop("desks", None)  # what is served ends with its server, threads and all
        self.__dict__.pop("server", None)
        gc.collect()

    def client(self, study: str = "s", **options: Any) -> Client:
        return Client(self.url, study, TOKEN, **options)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], Any]:
        """Send exactly this, and return status, headers and JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            data = json.loads(answer.read())
        finally:
            connection.close()
        check_documented(method, path, answer.status, found["content-type"], data)
        return answer.status, found, data

    def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None
    ) -> tuple[int, Any]:
        """Send JSON with the token; return status and JSON."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
        if key is not None:
            headers["Idempotency-Key"] = key
        status, _, data = self.send(method, path, content, headers)
        return status, data

    def log(self) -> list[tuple[str, list[LogEvent]]]:
        """Everything that the storage holds, by study."""
        return [(s.record.name, self.storage.events(s.record.id)) for s in self.storage.studies()]


def check_documented(method: str, path: str, status: int, kind: str, data: Any) -> None:
    """Demand that an answer is one that the document promises."""
    try:
        route, _ = match(ROUTES, method, path.partition("?")[0])
    except RefusedError:
        schema = PROBLEM
        assert status in {400, 401, 403, 404, 405, 429}, (status, data)
    else:
        answers = DOCUMENT["paths"][route.path][method.lower()]["responses"]
        content = answers[str(status)]["content"][kind.partition(";")[0]]
        schema = (
            content["schema"] if status == 200 else DOCUMENT["components"]["schemas"]["Problem"]
        )
    Draft202012Validator(schema).validate(data)


@pytest.fixture
def new_service(tmp_path: Path) -> Iterator[Callable[[], Service]]:
    """Starts services of one SQLite file, which is empty at first."""
    running: list[Service] = []

    def start() -> Service:
        running.append(Service(open_storage(tmp_path / "runs.db")))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def service(new_service: Callable[[], Service]) -> Service:
    """A service of an empty SQLite file."""
    return new_service()


X = {"x": {"kind": "float", "low": 0.0, "high": 1.0}}


@pytest.fixture
def digits(service: Service) -> Service:
    """The same, with a study ``s`` of one number, sampled at random."""
    body = {"name": "s", "space": {"params": X}, "sampler": "random", "seed": 1}
    status, _ = service.call("POST", "/v1/studies", body)
    assert status == 200
    return service


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a trial that runs, and that can be told when all is over."""
    service = Service(open_storage(tmp_path_factory.mktemp("attacked") / "runs.db"))
    space = {"params": {"x": {"kind": "float", "low": 0, "high": 1}}}
    assert service.call("POST", "/v1/studies", {"name": "s", "space": space})[0] == 200
    assert service.call("POST", "/v1/studies/s/ask", {})[0] == 200
    yield service
    told = service.call("POST", "/v1/studies/s/trials/0/tell", {"attempt": 1, "values": 1})
    assert told[0] == 200
    service.stop()


@pytest.fixture
def running(attacked: Service) -> Iterator[Service]:
    """The same; what a test does to it must leave no trace."""
    before = attacked.log()
    yield attacked
    assert attacked.log() == before
