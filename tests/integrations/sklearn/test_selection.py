"""SearchCV's honesty: the default first, finalists confirmed, and a verdict in words."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    ShuffleSplit,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from luthier import Categorical, Float, Int, Saturation, Space
from luthier.errors import ArgumentError, NoTrialError
from luthier.integrations.sklearn import Confirm, SearchCV
from luthier.integrations.sklearn import confirm as confirm_module

X, y = load_iris(return_X_y=True)
X, y = X[::2], y[::2]
WIDE = {"C": Float(1e-3, 1e3, log=True), "gamma": Float(1e-4, 1e1, log=True)}
DEPTHS = {"max_depth": Int(1, 4), "min_samples_leaf": Int(1, 10)}


class Coin(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Guesses at random, as its seed says: whatever a search of it finds is luck."""

    fits = 0

    def __init__(self, seed: int = 0, broken: bool = False) -> None:
        self.seed = seed
        self.broken = broken

    def fit(self, X: Any, y: Any) -> Coin:
        Coin.fits += 1
        if self.broken:
            raise ValueError("broken")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        rng = np.random.default_rng([self.seed, int(1e6 * abs(X).sum())])
        return rng.choice(self.classes_, len(X))


def coin_search(**settings: Any) -> SearchCV:
    settings = {"n_trials": 30, "cv": 3, "random_state": 0, "race": "none"} | settings
    return SearchCV(Coin(), {"seed": Int(1, 1000)}, **settings)


LOUD = {"cv": 2, "error_score": "raise"}


@parametrize_with_checks(
    [
        SearchCV(GaussianNB(), {"var_smoothing": [1e-8]}, confirm=Confirm(1, repeats=1), **LOUD),
        SearchCV(Ridge(), {"alpha": Float(0.1, 1)}, n_trials=1, confirm=Confirm(1, cv=2), **LOUD),
    ]
)
@pytest.mark.filterwarnings("ignore")  # the checks fit degenerate data
def test_estimator_checks(estimator: Any, check: Any) -> None:
    check(estimator)


# The default


def test_a_default_inside_the_space_is_the_first_trial() -> None:
    space = {"C": [0.1, 1.0, 10.0], "kernel": ["linear", "rbf"]}
    search = SearchCV(SVC(), space, strategy="grid", n_trials=None, cv=3).fit(X, y)
    assert search.study_.trials[0].params == {"C": 1.0, "kernel": "rbf"}
    assert search.default_index_ == 0
    assert len(search.cv_results_["params"]) == 6


def test_a_default_outside_the_space_is_a_row_of_its_own() -> None:
    search = SearchCV(SVC(), WIDE, n_trials=3, cv=3, random_state=0).fit(X, y)
    assert len(search.study_.trials) == 3
    assert search.cv_results_["params"][0] == {"C": 1.0, "gamma": "scale"}
    assert search.cv_results_["param_gamma"][0] == "scale"
    expected = cross_val_score(SVC(), X, y, cv=3).mean()
    assert search.default_score_ == pytest.approx(expected)
    assert search.cv_results_["mean_test_score"][0] == pytest.approx(expected)


def test_a_default_in_a_branch_of_a_pipeline() -> None:
    pipe = make_pipeline(StandardScaler(), SVC())
    space = Space(
        svc__kernel=Categorical(["linear", "rbf", "poly"]),
        svc__degree=Int(2, 4, when={"svc__kernel": "poly"}),
        svc__C=Float(0.1, 10, log=True),
    )
    search = SearchCV(pipe, space, n_trials=2, cv=3, random_state=0).fit(X, y)
    assert search.study_.trials[0].params == {"svc__kernel": "rbf", "svc__C": 1.0}


def test_a_default_that_is_an_estimator() -> None:
    pipe = make_pipeline(StandardScaler(), SVC())
    pipe.steps[1] = ("model", SVC(C=2.0))
    space = {"model": Categorical({"svc": SVC(), "tree": DecisionTreeClassifier(max_depth=1)})}
    search = SearchCV(pipe, space, n_trials=2, cv=3, random_state=0).fit(X, y)
    assert search.cv_results_["params"][0]["model"].C == 2.0
    assert len(search.cv_results_["params"]) == 3


