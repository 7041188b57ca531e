"""A search that is given no space takes the catalog's."""

from __future__ import annotations

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from luthier import catalog
from luthier.errors import ArgumentError, SpaceError
from luthier.integrations.sklearn import SearchCV

X, y = load_iris(return_X_y=True)


@pytest.mark.parametrize("space", [None, "auto"])
def test_the_catalog_knows_what_to_search(space: str | None) -> None:
    pipeline = make_pipeline(StandardScaler(), KNeighborsClassifier())
    search = SearchCV(pipeline, space, strategy="auto", n_trials=3, cv=3, random_state=0)
    search.fit(X, y)
    assert search.study_.space == catalog.for_estimator(pipeline)
    first = search.cv_results_["params"][0]
    assert first == {name: pipeline.get_params()[name] for name in first}  # the defaults
    assert search.score(X, y) > 0.9


def test_an_estimator_that_it_does_not_know_needs_a_space() -> None:
    with pytest.raises(ArgumentError, match="LinearRegression must be, or hold, one of"):
        SearchCV(LinearRegression(), n_trials=3).fit(X, y)
    with pytest.raises(SpaceError):
        SearchCV(KNeighborsClassifier(), "everything").fit(X, y)
