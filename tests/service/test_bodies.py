"""Reading a body: what isn't JSON in time, in size and in depth is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.service.bodies import MOST_DEPTH, parse, read
from luthier.service.problems import RefusedError

JSON = {"content-type": "application/json"}


async def parts(*content: bytes, pause: float = 0.0) -> AsyncIterator[bytes]:
    for part in content:
        yield part
        await asyncio.sleep(pause)


def read_all(headers: dict[str, str], *content: bytes, pause: float = 0.0) -> bytes:
    return asyncio.run(read(headers, parts(*content, pause=pause), most_bytes=10, seconds=0.05))


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({}, b"{}", 415),
        ({"content-type": "text/plain"}, b"{}", 415),
        ({"content-type": "application/x-www-form-urlencoded"}, b"a=1", 415),
        ({**JSON, "content-encoding": "gzip"}, b"{}", 415),
        ({**JSON, "content-length": "11"}, b"", 413),
        ({**JSON, "content-length": "9" * 5000}, b"", 413),
        ({**JSON, "content-length": "-1"}, b"", 413),
        (JSON, b"[1,2,3,4,5,6]", 413),
    ],
)
def test_read_refuses(headers: dict[str, str], content: bytes, status: int) -> None:
    with pytest.raises(RefusedError) as caught:
        read_all(headers, content)
    assert caught.value.status == status


def test_read_refuses_what_takes_too_long() -> None:
    with pytest.raises(RefusedError, match="within 0.05 seconds") as caught:
        read_all(JSON, b"{", b"}", pause=5.0)
    assert caught.value.status == 408


def test_read_joins_parts() -> None:
    assert read_all({"content-type": "Application/JSON; charset=utf-8"}, b"[1,", b"2]") == b"[1,2]"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "must be JSON"),
        (b"\xff", "must be UTF-8"),
        (b"NaN", r'NaN is not JSON; write \{"\$float": "nan"\}'),
        (b"[-Infinity]", '"-inf"'),
        (b"1e999", "the number 1e999 doesn't fit"),
        (b"9" * 10_000, "must be JSON"),
        (b'{"a": 1, "a": 2}', "two members of one name"),
        (b'"\\ud800"', "half of a surrogate pair"),
        (b'{"a\\u0000": 1}', "neither NUL"),
        (b"[" * 100_000, "at most 32 deep"),
        (b"[" * 40 + b"]" * 40, "at most 32 deep"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "at most 32 deep"),
        (b"{} {}", "must be JSON"),
    ],
)
def test_parse_refuses(body: bytes, message: str) -> None:
    with pytest.raises(RefusedError, match=message) as caught:
        parse(body)
    assert caught.value.status == 400


def test_parse_takes_what_is_just_deep_enough() -> None:
    most = MOST_DEPTH - 1
    assert parse(b"[" * most + b"]" * most)


def test_nothing_is_an_empty_object() -> None:
    assert parse(b"") == {}


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(body: bytes) -> None:
    try:
        value = parse(body)
    except RefusedError as refused:
        value = refused.status
    assert value == 400 or value == json.loads(body.decode() or "{}")
