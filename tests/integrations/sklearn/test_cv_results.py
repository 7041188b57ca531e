"""The table of candidates, by hand and beside SciPy's ranking."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

import luthier
from luthier.integrations.sklearn.cv_results import (
    FOLDS,
    Candidate,
    candidates_of,
    cv_results,
    estimator_params,
    folds_to_json,
)

floats = st.floats(-1e6, 1e6)


def candidate(*scores: float | None, **params: object) -> Candidate:
    return Candidate(params, {"fit_time": [1.0] * len(scores), "test_score": scores})


@given(st.lists(st.lists(floats, min_size=2, max_size=2), min_size=1, max_size=8))
def test_means_deviations_and_ranks(rows: list[list[float]]) -> None:
    table = cv_results([candidate(*row) for row in rows], 2)
    means = np.mean(rows, axis=1)
    assert np.allclose(table["mean_test_score"], means)
    assert np.allclose(table["std_test_score"], np.std(rows, axis=1))
    assert table["rank_test_score"].tolist() == rankdata(-means, method="min").tolist()
    assert table["split1_test_score"].tolist() == [row[1] for row in rows]


def test_failed_splits_get_the_error_score_and_the_last_rank() -> None:
    candidates = [candidate(0.1, 0.3), candidate(0.5, None), candidate(None, None)]
    assert [c.failed_splits(2) for c in candidates] == [0, 1, 2]
    table = cv_results(candidates, 2)
    assert table["rank_test_score"].tolist() == [1, 2, 2]
    assert np.isnan(table["mean_test_score"][1:]).all()
    assert cv_results(candidates, 2, 0.3)["mean_test_score"].tolist() == [0.2, 0.4, 0.3]
    assert cv_results([candidate(None, None)], 2)["rank_test_score"].tolist() == [1]


def test_parameters_a_candidate_lacks_are_masked() -> None:
    table = cv_results([candidate(1.0, a=1), candidate(1.0, a=2, b="x"), candidate(1.0, b=None)], 1)
    assert table["param_a"].tolist() == [1, 2, None]
    assert table["param_a"].dtype.kind == "i"
    assert table["param_b"].mask.tolist() == [True, False, False]
    sizes = cv_results([candidate(1.0, a=(1, 2)), candidate(1.0, a=(3,))], 1)
    assert sizes["param_a"].tolist() == [(1, 2), (3,)]


@given(st.lists(st.floats(), min_size=1, max_size=5))
def test_folds_are_json_and_come_back(scores: list[float]) -> None:
    noted = folds_to_json([{"test_score": score} for score in scores] + [{"fit_time": 0.1}])
    study = luthier.create_study(space={"a": luthier.Int(0, 3)}, seed=0)

    def objective(trial: luthier.Trial) -> float:
        trial.set_user_attr(FOLDS, json.loads(json.dumps(noted, allow_nan=False)))
        return 0.0

    study.optimize(objective, n_trials=2)
    study.invalidate(1)
    (read,) = candidates_of(study, len(scores) + 1)
    assert np.array_equal(read.folds["test_score"][:-1], scores, equal_nan=True)
    assert read.folds["test_score"][-1] is None
    assert set(read.params) == {"a"}


def test_what_only_tells_branches_apart_is_no_parameter() -> None:
    assert estimator_params({"__branch__": 0, "svc__C": 1}) == {"svc__C": 1}


def test_folds_must_be_as_many_as_splits() -> None:
    with pytest.raises(ValueError, match="inhomogeneous"):
        cv_results([candidate(1.0), candidate(1.0, 2.0)], 2)
