"""What every storage refuses, said once: the same rule, the same message, wherever trials live."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from luthier.core.record import dump
from luthier.core.trial import FrozenTrial, Reports, TrialState, changed, lapsed
from luthier.errors import (
    ArgumentError,
    NumberTakenError,
    StudyExistsError,
    StudyNotFoundError,
    TrialLostError,
    TrialNotFoundError,
    TrialStateError,
)

__all__ = [
    "claim_data",
    "end_kind",
    "json_copy",
    "new_reports",
    "own_attrs",
    "release_data",
    "require_claimable",
    "require_endable",
    "require_ended",
    "require_finished",
    "require_numbers",
    "require_open",
    "require_running",
    "require_text",
    "study_exists",
    "study_gone",
    "study_missing",
    "trial_missing",
]


def require_numbers(trials: Sequence[FrozenTrial], count: int) -> None:
    """Refuse new trials whose numbers don't continue those of the study.

    Args:
        trials: The trials to add.
        count: How many trials the study has.

    Raises:
        NumberTakenError: The numbers aren't count, count + 1, ...
    """
    for expected, trial in enumerate(trials, count):
        if trial.number != expected:
            raise NumberTakenError(
                f"The next trial must have number {expected}, got {trial.number}: another driver "
                "was first. Look at the history again and propose anew.",
                number=trial.number,
                expected=expected,
            )


def require_claimable(trial: FrozenTrial, attempt: int, state: TrialState | None = None) -> None:
    """Refuse to claim a trial that has finished, or was claimed since it was looked at.

    Args:
        trial: The trial as it is.
        attempt: The attempt at which it was seen.
        state: The state in which it was seen, or None if that doesn't matter.

    Raises:
        TrialStateError: It isn't the same any more.
    """
    same = trial.attempt == attempt and state in (None, trial.state)
    if trial.state.is_finished or not same:
        raise TrialStateError(
            f"Trial {trial.number} can't be claimed at attempt {attempt}: it is "
            f"{trial.state.name} at attempt {trial.attempt}. Look at the history again.",
            number=trial.number,
        )


def require_running(trial: FrozenTrial, attempt: int) -> None:
    """Refuse what only the worker that runs a trial may do.

    Raises:
        TrialStateError: The trial isn't running.
        TrialLostError: It was claimed again since that attempt.
    """
    if trial.state is not TrialState.RUNNING or trial.attempt != attempt:
        kind = TrialStateError if trial.attempt == attempt else TrialLostError
        raise kind(
            f"Trial {trial.number} must be RUNNING at attempt {attempt}, it is "
            f"{trial.state.name} at attempt {trial.attempt}. It was taken up or ended elsewhere: "
            "drop this result.",
            number=trial.number,
        )


def require_endable(trial: FrozenTrial, end: FrozenTrial) -> None:
    """Refuse to end a run that isn't there any more. Who waits or is paused may be pruned so.

    Raises:
        TrialStateError: The trial isn't running, or it runs at another attempt.
    """
    idle = trial.state in (TrialState.WAITING, TrialState.PAUSED)
    pruned = idle and end.state is TrialState.PRUNED
    if not pruned or trial.attempt != end.attempt:
        require_running(trial, end.attempt)


def require_ended(state: TrialState) -> None:
    """Refuse to end a run in a state that isn't the end of one.

    Raises:
        TrialStateError: The state isn't PAUSED, COMPLETE, PRUNED or FAILED.
    """
    if state in (TrialState.WAITING, TrialState.RUNNING):
        raise TrialStateError(
            f"A run must end as PAUSED, COMPLETE, PRUNED or FAILED, got {state.name}. "
            "Use release() to put the trial back."
        )


def end_kind(state: TrialState) -> str:
    """The kind of event that ends a run in this state."""
    return "paused" if state is TrialState.PAUSED else "finished"


def require_open(state: TrialState) -> None:
    """Refuse to release a trial into a state that nobody could claim it from.

    Raises:
        TrialStateError: The state isn't WAITING or PAUSED.
    """
    if state not in (TrialState.WAITING, TrialState.PAUSED):
        raise TrialStateError(
            f"A trial must be released to WAITING or PAUSED, got {state.name}. "
            "Use finish() to end it."
        )


def require_finished(trial: FrozenTrial) -> None:
    """Refuse to invalidate a trial that hasn't finished.

    Raises:
        TrialStateError: It hasn't.
    """
    if not trial.state.is_finished:
        raise TrialStateError(
            f"Only a finished trial may be invalidated, trial {trial.number} is "
            f"{trial.state.name}. Tell its result first.",
            number=trial.number,
        )


def claim_data(before: FrozenTrial, worker: str, budget: int | None) -> dict[str, Any]:
    """What a claim logs: who, which attempt, a lapse if it was running, a budget if it is new."""
    data: dict[str, Any] = {"worker": worker, "attempt": before.attempt + 1}
    if before.state is TrialState.RUNNING:
        data |= _lapse(before)
    return data if budget is None else data | {"budget": budget}


def release_data(
    before: FrozenTrial, state: TrialState, reason: str, lapse: bool
) -> dict[str, Any]:
    """What a release logs: into which state, why, and a lapse if it is one."""
    data = {"state": state.name, "reason": reason}
    return data | _lapse(before) if lapse else data


def _lapse(before: FrozenTrial) -> dict[str, int]:
    lapses, step = lapsed(before)
    return {"lapses": lapses} if step is None else {"lapses": lapses, "lapsed_at": step}


def new_reports(before: FrozenTrial, reports: Reports) -> Reports:
    """The reports of steps that a trial hasn't reported before."""
    known = before.reports
    return Reports([item for item in reports.items_in_order() if item[0] not in known])


