"""Little first: going on equals fitting in one go, and only what got all of it wins."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import check_scoring
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from luthier import Float, Int, TrialState
from luthier.errors import ArgumentError, NoTrialError, StudyMismatchError
from luthier.integrations.sklearn import SearchCV
from luthier.integrations.sklearn.cross_validation import CrossValidation
from luthier.integrations.sklearn.cv_results import Candidate
from luthier.integrations.sklearn.fidelity import Fidelity, ranked_by_resource
from luthier.integrations.sklearn.fitting import Fit, Fitting
from luthier.integrations.sklearn.scratch import Scratch, scratch
from luthier.schedulers import PBT, Asha, Hyperband, Median

X, y = load_iris(return_X_y=True)
ROWS = np.random.default_rng(0).permutation(150)
SPLITS = [(ROWS[:100], ROWS[100:]), (ROWS[50:], ROWS[:50])]


def task_of(estimator: Any, X: Any = X, y: Any = y, **settings: Any) -> CrossValidation:
    return CrossValidation(Fitting(estimator, X, y, check_scoring(estimator), **settings), SPLITS)


def at(fidelity: Fidelity, task: CrossValidation, step: int, place: Scratch) -> list[Fit]:
    """What comes of the task's own estimator on every split, at one level."""
    return [
        fidelity.fit_and_score(task, task.fitting.estimator, split, step, place, f"split-{n}")
        for n, split in enumerate(task.splits)
    ]


def fidelity_of(estimator: Any, given: Any, scheduler: Any = None) -> Fidelity:
    return Fidelity.of(given, scheduler, task_of(estimator), ["C"])[0]


# Going on


GOING_ON = [
    (RandomForestClassifier(n_estimators=9, random_state=0), "n_estimators"),
    (ExtraTreesClassifier(n_estimators=9, random_state=0), "n_estimators"),
    (BaggingClassifier(n_estimators=9, random_state=0), "n_estimators"),
    (GradientBoostingClassifier(n_estimators=9, subsample=0.7, random_state=0), "n_estimators"),
    (
        HistGradientBoostingClassifier(max_iter=9, max_features=0.5, random_state=0),
        "max_iter",
    ),
    (
        make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=9, random_state=0)),
        "randomforestclassifier__n_estimators",
    ),
    (SGDClassifier(random_state=0), {"epochs": 9}),
    (make_pipeline(StandardScaler(), SGDClassifier(random_state=0)), {"epochs": 9}),
    (MLPClassifier(8, random_state=0), {"epochs": 9}),
]


@pytest.mark.parametrize(("estimator", "given"), GOING_ON)
def test_a_model_that_goes_on_is_the_one_fitted_in_one_go(estimator: Any, given: Any) -> None:
    task = task_of(estimator)
    fidelity = fidelity_of(estimator, given, Asha(9))
    with scratch() as place, scratch() as other:
        for step in (1, 3, 9):
            grown = at(fidelity, task, step, place)
            assert place.get("split-1")[0] == step
        anew = at(fidelity, task, 9, other)
        for number, (train, test) in enumerate(SPLITS):
            expected = fidelity.fit(clone(estimator), X[train], y[train], {})
            for kept in (place, other):
                model = kept.get(f"split-{number}")[1]
                assert np.array_equal(model.predict(X[test]), expected.predict(X[test]))
                if hasattr(model, "predict_proba"):
                    proba = expected.predict_proba(X[test])
                    assert np.allclose(model.predict_proba(X[test]), proba, atol=1e-12)
    scores = [[split.scores["test_score"] for split in splits] for splits in (grown, anew)]
    assert scores[0] == scores[1]


@pytest.mark.parametrize(
    ("estimator", "setting"),
    [
        (LogisticRegression(max_iter=50, warm_start=True), "max_iter"),  # counts each call's
        (GradientBoostingClassifier(n_estimators=9, n_iter_no_change=2), "n_estimators"),
        (HistGradientBoostingClassifier(max_iter=9, early_stopping=True), "max_iter"),
        (RandomForestClassifier(n_estimators=9, class_weight="balanced"), "n_estimators"),
        (DecisionTreeClassifier(max_depth=9), "max_depth"),
    ],
)
def test_what_would_come_out_otherwise_is_fitted_anew(
    estimator: Any, setting: str, tmp_path: Any
) -> None:
    tmp_path.chmod(0o700)
    place = Scratch(str(tmp_path))
    fidelity = fidelity_of(estimator, setting)
    found = at(fidelity, task_of(estimator), 3, place)
    assert all(split.error is None for split in found)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_has_gone_missing_is_fitted_anew() -> None:
    forest = GOING_ON[0][0]
    fidelity = fidelity_of(forest, "n_estimators")
    gone = Scratch("/nowhere/at/all")
    found = at(fidelity, task_of(forest), 9, gone)
    assert [split.error for split in found] == [None, None]


