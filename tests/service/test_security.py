"""Whoever has no business with the service is refused with the right status, and nothing changes.

Every test compares all event logs before and after.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Service

TOKEN = "a-token-of-the-tests"
JSON = {"Content-Type": "application/json"}
AUTH = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer x", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer " + "é"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/studies"),
        ("POST", "/v1/studies"),
        ("POST", "/v1/studies/s/ask"),
        ("POST", "/v1/studies/s/trials/0/tell"),
        ("GET", "/nosuch"),
        ("GET", "/v1/studies/s/trials/0/checkpoint"),
        ("PUT", "/v1/studies/s/trials/0/checkpoint?attempt=1&step=1&sha256=0"),
        ("DELETE", "/v1/studies/s"),
    ],
)
def test_no_token_or_a_wrong_one(
    running: Service, method: str, path: str, authorization: str | None
) -> None:
    headers = dict(JSON) if authorization is None else {**JSON, "Authorization": authorization}
    body = b'{"attempt": 1, "values": 1, "name": "new"}' if method == "POST" else None
    status, found, problem = running.send(method, path, body, headers)
    assert status == 401
    assert found["www-authenticate"].startswith("Bearer")
    assert found["content-type"] == "application/problem+json"
    assert TOKEN not in json.dumps(problem)


def test_a_name_with_a_line_end_finds_its_way(running: Service) -> None:
    status, _, problem = running.send("GET", "/v1/studies/a%0Ab", None, AUTH)
    assert (status, problem["error"]) == (404, "StudyNotFoundError")


def test_the_description_and_health_need_no_token(running: Service) -> None:
    assert running.send("GET", "/openapi.json")[2]["openapi"] == "3.1.0"
    assert running.send("GET", "/health")[2] == {"status": "ok"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:8470"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Idempotency-Key": "x" * 201}, 422),
        ({"Idempotency-Key": ""}, 422),
    ],
)
def test_other_sites_and_other_kinds(
    running: Service, headers: dict[str, str], status: int
) -> None:
    found = running.send("POST", "/v1/studies/s/ask", b"{}", {**AUTH, **JSON, **headers})
    assert found[0] == status


BODIES: list[tuple[bytes, int]] = [
    (b"{", 400),
    (b"\xff\xfe", 400),
    (b"{'attempt': 1}", 400),
    (b'{"attempt": 1, "values": NaN}', 400),
    (b'{"attempt": 1, "values": -Infinity}', 400),
    (b'{"attempt": 1, "values": 1e400}', 400),
    (b'{"attempt": 1, "attempt": 1, "values": 1}', 400),
    (b"[" * 200_000, 400),
    (b'{"attempt": 1, "values": ' + b"[" * 50 + b"]" * 50 + b"}", 400),
    (b'{"attempt": 1, "state": "FAILED", "error": "\\ud800"}', 400),
    (b"[]", 422),
    (b"3", 422),
    (b"null", 422),
    (b"{}", 422),
    (b'{"attempt": 1}', 422),
    (b'{"attempt": "1", "values": 1}', 422),
    (b'{"attempt": 1.5, "values": 1}', 422),
    (b'{"attempt": true, "values": 1}', 422),
    (b'{"attempt": 1, "values": "1"}', 422),
    (b'{"attempt": 1, "values": true}', 422),
    (b'{"attempt": 1, "values": [1, 2]}', 422),
    (b'{"attempt": 1, "values": [[1]]}', 422),
    (b'{"attempt": 1, "values": {"value": {"$float": "nan"}}}', 422),
    (b'{"attempt": 1, "values": {"$float": "__import__"}}', 422),
    (b'{"attempt": 1, "values": 1, "state": "RUNNING"}', 422),
    (b'{"attempt": 1, "values": 1, "worker": "me"}', 422),
    (b'{"attempt": 1, "values": 1, "cost": -1}', 422),
    (b'{"attempt": 1, "values": 1, "params": {"x": "!!python/object:os.system"}}', 422),
    (b'{"attempt": 0, "values": 1}', 422),
    (b'{"attempt": 2, "values": 1}', 409),
]


@pytest.mark.parametrize(("body", "status"), BODIES)
def test_bad_bodies(running: Service, body: bytes, status: int) -> None:
    found, problem = running.call("POST", "/v1/studies/s/trials/0/tell", body)
    assert (found, problem["status"]) == (status, status)
    assert problem["detail"]


def test_a_huge_body_is_refused_before_it_is_read(running: Service) -> None:
    headers = {**AUTH, **JSON, "Content-Length": str(10**12)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    answer = raw(running, f"POST /v1/studies/s/ask HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n")
    assert answer.startswith("HTTP/1.1 413 ")


def test_a_huge_body_in_chunks_is_refused(running: Service) -> None:
    chunk = "10000\r\n" + "x" * 0x10000 + "\r\n"
    head = "POST /v1/studies/s/ask HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    head += f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
    answer = raw(running, head + "Transfer-Encoding: chunked\r\n\r\n" + chunk * 17)
    assert answer.startswith("HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/studies/..%2f..%2fetc%2fpasswd", 404),
        ("/v1/studies/..%2f..%2fetc%2fpasswd/trials/0", 404),
        ("/v1/studies/%2e%2e/trials", 404),
        ("/v1/studies/s/../../../etc/passwd", 404),
        ("/v1/studies/s%00", 400),
        ("/v1/studies/%ff", 400),
        ("/v1/studies/s'%20OR%20'1'='1", 404),
        ("/v1/studies/s';DROP%20TABLE%20trials;--/trials", 404),
        ("/v1/studies/s/trials/0'%20OR%201=1", 422),
        ("/v1/studies/s/trials/-1", 422),
        ("/v1/studies/s/trials/1e3", 422),
        ("/v1/studies/s/trials/99999999999999999999999", 422),
        ("/v1/studies/s/trials/7", 404),
        ("/v1/studies/s/trials?state=RUNNING'--", 422),
        ("/v1/studies/s/trials?limit=-1", 422),
        ("/v1/studies/s/trials?limit=1&limit=2", 422),
        ("/v1/studies/s/trials?evil=1", 422),
        ("/v1/studies/s/trials?state=%ff", 400),
        ("/v1/studies/s/trials/0/should-stop", 422),
        ("/v1/studies/s/trials/0/should-stop?attempt=2", 409),
        ("/..%2f..%2fetc%2fpasswd", 404),
        ("/static/../../etc/passwd", 404),
        ("/v1/studies/s/best", 404),
    ],
)
def test_path_tricks_and_sql(running: Service, path: str, status: int) -> None:
    found, problem = running.call("GET", path)
    assert (found, problem["status"]) == (status, status)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD"])
def test_other_methods(running: Service, method: str) -> None:
    answer = raw(
        running,
        f"{method} /v1/studies/s/ask HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n",
    )
    assert answer.startswith("HTTP/1.1 405 ")
    assert "allow: POST" in answer


@pytest.mark.parametrize(
    "lines",
    [
        "Host: 127.0.0.1\r\nContent-Length: 2\r\nContent-Length: 40",
        "Host: 127.0.0.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked",
        "Host: 127.0.0.1\r\nTransfer-Encoding: gzip, chunked",
        "Host: 127.0.0.1\r\nContent-Length: -2",
        "Host: 127.0.0.1\r\nContent-Length : 2",
        "Host: 127.0.0.1\r\nHost: evil.example\r\nContent-Length: 2",
        "Host: 127.0.0.1\r\nAuthorization: Bearer x\r\nContent-Length: 2",
        "Host: 127.0.0.1\r\nX: a\nContent-Length: 2\r\n folded",
        "Content-Length: 2",
    ],
)
def test_smuggled_headers(running: Service, lines: str) -> None:
    """Whatever comes behind the first request must not be taken for a second one."""
    second = (
        "POST /v1/studies/s/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\r\n{{}}"
    )
    answer = raw(
        running,
        "POST /v1/studies/s/ask HTTP/1.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {TOKEN}\r\n{lines}\r\n\r\n{second}",
    )
    assert answer.split(" ", 2)[1] in {"400", "501"}, answer
    assert answer.count("HTTP/1.1 ") == 1


def test_large_headers(running: Service) -> None:
    answer = raw(running, "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + "x" * 100_000)
    assert answer.startswith("HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": ""}, 422),
        ({"name": 3}, 422),
        ({}, 422),
        ({"name": "n", "space": {}}, 422),
        ({"name": "n", "space": []}, 422),
        ({"name": "n", "space": {"params": []}}, 422),
        ({"name": "n", "space": {"params": {"x": 1}}}, 422),
        ({"name": "n", "space": {"params": {"x": {"kind": "float", "low": 1, "high": 0}}}}, 422),
        ({"name": "n", "direction": "up"}, 422),
        ({"name": "n", "direction": "minimize", "directions": ["minimize"]}, 422),
        ({"name": "n", "directions": []}, 422),
        ({"name": "n", "metrics": {"a b": "minimize"}}, 422),
        ({"name": "n", "constraints": ["os.system('x')"]}, 422),
        ({"name": "n", "sampler": "os.system"}, 422),
        ({"name": "n", "sampler": {"name": "random", "evil": 1}}, 422),
        ({"name": "n", "sampler": {"name": "grid", "points": "many"}}, 422),
        ({"name": "n", "sampler": {"name": "fixed", "sampler": 3, "params": 3}}, 422),
        ({"name": "n", "scheduler": {"name": "asha", "max_resource": []}}, 422),
        ({"name": "n", "scheduler": {"name": "patience", "wrapped": [1]}}, 422),
        ({"name": "n", "strategy": "nosuch"}, 422),
        ({"name": "n", "seed": -1}, 422),
        ({"name": "n", "seed": 1.5}, 422),
        ({"name": "n", "checkpoints": "/etc"}, 422),
        ({"name": "n", "storage": "/etc/passwd"}, 422),
        ({"name": "s"}, 409),
        ({"name": "s", "load_if_exists": True, "direction": "maximize"}, 409),
    ],
)
def test_bad_studies(running: Service, body: Any, status: int) -> None:
    found, problem = running.call("POST", "/v1/studies", body)
    assert (found, problem["status"]) == (status, status)


RELATIONS = [
    {"require": "__import__('os').system('id') == 0"},
    {"require": "x.__class__ == 1"},
    {"require": "(" * 500 + "x" + ")" * 500 + " < 1"},
    {"require": 3},
    {"requirement": "os.system"},
    {"forbid": 3},
    {"forbid": {"x": {"nosuch": 1}}},
    {"forbid": {"x": {"one_of": 3}}},
    {"nosuch": 1},
    3,
]


@pytest.mark.parametrize("relation", RELATIONS)
def test_relations_are_data(running: Service, relation: Any) -> None:
    space = {"params": {"x": {"kind": "float", "low": 0, "high": 1}}, "relations": [relation]}
    status, problem = running.call("POST", "/v1/studies", {"name": "n", "space": space})
    assert status == 422, problem


def test_a_relation_that_has_no_value_is_told_when_it_is_needed(digits: Service) -> None:
    space = {"params": {"x": {"kind": "int", "low": 2, "high": 9}}}
    space["relations"] = [{"require": "x ** 9 ** 9 ** 9 < 1"}]  # type: ignore[assignment]
    assert digits.call("POST", "/v1/studies", {"name": "n", "space": space})[0] == 200
    before = digits.log()
    assert digits.call("POST", "/v1/studies/n/ask", {})[0] == 422
    assert digits.log() == before


def test_sql_in_the_name_of_a_study_is_a_name(digits: Service) -> None:
    name = "'; DROP TABLE studies; --/..%2f"
    space = {"params": {"x": {"kind": "float", "low": 0, "high": 1}}}
    assert digits.call("POST", "/v1/studies", {"name": name, "space": space})[0] == 200
    client = digits.client(name)
    client.optimize(lambda trial: trial.suggest_float("x", 0, 1), 2)
    assert [len(events) for _, events in digits.log()][1] > 4
    found = digits.call("GET", "/v1/studies")[1]["studies"]
    assert [study["name"] for study in found] == ["s", name]


@pytest.mark.parametrize("begun", ["", "GET /health HTTP/1.1\r\nHost:"])
@pytest.mark.parametrize("before", [0, 1])
def test_who_does_not_come_to_the_point_is_cut_off(
    new_service: Callable[[], Service], monkeypatch: pytest.MonkeyPatch, begun: str, before: int
) -> None:
    """Letter by letter a connection could be held for ever."""
    monkeypatch.setattr("luthier.service.prompt.MOST_SECONDS", 0.1)
    service = new_service()
    whole = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall((before * whole + begun).encode())
        while connection.recv(65_536):
            pass


def test_too_many_at_once_are_told_to_come_again(running: Service) -> None:
    """Requests that are under way count; with 128 of them the next one is refused."""
    head = (
        "POST /v1/studies/s/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\r\n"
    )

    def status() -> int:
        return running.call("GET", "/v1/studies")[0]

    sockets = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(128)]
    try:
        for one in sockets:
            one.sendall(head.encode())
        assert any(status() == 429 for _ in range(50))
    finally:
        for one in sockets:
            one.close()
    while status() == 429:
        pass


def test_a_slow_study_does_not_hold_up_the_others(digits: Service) -> None:
    held, let_go = threading.Event(), threading.Event()

    def hold(desk: object) -> None:
        held.set()
        assert let_go.wait(20)

    asked: list[int] = []
    loop = digits.server.servers[0].get_loop()
    holding = asyncio.run_coroutine_threadsafe(digits.desks.at("s", hold), loop)
    assert held.wait(20)
    body = {"name": "t", "space": {"params": {"x": {"kind": "float", "low": 0, "high": 1}}}}
    waiting = threading.Thread(
        target=lambda: asked.append(digits.call("POST", "/v1/studies/s/ask", {})[0])
    )
    waiting.start()
    assert digits.call("POST", "/v1/studies", body)[0] == 200
    assert digits.call("POST", "/v1/studies/t/ask", {})[0] == 200
    assert asked == []
    let_go.set()
    holding.result(20)
    waiting.join(20)
    assert asked == [200]


def raw(service: Service, text: str) -> str:
    """Send text as it is; return all that comes back until the server closes."""
    parts = []
    with socket.create_connection(("127.0.0.1", service.port), timeout=60.0) as connection:
        with suppress(ConnectionError):  # it may close before it has heard all
            connection.sendall(text.encode())
        with suppress(ConnectionError):
            while part := connection.recv(65_536):
                parts.append(part)
    return b"".join(parts).decode()
