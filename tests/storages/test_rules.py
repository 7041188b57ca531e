"""Every refusal of a storage says the rule, the place, what was got and the next step."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from luthier.core.objective import Objective
from luthier.core.trial import FrozenTrial, Reports, TrialState
from luthier.errors import (
    ArgumentError,
    LuthierError,
    NumberTakenError,
    StudyExistsError,
    StudyNotFoundError,
    TrialNotFoundError,
    TrialStateError,
)
from luthier.storages import MemoryStorage, rules

RUNNING = FrozenTrial(number=0, state=TrialState.RUNNING, attempt=2)
ENDED = FrozenTrial(number=0, state=TrialState.COMPLETE, attempt=1)

CASES: list[tuple[Callable[[MemoryStorage], object], type[LuthierError], str]] = [
    (
        lambda s: s.create_study("s", Objective(), 0, {}),
        StudyExistsError,
        r"must be new in its storage, 's' exists. Use load_if_exists=True",
    ),
    (
        lambda s: s.create_study("t", Objective(), 0, {"f": print}),
        ArgumentError,
        r"The settings of a study must be a JSON value .*print.*Convert it first",
    ),
    (lambda s: s.load_study("t"), StudyNotFoundError, r"There is no study 't' .* It holds: 's'"),
    (lambda s: s.changes_since(7, 0), StudyNotFoundError, r"no study with key 7 .*was deleted"),
    (lambda s: s.set_attrs(1, 5, {}), TrialNotFoundError, r"The study has no trial 5\."),
    (lambda s: s.set_attrs(1, -1, {}), TrialNotFoundError, r"The study has no trial -1\."),
    (
        lambda s: s.set_attrs(1, 0, {"x": math.nan}),
        ArgumentError,
        r"A user attribute must be a JSON value .*got \{'x': nan\}",
    ),
    (
        lambda s: s.put_state(1, "best", {1, 2}),
        ArgumentError,
        r"The state value 'best' must be a JSON value",
    ),
    (
        lambda s: s.add_trials(1, [RUNNING]),
        NumberTakenError,
        r"next trial must have number 2, got 0: another driver was first. Look at the history",
    ),
    (
        lambda s: s.report(1, 0, 1, Reports([(1, {"a": 1.0})])),
        TrialStateError,
        r"Trial 0 must be RUNNING at attempt 1, it is RUNNING at attempt 2. .*drop this result",
    ),
    (
        lambda s: s.finish(1, ENDED),
        TrialStateError,
        r"Trial 0 must be RUNNING at attempt 1, it is RUNNING at attempt 2",
    ),
    (
        lambda s: s.finish(1, RUNNING),
        TrialStateError,
        r"must end as PAUSED, COMPLETE, PRUNED or FAILED, got RUNNING. Use release\(\)",
    ),
    (
        lambda s: s.release(1, 0, 2, TrialState.FAILED, "x"),
        TrialStateError,
        r"must be released to WAITING or PAUSED, got FAILED. Use finish\(\)",
    ),
    (
        lambda s: s.invalidate(1, 0, "x"),
        TrialStateError,
        r"Only a finished trial may be invalidated, trial 0 is RUNNING. Tell its result first",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), CASES)
def test_refusals_say_what_to_do(
    call: Callable[[MemoryStorage], object], error: type[LuthierError], message: str
) -> None:
    storage = MemoryStorage()
    study = storage.create_study("s", Objective(), 0, {}).id
    storage.add_trials(study, [RUNNING, FrozenTrial(number=1)])
    with pytest.raises(error, match=message):
        call(storage)


def test_a_claim_that_comes_too_late_says_why() -> None:
    with pytest.raises(TrialStateError, match=r"can't be claimed at attempt 1: it is RUNNING at"):
        rules.require_claimable(RUNNING, 1)
    with pytest.raises(TrialStateError, match=r"it is COMPLETE at attempt 1"):
        rules.require_claimable(ENDED, 1)


def test_an_empty_storage_says_so() -> None:
    with pytest.raises(StudyNotFoundError, match=r"It holds no study"):
        MemoryStorage().load_study("s")


def test_json_that_refers_to_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(ArgumentError, match=r"The thing must be a JSON value"):
        rules.json_copy(loop, "The thing")
