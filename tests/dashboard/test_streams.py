"""What changes in a study is heard by its pages: soon, once, and whoever else listens."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, final

import pytest
from server_of_tests import TOKEN, Dashboard, of

from luthier import Float, Space, create_study, delete_study
from luthier.core.protocols import Storage
from luthier.dashboard import streams, views
from luthier.dashboard.views import Listener
from luthier.storages import open_storage


@final
class Ear:
    """A client of a stream, in a thread."""

    def __init__(self, dashboard: Dashboard, path: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=30)
        self._connection.request("GET", path)
        self.answer = self._connection.getresponse()
        self.heard: list[tuple[float, str, Any]] = []
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        kind = ""
        try:
            for line in self.answer:
                field, _, text = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    kind = text
                elif field == "data":
                    self.heard.append((time.monotonic(), kind, json.loads(text)))
        except (OSError, ValueError, AttributeError):
            pass
        self.ended.set()

    def close(self) -> None:
        if self._connection.sock is not None:
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._connection.close()
        self._thread.join(10)

    def wait(self, that: Callable[[str, Any], bool], seconds: float = 20.0) -> tuple[float, Any]:
        """Wait for an event; return when it came, and its data."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for at, kind, data in self.heard:
                if that(kind, data):
                    return at, data
            time.sleep(0.01)
        raise AssertionError(f"not heard; heard: {self.heard!r:.2000}")


@contextmanager
def listening(dashboard: Dashboard, path: str, n: int = 1) -> Iterator[list[Ear]]:
    ears = [Ear(dashboard, path) for _ in range(n)]
    try:
        yield ears
    finally:
        for ear in ears:
            ear.close()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    if request.param == "postgresql":
        return open_storage(request.getfixturevalue("postgres_url"))
    return open_storage("memory:" if request.param == "memory" else tmp_path / "runs.db")


def new_study(storage: Storage, name: str = "s") -> Any:
    space = Space(x=Float(0, 1))
    study = create_study(study_name=name, storage=storage, space=space, sampler="random", seed=0)
    study._driver.flush_seconds = 0.0  # reports are stored when they come
    return study


def test_a_trial_is_heard_of_while_it_runs(
    storage: Storage, start: Callable[..., Dashboard]
) -> None:
    study = new_study(storage)
    dashboard = start(storage)
    with listening(dashboard, of("s", "events")) as [ear]:
        assert ear.answer.headers["content-type"].startswith("text/event-stream")
        _, first = ear.wait(lambda kind, _: kind == "change")
        assert (first["n_trials"], first["changed"], first["best"]) == (0, None, None)
        trial = study.ask()
        _, data = ear.wait(lambda kind, data: data.get("states") == {"RUNNING": 1})
        assert (data["changed"], data["n_changed"]) == ([0], 1)
        trial.report(0.5, 1)
        ear.wait(lambda kind, data: data.get("version", 0) > first["version"] + 1)
        study.tell(trial, 0.25)
        _, data = ear.wait(lambda kind, data: data.get("best") is not None)
        assert data["best"] == {"number": 0, "metrics": {"value": 0.25}}
        study.set_goal(7)
        ear.wait(lambda kind, data: data.get("goal") == 7)
        study.stop()
        ear.wait(lambda kind, data: data.get("stopped") is not None)


_TELL = """
import sys, luthier
study = luthier.load_study(study_name="s", storage=sys.argv[1])
trial = study.ask()
study.tell(trial, 0.5)
"""


def test_a_trial_of_another_process_is_heard_of(
    tmp_path: Any, start: Callable[..., Dashboard]
) -> None:
    storage = open_storage(tmp_path / "runs.db")
    new_study(storage)
    dashboard = start(storage)
    with listening(dashboard, of("s", "events"), 3) as ears:
        for ear in ears:
            ear.wait(lambda kind, _: kind == "change")
        subprocess.run([sys.executable, "-c", _TELL, str(tmp_path / "runs.db")], check=True)
        for ear in ears:
            _, data = ear.wait(lambda kind, data: data.get("states") == {"COMPLETE": 1})
            assert data["best"] == {"number": 0, "metrics": {"value": 0.5}}


def test_a_deleted_study_is_gone(tmp_path: Any, start: Callable[..., Dashboard]) -> None:
    storage = open_storage(tmp_path / "runs.db")
    new_study(storage)
    dashboard = start(storage)
    with listening(dashboard, of("s", "events")) as [ear]:
        ear.wait(lambda kind, _: kind == "change")
        delete_study(study_name="s", storage=storage)
        ear.wait(lambda kind, _: kind == "gone")
        assert ear.ended.wait(20)
    assert dashboard.get(of("s"))[0] == 404
    again = new_study(storage)
    again.tell(again.ask(), 3.0)
    assert dashboard.get(of("s"))[1]["best"]["metrics"] == {"value": 3.0}


def test_the_list_is_heard_of(tmp_path: Any, start: Callable[..., Dashboard]) -> None:
    storage = open_storage(tmp_path / "runs.db")
    dashboard = start(storage)
    with listening(dashboard, "/api/events") as [ear]:
        ear.wait(lambda kind, data: data.get("studies") == [])
        new_study(storage, "new")
        ear.wait(lambda kind, data: [s["name"] for s in data.get("studies", ())] == ["new"])


