"""Whoever has no business with the dashboard is refused with the right status; nothing changes."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from server_of_tests import TOKEN, Dashboard, of

from luthier import Float, Space, create_study
from luthier.dashboard.routes import CHANGES, OPEN, ROUTES
from luthier.storages import open_storage

JSON = {"Content-Type": "application/json"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
BODIES: dict[str, Any] = {
    "goal": {"total": 3},
    "annotate": {"note": "n", "tags": ["t"]},
    "annotate_trial": {"note": "n"},
    "enqueue": {"params": {"x": 0.5}},
    "check": {"params": {}},
    "compare": {"studies": ["s", "t"]},
    "login": {"token": "x"},
}


def path_of(route: Any) -> str:
    path: str = route.path
    return path.replace("{study}", "s").replace("{number}", "0").replace("{figure}", "history")


def filled(storage: Any) -> None:
    study = create_study(
        study_name="s", storage=storage, space=Space(x=Float(0, 1)), sampler="random", seed=0
    )
    study.tell(study.ask(), 1.0)
    study.ask()


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard with a token, a trial that has completed and one that runs."""
    storage = open_storage(tmp_path_factory.mktemp("attacked") / "runs.db")
    filled(storage)
    dashboard = Dashboard(storage, TOKEN)
    yield dashboard
    dashboard.stop()


@pytest.fixture
def guarded(attacked: Dashboard) -> Iterator[Dashboard]:
    """The same; what a test does to it must leave no trace."""
    before = attacked.log()
    yield attacked
    assert attacked.log() == before


CLOSED = [route for route in ROUTES if route.name not in OPEN]


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: route.name)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Cookie": "luthier-00000000=9999999999.0"},
        {"Cookie": f"token={TOKEN}"},
        {"Cookie": "=;;=\x01"},
    ],
)
def test_no_token_or_a_wrong_one(guarded: Dashboard, route: Any, headers: dict[str, str]) -> None:
    body = None
    if route.method == "POST":
        body = json.dumps(BODIES.get(route.name, {})).encode()
    status, found, answer = guarded.send(route.method, path_of(route), body, {**JSON, **headers})
    assert status == 401
    assert found["content-type"] == "application/problem+json"
    assert TOKEN.encode() not in answer


def test_who_has_no_token_is_not_told_which_paths_there_are(guarded: Dashboard) -> None:
    assert guarded.get("/api/nosuch")[0] == 401
    assert guarded.get("/api/nosuch", **BEARER)[0] == 404


def test_what_needs_no_token_tells_nothing(guarded: Dashboard) -> None:
    status, about = guarded.get("/api/about")
    assert (status, about["login"], about["storage"]) == (200, True, None)
    assert guarded.get("/api/about", **BEARER)[1]["storage"] == "runs.db"


