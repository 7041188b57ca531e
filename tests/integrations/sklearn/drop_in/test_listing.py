"""Candidates that wait in a study, and what is recorded of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.svm import SVC

import luthier
from luthier import Categorical, Float, Int, TrialState
from luthier.errors import StudyMismatchError
from luthier.integrations.sklearn.drop_in.listing import enlist, recordable


def function() -> None:
    """A value that no study can hold."""


@pytest.mark.parametrize(
    ("value", "recorded"),
    [
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        ((50, 50), (50, 50)),
        (None, None),
        (SVC(C=2), "SVC(C=2)"),
        (function, "function"),
        (object(), "<object object>"),
        (np.arange(3), "array([0, 1, 2])"),
        (np.zeros(400), f"{np.zeros(400)!r}".replace("\n      ", "")[:77] + "..."),
    ],
)
def test_what_is_recorded_of_a_value(value: Any, recorded: Any) -> None:
    assert recordable(value) == recorded


def test_candidates_wait_in_order_with_their_definitions() -> None:
    study = luthier.create_study(sampler="random")
    enlist(
        study,
        [{"C": 1, "gamma": 0.5, "kernel": "rbf"}, {"C": 4, "kernel": "linear"}, {"gamma": 2.5}],
    )
    assert [t.state for t in study.trials] == [TrialState.WAITING] * 3
    assert study.trials[1].params == {"C": 4, "kernel": "linear"}
    assert study.trials[0].declares == {
        "C": Int(1, 4),
        "gamma": Float(0.5, 2.5),
        "kernel": Categorical(["rbf", "linear"]),
    }
    study.tell(study.ask(), 1.0)
    assert set(study.space) == {"C", "gamma", "kernel"}


def test_candidates_that_are_there_are_not_added_again() -> None:
    study = luthier.create_study(sampler="random")
    enlist(study, [{"C": 1}, {"C": 2}])
    enlist(study, [{"C": 1}, {"C": 2}, {"C": 3}])
    assert [t.params["C"] for t in study.trials] == [1, 2, 3]


def test_other_candidates_are_refused() -> None:
    study = luthier.create_study(sampler="random")
    enlist(study, [{"C": 1}, {"C": 2}])
    with pytest.raises(StudyMismatchError, match="other candidates: trial 1 has"):
        enlist(study, [{"C": 1}, {"C": 2.0}])


values = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False), st.text(max_size=3)
)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), values), max_size=6))
@example([{"a": 0}, {"a": 1e301}])
@example([{"a": 0}, {"a": 2**70}])
@settings(deadline=None, max_examples=60)
def test_whatever_is_listed_can_be_listed_again(candidates: list[dict[str, Any]]) -> None:
    study = luthier.create_study(sampler="random")
    enlist(study, candidates)
    enlist(study, candidates)
    assert [t.params for t in study.trials] == candidates
