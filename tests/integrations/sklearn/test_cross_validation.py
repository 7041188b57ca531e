"""Cross-validation split by split, and what makes two of them comparable."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_iris
from sklearn.metrics import check_scoring
from sklearn.model_selection import KFold, ShuffleSplit, TimeSeriesSplit, cross_validate
from sklearn.naive_bayes import GaussianNB

from luthier.integrations.sklearn.cross_validation import CrossValidation, Reshuffle
from luthier.integrations.sklearn.fitting import Fitting

X, y = load_iris(return_X_y=True)
SPLITS = list(KFold(3, shuffle=True, random_state=0).split(X, y))
METRICS = ("accuracy", "f1_macro")
FITTING = Fitting(
    GaussianNB(),
    X,
    y,
    check_scoring(GaussianNB(), METRICS),
    METRICS,
    train_scores=True,
    whole=True,
)
TASK = CrossValidation(FITTING, SPLITS)


class Alike:
    """Splits alike, whatever its seed."""

    random_state: int | None = None

    def split(self, X: Any, y: Any) -> list[Any]:
        return SPLITS


def put_to(**changes: Any) -> CrossValidation:
    return replace(TASK, fitting=replace(FITTING, **changes))


def test_scores_are_those_of_scikit_learn() -> None:
    ours = TASK.evaluate(GaussianNB())
    theirs = cross_validate(
        GaussianNB(), X, y, cv=SPLITS, scoring=["accuracy", "f1_macro"], return_train_score=True
    )
    for name in ("test_accuracy", "test_f1_macro", "train_accuracy", "train_f1_macro"):
        assert np.allclose([s.scores[name] for s in ours], theirs[name], rtol=0, atol=1e-12)


def test_a_split_that_fails_leaves_the_others() -> None:
    one_class = (np.arange(10), np.arange(10))
    labels = np.where(np.arange(len(y)) == 0, np.nan, y)  # only the splits that see it fail
    task = replace(put_to(y=labels), splits=[one_class, (np.arange(50, 150), np.arange(50, 60))])
    first, second = task.evaluate(GaussianNB())
    assert "NaN" in (first.error or "")
    assert {n for n, v in first.scores.items() if v is not None} == {"fit_time", "score_time"}
    assert second.error is None
    with pytest.raises(ValueError, match="NaN"):
        replace(task, fitting=replace(task.fitting, raises=True)).evaluate(GaussianNB())


def test_the_fingerprint_tells_what_differs() -> None:
    same = replace(put_to(X=X.copy()), splits=[(a.copy(), b.copy()) for a, b in SPLITS])
    assert same.fingerprint() == TASK.fingerprint()
    changes = {
        "data": put_to(X=X + 1),
        "splits": replace(TASK, splits=SPLITS[:2]),
        "settings": put_to(estimator=GaussianNB(var_smoothing=0.1)),
        "metrics": put_to(metrics=("accuracy",)),
    }
    for name, other in changes.items():
        ours, theirs = TASK.fingerprint(), other.fingerprint()
        assert [key for key in ours if ours[key] != theirs[key]] == [name]


def test_data_of_any_kind_has_a_fingerprint() -> None:
    for data in (csr_matrix(X), [["a", 1]] * len(y), np.array([{}] * len(y)), X.tolist()):
        assert put_to(X=data, y=None, fit_params={"w": None}).fingerprint()["data"]


@pytest.mark.parametrize(
    ("splitter", "varies"),
    [(KFold(3), True), (ShuffleSplit(2), True), (TimeSeriesSplit(3), False), (Alike(), False)],
)
def test_which_splitters_draw_anew(splitter: Any, varies: bool) -> None:
    assert Reshuffle.of(splitter, {}).varies(X, y) is varies


def test_without_scikit_learn_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "from luthier.errors import MissingExtraError\n"
        "try:\n    import luthier.integrations.sklearn\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'luthier[sklearn]'" in done.stdout