def session(dashboard: Dashboard) -> str:
    body = json.dumps({"token": TOKEN}).encode()
    status, found, _ = dashboard.send("POST", "/api/login", body, {**JSON, "Origin": dashboard.url})
    assert status == 204
    cookie = found["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert TOKEN not in cookie
    return cookie.partition(";")[0]


def test_a_session_is_as_good_as_the_token(guarded: Dashboard) -> None:
    cookie = session(guarded)
    assert guarded.get("/api/studies", Cookie=cookie)[0] == 200
    assert guarded.get("/api/studies", Cookie=f"other=1; {cookie}")[0] == 200
    assert guarded.post(of("s", "table"), Cookie=cookie)[0] == 200


@pytest.mark.parametrize(
    "spoil", [lambda c: c + "0", lambda c: c[:-1], lambda c: c.replace("=", "=9")]
)
def test_a_session_cannot_be_made_up(guarded: Dashboard, spoil: Callable[[str], str]) -> None:
    assert guarded.get("/api/studies", Cookie=spoil(session(guarded)))[0] == 401


def test_a_session_outlives_a_restart_and_no_new_token(tmp_path: Path) -> None:
    from luthier.dashboard.access import Access
    from luthier.service.guard import Guard

    def access(token: str, place: str = "a", now: float = 0.0) -> Access:
        return Access(Guard(token, "127.0.0.1"), token, place, clock=lambda: now)

    cookie = access(TOKEN).log_in(TOKEN)
    assert cookie is not None
    shown = {"cookie": cookie.partition(";")[0]}
    assert access(TOKEN).knows(shown)
    assert not access("another-token-of-the-tests").knows(shown)
    assert not access(TOKEN, now=8 * 86_400.0).knows(shown)
    assert not access(TOKEN, place="another").knows(shown)
    assert access(TOKEN).log_in("wrong") is None
    assert access(TOKEN).log_in("é") is None


def test_a_wrong_token_at_the_login(guarded: Dashboard) -> None:
    status, problem = guarded.post("/api/login", {"token": "wrong"})
    assert (status, problem["status"]) == (401, 401)


FOREIGN = [
    {"Host": "evil.example"},
    {"Host": "evil.example:8480"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_other_sites(guarded: Dashboard, route: Any, headers: dict[str, str]) -> None:
    body = None
    if route.method == "POST":
        body = json.dumps(BODIES.get(route.name, {})).encode()
    own = {**JSON, **BEARER, **headers}
    assert guarded.send(route.method, path_of(route), body, own)[0] == 403


def test_the_page_may_be_linked_to_but_by_its_own_name_only(guarded: Dashboard) -> None:
    cross = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert guarded.send("GET", "/static/plotly.js", None, cross)[0] == 200
    assert guarded.send("GET", "/static/plotly.js", None, {"Host": "evil.example"})[0] == 403


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_changes_with_a_session_come_from_a_page(guarded: Dashboard, name: str) -> None:
    route = next(route for route in ROUTES if route.name == name)
    headers = {**JSON, "Cookie": session(guarded)}
    body = json.dumps(BODIES.get(name, {})).encode()
    status, _, problem = guarded.send("POST", path_of(route), body, headers)
    assert status == 403
    assert b"must come from the dashboard's page" in problem


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_read_only(tmp_path: Path, name: str, start: Callable[..., Dashboard]) -> None:
    storage = open_storage(tmp_path / "read.db")
    filled(storage)
    dashboard = start(storage, read_only=True)
    before = dashboard.log()
    route = next(route for route in ROUTES if route.name == name)
    status, problem = dashboard.post(path_of(route), BODIES.get(name, {}))
    assert status == 403
    assert "--read-only" in problem["detail"]
    assert dashboard.log() == before
    assert dashboard.get("/api/about")[1]["read_only"]
    assert dashboard.post(of("s", "table"))[0] == 200


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"\xff", {}, 400),
        (b'{"total": NaN}', {}, 400),
        (b'{"total": 1, "total": 2}', {}, 400),
        (b"[" * 100_000, {}, 400),
        (b'{"total": "\\ud800"}', {}, 400),
        (b"[]", {}, 422),
        (b"null", {}, 422),
        (b"{}", {}, 422),
        (b'{"total": -1}', {}, 422),
        (b'{"total": 1.5}', {}, 422),
        (b'{"total": "1; DROP TABLE trials"}', {}, 422),
        (b'{"total": true}', {}, 422),
        (b'{"total": 1, "more": 1}', {}, 422),
        (b'{"total": 1}', {"Content-Type": "text/plain"}, 415),
        (b"total=1", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b'{"total": 1}', {"Content-Encoding": "gzip"}, 415),
        (b'{"total": ' + b" " * 1_100_000 + b"1}", {}, 413),
    ],
)
def test_bad_bodies(guarded: Dashboard, body: bytes, headers: dict[str, str], status: int) -> None:
    found, _, problem = guarded.send("POST", of("s", "goal"), body, {**JSON, **BEARER, **headers})
    assert (found, json.loads(problem)["status"]) == (status, status)


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/static/../server.py",
        "/static/..%2fserver.py",
        "/static/%2e%2e/server.py",
        "/static//etc/passwd",
        "/static/plotly.js/",
        "/static/plotly.js%00",
        "/static/",
        "/static",
        "//evil.example",
        "/api",
        "/server.py",
    ],
)
def test_path_tricks(guarded: Dashboard, path: str) -> None:
    status, _, body = guarded.send("GET", path, None, BEARER)
    assert status == 404
    assert b"def " not in body


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "s' OR '1'='1", "%", "..", "x" * 5_000, "s\x01", "é'; --"]
)
def test_names_reach_nothing_else(guarded: Dashboard, name: str) -> None:
    status, problem = guarded.get(of(name), **BEARER)
    assert (status, problem["error"]) == (404, "StudyNotFoundError")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (of("s", "trials", "9"), 404),
        (of("s", "trials", "-1"), 422),
        (of("s", "trials", "1e3"), 422),
        (of("s", "trials", "9" * 30), 422),
        (of("s", "trials", "0", "log"), 404),
        (of("s", "trials", "0", "log?attempt=0"), 422),
        (of("s", "figures", "nosuch"), 404),
        (of("s", "figures", "__class__"), 404),
        (of("s", "figures", "history?options=x"), 422),
        (of("s", "figures", "history?options=[]"), 422),
        (of("s", "figures", "history?options={%22history%22:1}"), 422),
        (of("s", "figures", "history?options={%22metric%22:{}}"), 422),
        (of("s", "figures", "history?options={%22most%22:%22x%22}"), 422),
        (of("s") + "?x=1", 422),
        ("/api/studies/%FF", 400),
        ("/api/studies/a%00b", 400),
    ],
)
def test_bad_questions(guarded: Dashboard, path: str, status: int) -> None:
    found, problem = guarded.get(path, **BEARER)
    assert (found, problem["status"]) == (status, status), problem


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "nosuch"},
        {"sort": "param:"},
        {"where": [{"key": "number", "op": "LIKE", "value": 1}]},
        {"where": [{"key": "x; DROP TABLE trials", "op": "=", "value": 1}]},
        {"where": [{"key": "param:x", "op": "<", "value": "a"}]},
        {"where": [{"key": "param:x", "op": "="}]},
        {"where": [{"key": "param:x", "op": "=", "value": [1]}]},
        {"limit": 501},
        {"limit": 0},
        {"offset": -1},
        {"states": ["NOSUCH"]},
        {"numbers": [-1]},
    ],
)
def test_bad_queries_of_the_table(guarded: Dashboard, query: Any) -> None:
    status, problem = guarded.post(of("s", "table"), query, **BEARER)
    assert (status, problem["status"]) == (422, 422)


