"""SearchCV as scikit-learn's own searches: same protocol, same scores, same table."""

from __future__ import annotations

import math
import pickle
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import FitFailedWarning, NotFittedError, UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from luthier import Categorical, Float, Space, TrialState
from luthier.errors import (
    AllTrialsFailedError,
    ArgumentError,
    NoTrialError,
    StudyMismatchError,
)
from luthier.integrations.sklearn import Confirm
from luthier.integrations.sklearn import SearchCV as DefaultFirst

SearchCV = partial(DefaultFirst, default=False)  # a candidate more: test_selection.py
X, y = load_iris(return_X_y=True)
X, y = X[::2], y[::2]
GRID = {"C": [0.1, 1, 10], "kernel": ["linear", "rbf"]}
TIMES = {"mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time"}


def grid_search(estimator: Any, grid: Any, **settings: Any) -> SearchCV:
    exhaustive = {"strategy": "grid", "race": "none", "n_trials": None, "cv": 3}
    return SearchCV(estimator, grid, **{**exhaustive, **settings})


class Fussy(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fails to fit for some values, and counts its fits."""

    fits = 0

    def __init__(self, size: float = 0.0, bad: float = math.inf) -> None:
        self.size = size
        self.bad = bad

    def fit(self, X: Any, y: Any) -> Fussy:
        Fussy.fits += 1
        if self.size >= self.bad:
            raise ValueError(f"size {self.size} is too large")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.classes_[int(self.size) % len(self.classes_)])


# The estimator protocol


@parametrize_with_checks(
    [
        SearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-8]}, cv=2, error_score="raise"),
        SearchCV(Ridge(), {"alpha": Float(0.1, 1)}, n_trials=2, cv=2, error_score="raise"),
        SearchCV(
            make_pipeline(StandardScaler(), Ridge()),
            {"ridge__alpha": [0.1, 1]},
            cv=2,
            error_score="raise",
        ),
    ]
)
@pytest.mark.filterwarnings("ignore")  # the checks fit degenerate data
def test_estimator_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_clone_keeps_settings_and_nothing_else() -> None:
    search = grid_search(SVC(), GRID).fit(X, y)
    copy = clone(search)
    assert copy.get_params()["strategy"] == "grid"
    assert copy.space == GRID
    assert not hasattr(copy, "study_")


def test_pickle_keeps_all_but_the_study() -> None:
    search = grid_search(SVC(), GRID).fit(X, y)
    copy = pickle.loads(pickle.dumps(search))
    assert np.array_equal(copy.predict(X), search.predict(X))
    assert copy.best_params_ == search.best_params_
    assert not hasattr(copy, "study_")


def test_it_works_in_a_pipeline_and_in_cross_validation() -> None:
    search = SearchCV(SVC(), {"C": Float(0.1, 10, log=True)}, n_trials=2, cv=2, random_state=0)
    pipe = Pipeline([("scale", StandardScaler()), ("search", search)])
    assert cross_val_score(pipe, X, y, cv=2).mean() > 0.8
    assert is_classifier(search)


def test_methods_are_those_of_the_best_estimator() -> None:
    search = grid_search(SVC(), GRID)
    assert hasattr(search, "predict")
    assert not hasattr(search, "predict_proba")
    assert not hasattr(search, "n_features_in_")
    with pytest.raises(NotFittedError):
        search.predict(X)
    search.fit(X, y)
    assert search.decision_function(X).shape == (len(X), 3)
    assert search.n_features_in_ == 4
    assert list(search.classes_) == [0, 1, 2]
    assert search.score(X, y) == accuracy_score(y, search.predict(X))
    reduced = grid_search(PCA(), {"n_components": [1, 2]}).fit(X)
    assert reduced.transform(X).shape == (len(X), reduced.best_params_["n_components"])


def test_without_refit_there_is_a_best_but_no_estimator() -> None:
    search = grid_search(SVC(), GRID, refit=False).fit(X, y)
    assert search.best_params_ in search.cv_results_["params"]
    assert not hasattr(search, "best_estimator_")
    with pytest.raises(AttributeError) as caught:
        search.predict(X)
    assert "refit=False" in str(caught.value.__cause__)
    with pytest.raises(AttributeError):
        search.score(X, y)


def test_data_frames_keep_their_names() -> None:
    frame = pd.DataFrame(X, columns=list("abcd"))
    search = grid_search(SVC(), GRID).fit(frame, pd.Series(y))
    assert list(search.feature_names_in_) == list("abcd")
    assert search.predict(frame).shape == y.shape


def test_fit_parameters_and_groups_reach_their_place() -> None:
    groups = np.arange(len(y)) % 3
    weights = np.ones(len(y))
    search = SearchCV(SVC(), GRID, cv=GroupKFold(3), n_trials=2, random_state=0)
    search.fit(X, y, groups=groups, sample_weight=weights)
    assert search.n_splits_ == 3
    with pytest.raises(ValueError, match="groups"):
        search.fit(X, y)


def test_metadata_routing() -> None:
    weights = np.linspace(0, 1, len(y))
    groups = np.arange(len(y)) % 3
    with config_context(enable_metadata_routing=True):
        model = SVC().set_fit_request(sample_weight=True)
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        options = {"scoring": scorer, "cv": GroupKFold(3)}
        ours = grid_search(model, GRID, **options)
        theirs = GridSearchCV(model, GRID, **options)
        for search in (ours, theirs):
            search.fit(X, y, sample_weight=weights, groups=groups)
        assert ours.score(X, y, sample_weight=weights) == theirs.score(X, y, sample_weight=weights)
    scores = "mean_test_score"
    assert np.allclose(ours.cv_results_[scores], theirs.cv_results_[scores], rtol=0, atol=1e-12)


def test_weights_and_groups_are_routed_through_a_pipeline() -> None:
    weights = np.linspace(0.1, 1, len(y))
    groups = np.arange(len(y)) % 15
    heard: list[tuple[str, int]] = []

    class Listening(LogisticRegression):  # type: ignore[misc]
        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
            assert set(sample_weight) <= set(weights)
            heard.append(("fit", len(sample_weight)))
            return super().fit(X, y, sample_weight)

    def weighed(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        heard.append(("score", len(sample_weight)))
        return float(accuracy_score(y_true, y_pred, sample_weight=sample_weight))

    with config_context(enable_metadata_routing=True):
        scale = StandardScaler().set_fit_request(sample_weight=False)
        model = Listening(max_iter=500).set_fit_request(sample_weight=True)
        pipeline = Pipeline([("scale", scale), ("model", model)])
        scorer = make_scorer(weighed).set_score_request(sample_weight=True)
        space = {"model__C": [0.01, 1.0]}
        search = SearchCV(
            pipeline, space, strategy="grid", n_trials=None, scoring=scorer, cv=GroupKFold(3)
        )
        search.set_params(race="none", default=True, confirm=Confirm(1, repeats=1))
        search.fit(X, y, sample_weight=weights, groups=groups)
        unheard = SearchCV(pipeline, space, n_trials=2, cv=3)
        with pytest.raises(UnsetMetadataPassedError):
            unheard.set_params(scoring=make_scorer(weighed)).fit(X, y, sample_weight=weights)
    n = len(y)
    fitted = [size for what, size in heard if what == "fit"]
    assert fitted.count(n) == 1  # the last one
    assert set(fitted) == {n, n * 2 // 3}
    assert {size for what, size in heard if what == "score"} == {n // 3}
    by_hand = []
    for train, test in GroupKFold(3).split(X, y, groups):
        scaled = StandardScaler().fit(X[train])
        plain = LogisticRegression(max_iter=500)
        plain.fit(scaled.transform(X[train]), y[train], weights[train])
        by_hand.append(plain.score(scaled.transform(X[test]), y[test], weights[test]))
    place = search.cv_results_["params"].index({"model__C": 1.0})
    assert search.cv_results_["mean_test_score"][place] == pytest.approx(np.mean(by_hand))


# The table


@pytest.mark.parametrize(
    ("grid", "settings"),
    [
        (GRID, {}),
        (GRID, {"return_train_score": True}),
        (GRID, {"scoring": ["accuracy", "f1_macro"], "refit": "f1_macro"}),
        (GRID, {"scoring": {"a": "accuracy"}, "refit": "a", "return_train_score": True}),
        (GRID, {"scoring": "balanced_accuracy"}),
        (
            [
                {"kernel": ["linear"], "C": [1, 10]},
                {"kernel": ["rbf"], "C": [1, 10], "gamma": [0.1, "auto"]},
            ],
            {},
        ),
        ({"C": [1], "class_weight": [None, "balanced", {0: 1, 1: 2, 2: 3}]}, {}),
    ],
)
def test_the_table_is_that_of_grid_search(grid: Any, settings: dict[str, Any]) -> None:
    ours = grid_search(SVC(), grid, **settings).fit(X, y).cv_results_
    theirs = GridSearchCV(SVC(), grid, cv=3, **settings).fit(X, y).cv_results_
    assert set(ours) == set(theirs)
    order = [ours["params"].index(params) for params in theirs["params"]]
    assert sorted(order) == list(range(len(ours["params"])))
    for name in set(theirs) - TIMES - {"params"}:
        column = ours[name][order]
        assert column.dtype == theirs[name].dtype, name
        if name.startswith("param_"):
            assert column.tolist() == theirs[name].tolist()
        else:
            assert np.allclose(column, theirs[name], rtol=0, atol=1e-12), name


def test_the_best_is_that_of_grid_search() -> None:
    ours, theirs = grid_search(SVC(), GRID).fit(X, y), GridSearchCV(SVC(), GRID, cv=3).fit(X, y)
    assert ours.best_params_ == theirs.best_params_
    assert ours.best_score_ == pytest.approx(theirs.best_score_, abs=1e-12)
    assert ours.best_index_ == theirs.best_index_
    assert np.array_equal(ours.predict(X), theirs.predict(X))
    assert ours.study_.best_value == pytest.approx(ours.best_score_)


def test_estimators_and_functions_can_be_choices() -> None:
    pipe = Pipeline([("scale", StandardScaler()), ("model", SVC())])
    grid = {"scale": [StandardScaler(), "passthrough"], "model": [SVC(), KNeighborsClassifier(3)]}
    search = grid_search(pipe, grid).fit(X, y)
    assert {type(p["model"]) for p in search.cv_results_["params"]} == {SVC, KNeighborsClassifier}
    theirs = GridSearchCV(pipe, grid, cv=3).fit(X, y)
    assert search.best_score_ == pytest.approx(theirs.best_score_, abs=1e-12)


def test_parameters_of_a_parameter_that_is_searched_too() -> None:
    pipe = Pipeline([("model", SVC())])
    grid = [
        {"model": [SVC()], "model__C": [0.1, 1]},
        {"model": [KNeighborsClassifier()], "model__n_neighbors": [1, 3]},
    ]
    params = grid_search(pipe, grid).fit(X, y).cv_results_["params"]
    assert len(params) == 4
    assert all(set(p) in ({"model", "model__C"}, {"model", "model__n_neighbors"}) for p in params)


def test_regression() -> None:
    data = load_diabetes(return_X_y=True)
    ours = grid_search(Ridge(), {"alpha": [0.1, 1, 10]}, scoring="r2").fit(*data)
    theirs = GridSearchCV(Ridge(), {"alpha": [0.1, 1, 10]}, cv=3, scoring="r2").fit(*data)
    assert ours.best_params_ == theirs.best_params_
    assert ours.study_.best_value == pytest.approx(theirs.best_score_, abs=1e-12)


# Spaces and strategies


def test_conditions_and_constraints_of_a_space_hold() -> None:
    space = Space(
        kernel=Categorical(["linear", "rbf"]),
        C=Float(1e-2, 1e2, log=True),
        gamma=Float(1e-3, 1e1, log=True, when={"kernel": "rbf"}),
    ).require("C * gamma <= 10")
    search = SearchCV(SVC(), space, n_trials=12, cv=2, random_state=1).fit(X, y)
    for params in search.cv_results_["params"]:
        assert ("gamma" in params) == (params["kernel"] == "rbf")
        assert params["C"] * params.get("gamma", 0) <= 10


def test_the_same_seed_gives_the_same_candidates_whatever_the_jobs() -> None:
    space = {"C": Float(0.1, 10, log=True)}
    runs = [
        SearchCV(SVC(), space, n_trials=3, cv=2, random_state=seed, n_jobs=jobs)
        for seed, jobs in ((7, None), (7, 2), (7, 4), (np.random.RandomState(7), None))
    ]
    first, *same, other = (r.fit(X, y).cv_results_["params"] for r in runs)
    assert same == [first, first]
    assert first != other


def test_set_output_reaches_the_best_estimator() -> None:
    frame = pd.DataFrame(X, columns=list("abcd"))
    pipe = make_pipeline(StandardScaler(), PCA()).set_output(transform="pandas")
    search = SearchCV(pipe, {"pca__n_components": [2]}, scoring=lambda *_: 1.0, cv=2, n_trials=1)
    found = search.fit(frame).transform(frame)
    assert list(found.columns) == ["pca0", "pca1"]
    with config_context(transform_output="default"):
        assert isinstance(search.transform(frame), pd.DataFrame)  # the pipeline's own setting


@pytest.mark.parametrize("strategy", ["auto", "random", "sobol", "random_grid"])
def test_a_finite_space_ends_the_search(strategy: str) -> None:
    search = SearchCV(SVC(), GRID, strategy=strategy, cv=2, n_trials=None, random_state=0).fit(X, y)
    assert len(search.cv_results_["params"]) == 6


def test_callbacks_can_stop_the_search() -> None:
    search = SearchCV(SVC(), GRID, cv=2, callbacks=[lambda study, trial: study.stop()])
    assert len(search.fit(X, y).cv_results_["params"]) == 1


def test_progress_is_shown_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    grid_search(SVC(), GRID, verbose=1).fit(X, y)
    assert "6 complete" in capsys.readouterr().err


# Metrics


def test_several_metrics_are_metrics_of_the_study() -> None:
    scoring = {"f1 macro": "f1_macro", "accuracy": "accuracy"}
    search = grid_search(SVC(), GRID, scoring=scoring, refit="f1 macro").fit(X, y)
    best = search.study_.best_trial
    assert search.study_.metric_names == ["f1_macro"]
    assert set(best.metrics) == {"f1_macro", "f1 macro", "accuracy"}
    assert best.value == pytest.approx(search.best_score_)
    assert search.multimetric_
    assert set(search.scorer_) == set(scoring)
    assert search.score(X, y) > 0.8


def test_a_function_may_score_several_metrics() -> None:
    def both(estimator: Any, X: Any, y: Any) -> dict[str, float]:
        accuracy = accuracy_score(y, estimator.predict(X))
        return {"accuracy": accuracy, "error": -accuracy}

    search = grid_search(SVC(), GRID, scoring=both, refit="error").fit(X, y)
    assert search.best_score_ == search.cv_results_["mean_test_error"].max()
    assert search.best_index_ == search.cv_results_["rank_test_error"].argmin()
    assert search.score(X, y) < 0
    with pytest.raises(ArgumentError, match="one of 'accuracy', 'error'"):
        grid_search(SVC(), GRID, scoring=both).fit(X, y)


def test_refit_may_be_a_function() -> None:
    search = grid_search(SVC(), GRID, refit=lambda table: len(table["params"]) - 1).fit(X, y)
    assert search.best_index_ == 5
    assert search.best_estimator_.get_params()["C"] == search.best_params_["C"]
    assert not hasattr(search, "best_score_")


# Failures


def test_a_failed_candidate_is_a_row_and_a_failed_trial() -> None:
    search = grid_search(Fussy(bad=2), {"size": [0, 1, 2]}, error_score=-1)
    with pytest.warns(FitFailedWarning, match=r"3 of 9 fits failed.*size 2 is too large"):
        search.fit(X, y)
    assert search.cv_results_["mean_test_score"][2] == -1
    assert search.cv_results_["rank_test_score"][2] == 3
    states = [t.state for t in search.study_.trials]
    assert states == [TrialState.COMPLETE, TrialState.COMPLETE, TrialState.FAILED]
    assert "too large" in (search.study_.trials[2].error or "")
    nan = grid_search(Fussy(bad=2), {"size": [0, 1, 2]})
    with pytest.warns(FitFailedWarning):
        nan.fit(X, y)
    assert math.isnan(nan.cv_results_["mean_test_score"][2])
    assert nan.cv_results_["rank_test_score"][2] == 3


def test_when_all_fail_the_first_error_is_told() -> None:
    with pytest.raises(AllTrialsFailedError, match=r"all 6 fits failed.*size 1 is too large"):
        grid_search(Fussy(bad=0), {"size": [1, 2]}).fit(X, y)


def test_error_score_raise_raises() -> None:
    with pytest.raises(ValueError, match=r"^size 1 is too large$"):
        grid_search(Fussy(bad=0), {"size": [1, 2]}, error_score="raise").fit(X, y)


def test_a_parameter_the_estimator_lacks_is_an_error_at_once() -> None:
    with pytest.raises(ValueError, match="Invalid parameter 'nosuch'"):
        grid_search(SVC(), {"nosuch": [1, 2]}).fit(X, y)


def test_a_score_that_is_not_a_number_fails_the_candidate() -> None:
    def odd(estimator: Any, X: Any, y: Any) -> float:
        return math.nan if estimator.size == 1 else 0.5

    search = grid_search(Fussy(), {"size": [0, 1]}, scoring=odd).fit(X, y)
    assert search.best_params_ == {"size": 0}
    assert [t.state.name for t in search.study_.trials] == ["COMPLETE", "FAILED"]


# Resumption


def test_the_same_name_and_storage_resumes(tmp_path: Path) -> None:
    def search(n_trials: int) -> SearchCV:
        return SearchCV(
            Fussy(),
            {"size": Float(0, 10)},
            n_trials=n_trials,
            cv=3,
            refit=False,
            random_state=3,
            study_name="fussy",
            storage=tmp_path / "runs.db",
        )

    Fussy.fits = 0
    search(3).fit(X, y)
    assert Fussy.fits == 9
    resumed = search(5).fit(X, y)
    assert Fussy.fits == 15
    again = search(5).fit(X, y)
    assert Fussy.fits == 15
    unbroken = search(5).set_params(storage=None).fit(X, y)
    for name in set(again.cv_results_) - TIMES:
        for other in (resumed, unbroken):
            assert np.array_equal(again.cv_results_[name], other.cv_results_[name]), name


def test_an_interrupted_search_resumes(tmp_path: Path) -> None:
    def interrupt(study: Any, trial: Any) -> None:
        raise KeyboardInterrupt

    search = grid_search(
        SVC(), GRID, study_name="grid", storage=tmp_path / "runs.db", callbacks=[interrupt]
    )
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, y)
    search.set_params(callbacks=None).fit(X, y)
    theirs = GridSearchCV(SVC(), GRID, cv=3).fit(X, y)
    ours = search.cv_results_
    assert np.allclose(ours["mean_test_score"], theirs.cv_results_["mean_test_score"], atol=1e-12)


def test_objects_as_choices_resume(tmp_path: Path) -> None:
    def search() -> SearchCV:
        grid = {"model": [SVC(), GaussianNB()]}
        pipe = Pipeline([("model", SVC())])
        return grid_search(pipe, grid, study_name="objects", storage=tmp_path / "runs.db")

    first, second = search().fit(X, y), search().fit(X, y)
    assert type(first.best_params_["model"]) is type(second.best_params_["model"])
    assert len(second.study_.trials) == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"X": X + 1}, "data"),
        ({"cv": 2}, "splits"),
        ({"cv": KFold(3, shuffle=True)}, "splits"),
        ({"estimator": SVC(tol=0.1)}, "settings"),
        ({"estimator": SGDClassifier()}, "estimator"),
    ],
)
def test_results_of_other_data_are_not_mixed(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    space = {"class_weight": [None, "balanced"]}
    settings = {"cv": 3, "study_name": "svc", "storage": tmp_path / "runs.db"}
    SearchCV(SVC(), space, **settings).fit(X, y)
    data = change.pop("X", X)
    other = SearchCV(**{"estimator": SVC(), "space": space, **settings, **change})
    with pytest.raises(StudyMismatchError, match=rf"other .*{told}.*another study_name"):
        other.fit(data, y)


# Bad input


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_trials": 0}, r"n_trials must be an integer of at least 1, or None, got 0"),
        ({"n_trials": 2.5}, r"n_trials must be an integer.*got 2\.5"),
        ({"error_score": "nan"}, r"error_score must be a number or 'raise', got 'nan'"),
        ({"refit": 3}, r"refit must be True, False.*got 3"),
        ({"scoring": []}, r"scoring must name a metric, got \[\]"),
        ({"scoring": ["accuracy", "f1_macro"]}, r"one of 'accuracy', 'f1_macro'.*got True"),
        ({"scoring": ["accuracy"], "refit": "f1"}, r"one of 'accuracy'.*got 'f1'"),
        ({"refit": lambda table: 99}, r"index from 0 to 5, got 99"),
        ({"refit": lambda table: "a"}, r"index from 0 to 5, got 'a'"),
        ({"strategy": "gird"}, r"Did you mean 'grid'"),
        ({"space": {"C": Float(1, 2)}, "n_trials": None}, r"n_trials=None needs a timeout"),
        ({"space": {"C": []}}, r"choices must not be empty"),
        ({"space": 3}, r"3"),
        ({"random_state": -1}, r"seed must be an integer from 0"),
        ({"timeout": -1}, r"timeout must be seconds, at least 0, got -1"),
        ({"scoring": "nosuch"}, r"nosuch"),
    ],
)
def test_bad_settings(settings: dict[str, Any], message: str) -> None:
    search = SearchCV(**{"estimator": SVC(), "space": GRID, "cv": 3, **settings})
    with pytest.raises(ValueError, match=message):
        search.fit(X, y)


def test_no_time_no_candidate() -> None:
    with pytest.raises(NoTrialError, match="evaluated no candidate: timeout=0"):
        SearchCV(SVC(), GRID, timeout=0).fit(X, y)


def test_a_target_that_is_missing() -> None:
    with pytest.raises(ArgumentError, match="SVC requires y to be passed"):
        SearchCV(SVC(), GRID).fit(X)


def test_a_grid_cut_short_is_told() -> None:
    with pytest.warns(UserWarning, match="the grid has 6 cells, n_trials=2 leaves some out"):
        SearchCV(SVC(), GRID, strategy="grid", n_trials=2, cv=2).fit(X, y)


def test_score_says_what_it_lacks() -> None:
    search = grid_search(DummyClassifier(), {"strategy": ["prior", "uniform"]}).fit(X, y)
    with pytest.raises(ArgumentError, match=r"'sample_weight' only with metadata routing"):
        search.score(X, y, sample_weight=np.ones(len(y)))
    several = grid_search(SVC(), GRID, scoring=["accuracy"], refit=lambda table: 0).fit(X, y)
    with pytest.raises(ArgumentError, match="needs refit to name one"):
        several.score(X, y)


def test_no_warnings_in_a_plain_search() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SearchCV(SVC(), GRID, n_trials=2, cv=2).fit(X, y)