def test_fit_params_reach_every_level() -> None:
    weights = np.where(y == 2, 0.0, 1.0)
    model = SGDClassifier(random_state=0)
    task = task_of(model, fit_params={"sample_weight": weights})
    fidelity = fidelity_of(model, {"epochs": 5})
    with scratch() as place:
        at(fidelity, task, 2, place)
        at(fidelity, task, 5, place)
        assert 2 not in place.get("split-0")[1].predict(X)


# Rows


def test_rows_are_nested_and_hold_every_class() -> None:
    rare = np.array([0] * 96 + [1] * 4)
    task = replace(task_of(SVC(), np.zeros((100, 1)), rare), splits=[(np.arange(100), [0])])
    fidelity = Fidelity.of("samples", Asha(50), task, [])[0]
    rows = [set(fidelity._rows(task, np.arange(100), step)) for step in (1, 5, 20, 50)]
    assert all(small < large for small, large in pairwise(rows))
    assert rows[-1] == set(range(100))
    assert all(sum(rare[list(some)]) >= 2 for some in rows)


def test_regression_and_masks_take_rows_without_classes() -> None:
    data, target = load_diabetes(return_X_y=True)
    mask = np.arange(len(target)) % 2 == 0
    task = replace(task_of(Ridge(), data, target), splits=[(mask, ~mask)])
    fidelity = Fidelity.of("samples", Asha(10), task, [])[0]
    rows = fidelity._rows(task, mask, 5)
    assert set(rows) < set(np.flatnonzero(mask))
    assert len(rows) == round(mask.sum() / 2)


# Settings


def test_a_scheduler_by_name_counts_in_the_resource_itself() -> None:
    forest = RandomForestClassifier(n_estimators=81)
    fidelity, scheduler = Fidelity.of("n_estimators", "asha", task_of(forest), [])
    assert (fidelity.full, fidelity.end, scheduler.rungs) == (81, 81, (3, 9, 27, 81))  # type: ignore[attr-defined]
    scaled = Fidelity.of("n_estimators", Hyperband(9), task_of(forest), [])[0]
    assert [scaled.amount(step) for step in (1, 3, 9)] == [9, 27, 81]
    assert (fidelity.counted, scaled.counted) == ("n_estimators", "9th of n_estimators")
    samples = Fidelity.of("samples", None, task_of(SVC()), [])[0]
    assert (samples.full, samples.end, samples.watched) == (100, 100, ())


def test_a_scheduler_that_only_stops_sees_ten_levels() -> None:
    forest = RandomForestClassifier(n_estimators=50)
    assert fidelity_of(forest, "n_estimators", Median()).watched == tuple(range(5, 50, 5))
    assert fidelity_of(forest, "n_estimators", Asha(9, mode="stopping")).watched == (1, 3)


