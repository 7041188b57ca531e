"""SearchCV that races candidates, and where and from what it runs."""

from __future__ import annotations

import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    RepeatedStratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from luthier import Float, Int, TrialState
from luthier.errors import ArgumentError, NoTrialError, UnsendableError
from luthier.integrations.sklearn import SearchCV as DefaultFirst
from luthier.integrations.sklearn.racing import scheduler_of

SearchCV = partial(DefaultFirst, default=False)  # a candidate more: test_selection.py
X, y = load_iris(return_X_y=True)
SPACE = {"C": Float(1e-3, 1e3, log=True), "gamma": Float(1e-4, 1e1, log=True)}
TIMES = {"mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time"}
RACES = ["paired", "forgiving", "aggressive", "bayes"]


def search(race: str = "auto", **settings: Any) -> SearchCV:
    usual = {"n_trials": 15, "cv": 5, "random_state": 0, "refit": False}
    return SearchCV(SVC(), SPACE, race=race, **{**usual, **settings})


def fits(found: SearchCV) -> int:
    return int(np.isfinite(scores_of(found)).sum())


def scores_of(found: SearchCV) -> Any:
    names = [f"split{i}_test_score" for i in range(found.n_splits_)]
    return np.stack([found.cv_results_[name] for name in names], axis=1)


def same(first: SearchCV, second: SearchCV) -> bool:
    ours, theirs = first.cv_results_, second.cv_results_
    return all(_equal(ours[name], theirs[name]) for name in set(ours) - TIMES)


def _equal(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, list):
        return bool(ours == theirs)
    ours, theirs = np.ma.filled(ours, -1), np.ma.filled(theirs, -1)
    return np.array_equal(ours, theirs, equal_nan=ours.dtype.kind == "f")


