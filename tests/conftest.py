"""Settings shared by all tests."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from benchmarks.storages.postgres_server import PostgresServer

settings.register_profile(
    "luthier",
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("luthier")

# A shell starts background jobs with Ctrl-C ignored, and children inherit that: undo it, so that
# the tests that interrupt their children mean the same wherever they run.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, started when the first test of a process asks for it."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from benchmarks.storages.postgres_server import postgres_server

    with postgres_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """The URL, with password, of a place in that server that is the test's alone."""
    return postgres.url(schema=f"t_{secrets.token_hex(8)}")
