"""What pipelines share is fitted once, changes nothing, and leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA, KernelPCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from luthier.errors import ArgumentError
from luthier.integrations.sklearn import SearchCV
from luthier.integrations.sklearn.prefixes import PrefixMemory, prefix_memory, remembering
from luthier.integrations.sklearn.scratch import Scratch, scratch

X, y = load_iris(return_X_y=True)


class Slow(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Costs enough to be kept, and counts its fits in a file."""

    def __init__(self, log: str = "", shift: float = 0.0) -> None:
        self.log = log
        self.shift = shift

    def fit(self, X: Any, y: Any = None) -> Slow:
        with open(self.log, "a") as file:
            file.write("x")
        self.basis_ = KernelPCA(2, kernel="rbf").fit(np.repeat(X, 4, axis=0))
        return self

    def transform(self, X: Any) -> Any:
        return self.basis_.transform(X) + self.shift


def pipeline_search(log: Path, **settings: Any) -> SearchCV:
    pipe = Pipeline([("slow", Slow(str(log))), ("model", SVC())])
    space = {"slow__shift": [0.0, 1.0], "model__C": [0.1, 1.0, 10.0]}
    settings = {"race": "none", "refit": False} | settings
    return SearchCV(pipe, space, strategy="grid", n_trials=None, cv=3, **settings)


def test_each_prefix_is_fitted_once_for_a_split_and_results_are_equal(tmp_path: Path) -> None:
    plain = pipeline_search(tmp_path / "plain").fit(X, y)
    kept = pipeline_search(tmp_path / "kept", cache=True).fit(X, y)
    assert len((tmp_path / "plain").read_text()) == 6 * 3
    assert len((tmp_path / "kept").read_text()) == 2 * 3
    for name, column in plain.cv_results_.items():
        if name.startswith(("split", "mean_test", "rank")):
            assert np.array_equal(column, kept.cv_results_[name])


def test_processes_share_what_is_kept(tmp_path: Path) -> None:
    pipeline_search(tmp_path / "kept", cache=True, n_jobs=2).fit(X, y)
    assert 2 * 3 <= len((tmp_path / "kept").read_text()) <= 4 * 3  # two may fit one at once


def test_a_folder_is_used_and_left_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "fast" / "disk"
    seen = []

    def look(study: Any, trial: Any) -> None:
        seen.append([list(inner.iterdir()) for inner in folder.iterdir()])

    pipeline_search(tmp_path / "log", cache=folder, callbacks=[look]).fit(X, y)
    assert len(seen[0][0]) == 3
    assert list(folder.iterdir()) == []


def test_a_memory_of_joblib_is_taken_and_stays(tmp_path: Path) -> None:
    memory = joblib.Memory(tmp_path / "joblib", verbose=0)
    for _ in range(2):
        pipeline_search(tmp_path / "log", cache=memory).fit(X, y)
    assert len((tmp_path / "log").read_text()) == 2 * 3


def test_the_winner_has_no_memory() -> None:
    pipe = make_pipeline(StandardScaler(), PCA(2), SVC())
    search = SearchCV(pipe, {"svc__C": [1, 10]}, strategy="grid", cache=True, cv=2).fit(X, y)
    assert search.best_estimator_.memory is None
    assert pipe.memory is None


def test_inner_pipelines_get_the_memory_and_those_with_their_own_keep_it(tmp_path: Path) -> None:
    own = joblib.Memory(tmp_path, verbose=0)
    inner = make_pipeline(StandardScaler(), PCA(2))
    columns = ColumnTransformer(
        [("a", inner, [0, 1]), ("b", Pipeline(inner.steps, memory=own), [2])]
    )
    pipe = make_pipeline(columns, SVC())
    with prefix_memory(True) as memory:
        remembering(pipe, memory)
    parts = pipe.get_params()
    assert pipe.memory is memory
    assert parts["columntransformer__a__memory"] is memory
    assert parts["columntransformer__b__memory"] is own
    assert remembering(SVC(), memory).get_params() == SVC().get_params()


def test_what_cannot_be_pickled_is_fitted_every_time() -> None:
    pipe = make_pipeline(FunctionTransformer(lambda x: x * 2), SVC())
    search = SearchCV(pipe, {"svc__C": [1, 10]}, strategy="grid", cache=True, cv=2).fit(X, y)
    assert search.best_score_ > 0.9


def test_another_result_for_another_argument_but_not_for_an_ignored_one() -> None:
    calls = []

    def slow(x: Any, caller: Any) -> Any:
        calls.append(x)
        return sum(range(200_000)) * 0 + x

    with scratch() as place:
        kept = PrefixMemory(place).cache(slow, ignore=["caller"])
        assert [kept(1, caller=1), kept(1, caller=2), kept(2, caller=2)] == [1, 1, 2]
    assert calls == [1, 2]


def test_cheap_results_are_not_kept() -> None:
    with scratch() as place:
        PrefixMemory(place).cache(len)(np.zeros(100_000))
        assert os.listdir(place.folder) == []


@pytest.mark.parametrize("cache", [1, 0.5, object()])
def test_other_caches_are_refused(cache: Any) -> None:
    with pytest.raises(ArgumentError, match="cache must be True"), prefix_memory(cache):
        pass


# The scratch folder


def test_what_was_used_longest_ago_makes_room() -> None:
    with scratch() as large:
        place = Scratch(large.folder, max_bytes=3_500)
        for number, key in enumerate("abc"):
            place.put(key, bytes(1_000))
            os.utime(os.path.join(place.folder, key), (number, number))
        assert len(place.get("a")) == 1_000  # used now
        place.put("d", bytes(1_000))
        assert [place.get(key) is None for key in "abcd"] == [False, True, False, False]
        place.put("e", bytes(4_000))
        assert place.get("e") is None


def test_a_folder_that_others_may_write_to_is_not_read() -> None:
    with scratch() as place:
        place.put("a", 1)
        assert place.get("a") == 1
        os.chmod(place.folder, 0o777)
        assert place.get("a") is None
        place.put("b", 1)
        assert os.listdir(place.folder) == ["a"]


def test_the_folder_is_gone_when_the_search_fails(tmp_path: Path) -> None:
    def fail(study: Any, trial: Any) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        pipeline_search(tmp_path / "log", cache=tmp_path / "in", callbacks=[fail]).fit(X, y)
    assert list((tmp_path / "in").iterdir()) == []


def test_nothing_is_kept_where_there_is_no_folder() -> None:
    with scratch() as place:
        place.put("a", 1)
    assert place.get("a") is None
    place.put("a", 1)
    assert not os.path.exists(place.folder)