class Tagged(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Scores what its parameter says on the split whose first test row it is told."""

    def __init__(self, quality: float = 0.0, fails: bool = False) -> None:
        self.quality = quality
        self.fails = fails

    def fit(self, X: Any, y: Any) -> Tagged:
        if self.fails:
            raise ValueError("told to fail")
        self.classes_ = np.unique(y)
        return self

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return float(self.quality + X[0, 0] / 1000)


ROWS = np.arange(20.0)[:, None]
LABELS = np.arange(20) % 2


def tagged(qualities: list[float], **settings: Any) -> SearchCV:
    usual = {"strategy": "grid", "n_trials": None, "cv": KFold(4), "refit": False}
    return SearchCV(Tagged(), {"quality": qualities}, **{**usual, **settings})


# What a race leaves


@pytest.mark.parametrize("race", RACES)
def test_a_race_runs_fewer_folds_and_finds_as_good_a_winner(race: str) -> None:
    whole, raced = search("none").fit(X, y), search(race).fit(X, y)
    assert fits(whole) == 75
    assert fits(raced) < 60
    if race != "aggressive":
        assert raced.best_score_ >= whole.best_score_ - 0.01
    assert np.isfinite(scores_of(raced)[raced.best_index_]).all()
    same_rows = np.isfinite(scores_of(raced))
    if race != "bayes":
        assert raced.cv_results_["params"] == whole.cv_results_["params"]
    assert np.array_equal(scores_of(raced)[same_rows], scores_of(whole)[same_rows])


def test_without_a_race_all_is_as_in_grid_search() -> None:
    grid = {"C": [0.1, 1, 10], "kernel": ["linear", "rbf"]}
    ours = SearchCV(SVC(), grid, strategy="grid", race="none", n_trials=None, cv=3).fit(X, y)
    theirs = GridSearchCV(SVC(), grid, cv=3).fit(X, y)
    assert ours.best_params_ == theirs.best_params_
    assert np.isfinite(scores_of(ours)).all()


def test_dropped_candidates_keep_their_scores_and_rank_last() -> None:
    found = tagged([0.9, 0.1, 0.5, 0.91]).fit(ROWS, LABELS)
    table, states = found.cv_results_, [trial.state for trial in found.study_.trials]
    assert states == [
        TrialState.COMPLETE,
        TrialState.PRUNED,
        TrialState.PRUNED,
        TrialState.COMPLETE,
    ]
    assert np.isnan(table["split3_test_score"]).tolist() == [False, True, True, False]
    assert table["mean_test_score"][1] == pytest.approx(0.1, abs=0.01)
    assert table["rank_test_score"].tolist() == [2, 4, 3, 1]
    assert found.best_index_ == 3


def test_the_folds_on_which_the_incumbent_did_worst_come_first() -> None:
    found = tagged([0.9, 0.1], cv=[([1, 2], [9]), ([1, 2], [3]), ([1, 2], [6])]).fit(ROWS, LABELS)
    first, second = found.study_.trials
    assert [report["fold"] for report in first.reports.values()] == [0, 1, 2]
    assert next(report["fold"] for report in second.reports.values()) == 1
    assert second.origin.data["incumbent"]["trial"] == 0
    assert second.origin.data["incumbent"]["scores"] == pytest.approx([0.909, 0.903, 0.906])


def test_means_so_far_allow_for_how_hard_the_folds_were() -> None:
    found = tagged([0.9, 0.1], cv=KFold(4)).fit(ROWS, LABELS)
    second = found.study_.trials[1]
    assert second.reports[1]["fold_score"] == pytest.approx(0.1)
    assert second.reports[1]["score"] == pytest.approx(
        found.cv_results_["mean_test_score"][0] - 0.8
    )


def test_a_candidate_that_is_dropped_never_wins_on_an_easy_fold() -> None:
    """Its one score is above all others, but all others were better there."""
    scores = {0.5: [0.9, 0.5, 0.5, 0.5], 0.2: [0.8, 0.1, 0.1, 0.1]}

    def told(estimator: Any, X: Any, y: Any) -> float:
        return scores[estimator.quality][int(X[0, 0]) // 5]

    found = tagged([0.5, 0.2], scoring=told, race="forgiving").fit(ROWS, LABELS)
    assert found.best_params_ == {"quality": 0.5}


@pytest.mark.parametrize("race", RACES)
def test_a_split_that_fails_ends_its_candidate(race: str) -> None:
    grid = {"fails": [False, True], "quality": [0.5]}
    found = SearchCV(Tagged(), grid, strategy="grid", race=race, n_trials=None, cv=4, refit=False)
    with pytest.warns(FitFailedWarning, match="1 of 5 fits failed"):
        found.fit(ROWS, LABELS)
    assert [trial.state.name for trial in found.study_.trials] == ["COMPLETE", "FAILED"]


def test_bayes_ends_what_it_paused() -> None:
    found = search("bayes").fit(X, y)
    states = {trial.state for trial in found.study_.trials}
    assert states == {TrialState.COMPLETE, TrialState.PRUNED}
    dropped = next(t for t in found.study_.trials if t.state is TrialState.PRUNED)
    assert "no further fold" in (dropped.error or "")


def test_a_scheduler_takes_folds_for_steps() -> None:
    found = search(scheduler={"name": "median", "n_startup_trials": 2}).fit(X, y)
    assert found.study_.scheduler.spec["name"] == "median"
    assert fits(found) < 75
    assert np.isfinite(scores_of(found)[found.best_index_]).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"race": "horse"}, "race must be one of"),
        ({"race": "paired", "scheduler": "median"}, "not both"),
        ({"race": "paired", "reshuffle": True}, "same splits"),
        ({"race": "bayes", "reshuffle": True}, "same splits"),
        ({"reshuffle": True, "cv": TimeSeriesSplit(3)}, "random_state"),
    ],
)
def test_races_that_cannot_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        search(**settings).fit(X, y)


@pytest.mark.parametrize("refit", [lambda table: 0, False])
def test_where_no_metric_decides_nothing_is_dropped(refit: Any) -> None:
    found = search(scoring=["accuracy", "f1_macro"], refit=refit, n_trials=5).fit(X, y)
    assert np.isfinite(found.cv_results_["split4_test_accuracy"]).all()


def test_a_raced_search_resumes(tmp_path: Path) -> None:
    kept = {"study_name": "raced", "storage": tmp_path / "runs.db"}
    for race in ("paired", "bayes"):
        kept["study_name"] = race
        search(race, n_trials=4, **kept).fit(X, y)
        resumed = search(race, n_trials=12, **kept).fit(X, y)
        assert len(resumed.study_.trials) == 12
        if race == "paired":
            assert same(resumed, search(race, n_trials=12).fit(X, y))


# Splits


@pytest.mark.parametrize(
    "cv", [RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0), TimeSeriesSplit(4)]
)
@pytest.mark.parametrize("race", ["auto", "bayes"])
def test_splitters_of_all_kinds(cv: Any, race: str) -> None:
    order = np.random.default_rng(0).permutation(len(y))
    found = search(race, cv=cv, n_trials=8).fit(X[order], y[order])
    assert found.n_splits_ == cv.get_n_splits()
    assert fits(found) < 8 * found.n_splits_


def test_reshuffling_gives_each_candidate_splits_of_its_own() -> None:
    seen: list[tuple[int, ...]] = []

    class Noting(KNeighborsClassifier):  # type: ignore[misc]
        def fit(self, X: Any, y: Any) -> Any:
            seen.append(tuple(X[:, 0]))
            return super().fit(X, y)

    settings = {"n_trials": 3, "cv": 2, "refit": False, "reshuffle": True, "race": "none"}
    rows = np.arange(40.0)[:, None]
    runs = []
    for _ in range(2):
        seen.clear()
        found = SearchCV(Noting(1), {"p": Int(1, 9)}, random_state=1, **settings)
        found.fit(rows, np.arange(40) % 2)
        runs.append(list(seen))
    assert len(set(runs[0])) == 6
    assert runs[0] == runs[1]
    raced = search(reshuffle=True).fit(X, y)
    assert raced.study_.scheduler.spec["rule"] == "forgiving"


# Constraints


def test_the_best_keeps_the_constraints() -> None:
    space = {"n_neighbors": Int(1, 40)}
    sizes = {"model_size": "<= 100000"}
    found = SearchCV(
        KNeighborsClassifier(), space, n_trials=6, cv=3, random_state=0, constraints=sizes
    ).fit(X, y)
    assert found.study_.best_trial.metrics["model_size"] < 100_000
    assert (found.cv_results_["mean_model_size"] > 1000).all()
    slow = found.set_params(constraints=["fit_time >= 3600"])
    with pytest.raises(NoTrialError, match="fit_time"):
        slow.fit(X, y)


def test_infeasible_candidates_rank_behind_feasible_ones() -> None:
    found = tagged([0.9, 0.5, 0.4], race="none", constraints=["score <= 0.6"]).fit(ROWS, LABELS)
    assert found.cv_results_["rank_test_score"].tolist() == [3, 1, 2]
    assert found.best_params_ == {"quality": 0.5}


# Processes


@pytest.mark.parametrize("strategy", ["random", "grid"])
def test_candidates_are_the_same_for_every_number_of_jobs(strategy: str) -> None:
    grid = {"C": [0.1, 1.0, 10.0], "gamma": [0.1, 1.0]}
    runs = [
        SearchCV(
            SVC(), grid, strategy=strategy, race="none", n_trials=6, cv=3, n_jobs=jobs,
            random_state=3, refit=False,
        ).fit(X, y)
        for jobs in (1, 2)
    ]  # fmt: skip
    assert same(*runs)


@pytest.mark.parametrize(("strategy", "race"), [("random", "paired"), ("tpe", "none")])
def test_the_same_search_twice_is_the_same_with_two_jobs(strategy: str, race: str) -> None:
    runs = [search(race, strategy=strategy, n_jobs=2, n_trials=12).fit(X, y) for _ in range(2)]
    assert same(*runs)
    if race == "paired":
        assert fits(runs[0]) < 60


def test_threads_and_bayes_at_once() -> None:
    found = search("bayes", executor="thread:2").fit(X, y)
    assert fits(found) < 60
    assert np.isfinite(scores_of(found)[found.best_index_]).all()


def test_an_estimator_that_cannot_be_sent_says_what_to_do() -> None:
    class Locked(KNeighborsClassifier):  # type: ignore[misc]
        def __getstate__(self) -> Any:
            raise TypeError("cannot pickle a lock")

    with pytest.raises(UnsendableError, match="thread"):
        SearchCV(Locked(), {"p": [1, 2]}, n_jobs=2, cv=2).fit(X, y)


# Earlier searches


def test_a_search_goes_on_from_an_earlier_one() -> None:
    first = search(n_trials=6).fit(X, y)
    taken = search(n_trials=10, warm_start=first).fit(X, y)
    assert len(taken.study_.trials) == 10
    assert taken.cv_results_["params"][:6] == first.cv_results_["params"]
    assert taken.best_score_ >= first.best_score_
    origins = [trial.origin.sampler for trial in taken.study_.trials[:6]]
    assert origins == ["added"] * 6


def test_from_a_search_on_other_data_the_best_are_tried_first() -> None:
    first = search(n_trials=8).fit(X, y)
    other = search(n_trials=7, warm_start=first.study_).fit(X[::2], y[::2])
    done = [t for t in first.study_.trials if t.state is TrialState.COMPLETE]
    best = max(done, key=lambda trial: trial.value or 0)
    assert other.cv_results_["params"][0] == best.params
    assert len(other.study_.trials) == 7


def test_a_search_without_a_study_is_refused() -> None:
    lost = pickle.loads(pickle.dumps(search(n_trials=2).fit(X, y)))
    with pytest.raises(ArgumentError, match="load_study"):
        search(warm_start=lost).fit(X, y)


def test_sample_weights_reach_the_fits() -> None:
    weights = np.where(y == 0, 1.0, 1e-9)
    model = LogisticRegression(max_iter=200)
    found = SearchCV(model, {"C": Float(0.1, 1)}, n_trials=2, cv=3, random_state=0)
    found.fit(X, y, sample_weight=weights)
    assert set(found.predict(X)) == {0}


@pytest.mark.parametrize(
    ("settings", "bound"),
    [
        ({}, 1.0),
        ({"scoring": "neg_log_loss"}, 0.0),
        ({"scoring": ["accuracy", "neg_log_loss"], "refit": "neg_log_loss"}, 0.0),
        ({"scoring": {"a": "f1_macro", "b": "neg_log_loss"}, "refit": "a"}, 1.0),
        ({"scoring": lambda model, X, y: 7.0}, None),
        ({"scoring": "neg_log_loss", "race": "bayes"}, 0.0),
    ],
)
def test_a_race_knows_the_best_score_there_is(settings: Any, bound: float | None) -> None:
    scheduler = scheduler_of(search(**settings), 5)
    assert scheduler.bound == bound


def test_candidates_that_could_only_be_level_are_dropped_at_once() -> None:
    easy = X[:100], y[:100]  # two classes apart: every fold of the first candidate is right
    found = SearchCV(SVC(), {"C": Float(1, 10)}, n_trials=6, cv=5, random_state=0).fit(*easy)
    assert found.best_score_ == 1
    assert fits(found) == 5 + 5 * 1
