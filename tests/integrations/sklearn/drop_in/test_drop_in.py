"""scikit-learn's own tests of its four searches, run against ours.

The test modules that come with scikit-learn are loaded with our classes under the names of its own;
nothing of them is copied. What is left out, and why, stands in ``LEFT_OUT``; where only the words
of a message differ, the test runs without looking at the words (``OTHER_WORDS``).
"""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from sklearn import model_selection
from sklearn.experimental import enable_halving_search_cv  # noqa: F401

from luthier.integrations import sklearn as ours

NAMES = ("GridSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV", "RandomizedSearchCV")
LEFT_OUT = {
    "test_array_api_search_cv_classifier": "needs packages of other array libraries",
    "test_custom_run_search": "compares all attributes with a BaseSearchCV; ours have study_ too",
}
OTHER_WORDS = {
    "test_callable_multimetric_clf_all_fits_fail",
    "test_callable_multimetric_error_failing_clf",
    "test_empty_cv_iterator_error",
    "test_grid_search_classifier_all_fits_fail",
    "test_grid_search_failing_classifier",
    "test_input_errors",
    "test_random_search_bad_cv",
    "test_resource_parameter",
    "test_search_callbacks_with_partial_fit_failures",
}
SLOW = {
    "test_aggressive_elimination",
    "test_search_cv_sample_weight_equivalence",
    "test_search_with_2d_array",
}


def without_words(check: Callable[..., Any]) -> Callable[..., Any]:
    def called(*args: Any, match: object = None, **kwargs: Any) -> Any:
        return check(*args, **kwargs)

    return called


WORDLESS = SimpleNamespace(
    raises=without_words(pytest.raises),
    warns=without_words(pytest.warns),
    importorskip=pytest.importorskip,
)


@contextmanager
def replaced(place: object, names: dict[str, object]) -> Iterator[None]:
    before = {name: getattr(place, name) for name in names}
    for name, value in names.items():
        setattr(place, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(place, name, value)


def load(name: str) -> ModuleType:
    full = f"sklearn.model_selection.tests.{name}"
    spec = importlib.util.find_spec(full)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[full] = module  # workers know it under this name
    with replaced(model_selection, {name: getattr(ours, name) for name in NAMES}):
        spec.loader.exec_module(module)
    return module


def taken(module: ModuleType, name: str) -> Callable[..., Any]:
    test = getattr(module, name)
    if name in OTHER_WORDS:

        @functools.wraps(test)
        def checked(*args: Any, **kwargs: Any) -> None:
            with replaced(module, {"pytest": WORDLESS}):
                test(*args, **kwargs)

        return checked
    return pytest.mark.slow(test) if name in SLOW else test


LOADED = [load("test_search"), load("test_successive_halving")]
for loaded in LOADED:
    for name in [n for n in vars(loaded) if n.startswith("test_") and n not in LEFT_OUT]:
        globals()[name] = pytest.mark.filterwarnings("default")(taken(loaded, name))


def test_ours_are_what_is_tested() -> None:
    assert LOADED[0].GridSearchCV is ours.GridSearchCV
    assert LOADED[1].HalvingRandomSearchCV is ours.HalvingRandomSearchCV
    assert model_selection.GridSearchCV is not ours.GridSearchCV


def test_nothing_is_left_out_that_isnt_there() -> None:
    known = {name for loaded in LOADED for name in vars(loaded)}
    assert {*LEFT_OUT, *OTHER_WORDS, *SLOW} <= known
