"""Who may ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.errors import ArgumentError
from luthier.service.guard import Guard, is_loopback, token_in
from luthier.service.problems import RefusedError

GUARD = Guard("the-right-token-0", "127.0.0.1")
HOST = (b"host", b"127.0.0.1:8470")


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8470", "localhost:1", "LOCALHOST", "[::1]:8470", "127.0.0.1"]
)
def test_own_names_are_let_in(host: str) -> None:
    assert GUARD.admit([(b"Host", host.encode())])["host"] == host


@pytest.mark.parametrize(
    "host", ["evil.example:8470", "", "127.0.0.1.evil.example", "localhost:8470:1", "127.0.0.1@x"]
)
def test_a_name_that_was_bent_to_loopback_is_not(host: str) -> None:
    with pytest.raises(RefusedError, match="--allow-host") as caught:
        GUARD.admit([(b"host", host.encode())])
    assert caught.value.status == 403


def test_further_names_are_let_in() -> None:
    guard = Guard(None, "127.0.0.1", ["tune.example"])
    assert guard.admit([(b"host", b"tune.example")])


def test_off_loopback_the_token_is_what_counts() -> None:
    assert Guard("t" * 20, "0.0.0.0").admit([(b"host", b"any.example")])


@pytest.mark.parametrize(
    "header",
    [
        (b"origin", b"http://evil.example"),
        (b"origin", b"null"),
        (b"origin", b"http://127.0.0.1:9999"),
        (b"sec-fetch-site", b"cross-site"),
        (b"sec-fetch-site", b"same-site"),
    ],
)
def test_other_pages_are_kept_out(header: tuple[bytes, bytes]) -> None:
    with pytest.raises(RefusedError, match="another site") as caught:
        GUARD.admit([HOST, header])
    assert caught.value.status == 403


def test_the_own_page_is_let_in() -> None:
    own = (b"origin", b"http://127.0.0.1:8470"), (b"sec-fetch-site", b"same-origin")
    assert GUARD.admit([HOST, *own])


@pytest.mark.parametrize(
    "headers",
    [
        [HOST, HOST],
        [HOST, (b"authorization", b"a"), (b"Authorization", b"b")],
        [HOST, (b"content-length", b"1"), (b"content-length", b"2")],
        [HOST, (b"content-length", b"1"), (b"transfer-encoding", b"chunked")],
    ],
)
def test_headers_that_contradict_each_other(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(RefusedError, match="must not contradict") as caught:
        GUARD.admit(headers)
    assert (caught.value.status, caught.value.headers) == (400, {"Connection": "close"})


@pytest.mark.parametrize(
    "shown",
    ["", "Bearer", "Bearer wrong", "the-right-token-0", "Basic the-right-token-0", "Bearer é"],
)
def test_without_the_token(shown: str) -> None:
    with pytest.raises(RefusedError, match="Authorization: Bearer TOKEN") as caught:
        GUARD.authorise({"authorization": shown})
    assert caught.value.status == 401
    assert caught.value.headers["WWW-Authenticate"].startswith("Bearer")


def test_with_the_token() -> None:
    GUARD.authorise({"authorization": "bearer the-right-token-0"})
    Guard(None, "127.0.0.1").authorise({})


@pytest.mark.parametrize(
    ("host", "so"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.1", False),
        ("tune.example", False),
    ],
)
def test_loopback(host: str, so: bool) -> None:
    assert is_loopback(host) is so


def test_a_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "token"
    token, is_new = token_in(path)
    assert is_new
    assert len(token) >= 40
    assert path.stat().st_mode & 0o777 == 0o600
    assert token_in(path) == (token, False)
    assert token_in(tmp_path / "other")[0] != token


@pytest.mark.parametrize("content", [b"", b"short\n", b"two words of a token", b"\xff" * 20])
def test_a_bad_token_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(ArgumentError, match="token"):
        token_in(path)


def test_a_token_file_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="can't be made"):
        token_in(tmp_path / "nosuch" / "token")
