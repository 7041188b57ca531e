"""GridSearchCV and RandomizedSearchCV: scikit-learn's results, and a study that goes on."""

from __future__ import annotations

import inspect
import math
import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.stats import loguniform, randint
from sklearn import config_context, model_selection
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import KFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

import luthier
from luthier import TrialState
from luthier.errors import AllTrialsFailedError, ArgumentError, StudyMismatchError
from luthier.integrations.sklearn import GridSearchCV, RandomizedSearchCV

X, y = load_iris(return_X_y=True)
X, y = X[::2], y[::2]
GRID = {"C": [0.1, 1, 10], "kernel": ["linear", "rbf"]}
DRAWN = {"C": loguniform(0.1, 10), "gamma": ["scale", 0.1]}


class Fussy(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fails or interrupts for some values, and counts its fits."""

    fits = 0
    interrupts = False

    def __init__(self, size: int = 0, bad: int = 99) -> None:
        self.size = size
        self.bad = bad

    def fit(self, X: Any, y: Any) -> Fussy:
        if self.size >= self.bad:
            raise KeyboardInterrupt if Fussy.interrupts else ValueError("too large")
        Fussy.fits += 1
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.classes_[self.size % len(self.classes_)])


def assert_same(ours: Any, theirs: Any) -> None:
    """Whether two searches have found the same."""
    assert list(ours.cv_results_) == list(theirs.cv_results_)
    for name, column in theirs.cv_results_.items():
        if not name.endswith("_time"):
            assert getattr(ours.cv_results_[name], "dtype", None) == getattr(column, "dtype", None)
            np.testing.assert_equal(ours.cv_results_[name], column)
    for name in ("best_index_", "best_params_", "n_splits_", "multimetric_"):
        assert getattr(ours, name, None) == getattr(theirs, name, None)


# What scikit-learn finds


@pytest.mark.parametrize("ours", [GridSearchCV, RandomizedSearchCV])
def test_the_signature_is_scikit_learns_and_two_more(ours: type) -> None:
    theirs = inspect.signature(getattr(model_selection, ours.__name__))
    signature = inspect.signature(ours)
    names = list(theirs.parameters)
    assert list(signature.parameters) == [*names, "study_name", "storage"]
    defaults = [(signature.parameters[n].default, theirs.parameters[n].default) for n in names]
    assert all(a is b or a == b for a, b in defaults)


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize(
    ("kind", "model", "space", "settings"),
    [
        ("GridSearchCV", SVC(), GRID, {"return_train_score": True}),
        ("GridSearchCV", SVC(), [{"kernel": ["rbf"], "gamma": [1, 2]}, {"kernel": ["linear"]}], {}),
        ("GridSearchCV", SVC(), GRID, {"scoring": ["accuracy", "f1_macro"], "refit": "f1_macro"}),
        ("RandomizedSearchCV", SVC(), DRAWN, {"n_iter": 5, "random_state": 3}),
        ("RandomizedSearchCV", SVC(), [DRAWN, GRID], {"n_iter": 5, "random_state": 3}),
        ("RandomizedSearchCV", SVC(), GRID, {"n_iter": 4, "cv": KFold(3, shuffle=True)}),
    ],
)
def test_the_results_are_scikit_learns(
    kind: str, model: Any, space: Any, settings: dict[str, Any], n_jobs: int | None
) -> None:
    found = []
    for place in (luthier.integrations.sklearn, model_selection):
        np.random.seed(7)  # noqa: NPY002, for those without a random state
        search = getattr(place, kind)(model, space, n_jobs=n_jobs, **{"cv": 3, **settings})
        found.append(search.fit(X, y))
    assert_same(*found)
    assert np.array_equal(found[0].predict(X), found[1].predict(X))


def test_a_generator_is_drawn_from_as_scikit_learn_does() -> None:
    found = [
        place.RandomizedSearchCV(SVC(), DRAWN, n_iter=4, random_state=np.random.RandomState(5))
        for place in (luthier.integrations.sklearn, model_selection)
    ]
    assert_same(*(search.fit(X, y) for search in found))


def test_failures_rank_as_scikit_learn_ranks_them() -> None:
    found = [
        place.GridSearchCV(Fussy(bad=2), {"size": [0, 3, 1, 2]}, cv=3)
        for place in (luthier.integrations.sklearn, model_selection)
    ]
    for search in found:
        with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
            search.fit(X, y)
    assert_same(*found)


def test_one_metric_may_fail_alone() -> None:
    def broken(y_true: Any, y_pred: Any) -> float:
        raise RuntimeError("no score")

    scoring = {"good": "accuracy", "bad": make_scorer(broken)}
    search = GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9]}, scoring=scoring, refit="good")
    with (
        pytest.warns(UserWarning, match="non-finite"),
        pytest.warns(UserWarning, match="RuntimeError: no score"),
    ):
        search.fit(X, y)
    assert search.best_score_ > 0.5
    assert np.isnan(search.cv_results_["mean_test_bad"]).all()
    assert search.study_.best_value == search.best_score_


# The study


def test_a_trial_per_row() -> None:
    search = GridSearchCV(SVC(), GRID, cv=3).fit(X, y)
    trials = search.study_.trials
    assert [t.params for t in trials] == search.cv_results_["params"]
    assert [t.value for t in trials] == search.cv_results_["mean_test_score"].tolist()
    assert search.study_.best_trial.number == search.best_index_
    assert search.study_.best_params == search.best_params_


def test_several_metrics_are_recorded() -> None:
    scoring = ["accuracy", "f1_macro"]
    search = GridSearchCV(SVC(), GRID, cv=3, scoring=scoring, refit="f1_macro").fit(X, y)
    metrics = search.study_.trials[1].metrics
    assert metrics["score"] == metrics["f1_macro"] == search.cv_results_["mean_test_f1_macro"][1]
    assert metrics["accuracy"] == search.cv_results_["mean_test_accuracy"][1]


def test_objects_are_told_in_words() -> None:
    models = [SVC(C=2), KNeighborsClassifier(n_neighbors=3)]
    pipe = Pipeline([("scale", StandardScaler()), ("model", SVC())])
    search = GridSearchCV(pipe, {"model": models, "scale": [None, StandardScaler()]}, cv=3)
    search.fit(X, y)
    assert search.study_.trials[0].params == {"model": "SVC(C=2)", "scale": None}
    assert search.cv_results_["params"][0]["model"] is models[0]


def test_a_candidate_that_fails_is_a_failed_trial() -> None:
    search = GridSearchCV(Fussy(bad=1), {"size": [0, 1]}, cv=3, error_score=0.25)
    with pytest.warns(FitFailedWarning, match=r"GridSearchCV: 3 of 6 fits failed\..*too large"):
        search.fit(X, y)
    assert [t.state for t in search.study_.trials] == [TrialState.COMPLETE, TrialState.FAILED]
    assert search.cv_results_["mean_test_score"][1] == 0.25


# Going on


def test_an_interrupted_search_goes_on(tmp_path: Path) -> None:
    kept = {"study_name": "fussy", "storage": str(tmp_path / "s.db")}
    search = GridSearchCV(Fussy(bad=2), {"size": [0, 1, 2, 3]}, cv=3, refit=False, **kept)
    Fussy.interrupts, Fussy.fits = True, 0
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, y)
    states = [t.state.name for t in luthier.load_study(**kept).trials]
    assert states == ["COMPLETE", "COMPLETE", "WAITING", "WAITING"]
    Fussy.interrupts = False
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        search.fit(X, y)
    assert Fussy.fits == 6
    assert search.cv_results_["mean_test_score"].shape == (4,)


def test_a_finished_search_only_reads(tmp_path: Path) -> None:
    kept = {"study_name": "s", "storage": str(tmp_path / "s.db")}
    space = {"size": randint(0, 50)}
    search = RandomizedSearchCV(Fussy(), space, n_iter=5, cv=3, refit=False, **kept).fit(X, y)
    before, Fussy.fits = search.cv_results_, 0
    again = clone(search).fit(X, y)  # no random state: the study's seed
    assert Fussy.fits == 0
    np.testing.assert_equal(again.cv_results_, before)
    more = clone(search).set_params(n_iter=8).fit(X, y)
    assert Fussy.fits == 9
    assert more.cv_results_["params"][:5] == before["params"]


@pytest.mark.slow
def test_a_killed_search_goes_on(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import os
        from sklearn.datasets import load_iris
        from sklearn.neighbors import KNeighborsClassifier
        from luthier.integrations.sklearn import GridSearchCV

        class Deadly(KNeighborsClassifier):
            def fit(self, X, y):
                if self.n_neighbors == 5 and os.environ["DEADLY"] == "yes":
                    os._exit(9)
                return super().fit(X, y)

        grid, file = {{"n_neighbors": [1, 3, 5, 7]}}, {str(tmp_path / "s.db")!r}
        search = GridSearchCV(Deadly(), grid, study_name="s", storage=file)
        search.fit(*load_iris(return_X_y=True))
        """
    )
    run = [sys.executable, "-c", script]
    assert subprocess.run(run, env={**os.environ, "DEADLY": "yes"}, check=False).returncode == 9
    study = luthier.load_study(study_name="s", storage=str(tmp_path / "s.db"))
    assert [t.state.name for t in study.trials] == ["COMPLETE", "COMPLETE", "RUNNING", "WAITING"]
    assert subprocess.run(run, env={**os.environ, "DEADLY": "no"}, check=False).returncode == 0
    study = luthier.load_study(study_name="s", storage=str(tmp_path / "s.db"))
    assert [t.state.name for t in study.trials] == ["COMPLETE"] * 4
    assert [t.attempt for t in study.trials] == [1, 1, 2, 1]


