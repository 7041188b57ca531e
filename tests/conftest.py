"""Settings shared by all tests."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from benchmarks.storages.postgres_server import PostgresServer

# Two workers of pytest with two threads each stand in each other's way: OpenMP waits by spinning.
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).parent))  # what tests share, such as odd_histories
os.environ.setdefault("KERAS_BACKEND", "torch")  # read once, when Keras is first imported

# The same examples in every run, so that a change is judged by itself; `make test-slow` looks for
# new ones.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", _PATIENT, max_examples=40, derandomize=True)
settings.register_profile("explore", _PATIENT, max_examples=300, derandomize=False)
settings.load_profile("same")

# A shell starts background jobs with Ctrl-C ignored, and children inherit that: undo it, so that
# the tests that interrupt their children mean the same wherever they run.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _heard() -> None:
    """What a test, or a library in it, has silenced is heard again in the next."""
    logger = logging.getLogger("luthier")
    logger.setLevel(logging.NOTSET)
    logger.disabled, logger.propagate = False, True
    logging.disable(logging.NOTSET)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of a trial in a process is over as soon as it has reported, and not before."""
    from luthier.executors import Processes

    serve = Processes._serve

    def serve_and_hurry(executor: Any, worker: Any, call: int, method: str, given: Any) -> None:
        serve(executor, worker, call, method, given)
        if method == "report":
            executor._tasks[worker.slot].deadline = 0.0

    monkeypatch.setattr(Processes, "_serve", serve_and_hurry)


@pytest.fixture(scope="session")
def dask_client() -> Iterator[Any]:
    """A client of two Dask workers on this machine."""
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


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