def test_the_server_ends_though_pages_are_open(
    tmp_path: Any, start: Callable[..., Dashboard]
) -> None:
    storage = open_storage(tmp_path / "runs.db")
    new_study(storage)
    dashboard = start(storage)
    with listening(dashboard, of("s", "events"), 5) as ears:
        ears[0].wait(lambda kind, _: kind == "change")
        dashboard.stop()
        assert all(ear.ended.wait(20) for ear in ears)


def test_silence_is_told_from_a_lost_connection(
    tmp_path: Any, start: Callable[..., Dashboard], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams.Stream.__init__, "__defaults__", (0.1,))
    storage = open_storage(tmp_path / "runs.db")
    new_study(storage)
    dashboard = start(storage)
    with listening(dashboard, of("s", "events")) as [ear]:
        ear.wait(lambda kind, _: kind == "beat")


def test_no_more_streams_than_allowed(
    tmp_path: Any, start: Callable[..., Dashboard], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "_MOST_LISTENERS", 4)
    storage = open_storage(tmp_path / "runs.db")
    new_study(storage)
    dashboard = start(storage)
    with listening(dashboard, of("s", "events"), 4) as ears:
        for ear in ears:
            ear.wait(lambda kind, _: kind == "change")
        status, problem = dashboard.get(of("s", "events"))
        assert (status, problem["status"]) == (429, 429)
        assert dashboard.get(of("s"))[0] == 200
    until = time.monotonic() + 20
    while time.monotonic() < until:  # those that left make room
        with listening(dashboard, of("s", "events")) as [ear]:
            if ear.answer.status == 200:
                return
        time.sleep(0.1)
    raise AssertionError("no room was made")


def test_a_stream_of_no_study(start: Callable[..., Dashboard]) -> None:
    assert start().get(of("nosuch", "events"))[0] == 404


def test_a_stream_needs_the_token(tmp_path: Any, start: Callable[..., Dashboard]) -> None:
    assert start(token=TOKEN).get("/api/events")[0] == 401


def test_who_is_slow_hears_the_latest_once() -> None:
    listener = Listener()
    assert listener.take()["changed"] is None  # at first all is new
    for number in range(150):
        listener.hear([number % 50], urgent=True)
    found = listener.take()
    assert sorted(found["changed"]) == list(range(50))
    assert found["n_changed"] == 150
    listener.hear(range(1_000), urgent=True)
    assert listener.take() == {"changed": None, "n_changed": 1_000}
    assert not listener.news.is_set()


def test_reports_alone_may_wait() -> None:
    listener = Listener()
    listener.take()
    listener.hear([3], urgent=False)
    assert not listener.news.is_set()
    assert not listener.is_due(listener._told + 0.9)
    assert listener.is_due(listener._told + 1.1)


def test_a_client_that_takes_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    import anyio

    monkeypatch.setattr(streams, "MOST_SEND_SECONDS", 0.05)
    left = []

    class Views:
        def leave(self, name: str | None, listener: Listener) -> None:
            left.append(listener)

    async def never(*_: Any) -> Any:
        await anyio.sleep_forever()

    async def main() -> None:
        listener = Listener()
        stream = streams.Stream(Views(), "s", listener, lambda: False)  # type: ignore[arg-type]
        with anyio.fail_after(10):
            await stream({}, never, never)
        assert left == [listener]

    anyio.run(main)


def test_trouble_with_the_list_is_told_and_ends(
    tmp_path: Any, start: Callable[..., Dashboard], monkeypatch: pytest.MonkeyPatch
) -> None:
    from luthier.errors import StorageBusyError

    storage = open_storage(tmp_path / "runs.db")
    dashboard = start(storage)
    with listening(dashboard, "/api/events") as [ear]:
        ear.wait(lambda _, data: data.get("studies") == [])

        def broken(*_: Any) -> Any:
            raise StorageBusyError("The database is locked.")

        with monkeypatch.context() as patch:
            patch.setattr(type(storage), "studies", broken)
            ear.wait(lambda kind, data: kind == "trouble" and "locked" in data["detail"])
        new_study(storage, "new")
        ear.wait(lambda _, data: [s["name"] for s in data.get("studies", ())] == ["new"])


def test_trouble_with_the_storage_is_told_and_ends(
    tmp_path: Any, start: Callable[..., Dashboard], monkeypatch: pytest.MonkeyPatch
) -> None:
    from luthier.errors import StorageBusyError

    storage = open_storage(tmp_path / "runs.db")
    study = new_study(storage)
    dashboard = start(storage)
    with listening(dashboard, of("s", "events")) as [ear]:
        ear.wait(lambda kind, _: kind == "change")
        real = type(storage).changes_since

        def broken(*_: Any) -> Any:
            raise StorageBusyError("The database is locked.")

        with monkeypatch.context() as patch:
            patch.setattr(type(storage), "changes_since", broken)
            ear.wait(lambda kind, data: kind == "trouble" and "locked" in data["detail"])
            time.sleep(1.0)
            assert sum(kind == "trouble" for _, kind, _ in ear.heard) == 1
        assert type(storage).changes_since is real
        study.tell(study.ask(), 1.0)
        ear.wait(lambda kind, data: data.get("states") == {"COMPLETE": 1})
