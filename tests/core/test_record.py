"""Trials as JSON: what goes out comes back, whatever the state."""

from __future__ import annotations

import json
import math

import pytest

from luthier.core.record import dump, finish_json, read_finish, read_trial, trial_json
from luthier.core.trial import FrozenTrial, Reports, TrialState
from luthier.space import Float


@pytest.mark.parametrize(
    "trial",
    [
        FrozenTrial(number=3),
        FrozenTrial(number=3, state=TrialState.RUNNING, declares={"x": Float(0.0, 1.0)}),
        FrozenTrial(number=3, state=TrialState.PAUSED, error="budget", cost=0.5),
        FrozenTrial(number=3, reports=Reports([(1, {"loss": math.nan})])),
        FrozenTrial(number=3, metric_names=("a",), metric_values=(-math.inf,)),
        FrozenTrial(number=3, param_names=("x", "y"), param_values=((1, None), math.inf)),
    ],
)
def test_unfinished_trials_lose_nothing(trial: FrozenTrial) -> None:
    text = dump(trial_json(trial))
    assert repr(read_trial(3, json.loads(text), 0)) == repr(trial)


def test_a_finish_keeps_what_it_does_not_tell() -> None:
    before = FrozenTrial(number=0, state=TrialState.RUNNING, user_attrs={"a": 1}, attempt=2)
    end = FrozenTrial(number=0, state=TrialState.PRUNED, finished=2.0, cost=1.0, error="why")
    after = read_finish(before, json.loads(dump(finish_json(end))), 7)
    assert (after.state, after.error, after.attempt) == (TrialState.PRUNED, "why", 2)
    assert (after.user_attrs, after.version, after.finished_version) == ({"a": 1}, 7, 7)


def test_names_and_words_are_shared_between_records() -> None:
    text = dump(trial_json(FrozenTrial(number=0, param_names=("x",), param_values=("relu",))))
    one, two = (read_trial(n, json.loads(text), 1) for n in range(2))
    assert one.param_names is two.param_names
    assert one.param_values[0] is two.param_values[0]


@pytest.mark.parametrize("text", ["é", "\U0001f600", "\udce9", "\x00"])
def test_any_text_can_be_dumped_as_valid_unicode(text: str) -> None:
    assert json.loads(dump([text]).encode()) == [text]


def test_untagged_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump(math.nan)