def test_a_resumed_search_does_not_evaluate_the_default_again(tmp_path: Any) -> None:
    kept = {"study_name": "coins", "storage": f"{tmp_path}/s.db", "confirm": 2}
    first = coin_search(n_trials=4, **kept).fit(X, y)
    Coin.fits = 0
    again = coin_search(n_trials=4, **kept).fit(X, y)
    assert Coin.fits == 1  # the best one, to all data
    assert again.default_score_ == first.default_score_
    assert np.array_equal(again.confirmed_.scores, first.confirmed_.scores)


def test_a_default_that_fails_is_no_candidate() -> None:
    search = SearchCV(Coin(broken=True), {"broken": [False], "seed": [1, 2]}, n_trials=2, cv=3).fit(
        X, y
    )
    assert search.default_index_ is None
    assert math.isnan(search.default_score_)
    assert len(search.cv_results_["params"]) == 2
    assert "not evaluated" in search.report()


def test_without_the_default() -> None:
    search = coin_search(n_trials=3, default=False).fit(X, y)
    assert len(search.cv_results_["params"]) == 3
    assert search.default_index_ is None
    assert search.verdict_.beats_default is None


# The confirm stage


def test_luck_is_not_confirmed() -> None:
    search = coin_search(confirm=5).fit(X, y)
    assert search.cv_results_["mean_test_score"].max() > 0.4  # a guess is right in 1 of 3
    assert search.best_params_ == {"seed": 0}
    assert search.best_index_ == search.default_index_ == 0
    assert 0.25 < search.expected_score_ < 0.42
    assert "No better than the defaults" in search.report()
    assert "So the defaults were taken." in search.report()
    assert search.predict(X).shape == y.shape


def test_the_best_is_taken_where_the_default_is_not_preferred() -> None:
    search = coin_search(confirm=5, prefer_default=False).fit(X, y)
    means = search.cv_results_["mean_confirmed_score"]
    assert search.best_index_ == np.nanargmax(means)
    assert np.isfinite(means).sum() == 6
    assert search.expected_score_ <= np.nanmax(means)


def test_a_real_gain_is_confirmed() -> None:
    stump = DecisionTreeClassifier(max_depth=1, random_state=0)
    search = SearchCV(stump, DEPTHS, n_trials=15, cv=5, random_state=0, confirm=3).fit(X, y)
    assert search.best_params_["max_depth"] > 1
    assert search.verdict_.beats_default
    assert "Better than the defaults" in search.report()
    low, high = search.expected_score_interval_
    assert low < search.expected_score_ < high
    assert search.default_score_ < 0.8 < search.expected_score_


def test_fresh_splits_are_others_and_the_same_for_a_seed() -> None:
    first, again = (coin_search(confirm=3).fit(X, y).confirmed_ for _ in range(2))
    other = coin_search(confirm=3, random_state=1).fit(X, y).confirmed_
    assert first.scores.shape == (4, 20)
    assert first.ratio == pytest.approx(1 / 9, rel=0.05)
    assert np.array_equal(first.scores, again.scores)
    assert not np.array_equal(first.scores, other.scores)


