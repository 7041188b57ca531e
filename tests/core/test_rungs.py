"""Rungs: what trials had reached at a step."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from luthier.core.objective import Objective
from luthier.core.rungs import ReportLog
from luthier.core.trial import Reports


def test_the_first_report_from_the_step_on_counts() -> None:
    log = ReportLog(Objective())
    log.extend(0, Reports([(1, {"value": 5.0}), (4, {"value": 4.0}), (9, {"value": 3.0})]))
    log.extend(1, Reports([(2, {"value": 2.0})]))
    found = {step: log.rung(step, ("value",), len(log)) for step in (1, 3, 9, 10)}
    assert {step: rung.numbers.tolist() for step, rung in found.items()} == {
        1: [0, 1],
        3: [0],
        9: [0],
        10: [],
    }
    assert [rung.values.tolist() for rung in found.values()] == [
        [[5.0], [2.0]],
        [[4.0]],
        [[3.0]],
        [],
    ]


def test_an_earlier_look_sees_no_more_than_was_there() -> None:
    log = ReportLog(Objective())
    log.extend(0, Reports([(1, {"value": 5.0})]))
    before = len(log)
    log.extend(1, Reports([(1, {"value": 4.0})]))
    assert log.rung(1, ("value",), len(log)).numbers.tolist() == [0, 1]
    assert log.rung(1, ("value",), before).numbers.tolist() == [0]


def test_signs_missing_metrics_and_constraints() -> None:
    objective = Objective.of(metrics={"acc": "maximize"}, constraints=["mb <= 10"])
    log = ReportLog(objective)
    log.extend(0, Reports([(1, {"acc": 0.5, "mb": 13.0})]))
    log.extend(1, Reports([(1, {"mb": 3.0})]))
    log.extend(2, Reports([(1, {"acc": 0.75, "loss": 0.1})]))
    rung = log.rung(1, ("acc", "loss"), len(log))
    np.testing.assert_equal(rung.values, [[-0.5, np.nan], [np.nan, np.nan], [-0.75, 0.1]])
    assert rung.violations.tolist() == [3.0, 0.0, 0.0]


def test_within() -> None:
    log = ReportLog(Objective())
    for number in (7, 2, 5, 9):
        log.extend(number, Reports([(1, {"value": float(number)})]))
    part = log.rung(1, ("value",), len(log)).within(range(5, 9))
    assert part.numbers.tolist() == [7, 5]
    assert part.values.tolist() == [[7.0], [5.0]]
    assert part.violations.tolist() == [0.0, 0.0]


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 8), st.floats(-9, 9)), max_size=60),
    st.integers(0, 9),
    st.sets(st.integers(0, 60)),
)
def test_it_is_what_a_plain_loop_finds(
    reports: list[tuple[int, int, float]], step: int, looks: set[int]
) -> None:
    log, plain, said = ReportLog(Objective()), dict[int, float](), dict[int, Reports]()
    for place, (number, at, value) in enumerate(reports):
        said[number] = said.get(number, Reports()).adding(at, {"value": value})
        log.extend(number, said[number])
        if at >= step:
            plain.setdefault(number, value)
        if place in looks:  # looking in between must not matter
            log.rung(step, ("value",), len(log))
    rung = log.rung(step, ("value",), len(log))
    found = dict(zip(rung.numbers.tolist(), rung.values[:, 0].tolist(), strict=True))
    assert found == plain
    assert not any(math.isnan(v) for v in found.values())
