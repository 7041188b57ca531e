"""What scikit-learn's four searches have in common when a study stands behind them.

Settings are checked, metrics found and parameters routed by the class that each extends. What comes
before its candidates are evaluated is here, and what comes after: opening the study, and fitting
the best of the table.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, final

from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import indexable

from luthier.errors import ArgumentError
from luthier.integrations.sklearn import settings
from luthier.integrations.sklearn.callbacks import Telling, telling
from luthier.integrations.sklearn.cross_validation import CrossValidation
from luthier.integrations.sklearn.fitting import (
    MULTIMETRIC,
    Fitting,
    Split,
    configured,
    fit,
    metric_names,
)
from luthier.study.create import create_study
from luthier.study.study import Study

__all__ = ["Task", "check_same", "conclude", "open_study", "prepare"]


@final
@dataclass(frozen=True, slots=True)
class Task:
    """What the candidates of one ``fit`` are put to.

    Attributes:
        search: The search, its settings checked.
        fitting: The estimator, the data and the metrics.
        cv: The splitter.
        split_params: For the splitter.
        refit_metric: The metric that decides, or "score".
        telling: The task that callbacks hear of.
    """

    search: Any
    fitting: Fitting
    cv: Any
    split_params: Mapping[str, Any]
    refit_metric: Any
    telling: Telling

    def splits(self) -> list[Split]:
        """The splits: the same for all candidates, so drawn once.

        Raises:
            ArgumentError: There are none, or not as many as the splitter says.
        """
        splits = list(self.cv.split(self.fitting.X, self.fitting.y, **self.split_params))
        if len(splits) != self.search.n_splits_ or not splits:
            raise ArgumentError(
                f"{type(self.search).__name__}: cv must give the {self.search.n_splits_} splits "
                f"that its get_n_splits tells, got {len(splits)}. Was it an iterator that was "
                "used before?"
            )
        return splits


def prepare(search: Any, X: Any, y: Any, params: Mapping[str, Any]) -> Task:
    """Check a search's settings, and find out what its candidates are put to.

    Args:
        search: One of the four.
        X: The data that ``fit`` was given.
        y: The targets, if any.
        params: What else it was given.
    """
    scorer, refit_metric = search._get_scorers()
    X, y = indexable(X, y)
    routed = search._get_routed_params_for_fit(dict(params))
    told = telling(search)
    told.begin(X, y, routed.estimator.fit)
    to_split = routed.splitter.split
    cv = search._checked_cv_orig = check_cv(
        search.cv, y, classifier=is_classifier(search.estimator)
    )
    search._check_input_parameters(X=X, y=y, split_params=to_split)
    search.n_splits_ = cv.get_n_splits(X, y, **to_split)
    fitting = Fitting(
        clone(search.estimator),
        X,
        y,
        scorer,
        metric_names(search.scoring),
        routed.estimator.fit,
        routed.scorer.score,
        train_scores=search.return_train_score,
        raises=search.error_score == "raise",
    )
    return Task(search, fitting, cv, to_split, refit_metric, told)


def open_study(search: Any) -> tuple[Study, Any]:
    """Open the study behind a search.

    Returns:
        The study, and the random state to draw from: a study that is kept must draw the same
        again, so there it is a number, the study's seed if the search has none.

    Raises:
        ArgumentError: A search with a storage has a generator as its random state.
    """
    study = create_study(
        study_name=search.study_name,
        storage=search.storage,
        metrics={"score": "maximize"},
        sampler="random",
        scheduler="none",
        load_if_exists=search.study_name is not None,
    )
    random_state = getattr(search, "random_state", None)
    if search.storage is not None:
        if random_state is None:
            random_state = study.seed % 2**32
        elif not isinstance(random_state, Integral):
            raise ArgumentError(
                f"{type(search).__name__} with a storage must draw the same when it goes on, so "
                f"random_state must be an integer or None, got {random_state!r}."
            )
    return study, random_state


def check_same(task: Task, study: Study, splits: Sequence[Split], **plan: Any) -> None:
    """Check that a study that is kept is of this very search.

    Args:
        task: The search.
        study: Its study.
        splits: The splits.
        **plan: What else must be the same, as JSON values.

    Raises:
        StudyMismatchError: It is of another.
    """
    if task.search.storage is None:
        return
    fitting = task.fitting
    put_to = CrossValidation(fitting, list(splits)).fingerprint()
    settings.check_same_task(study, put_to | {"train_scores": fitting.train_scores} | plan)


def conclude(task: Task, results: dict[str, Any]) -> None:
    """Choose the best candidate of a table, and fit it to all data.

    Args:
        task: What the candidates were put to.
        results: The table.
    """
    search, fitting, metric = task.search, task.fitting, task.refit_metric
    names = [n.removeprefix("mean_test_") for n in results if n.startswith("mean_test_")]
    search.multimetric_ = isinstance(search.scoring, MULTIMETRIC) or names != ["score"]
    if callable(search.scoring) and search.multimetric_:
        search._check_refit_for_multimetric(names)
        metric = search.refit
    search.cv_results_ = results
    search.scorer_ = getattr(fitting.scorer, "_scorers", fitting.scorer)
    if search.refit or not search.multimetric_:
        search.best_index_ = search._select_best_index(search.refit, metric, results)
        if not callable(search.refit):
            search.best_score_ = results[f"mean_test_{metric}"][search.best_index_]
        search.best_params_ = results["params"][search.best_index_]
    if search.refit:
        _refit(search, fitting, task.telling.part("refit-with-best-params"))
    task.telling.end(fitting.X, fitting.y, fitting.fit_params)


def _refit(search: Any, fitting: Fitting, task: Telling) -> None:
    best = configured(fitting.estimator, search.best_params_)
    X, y, params = fitting.X, fitting.y, fitting.fit_params or {}
    with task.fit(best, X, y, params):
        began = time.time()
        fit(best, X, y, params)
        search.refit_time_ = time.time() - began
    search.best_estimator_ = best
    if hasattr(best, "feature_names_in_"):
        search.feature_names_in_ = best.feature_names_in_