@pytest.mark.slow
def test_two_processes_share_a_search(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import time
        from sklearn.datasets import load_iris
        from sklearn.neighbors import KNeighborsClassifier
        from luthier.integrations.sklearn import HalvingGridSearchCV

        class Slow(KNeighborsClassifier):
            def fit(self, X, y):
                time.sleep(0.05)
                return super().fit(X, y)

        search = HalvingGridSearchCV(
            Slow(), {{"n_neighbors": list(range(1, 10))}}, study_name="s", random_state=0,
            storage={str(tmp_path / "s.db")!r},
        ).fit(*load_iris(return_X_y=True))
        print(search.best_params_, search.cv_results_["mean_test_score"].tolist())
        """
    )
    both = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) for _ in "ab"]
    told = [process.communicate(timeout=200)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert told[0] == told[1] != b""
    study = luthier.load_study(study_name="s", storage=str(tmp_path / "s.db"))
    assert len(study.trials) == 9
    assert all(trial.attempt <= 3 for trial in study.trials)


@pytest.mark.parametrize(
    ("change", "differing"),
    [
        ({"param_grid": {"C": [1, 2]}}, "other candidates"),
        ({"cv": 4}, "other splits"),
        ({"estimator": SVC(shrinking=False)}, "other settings"),
        ({"return_train_score": True}, "other train_scores"),
        ({"scoring": ["accuracy"], "refit": "accuracy"}, "other metrics"),
    ],
)
def test_a_study_of_another_search_is_refused(
    tmp_path: Path, change: dict[str, Any], differing: str
) -> None:
    kept = {"study_name": "s", "storage": str(tmp_path / "s.db")}
    search = GridSearchCV(SVC(), {"C": [1, 3]}, cv=3, **kept).fit(X, y)
    with pytest.raises(StudyMismatchError, match=differing):
        clone(search).set_params(**change).fit(X, y)


def test_a_generator_cannot_be_drawn_from_again(tmp_path: Path) -> None:
    search = RandomizedSearchCV(
        SVC(), DRAWN, random_state=np.random.RandomState(0), storage=str(tmp_path / "s.db")
    )
    with pytest.raises(ArgumentError, match="random_state must be an integer or None"):
        search.fit(X, y)


# Errors


def test_when_all_fits_fail() -> None:
    search = GridSearchCV(Fussy(bad=0), {"size": [0, 1]}, cv=3)
    with pytest.raises(AllTrialsFailedError, match=r"GridSearchCV: all 6 fits failed\..*too large"):
        search.fit(X, y)


def test_error_score_raise_raises() -> None:
    search = GridSearchCV(Fussy(bad=1), {"size": [0, 1]}, cv=3, error_score="raise")
    with pytest.raises(ValueError, match="^too large$"):
        search.fit(X, y)


def test_splits_that_are_used_up() -> None:
    splits = KFold(3).split(X)
    list(splits)
    with pytest.raises(ArgumentError, match="used before"):
        GridSearchCV(SVC(), GRID, cv=splits).fit(X, y)


def test_bad_settings_are_told_in_scikit_learns_words() -> None:
    with pytest.raises(ValueError, match="'n_iter' parameter of RandomizedSearchCV"):
        RandomizedSearchCV(SVC(), DRAWN, n_iter=0).fit(X, y)


# The estimator protocol


@parametrize_with_checks(
    [
        GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-8]}, cv=2, error_score="raise"),
        RandomizedSearchCV(
            make_pipeline(StandardScaler(), LogisticRegression()),
            {"logisticregression__C": [0.1, 1]},
            n_iter=2,
            cv=2,
            error_score="raise",
        ),
    ]
)
@pytest.mark.filterwarnings("ignore")  # the checks fit degenerate data
def test_estimator_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_pickle_keeps_all_but_the_study() -> None:
    search = RandomizedSearchCV(SVC(), DRAWN, n_iter=3, random_state=0).fit(X, y)
    copy = pickle.loads(pickle.dumps(search))
    assert np.array_equal(copy.predict(X), search.predict(X))
    assert_same(copy, search)
    assert not hasattr(copy, "study_")


def test_it_is_one_of_scikit_learns() -> None:
    assert isinstance(GridSearchCV(SVC(), GRID), model_selection.GridSearchCV)
    assert isinstance(RandomizedSearchCV(SVC(), DRAWN), model_selection.RandomizedSearchCV)


def test_searches_inside_each_other() -> None:
    inner = GridSearchCV(SVC(), {"C": [0.1, 1]}, cv=2)
    outer = RandomizedSearchCV(
        Pipeline([("scale", StandardScaler()), ("search", inner)]),
        {"search__cv": [2, 3], "search__estimator__kernel": ["linear", "rbf"]},
        n_iter=2,
        cv=2,
        random_state=0,
    )
    scores = cross_val_score(outer, X, y, cv=2)
    theirs = model_selection.RandomizedSearchCV(
        Pipeline(
            [
                ("scale", StandardScaler()),
                ("search", model_selection.GridSearchCV(SVC(), {"C": [0.1, 1]}, cv=2)),
            ]
        ),
        outer.param_distributions,
        n_iter=2,
        cv=2,
        random_state=0,
    )
    assert scores.tolist() == cross_val_score(theirs, X, y, cv=2).tolist()


def test_set_output_reaches_the_best_estimator() -> None:
    frame = pd.DataFrame(X, columns=list("abcd"))
    pipe = make_pipeline(StandardScaler(), PCA()).set_output(transform="pandas")
    search = GridSearchCV(pipe, {"pca__n_components": [2]}, cv=2).fit(frame)
    assert list(search.transform(frame).columns) == ["pca0", "pca1"]
    assert list(search.feature_names_in_) == list("abcd")
    with config_context(transform_output="pandas"):
        plain = clone(search).set_params(estimator=make_pipeline(StandardScaler(), PCA()))
        assert isinstance(plain.fit(frame).transform(frame), pd.DataFrame)


def test_frames_sparse_data_and_several_targets() -> None:
    frame = pd.DataFrame(X, columns=list("abcd"))
    tree = DecisionTreeClassifier(random_state=0)
    depths = {"max_depth": [1, 2, 3]}
    expected = model_selection.GridSearchCV(tree, depths, cv=3).fit(X, y)
    assert_same(GridSearchCV(tree, depths, cv=3).fit(frame, pd.Series(y)), expected)
    assert_same(GridSearchCV(tree, depths, cv=3).fit(csr_array(X), y), expected)
    targets = np.stack([X[:, 0], X[:, 1] ** 2], axis=1)
    forest = RandomForestRegressor(n_estimators=3, random_state=0)
    found = [
        place.GridSearchCV(forest, {"max_depth": [1, 3]}, cv=2).fit(X[:, 2:], targets)
        for place in (luthier.integrations.sklearn, model_selection)
    ]
    assert_same(*found)
    assert found[0].predict(X[:, 2:]).shape == targets.shape


def test_weights_reach_the_fits_and_the_scores() -> None:
    weights = np.linspace(0, 3, len(y))
    found = [
        place.GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.01, 1]}, cv=3)
        for place in (luthier.integrations.sklearn, model_selection)
    ]
    assert_same(*(search.fit(X, y, sample_weight=weights) for search in found))


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    GridSearchCV(Fussy(), {"size": [0, 1]}, cv=2, verbose=10).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Fitting 2 candidates to 2 splits each: 4 fits"
    assert lines[1] == "[CV 1/2] START size=0"
    assert lines[2].startswith("[CV 1/2] END size=0; score=0.3")
    assert len(lines) == 1 + 2 * 4


def test_nan_is_no_result() -> None:
    search = GridSearchCV(Fussy(), {"size": [0, 1]}, cv=2, scoring=lambda *_: math.nan, refit=False)
    with pytest.warns(UserWarning, match="non-finite"):
        search.fit(X, y)
    assert [t.state for t in search.study_.trials] == [TrialState.FAILED] * 2


class Picky(KNeighborsClassifier):  # type: ignore[misc]
    """Can't be fitted with five neighbours; can be sent to other processes."""

    def fit(self, X: Any, y: Any) -> Any:
        if self.n_neighbors == 5:
            raise ValueError("not five")
        return super().fit(X, y)


@pytest.mark.filterwarnings("ignore")  # scikit-learn's threads put filters back at any time
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_trials_that_were_handed_out_are_put_back(n_jobs: int | None, tmp_path: Path) -> None:
    kept = {"study_name": "s", "storage": str(tmp_path / "s.db")}
    grid = {"n_neighbors": [1, 3, 5, 7, 9, 11, 13, 15]}
    with joblib.parallel_config("threading"):
        search = GridSearchCV(Picky(), grid, cv=3, error_score="raise", n_jobs=n_jobs, **kept)
        with pytest.raises(ValueError, match="not five"):
            search.fit(X, y)
        states = [t.state.name for t in luthier.load_study(**kept).trials]
        assert set(states) <= {"WAITING", "COMPLETE"}
        assert states[2] == "WAITING"
        assert n_jobs or states == ["COMPLETE"] * 2 + ["WAITING"] * 6
        search.set_params(error_score=0.0)
        search.fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert np.flatnonzero(scores == 0).tolist() == [2]
    assert len(scores) == 8