def test_a_search_that_is_killed_while_it_confirms_goes_on_there(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {"study_name": "coins", "storage": f"{tmp_path}/s.db", "n_trials": 4}
    whole = coin_search(confirm=Confirm(3, cv=5, repeats=2), n_trials=4).fit(X, y)
    coin_search(**kept).fit(X, y)
    fit, left = Coin.fit, 12

    def dying(self: Coin, X: Any, y: Any) -> Coin:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return fit(self, X, y)

    monkeypatch.setattr(Coin, "fit", dying)
    with pytest.raises(KeyboardInterrupt):
        coin_search(confirm=Confirm(3, cv=5, repeats=2), **kept).fit(X, y)
    monkeypatch.setattr(Coin, "fit", fit)
    Coin.fits = 0
    search = coin_search(confirm=Confirm(3, cv=5, repeats=2), **kept).fit(X, y)
    assert Coin.fits == 4 * 10 - 10 + 1  # two of eight draws were kept; and the last fit
    assert np.array_equal(search.confirmed_.scores, whole.confirmed_.scores)


@pytest.mark.parametrize("cv", [KFold(3, shuffle=True, random_state=0), ShuffleSplit(4)])
def test_splitters_that_shuffle_are_drawn_anew(cv: Any) -> None:
    search = coin_search(cv=cv, confirm=Confirm(1, repeats=2), n_trials=2).fit(X, y)
    assert search.confirmed_.scores.shape[1] == 2 * cv.get_n_splits()


@pytest.mark.slow
def test_a_search_killed_by_the_system_while_it_confirms_goes_on_there(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import os, signal
        from sklearn.datasets import load_iris
        from sklearn.neighbors import KNeighborsClassifier
        from luthier import Int
        from luthier.integrations.sklearn import Confirm, SearchCV

        class Deadly(KNeighborsClassifier):
            fits = 0

            def fit(self, X, y):
                Deadly.fits += 1
                if Deadly.fits == int(os.environ["DEADLY"]):
                    os.kill(os.getpid(), signal.SIGKILL)
                return super().fit(X, y)

        search = SearchCV(
            Deadly(), {{"n_neighbors": Int(1, 9)}}, strategy="random", n_trials=4, cv=3,
            race="none", random_state=0, confirm=Confirm(2, cv=5, repeats=2),
            study_name="s", storage={str(tmp_path / "s.db")!r},
        ).fit(*load_iris(return_X_y=True))
        print(Deadly.fits, search.confirmed_.scores.tolist())
        """
    )
    run = [sys.executable, "-c", script]

    def outcome(deadly_fit: int) -> tuple[int, bytes]:
        environment = {**os.environ, "DEADLY": str(deadly_fit)}
        done = subprocess.run(run, env=environment, stdout=subprocess.PIPE, check=False)
        return done.returncode, done.stdout

    searched, draws = 4 * 3, 3 * 2  # splits of five folds each
    killed, _ = outcome(searched + 5 * 2 + 3)  # within the third draw
    assert killed == -9
    ended, told = outcome(0)
    assert ended == 0
    fits, scores = told.split(b" ", 1)
    assert int(fits) == 5 * (draws - 2) + 1  # two draws were kept; and the last fit
    (tmp_path / "s.db").unlink()
    assert outcome(0)[1].split(b" ", 1)[1] == scores  # in one go


def test_who_does_not_shuffle_is_warned_that_confirming_does() -> None:
    settings = {"cv": KFold(3), "n_trials": 2}
    with pytest.warns(UserWarning, match=r"confirm shuffles.*Confirm\(1, cv=3\)"):
        search = coin_search(confirm=1, **settings).fit(X, y)
    assert search.confirmed_.scores.shape[1] == 21
    coin_search(confirm=Confirm(1, cv=3, repeats=1), **settings).fit(X, y)  # was told to


def test_groups_are_kept_apart_while_confirming() -> None:
    groups = np.arange(len(y)) % 15
    settings = {"cv": GroupKFold(3), "n_trials": 2}
    tested: list[Any] = []
    fresh = confirm_module.fresh_splits(
        Confirm(1), settings["cv"], coin_search(**settings)._task(X, y, {"groups": groups}), 0
    )
    for draw in fresh:
        for train, test in draw:
            assert not set(groups[train]) & set(groups[test])
            tested.append(tuple(test))
    assert len(fresh) == 7
    assert len(set(tested)) > 3  # groups are dealt anew
    torn = pytest.raises(ArgumentError, match="samples of the same group")
    with torn, pytest.warns(UserWarning, match="groups parameter is ignored"):
        coin_search(confirm=Confirm(1, cv=5), **settings).fit(X, y, groups=groups)
    coin_search(confirm=Confirm(1, repeats=1), **settings).fit(X, y, groups=groups)


def test_the_verdict_is_told_where_the_search_is_watched(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level("INFO", "luthier"):
        search = coin_search(confirm=2, n_trials=4).fit(X, y)
    assert search.beats_default_ is False
    assert "No better than the defaults" in caplog.messages[-1]
    assert capsys.readouterr().err.count("No better") <= 1
    search.set_params(verbose=1).fit(X, y)
    assert search.report() in capsys.readouterr().err


def test_candidates_that_were_raced_out_may_be_finalists() -> None:
    search = coin_search(race="aggressive", confirm=15, n_trials=20).fit(X, y)
    raced = np.isnan(search.cv_results_["split2_test_score"])
    confirmed = np.isfinite(search.cv_results_["mean_confirmed_score"])
    assert confirmed.sum() == 16
    assert (raced & confirmed).any()


def test_a_default_of_which_constraints_are_not_known_does_not_win() -> None:
    settings = {"n_trials": 5, "cv": 3, "random_state": 0, "race": "none", "confirm": 2}
    search = SearchCV(SVC(), WIDE, constraints={"score_time": "<= 100"}, **settings).fit(X, y)
    assert search.verdict_.lead is not None
    assert search.best_index_ != search.default_index_ == 0


def test_pickling_keeps_the_verdict() -> None:
    search = coin_search(confirm=2, n_trials=3).fit(X, y)
    copy = pickle.loads(pickle.dumps(search))
    assert copy.report() == search.report()
    assert clone(search).confirm == 2


# Selection


def test_one_standard_error_takes_the_cheapest() -> None:
    def leaves(params: Any) -> float:
        return 2.0 ** params["max_depth"]

    tree = DecisionTreeClassifier(random_state=0)
    settings = {"n_trials": 25, "cv": 5, "random_state": 0, "race": "none", "default": False}
    best = SearchCV(tree, DEPTHS, **settings).fit(X, y)
    simple = SearchCV(tree, DEPTHS, select="one_se", cost=leaves, **settings).fit(X, y)
    assert simple.best_params_["max_depth"] == 2
    assert simple.best_params_["max_depth"] <= best.best_params_["max_depth"]
    assert simple.best_score_ <= best.best_score_


def test_the_expected_score_is_below_the_best() -> None:
    search = coin_search().fit(X, y)
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()
    assert search.expected_score_ < search.best_score_ - 0.03
    assert abs(search.expected_score_ - 1 / 3) < abs(search.best_score_ - 1 / 3)


def test_the_default_can_be_preferred_without_a_confirm_stage() -> None:
    search = coin_search(prefer_default=True).fit(X, y)
    assert search.best_params_ == {"seed": 0}
    assert search.verdict_.preferred


def test_posterior_may_take_a_candidate_that_was_raced_out() -> None:
    search = coin_search(race="aggressive", select="posterior", cv=8).fit(X, y)
    assert math.isfinite(search.expected_score_)
    assert search.best_index_ in range(31)


def test_several_metrics() -> None:
    search = SearchCV(
        SVC(), WIDE, n_trials=4, cv=3, scoring=["accuracy", "f1_macro"], refit="f1_macro", confirm=2
    ).fit(X, y)
    assert search.best_index_ == search.verdict_.winner
    undecided = SearchCV(
        SVC(), WIDE, n_trials=2, cv=3, scoring=["accuracy", "f1_macro"], refit=False
    )
    assert undecided.fit(X, y).report().startswith("No verdict")


def test_overtuning() -> None:
    search = coin_search(confirm=5).fit(X, y)
    found = search.overtuning()
    assert found.incumbents[0] == 0
    assert found.optimism[-1] > 0.05
    truth = np.zeros(31)
    assert search.overtuning(truth).final == 0
    with pytest.raises(ArgumentError, match="search with confirm=5"):
        coin_search(n_trials=2).fit(X, y).overtuning()


def test_stop_rules_end_a_search() -> None:
    search = SearchCV(SVC(), {"C": Float(0.9, 1.1)}, n_trials=40, cv=3, stop=Saturation(3))
    assert len(search.fit(X, y).study_.trials) < 40


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"confirm": 0}, "top must be an integer of at least 1, got 0"),
        ({"confirm": "all"}, "confirm must be None, how many finalists"),
        ({"select": "worst"}, "select must be one of best, one_se, posterior, got 'worst'"),
        ({"confirm": 2, "refit": lambda table: 0}, "a refit function chooses the winner by itself"),
        ({"confirm": 2, "cv": TimeSeriesSplit(3)}, "confirm needs splits that can be drawn anew"),
        ({"confirm": 2, "cv": [([0, 1, 60], [2, 61])]}, "confirm needs splits that can be drawn"),
        ({"select": "one_se", "cost": "mean_price"}, "cost must be a column of cv_results_"),
    ],
)
def test_bad_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        coin_search(**settings).fit(X, y)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"top": 2.5}, "top must be an integer of at least 1, got 2.5"),
        ({"repeats": 0}, "repeats must be an integer of at least 1, got 0"),
        ({"margin": 1.0}, "margin must be a probability from 0.5 up to 1, got 1.0"),
    ],
)
def test_bad_confirm(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Confirm(**settings)


def test_a_winner_that_is_the_default_alone_is_said_to_be_so() -> None:
    search = SearchCV(SVC(), {"C": [1.0]}, strategy="grid", n_trials=None, cv=3).fit(X, y)
    assert search.default_index_ == 0
    assert "No candidate but the default (0.9" in search.report()


def test_equal_scores_are_neither_ahead_nor_behind() -> None:
    search = SearchCV(
        SVC(), {"cache_size": [100, 200]}, strategy="grid", n_trials=None, cv=3, race="none"
    )
    search.fit(X, y)
    assert "the best candidate is level, probability 0.50" in search.report()


@pytest.mark.parametrize(
    ("scoring", "ceiling"),
    [(None, 1), ("f1_macro", 1), ("neg_log_loss", 0), (["accuracy", "neg_log_loss"], 1)],
)
def test_no_interval_goes_beyond_the_best_score_there_is(scoring: Any, ceiling: float) -> None:
    refit = "accuracy" if isinstance(scoring, list) else True
    search = SearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-5]}, scoring=scoring, refit=refit)
    search.set_params(n_trials=2, cv=3, random_state=0).fit(X, y)
    low, high = search.expected_score_interval_
    assert low < search.expected_score_ <= high <= ceiling


def test_the_interval_of_a_metric_without_a_bound_has_none() -> None:
    search = coin_search(scoring=lambda model, X, y: 2.0 + model.seed % 3, n_trials=3).fit(X, y)
    assert search.expected_score_ >= 2


def test_candidates_that_lost_their_race_never_led() -> None:
    search = SearchCV(SVC(), WIDE, n_trials=30, cv=5, random_state=0).fit(X, y)
    whole = ~np.isnan(np.array([search.cv_results_[f"split{j}_test_score"] for j in range(5)])).any(
        axis=0
    )
    found = search.overtuning(np.zeros(len(whole)))
    assert not whole.all()
    assert whole[found.incumbents + np.argmax(whole)].all()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"cost": "x"}, "cost must be a column"),
        ({"prefer_default": True, "default": False}, "needs the default to be evaluated"),
        ({"constraints": {"size": "<= 3"}}, "constraints may bound score, fit_time"),
        ({"n_jobs": "x"}, "n_jobs must be an integer other than 0"),
        ({"n_jobs": 0}, "n_jobs must be an integer other than 0"),
        ({"fidelity": "epochs"}, "must say how many there are in all"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_the_first_fit(
    settings: dict[str, Any], says: str
) -> None:
    Coin.fits = 0
    with pytest.raises(ArgumentError, match=says):
        coin_search(**settings).fit(X, y)
    assert Coin.fits == 0


def test_a_candidate_without_a_bounded_metric_never_wins() -> None:
    def scores(model: Any, X: Any, y: Any) -> dict[str, float]:
        return {"first": float(model.seed)}

    search = coin_search(scoring=scores, refit="first", constraints=["size <= 3"], n_trials=3)
    with pytest.raises(NoTrialError, match="no completed trial"):
        search.fit(X, y)


def test_a_default_that_a_scheduler_stopped_is_evaluated_in_full() -> None:
    forest = RandomForestClassifier(9, max_depth=1, max_features=1, random_state=0)
    search = SearchCV(forest, {"max_depth": Int(1, 8)}, fidelity="n_estimators", random_state=0)
    search.set_params(n_trials=12, cv=3, n_jobs=1).fit(X, y)
    assert search.default_index_ is not None
    assert search.cv_results_["n_resources"][search.default_index_] == 9
    expected = cross_val_score(forest, X, y, cv=3).mean()
    assert search.default_score_ == pytest.approx(expected)
    assert "the defaults (" in search.report()
    assert len(search.cv_results_["params"]) == len(search.study_.trials) == 8  # all depths