def json_copy(value: object, what: str) -> Any:
    """Return a JSON value as it will be read back, and nobody else's to change.

    Args:
        value: What should be JSON.
        what: What it is, for the message: "The state value 'best'".

    Raises:
        ArgumentError: It isn't a JSON value.
    """
    try:
        return json.loads(dump(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(
            f"{what} must be a JSON value (text, finite numbers, lists, dicts), got "
            f"{value!r:.200}: {error}. Convert it first."
        ) from error


def own_attrs(trial: FrozenTrial) -> FrozenTrial:
    """The trial with user attributes that nobody else can change.

    Raises:
        ArgumentError: They aren't JSON values.
    """
    if not trial.user_attrs:
        return trial
    return changed(trial, user_attrs=json_copy(dict(trial.user_attrs), "A user attribute"))


def require_text(text: str, what: str) -> None:
    """Refuse a name that a database can't keep.

    Args:
        text: The name.
        what: What it is, for the message: "The name of a study".

    Raises:
        ArgumentError: It holds NUL or lone surrogates.
    """
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ArgumentError(
            f"{what} must be Unicode text without NUL, got {text!r:.100}. Choose another.",
            name=text,
        )


def study_exists(name: str) -> StudyExistsError:
    """The error for a name that is taken."""
    return StudyExistsError(
        f"A study's name must be new in its storage, {name!r} exists. "
        "Use load_if_exists=True to go on with it, or another name.",
        name=name,
    )


def study_missing(name: str, known: Sequence[str] = ()) -> StudyNotFoundError:
    """The error for a name that no study has."""
    others = f"It holds: {', '.join(map(repr, known[:10]))}." if known else "It holds no study."
    return StudyNotFoundError(
        f"There is no study {name!r} in this storage. {others}", name=name, known=list(known)
    )


def study_gone(study: int) -> StudyNotFoundError:
    """The error for the key of a study that isn't there, or not any more."""
    return StudyNotFoundError(
        f"There is no study with key {study} in this storage: it was deleted. Create it again.",
        study=study,
    )


def trial_missing(number: int) -> TrialNotFoundError:
    """The error for a trial number that isn't used."""
    return TrialNotFoundError(
        f"The study has no trial {number}. Trials are numbered from 0 in the order of creation.",
        number=number,
    )
