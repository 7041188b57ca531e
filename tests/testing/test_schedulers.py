"""The checks must catch schedulers that break the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from luthier.core.jobs import NEW, Decision
from luthier.testing import schedulers as checks


class Broken:
    spec: Mapping[str, Any] = {"name": "broken"}

    def next(self, *args: Any) -> Any:
        return NEW

    def decide(self, *args: Any) -> Any:
        return Decision.CONTINUE


class Fickle(Broken):
    def __init__(self) -> None:
        self.asked = 0

    def decide(self, *args: Any) -> Any:
        self.asked += 1
        return Decision.STOP if self.asked % 2 else Decision.CONTINUE


class Boolean(Broken):
    def decide(self, *args: Any) -> Any:
        return True


class Idle(Broken):
    def next(self, *args: Any) -> Any:
        return None


class Nameless(Broken):
    spec: Mapping[str, Any] = {}


@pytest.mark.parametrize(
    ("check", "scheduler"),
    [
        (checks.check_pure, Fickle),
        (checks.check_decide_is_total, Boolean),
        (checks.check_next, Idle),
        (checks.check_spec, Nameless),
    ],
)
def test_a_broken_scheduler_is_caught(check: Any, scheduler: type[Broken]) -> None:
    with pytest.raises(AssertionError):
        check(scheduler)


def test_a_sound_scheduler_passes() -> None:
    checks.check_scheduler(Broken)
