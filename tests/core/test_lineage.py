from __future__ import annotations

from luthier.core.lineage import ancestry, metrics_at, step_from, stretches
from luthier.core.trial import FrozenTrial, Origin, Reports


def trial(
    number: int, reports: dict[int, float], parent: int | None = None, at: int = 0
) -> FrozenTrial:
    data = {} if parent is None else {"step_from": at}
    return FrozenTrial(
        number=number,
        origin=Origin(parent=parent, data=data),
        reports=Reports([(step, {"value": value}) for step, value in reports.items()]),
    )


TRIALS = {
    t.number: t
    for t in (
        trial(0, {2: 8.0, 4: 6.0, 6: 100.0}),
        trial(1, {6: 5.0, 8: 3.0, 10: 100.0}, parent=0, at=4),
        trial(2, {12: 1.0}, parent=1, at=8),
    )
}


def at(number: int, step: int) -> float | None:
    metrics = metrics_at(TRIALS, TRIALS[number], step, ("value",))
    return None if metrics is None else metrics["value"]


def test_a_clone_was_what_its_parents_were_up_to_where_it_went_on() -> None:
    assert [at(2, step) for step in (2, 4, 6, 8, 12)] == [8.0, 6.0, 5.0, 3.0, 1.0]


def test_between_reports_it_is_interpolated_also_across_parents() -> None:
    assert [at(2, 3), at(2, 5), at(2, 10)] == [7.0, 5.5, 2.0]


def test_before_the_first_report_that_one_counts_and_after_the_last_there_is_nothing() -> None:
    assert at(0, 1) == 8.0
    assert at(0, 7) is None


def test_a_metric_that_lacks_is_left_out() -> None:
    assert metrics_at(TRIALS, TRIALS[0], 4, ("other",)) == {}


def test_stretches_meet_without_gap() -> None:
    parts = stretches(TRIALS, TRIALS[2])
    assert [(p.trial.number, p.step_from, p.step_to) for p in parts] == [
        (0, 0, 4),
        (1, 4, 8),
        (2, 8, 12),
    ]


def test_parts_of_no_length_are_left_out() -> None:
    twin = trial(3, {9: 1.0}, parent=2, at=8)
    parts = stretches({**TRIALS, 3: twin}, twin)
    assert [p.trial.number for p in parts] == [0, 1, 3]


def test_a_line_ends_where_a_parent_is_missing() -> None:
    assert [t.number for t in ancestry({2: TRIALS[2]}, TRIALS[2])] == [2]
    assert step_from(TRIALS[0]) == 0