def test_what_browsers_are_told(guarded: Dashboard) -> None:
    for path in ("/static/plotly.js", "/api/studies", "/api/about", of("nosuch"), "/nosuch"):
        _, found, _ = guarded.send("GET", path, None, BEARER)
        policy = found["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert found["x-content-type-options"] == "nosniff"
        assert found["referrer-policy"] == "same-origin"
        assert "server" not in found
        assert not any(name.startswith("access-control") for name in found)


def test_many_at_the_door_do_not_bring_it_down(guarded: Dashboard) -> None:
    held = [socket.create_connection(("127.0.0.1", guarded.port)) for _ in range(50)]
    for one in held:
        one.sendall(b"GET /api/studies HTTP/1.1\r\n")
    assert guarded.get("/api/studies", **BEARER)[0] == 200
    for one in held:
        one.close()


def test_off_loopback_there_is_always_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from luthier.dashboard import server

    seen: list[Any] = []

    def made(storage: Any, access: Any, place: str) -> Any:
        seen.append(access)
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(server, "dashboard_server", made)
    said: list[str] = []
    for host in ("0.0.0.0", "127.0.0.1"):
        with pytest.raises(KeyboardInterrupt):
            server.serve("runs.db", host=host, port=0, tell=said.append)
    assert [access.needs_token for access in seen] == [True, False]
    token = (tmp_path / "luthier.token").read_text().strip()
    assert f"/#token={token}" in said[1]
    assert (tmp_path / "luthier.token").stat().st_mode & 0o077 == 0
