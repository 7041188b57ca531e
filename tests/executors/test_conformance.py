"""All executors keep the contract."""

from collections.abc import Callable
from typing import Any

import pytest

from luthier.core.protocols import Executor
from luthier.errors import ArgumentError
from luthier.executors import Inline, Processes, Threads
from luthier.testing.executors import EXECUTOR_CHECKS, check_executor

EXECUTORS: list[Callable[[int], Executor]] = [lambda slots: Inline(), Threads, Processes]


@pytest.mark.parametrize("check", EXECUTOR_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("factory", EXECUTORS, ids=["inline", "threads", "processes"])
def test_contract(factory: Callable[[int], Executor], check: Any) -> None:
    check(factory)


def test_the_suite_notices_a_lost_trial() -> None:
    class Forgetful(list[Any]):
        slots = 1

        def submit(self, number: int, work: Any, channel: Any) -> None:
            if number != 3:
                self.append((number, work(channel)))

        def wait(self, timeout: float | None = None) -> list[Any]:
            ended = self[:]
            self.clear()
            return ended

        def cancel(self, number: int) -> bool:
            return False

        def shutdown(self) -> None:
            pass

    with pytest.raises(AssertionError, match="nothing ended"):
        check_executor(lambda slots: Forgetful())


@pytest.mark.parametrize("kind", [Threads, Processes])
@pytest.mark.parametrize("slots", [0, -1, 1.5, "two", True])
def test_executors_need_slots(kind: Any, slots: Any) -> None:
    with pytest.raises(ArgumentError, match="slots must be an integer of at least 1"):
        kind(slots)


def test_a_full_executor_refuses() -> None:
    import threading

    release = threading.Event()
    threads = Threads(1)
    threads.submit(0, lambda channel: release.wait(30), None)  # type: ignore[arg-type, return-value]
    with pytest.raises(ArgumentError, match="all 1 slots are taken"):
        threads.submit(1, lambda channel: None, None)  # type: ignore[arg-type, return-value]
    release.set()
    assert [number for number, _ in threads.wait(30)] == [0]