@pytest.mark.parametrize(
    ("given", "scheduler", "message"),
    [
        ("C", None, "is searched"),
        ("kernel", None, "is 'rbf'"),
        ("n_estimators", None, "doesn't have"),
        ("", None, "fidelity must be"),
        ({"epochs": 0}, None, "fidelity must be"),
        ({"samples": 5}, None, "fidelity must be"),
        (5, None, "fidelity must be"),
        ("epochs", "median", "how many"),
        ("samples", PBT(steps=10), "'asha' or 'hyperband'"),
    ],
)
def test_bad_settings_are_refused(given: Any, scheduler: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        fidelity_of(SVC(), given, scheduler)


def test_epochs_need_partial_fit() -> None:
    search = SearchCV(SVC(), {"C": [1, 2]}, fidelity={"epochs": 3}, cv=2)
    with pytest.raises(ArgumentError, match="needs an estimator with partial_fit"):
        search.fit(X, y)


# The search


def forest_search(**settings: Any) -> SearchCV:
    forest = RandomForestClassifier(9, max_depth=3, max_features=0.5, random_state=0)
    space = {"max_depth": Int(1, 6), "max_features": Float(0.2, 1)}
    given = {"fidelity": "n_estimators", "scheduler": Asha(9), "cv": 3, "random_state": 0}
    return SearchCV(forest, space, **({"n_trials": 12} | given | settings))


def test_few_candidates_get_all_and_only_those_win() -> None:
    search = forest_search().fit(X, y)
    table = search.cv_results_
    reached = table["n_resources"]
    assert sorted(set(reached)) == [1, 3, 9]
    assert len(reached) == len(search.study_.trials) == 12
    assert reached[search.best_index_] == 9
    full = reached == 9
    assert table["rank_test_score"][full].max() < table["rank_test_score"][~full].min()
    assert search.best_score_ == table["mean_test_score"][full].max()
    assert len(search.best_estimator_.estimators_) == 9
    assert not search.best_estimator_.warm_start
    states = {t.state for t in search.study_.trials}
    assert states == {TrialState.COMPLETE, TrialState.PAUSED}


def test_candidates_in_processes_go_on_with_the_models_of_others() -> None:
    search = forest_search(n_jobs=2).fit(X, y)
    table, alone = search.cv_results_, forest_search(scheduler="none").fit(X, y)
    full = table["n_resources"] == 9
    assert full[search.best_index_]
    scores = alone.cv_results_["mean_test_score"]
    assert np.array_equal(table["mean_test_score"][full], scores[full])


def test_a_race_and_a_fidelity_exclude_each_other() -> None:
    with pytest.raises(ArgumentError, match="race='paired' or a fidelity, not both"):
        forest_search(race="paired").fit(X, y)


def test_constraints_hold_at_the_end() -> None:
    search = forest_search(constraints={"model_size": "<= 9000"}, n_trials=8, scheduler="none")
    search.fit(X, y)
    sizes = search.cv_results_["mean_model_size"]
    assert sizes[search.best_index_] <= 9000 < sizes.max()


def test_a_search_that_was_cut_off_goes_on_without_its_models(tmp_path: Any) -> None:
    stored = {"storage": tmp_path / "s.db", "study_name": "s"}
    forest_search(n_trials=4, **stored).fit(X, y)
    whole = forest_search(**stored).fit(X, y)
    straight = forest_search().fit(X, y)
    reached = whole.cv_results_["n_resources"]
    deep = dict(enumerate(reached))
    for number, amount in enumerate(straight.cv_results_["n_resources"]):
        if deep[number] == amount:
            pair = (s.cv_results_["mean_test_score"][number] for s in (whole, straight))
            assert len(set(pair)) == 1
    with pytest.raises(StudyMismatchError, match="fidelity"):
        forest_search(fidelity="samples", **stored).fit(X, y)


@pytest.mark.parametrize("strategy", ["random", "tpe", "gp", "de"])
def test_subsets_of_samples_go_with_any_sampler(strategy: str) -> None:
    search = forest_search(fidelity="samples", strategy=strategy).fit(X, y)
    reached = search.cv_results_["n_resources"]
    assert len(reached) == 12
    assert reached[search.best_index_] == reached.max()
    assert (reached < reached.max()).any()


def candidates(*steps: int | None) -> list[Candidate]:
    return [Candidate({}, {}, error="" if step is None else None, step=step) for step in steps]


def test_a_table_without_a_full_candidate_has_no_winner() -> None:
    fidelity = fidelity_of(RandomForestClassifier(n_estimators=9), "n_estimators", Asha(9))
    table = {"mean_test_score": np.array([0.9, 0.8, math.nan]), "rank_test_score": np.arange(3)}
    with pytest.raises(NoTrialError, match="the best so far got to 3"):
        ranked_by_resource(table, candidates(3, 1, None), fidelity)
    ranked = ranked_by_resource(table, candidates(3, 9, 9), fidelity)
    assert ranked["rank_test_score"].tolist() == [2, 1, 3]
    assert ranked["n_resources"].tolist() == [3, 9, 9]


def test_epochs_train_the_winner_with_all_of_them() -> None:
    pipe = make_pipeline(StandardScaler(), SGDClassifier(random_state=0))
    space = {"sgdclassifier__alpha": Float(1e-6, 1e-1, log=True)}
    search = SearchCV(pipe, space, fidelity="epochs", scheduler=Asha(9), n_trials=9, cv=3)
    search.set_params(random_state=0).fit(X, y)
    assert search.best_estimator_[-1].t_ == 1 + 9 * len(X)
    assert search.study_.objective.fidelity == "epochs"
    assert search.score(X, y) > 0.8


@pytest.mark.parametrize("scheduler", ["hyperband", "successive_halving", "pasha", "median"])
def test_every_kind_of_scheduler_finds_a_winner(scheduler: str) -> None:
    search = forest_search(scheduler=scheduler, n_trials=14, strategy="tpe").fit(X, y)
    assert search.cv_results_["n_resources"][search.best_index_] == 9
