"""Leases, by a clock of the tests' own."""

from __future__ import annotations

from luthier.service.leases import AwakeClock, Leases


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_lease_lapses_unless_it_is_renewed() -> None:
    clock = Clock()
    leases = Leases(clock)
    leases.grant(0, 1, 10)
    leases.grant(1, 3, 10)
    clock.now += 6
    assert leases.renew(1, 3) == 10
    clock.now += 6
    assert leases.lapsed() == [(0, 1, 10)]
    assert leases.age(1) == 12
    leases.end(0)
    assert leases.lapsed() == []
    assert 0 not in leases


def test_only_its_own_run_renews_a_lease() -> None:
    leases = Leases(Clock())
    leases.grant(0, 2, 10)
    assert leases.renew(0, 1) is None
    assert leases.renew(7, 1) is None


def test_the_clock_stands_still_while_nobody_looks() -> None:
    clock = Clock()
    awake = AwakeClock(clock)
    clock.now += 2
    assert awake() == 2
    clock.now += 3600
    assert awake() == 7
    clock.now -= 50  # a clock that jumps back counts nothing
    assert awake() == 7
