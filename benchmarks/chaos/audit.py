"""What must hold of a study when all is over, whatever was done to it on the way.

Two witnesses are compared: the log that the storage kept, and the notes that runs made of
themselves. A finding is a sentence; there should be none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Final

from benchmarks.chaos.notes import Note
from benchmarks.chaos.objective import ON_PURPOSE
from luthier.core.events import LogEvent, evolve
from luthier.core.trial import FrozenTrial, TrialState, lapsed

__all__ = ["FAILURES", "audit"]

_LEGAL: Final = {  # event: states that a trial may be in before it
    "claimed": {TrialState.WAITING, TrialState.PAUSED, TrialState.RUNNING},
    "reported": {TrialState.RUNNING},
    "checkpointed": {TrialState.RUNNING},
    "attrs": {TrialState.RUNNING},
    "released": {TrialState.RUNNING},
    "paused": {TrialState.RUNNING},
    "finished": {TrialState.RUNNING, TrialState.PAUSED},
}
FAILURES: Final = (
    ON_PURPOSE,
    "TimeLimitError",
    "MemoryLimitError",
    "WorkerDiedError",
    "Runs that lost their worker",
)


def audit(
    log: Sequence[LogEvent],
    present: Sequence[FrozenTrial],
    notes: Sequence[Note],
    total: int,
    *,
    pausing: bool = False,
) -> list[str]:
    """Return what is wrong with a study that has ended.

    Args:
        log: All its events.
        present: Its trials as the storage has them.
        notes: What runs have noted.
        total: How many trials it was to have.
        pausing: Whether trials may be left paused, where the scheduler promotes only the best.
    """
    return [
        *_all_there(present, total, pausing),
        *_one_story(log, present),
        *_legal(log),
        *_no_work_twice(log, notes),
        *_results_are_their_own(log, present, notes),
    ]


def claims(log: Iterable[LogEvent]) -> dict[tuple[int, int], str]:
    """Who was given which attempt of which trial, by the log."""
    given: dict[tuple[int, int], str] = {}
    for event in log:
        if event.kind in ("added", "claimed") and "worker" in event.data:
            assert event.number is not None
            given[event.number, event.data["attempt"]] = event.data["worker"]
    return given


def _all_there(present: Sequence[FrozenTrial], total: int, pausing: bool) -> Iterator[str]:
    if [trial.number for trial in present] != list(range(total)):
        yield f"There should be {total} trials, there are {len(present)}."
    for trial in present:
        if not trial.state.is_finished and not (pausing and trial.state is TrialState.PAUSED):
            yield f"Trial {trial.number} was lost: it is {trial.state.name}."
        if trial.state is TrialState.FAILED and not _foreseen(trial.error or ""):
            yield f"Trial {trial.number} failed of something else: {trial.error}"


def _foreseen(error: str) -> bool:
    return any(text in error for text in FAILURES)


def _one_story(log: Sequence[LogEvent], present: Sequence[FrozenTrial]) -> Iterator[str]:
    if [event.version for event in log] != list(range(1, len(log) + 1)):
        yield "The log has gaps."
    told: dict[int, FrozenTrial] = {}
    for event in log:
        if event.number is not None:
            told[event.number] = evolve(told.get(event.number), event)
    for trial in present:
        for name in (field.name for field in fields(FrozenTrial)):
            if getattr(trial, name) != getattr(told.get(trial.number), name, None):
                yield f"Trial {trial.number} differs from what the log tells in its {name}."


def _legal(log: Sequence[LogEvent]) -> Iterator[str]:
    trials: dict[int, FrozenTrial] = {}
    for event in log:
        if event.number is None:
            continue
        before = trials.get(event.number)
        trials[event.number] = evolve(before, event)
        for problem in _problems(before, event):
            yield f"Version {event.version}, trial {event.number}: {problem}"


def _problems(before: FrozenTrial | None, event: LogEvent) -> Iterator[str]:
    if before is None or event.kind == "added":
        if before is not None or event.kind != "added":
            yield f"{event.kind} as the {'second' if before else 'first'} event."
        return
    if before.state not in _LEGAL.get(event.kind, ()):
        yield f"{event.kind} while {before.state.name}."
    was_paused = event.kind == "finished" and before.state is TrialState.PAUSED
    if was_paused and event.data["state"] != "PRUNED":
        yield f"{event.data['state']} while PAUSED."
    if event.kind == "claimed":
        yield from _problems_of_claim(before, event)


def _problems_of_claim(before: FrozenTrial, event: LogEvent) -> Iterator[str]:
    if event.data["attempt"] != before.attempt + 1:
        yield f"attempt {event.data['attempt']} after {before.attempt}."
    is_lapse = before.state is TrialState.RUNNING
    if is_lapse and event.data["worker"] == before.worker:
        yield "taken from the worker that takes it."
    if event.data.get("lapses") != (lapsed(before)[0] if is_lapse else None):
        yield f"lapses {before.lapses}, then {event.data.get('lapses')}."


def _no_work_twice(log: Sequence[LogEvent], notes: Sequence[Note]) -> Iterator[str]:
    given = claims(log)
    for run, times in Counter((n.number, n.attempt) for n in notes if n.what == "begun").items():
        if times > 1:
            yield f"Trial {run[0]} was run {times} times at attempt {run[1]}."
    for note in notes:
        if given.get((note.number, note.attempt)) != note.driver:
            yield f"{note.driver} has run trial {note.number} at attempt {note.attempt} unasked."


def _results_are_their_own(
    log: Sequence[LogEvent], present: Sequence[FrozenTrial], notes: Sequence[Note]
) -> Iterator[str]:
    ended = {(n.number, n.attempt): n.value for n in notes if n.what == "ended"}
    reported = {(n.number, n.step, n.value): n.attempt for n in notes if n.what == "reported"}
    given = claims(log)
    for trial in present:
        if trial.state is TrialState.COMPLETE and (
            trial.value != ended.get((trial.number, trial.attempt))
        ):
            yield f"Trial {trial.number} has a result that its attempt {trial.attempt} didn't give."
        if (trial.number, trial.attempt + 1) in given:
            yield f"Trial {trial.number} didn't end with its last attempt."
        attempts = [
            reported.get((trial.number, step, metrics["value"]), 0)
            for step, metrics in sorted(trial.reports.items())
        ]
        if 0 in attempts or attempts != sorted(attempts):
            yield f"Trial {trial.number} has reports of attempts {attempts}, in order of steps."
