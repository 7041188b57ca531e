"""The audit of a chaotic study finds what is wrong; a short run of chaos leaves nothing wrong."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import luthier
from benchmarks.chaos.__main__ import run
from benchmarks.chaos.audit import audit
from benchmarks.chaos.notes import Note
from benchmarks.chaos.plan import ACTIONS, actions
from luthier import TrialState
from luthier.core.events import LogEvent
from luthier.core.trial import FrozenTrial, changed

Case = tuple[list[LogEvent], list[FrozenTrial], list[Note]]
TOTAL = 3


def sound() -> Case:
    """Three trials: one done, one that was put back and done by another attempt, one failed."""
    study = luthier.create_study(seed=0)
    driver, notes = study._driver, list[Note]()

    def noted(trial: luthier.Trial, what: str, *, value: float | None = None) -> None:
        step = 1 if what == "reported" else None
        me = driver.lease.worker
        notes.append(Note(what, trial.number, trial.attempt, me, 1, step, value))

    def objective(trial: luthier.Trial) -> float:
        noted(trial, "begun")
        trial.suggest_float("x", 0, 1)
        trial.report(trial.number + 0.5, 1)
        noted(trial, "reported", value=trial.number + 0.5)
        if trial.number == 1 and trial.attempt == 1:
            raise ConnectionError
        if trial.number == 2:
            raise ValueError("failed on purpose")
        noted(trial, "ended", value=trial.number / 10)
        return trial.number / 10

    study.optimize(objective, total_trials=TOTAL, retries={ConnectionError: 1})
    return driver.storage.events(driver.record.id), study.trials, notes


def findings(case: Case) -> str:
    return "\n".join(audit(*case, TOTAL))


def test_a_sound_study_passes() -> None:
    log, trials, notes = sound()
    assert findings((log, trials, notes)) == ""
    assert [t.state.name for t in trials] == ["COMPLETE", "COMPLETE", "FAILED"]
    assert trials[1].attempt == 2


def event_at(log: list[LogEvent], kind: str, number: int) -> int:
    return next(i for i, e in enumerate(log) if (e.kind, e.number) == (kind, number))


def with_data(log: list[LogEvent], at: int, **data: Any) -> None:
    log[at] = replace(log[at], data={**log[at].data, **data})


def lose_the_last(log: list[LogEvent], trials: list[FrozenTrial], notes: list[Note]) -> None:
    trials.pop()


def leave_one_running(log: list[LogEvent], trials: list[FrozenTrial], notes: list[Note]) -> None:
    trials[0] = changed(trials[0], state=TrialState.RUNNING)


def fail_by_our_fault(log: list[LogEvent], trials: list[FrozenTrial], notes: list[Note]) -> None:
    trials[2] = changed(trials[2], error="KeyError: 'x'")


def change_a_param(log: list[LogEvent], trials: list[FrozenTrial], notes: list[Note]) -> None:
    trials[0] = changed(trials[0], param_values=(0.5,))


def forget_an_event(log: list[LogEvent], trials: list[FrozenTrial], notes: list[Note]) -> None:
    del log[event_at(log, "released", 1)]


def finish_twice(log: list[LogEvent], trials: list[FrozenTrial], notes: list[Note]) -> None:
    end = log[event_at(log, "finished", 0)]
    log.append(replace(end, version=len(log) + 1))


def skip_an_attempt(log: list[LogEvent], trials: list[FrozenTrial], notes: list[Note]) -> None:
    with_data(log, event_at(log, "claimed", 1), attempt=3)


def hide_a_lapse(log: list[LogEvent], trials: list[FrozenTrial], notes: list[Note]) -> None:
    at = event_at(log, "released", 1)
    log[at] = replace(log[at], kind="attrs", data={"user_attrs": {}})


def count_a_lapse(log: list[LogEvent], trials: list[FrozenTrial], notes: list[Note]) -> None:
    with_data(log, event_at(log, "claimed", 1), lapses=1)


def work_twice(log: list[LogEvent], trials: list[FrozenTrial], notes: list[Note]) -> None:
    notes.append(notes[0])


def work_unasked(log: list[LogEvent], trials: list[FrozenTrial], notes: list[Note]) -> None:
    notes.append(replace(notes[0], number=1, attempt=7))


def count_the_wrong_run(log: list[LogEvent], trials: list[FrozenTrial], notes: list[Note]) -> None:
    at = next(i for i, n in enumerate(notes) if (n.what, n.number) == ("ended", 1))
    notes[at] = replace(notes[at], attempt=1)


def invent_a_report(log: list[LogEvent], trials: list[FrozenTrial], notes: list[Note]) -> None:
    at = next(i for i, n in enumerate(notes) if (n.what, n.number) == ("reported", 0))
    del notes[at]


@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        (lose_the_last, "There should be 3 trials, there are 2."),
        (leave_one_running, "Trial 0 was lost: it is RUNNING."),
        (fail_by_our_fault, "Trial 2 failed of something else: KeyError"),
        (change_a_param, "Trial 0 differs from what the log tells in its param_values."),
        (forget_an_event, "The log has gaps."),
        (finish_twice, "trial 0: finished while COMPLETE."),
        (skip_an_attempt, "trial 1: attempt 3 after 1."),
        (hide_a_lapse, "trial 1: taken from the worker that takes it."),
        (hide_a_lapse, "trial 1: lapses 0, then None."),
        (count_a_lapse, "trial 1: lapses 0, then 1."),
        (work_twice, "Trial 0 was run 2 times at attempt 1."),
        (work_unasked, "has run trial 1 at attempt 7 unasked."),
        (count_the_wrong_run, "Trial 1 has a result that its attempt 2 didn't give."),
        (invent_a_report, "Trial 0 has reports of attempts [0]"),
    ],
)
def test_the_audit_finds_what_is_wrong(
    fault: Callable[[list[LogEvent], list[FrozenTrial], list[Note]], None], finding: str
) -> None:
    case = sound()
    fault(*case)
    assert finding in findings(case)


def test_a_seed_says_what_the_monkey_does() -> None:
    planned = list(itertools.islice(actions(3, 8), 500))
    assert planned == list(itertools.islice(actions(3, 8), 500))
    assert planned != list(itertools.islice(actions(4, 8), 500))
    assert {action.kind for action in planned} == set(ACTIONS)
    assert {action.driver for action in planned} == set(range(8))
    assert all(a.at < b.at for a, b in itertools.pairwise(planned))


@pytest.mark.slow
def test_half_a_minute_of_chaos() -> None:
    chaos = run(30, seed=2, drivers=4, trials=60)
    assert chaos.findings == []
    done = Counter(chaos.trials)
    assert sum(done[s] for s in ("COMPLETE", "FAILED", "PAUSED")) == 60 * chaos.studies
    assert chaos.monkey["kill driver"] == chaos.drivers["killed"] > 0
