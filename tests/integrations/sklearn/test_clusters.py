"""SearchCV on a real Dask: the same search as in processes of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.svm import SVC

from luthier import Float
from luthier.executors import Dask
from luthier.integrations.sklearn import SearchCV

X, y = load_iris(return_X_y=True)
SPACE = {"C": Float(1e-3, 1e3, log=True), "gamma": Float(1e-4, 1e1, log=True)}
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]


def test_a_search_on_dask_is_that_of_processes(dask_client: Any) -> None:
    settings = {"n_trials": 8, "cv": 4, "random_state": 0, "confirm": 1}
    here = SearchCV(SVC(), SPACE, n_jobs=2, **settings).fit(X, y)
    there = SearchCV(SVC(), SPACE, executor=Dask(dask_client, 2), **settings).fit(X, y)
    by_address = f"dask://{dask_client.scheduler.address.removeprefix('tcp://')}"
    again = SearchCV(SVC(), SPACE, executor=by_address, **settings).fit(X, y)
    for search in (there, again):
        assert search.cv_results_["params"] == here.cv_results_["params"]
        for split in range(4):
            name = f"split{split}_test_score"
            assert np.array_equal(search.cv_results_[name], here.cv_results_[name], equal_nan=True)
        assert search.best_params_ == here.best_params_
        assert str(search.verdict_) == str(here.verdict_)
