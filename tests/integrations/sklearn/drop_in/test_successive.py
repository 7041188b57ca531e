"""HalvingGridSearchCV and HalvingRandomSearchCV: scikit-learn's rounds, in a study that goes on."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import randint
from sklearn import model_selection
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

import luthier
from luthier import TrialState
from luthier.errors import AllTrialsFailedError, ArgumentError, StudyMismatchError
from luthier.integrations.sklearn import HalvingGridSearchCV, HalvingRandomSearchCV

X, y = load_iris(return_X_y=True)
GRID = {"n_neighbors": [1, 2, 3, 4, 5, 6, 7], "weights": ["uniform", "distance"]}
TOLD = [
    "n_resources_",
    "n_candidates_",
    "n_remaining_candidates_",
    "n_iterations_",
    "n_possible_iterations_",
    "n_required_iterations_",
    "min_resources_",
    "max_resources_",
    "best_index_",
    "best_score_",
    "best_params_",
]


class Counting(KNeighborsClassifier):  # type: ignore[misc]
    """Counts its fits, and interrupts the search after some."""

    fits = 0
    last = 10**9

    def fit(self, X: Any, y: Any) -> Counting:
        if Counting.fits >= Counting.last:
            raise KeyboardInterrupt
        Counting.fits += 1
        return super().fit(X, y)  # type: ignore[no-any-return]


def assert_same(ours: Any, theirs: Any) -> None:
    """Whether two searches have found the same."""
    assert list(ours.cv_results_) == list(theirs.cv_results_)
    for name, column in theirs.cv_results_.items():
        if not name.endswith("_time"):
            assert getattr(ours.cv_results_[name], "dtype", None) == getattr(column, "dtype", None)
            np.testing.assert_equal(ours.cv_results_[name], column)
    for name in TOLD:
        assert getattr(ours, name) == getattr(theirs, name), name


@pytest.mark.parametrize("ours", [HalvingGridSearchCV, HalvingRandomSearchCV])
def test_the_signature_is_scikit_learns_and_two_more(ours: type) -> None:
    theirs = inspect.signature(getattr(model_selection, ours.__name__))
    signature = inspect.signature(ours)
    names = list(theirs.parameters)
    assert list(signature.parameters) == [*names, "study_name", "storage"]
    defaults = [(signature.parameters[n].default, theirs.parameters[n].default) for n in names]
    assert all(a is b or a == b for a, b in defaults)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("HalvingGridSearchCV", {"factor": 2}),
        ("HalvingGridSearchCV", {"factor": 1.5, "min_resources": "smallest", "n_jobs": 2}),
        ("HalvingGridSearchCV", {"aggressive_elimination": True, "min_resources": 60}),
        ("HalvingRandomSearchCV", {"factor": 2, "max_resources": 100}),
        ("HalvingRandomSearchCV", {"n_candidates": 9, "min_resources": "exhaust"}),
        ("HalvingRandomSearchCV", {"random_state": np.random.RandomState, "factor": 2}),
    ],
)
def test_the_results_are_scikit_learns(kind: str, settings: dict[str, Any]) -> None:
    found = []
    for place in (luthier.integrations.sklearn, model_selection):
        state = settings.get("random_state", int)
        own = {**settings, "random_state": state(3)}
        search = getattr(place, kind)(KNeighborsClassifier(n_neighbors=1), GRID, **own)
        found.append(search.fit(X, y))
    assert_same(*found)


@pytest.mark.parametrize("kind", ["HalvingGridSearchCV", "HalvingRandomSearchCV"])
def test_a_parameter_may_be_the_resource(kind: str) -> None:
    forest = RandomForestClassifier(random_state=0)
    settings = {"resource": "n_estimators", "max_resources": 8, "factor": 2, "random_state": 1}
    if kind == "HalvingRandomSearchCV":
        settings["n_candidates"] = 6
    found = [
        getattr(place, kind)(forest, {"max_depth": [1, 2, 3, 4, 5, 6]}, **settings).fit(X, y)
        for place in (luthier.integrations.sklearn, model_selection)
    ]
    assert_same(*found)
    assert found[0].best_params_["n_estimators"] == found[0].n_resources_[-1]


def test_a_candidate_is_a_trial_and_a_round_its_step() -> None:
    search = HalvingGridSearchCV(KNeighborsClassifier(), GRID, factor=3, random_state=0).fit(X, y)
    trials = search.study_.trials
    assert search.n_candidates_ == [14, 5]
    assert [len(t.reports) for t in trials].count(1) == 14 - 5
    assert [t.state for t in trials].count(TrialState.PRUNED) == 14 - 5
    assert search.study_.best_value == search.best_score_
    table = search.cv_results_
    first = table["mean_test_score"][table["iter"] == 0]
    assert [t.reports[0]["score"] for t in trials] == first.tolist()
    assert [t.params for t in trials] == table["params"][:14]


def test_an_interrupted_search_goes_on_in_the_middle_of_a_round(tmp_path: Path) -> None:
    kept = {"study_name": "knn", "storage": str(tmp_path / "s.db")}
    search = HalvingGridSearchCV(Counting(), GRID, factor=2, cv=3, refit=False, **kept)
    Counting.fits, Counting.last = 0, 3 * (14 + 4) + 1
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, y)
    study = luthier.load_study(**kept)
    second = [t for t in study.trials if 1 in t.reports]
    assert len(second) == 4
    Counting.last = 10**9
    search.fit(X, y)
    assert Counting.fits == 3 * sum(search.n_candidates_) + 1
    whole = HalvingGridSearchCV(
        KNeighborsClassifier(), GRID, factor=2, cv=3, refit=False, random_state=study.seed % 2**32
    ).fit(X, y)
    assert_same(search, whole)


def test_a_finished_search_only_reads(tmp_path: Path) -> None:
    kept = {"study_name": "s", "storage": str(tmp_path / "s.db")}
    search = HalvingRandomSearchCV(
        Counting(), {"n_neighbors": randint(1, 9)}, random_state=0, refit=False, **kept
    ).fit(X, y)
    Counting.fits = 0
    again = clone(search).fit(X, y)
    assert Counting.fits == 0
    np.testing.assert_equal(again.cv_results_, search.cv_results_)
    with pytest.raises(StudyMismatchError, match="other plan"):
        clone(search).set_params(factor=2).fit(X, y)


def test_a_generator_cannot_be_drawn_from_again(tmp_path: Path) -> None:
    state = np.random.RandomState(0)
    search = HalvingGridSearchCV(
        SVC(), {"C": [1, 2]}, random_state=state, storage=tmp_path / "s.db"
    )
    with pytest.raises(ArgumentError, match="random_state must be an integer or None"):
        search.fit(X, y)


def test_a_resource_cannot_be_searched() -> None:
    search = HalvingGridSearchCV(
        RandomForestClassifier(), {"n_estimators": [1, 2]}, resource="n_estimators", max_resources=4
    )
    with pytest.raises(ArgumentError, match="can't be both the resource and a parameter"):
        search.fit(X, y)


def test_when_all_fits_fail() -> None:
    search = HalvingGridSearchCV(SVC(), {"C": [-1, -2]})
    with pytest.raises(AllTrialsFailedError, match="HalvingGridSearchCV: all 10 fits failed"):
        search.fit(X, y)


@parametrize_with_checks(
    [
        HalvingGridSearchCV(
            GaussianNB(),
            {"var_smoothing": [1e-9, 1e-8]},
            cv=2,
            error_score="raise",
        ),
        HalvingRandomSearchCV(
            GaussianNB(),
            {"var_smoothing": [1e-9, 1e-8]},
            n_candidates=2,
            cv=2,
            error_score="raise",
        ),
    ],
    expected_failed_checks=lambda _: {
        "check_fit2d_1sample": "rounds need more, as scikit-learn's own list of exceptions says"
    },
)
@pytest.mark.filterwarnings("ignore")  # the checks fit degenerate data
def test_estimator_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_pickle_keeps_all_but_the_study() -> None:
    search = HalvingGridSearchCV(KNeighborsClassifier(), GRID, random_state=0).fit(X, y)
    copy = pickle.loads(pickle.dumps(search))
    assert_same(copy, search)
    assert not hasattr(copy, "study_")


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    HalvingGridSearchCV(
        KNeighborsClassifier(), {"n_neighbors": [1, 2, 3]}, random_state=0, verbose=1
    ).fit(X, y)
    assert capsys.readouterr().out.splitlines() == [
        "Round 0: 3 candidates, n_samples=50",
        "Round 1: 1 candidates, n_samples=150",
    ]
