"""``SearchCV``: a study over a scikit-learn estimator's parameters, as an estimator itself.

A candidate is a trial: the estimator with the trial's parameters is cross-validated, the mean
test score is the trial's result, and the results of each split are noted with the trial. All that
``fit`` reports is read back from the study; so a search that is run again under the same name, in
the same storage, goes on where it stood.
"""

from __future__ import annotations

import math
import os
import re
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from numbers import Integral
from typing import Any, Self, final

from luthier.core.protocols import Sampler, Storage
from luthier.core.trial import FrozenTrial
from luthier.errors import (
    AllTrialsFailedError,
    ArgumentError,
    NoTrialError,
    ObjectiveError,
    require_extra,
)
from luthier.integrations import settings
from luthier.integrations.cv_results import (
    FOLDS,
    Candidate,
    candidates_of,
    cv_results,
    estimator_params,
    folds_to_json,
    mean_scores,
)
from luthier.space import Space
from luthier.study.create import create_study
from luthier.study.study import Study
from luthier.study.trial import Trial

require_extra("sklearn", "sklearn", "SearchCV")

from sklearn import get_config  # noqa: E402
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier  # noqa: E402
from sklearn.exceptions import FitFailedWarning  # noqa: E402
from sklearn.metrics import check_scoring, get_scorer  # noqa: E402
from sklearn.model_selection import check_cv  # noqa: E402
from sklearn.utils import check_random_state, get_tags, indexable  # noqa: E402
from sklearn.utils import metadata_routing as metadata  # noqa: E402
from sklearn.utils.metaestimators import available_if  # noqa: E402
from sklearn.utils.validation import check_is_fitted  # noqa: E402

from luthier.integrations.cross_validation import CrossValidation  # noqa: E402

__all__ = ["SearchCV"]


def _refitted(search: SearchCV, name: str) -> bool:
    if not search.refit:
        raise AttributeError(
            f"SearchCV has {name!r} only with a refitted estimator, got refit={search.refit!r}. "
            "Fit an estimator with best_params_, or pass refit=True."
        )
    return True


def _best_has(name: str) -> Callable[[SearchCV], bool]:
    def check(search: SearchCV) -> bool:
        _refitted(search, name)
        getattr(getattr(search, "best_estimator_", search.estimator), name)
        return True

    return check


def _delegated(name: str, doc: str) -> Any:
    """A method that the best estimator answers, and that exists only where it has it."""

    def method(self: SearchCV, X: Any) -> Any:
        check_is_fitted(self)
        return getattr(self.best_estimator_, name)(X)

    method.__name__, method.__qualname__, method.__doc__ = name, f"SearchCV.{name}", doc
    return available_if(_best_has(name))(method)


@final
class SearchCV(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """Search an estimator's parameters by cross-validation.

    Use it as ``GridSearchCV`` and ``RandomizedSearchCV``, whose grids and distributions it takes:
    with conditions and constraints in the space, every strategy of Luthier, and searches that
    resume. Splits are scored as by ``cross_validate``: sample weights reach the scorers only
    through scikit-learn's metadata routing.

    Args:
        estimator: What to tune; a pipeline's parameters are named as in ``svc__C``.
        space: A ``Space``, parameters by name, or a grid (or list of grids) of scikit-learn's.
        strategy: A name of ``luthier.known_strategies()``, or a sampler.
        n_trials: How many candidates in all, those of a resumed study included; None to go on
            until a finite space (or a grid) is exhausted, or ``timeout`` is over.
        timeout: No new candidate after so many seconds.
        scoring: A metric's name, a scorer, or several as a list or dict; None is ``score``.
        cv: Number of folds, a splitter, or an iterable of splits; None is five folds.
        refit: Whether to fit the best candidate to all data; of several metrics, the name of the
            one that decides; or a function from ``cv_results_`` to the index of the best.
        n_jobs: How many splits of a candidate run at once, as in joblib. The candidates don't
            depend on it.
        error_score: Score of a split that fails, or "raise" to raise its error. A candidate with
            such a split is a FAILED trial.
        return_train_score: Whether training scores are computed too.
        random_state: Seed of the study: the same candidates for the same seed.
        study_name: Name of the study; the same name in the same storage goes on with it.
        storage: Where to keep the study, as a URL or path; None is in memory.
        verbose: Above 0 shows progress on stderr.
        callbacks: Called with (study, trial) after every candidate.

    Attributes:
        study_: The study behind the search. It isn't pickled.
        cv_results_: A column per name, in scikit-learn's layout, in order of trial numbers.
        best_estimator_: The best candidate, fitted to all data.
        best_params_: Its parameters.
        best_score_: Its mean test score.
        best_index_: Its place in ``cv_results_``.
        scorer_: The scorer, or scorers by name.
        n_splits_: Number of splits.
        refit_time_: Seconds the last fit took.
        multimetric_: Whether several metrics were computed.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> grid = {"n_neighbors": [1, 3, 5]}
        >>> search = SearchCV(KNeighborsClassifier(), grid, strategy="grid", cv=3).fit(X, y)
        >>> search.best_params_, len(search.study_.trials)
        ({'n_neighbors': 5}, 3)
    """

    study_: Study
    best_estimator_: Any

    def __init__(
        self,
        estimator: Any,
        space: Space | Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        strategy: str | Sampler = "random",
        n_trials: int | None = 50,
        timeout: float | None = None,
        scoring: Any = None,
        cv: Any = None,
        refit: bool | str | Callable[[dict[str, Any]], int] = True,
        n_jobs: int | None = None,
        error_score: float | str = math.nan,
        return_train_score: bool = False,
        random_state: Any = None,
        study_name: str | None = None,
        storage: Storage | str | os.PathLike[str] | None = None,
        verbose: int = 0,
        callbacks: Iterable[Callable[[Study, FrozenTrial], object]] | None = None,
    ) -> None:
        self.estimator = estimator
        self.space = space
        self.strategy = strategy
        self.n_trials = n_trials
        self.timeout = timeout
        self.scoring = scoring
        self.cv = cv
        self.refit = refit
        self.n_jobs = n_jobs
        self.error_score = error_score
        self.return_train_score = return_train_score
        self.random_state = random_state
        self.study_name = study_name
        self.storage = storage
        self.verbose = verbose
        self.callbacks = callbacks

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Search, and fit the best candidate to all data.

        Args:
            X: Training data, shape (n_samples, n_features), or whatever the estimator takes.
            y: Targets, shape (n_samples,) or (n_samples, n_outputs), if any.
            **params: ``groups`` for the splitter; others for the estimator's ``fit``, or as
                scikit-learn's metadata routing says.

        Returns:
            The search itself.

        Raises:
            ArgumentError: A setting that makes no sense.
            AllTrialsFailedError: Every split of every candidate has failed.
            NoTrialError: No candidate was evaluated in time.
            StudyMismatchError: The study of that name is of other data, splits or settings.
        """
        settings.check_settings(self)
        if y is None and get_tags(self.estimator).target_tags.required:
            raise ArgumentError(
                f"SearchCV with {type(self.estimator).__name__} requires y to be passed, but the "
                "target y is None."
            )
        X, y = indexable(X, y)
        self.scorer_ = _scorers(self.estimator, self.scoring)
        task, fit_params = self._task(X, y, {k: v for k, v in params.items() if v is not None})
        self.n_splits_ = len(task.splits)
        self.study_ = self._open_study(task)
        self.study_.optimize(
            self._objective(task),
            total_trials=self.n_trials,
            timeout=self.timeout,
            catch=(),  # splits' errors become ObjectiveErrors; anything else ends the search
            callbacks=self.callbacks,
            fail_fast=None,
            show_progress_bar=bool(self.verbose),
        )
        self._take_results()
        if self.refit:
            self._fit_best(X, y, fit_params)
        return self

    @available_if(partial(_refitted, name="score"))  # type: ignore[untyped-decorator]
    def score(self, X: Any, y: Any = None, **params: Any) -> float:
        """Score the best estimator on other data by the metric that chose it.

        Args:
            X: Data, shape (n_samples, n_features).
            y: Targets, if any.
            **params: For the scorer, where scikit-learn's metadata routing is enabled.

        Raises:
            ArgumentError: Parameters without routing, or no one metric decided.
        """
        check_is_fitted(self)
        if params and not _routing():
            raise ArgumentError(
                f"SearchCV.score takes {', '.join(map(repr, params))} only with metadata routing. "
                "Call sklearn.set_config(enable_metadata_routing=True) first."
            )
        if self.multimetric_ and not isinstance(self.refit, str):
            raise ArgumentError(
                "SearchCV.score with several metrics needs refit to name one, "
                f"got refit={self.refit!r}."
            )
        several = isinstance(self.scorer_, dict)
        scorer = self.scorer_[self.refit] if several else self.scorer_
        routed = metadata.process_routing(self, "score", **params).scorer.score if params else {}
        value = scorer(self.best_estimator_, X, y, **routed)
        return value[self.refit] if isinstance(value, dict) else value  # type: ignore[no-any-return]

    predict = _delegated("predict", "Predict with the best estimator.")
    predict_proba = _delegated("predict_proba", "Class probabilities of the best estimator.")
    predict_log_proba = _delegated("predict_log_proba", "Their logarithms.")
    decision_function = _delegated("decision_function", "Decisions of the best estimator.")
    score_samples = _delegated("score_samples", "A score per sample by the best estimator.")
    transform = _delegated("transform", "Transform with the best estimator.")
    inverse_transform = _delegated("inverse_transform", "Undo its transformation.")

    @property
    def classes_(self) -> Any:
        """The classes, of a classifier."""
        _best_has("classes_")(self)
        return self.best_estimator_.classes_

    @property
    def n_features_in_(self) -> int:
        """How many features the best estimator was fitted to."""
        _best_has("n_features_in_")(self)
        return self.best_estimator_.n_features_in_  # type: ignore[no-any-return]

    def get_metadata_routing(self) -> Any:
        """Who gets which parameters of ``fit`` and ``score``; see scikit-learn's user guide."""
        to_split = metadata.MethodMapping().add(caller="fit", callee="split")
        return self._estimator_router().add(splitter=self.cv, method_mapping=to_split)

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.estimator)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in super().__getstate__().items() if k != "study_"}

    def _estimator_router(self) -> Any:
        to_fit = metadata.MethodMapping().add(caller="fit", callee="fit")
        to_score = metadata.MethodMapping()
        to_score.add(caller="fit", callee="score").add(caller="score", callee="score")
        scorer = check_scoring(self.estimator, self.scoring)
        router = metadata.MetadataRouter(owner=self)
        router.add(estimator=self.estimator, method_mapping=to_fit)
        return router.add(scorer=scorer, method_mapping=to_score)

    def _task(
        self, X: Any, y: Any, params: dict[str, Any]
    ) -> tuple[CrossValidation, dict[str, Any]]:
        """What candidates are put to, and what the last fit gets beside the data."""
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        if _routing():
            routed = metadata.process_routing(self, "fit", **params)
            to_split, to_fit = routed.splitter.split, routed.estimator.fit
            used = self._estimator_router().consumes(method="fit", params=params.keys())
            params = {name: params[name] for name in used}
        else:
            to_split = {"groups": params.pop("groups", None)}
            to_fit = params
        task = CrossValidation(
            self.estimator,
            self.scoring,
            X,
            y,
            list(cv.split(X, y, **to_split)),
            params,
            train_scores=self.return_train_score,
            raises=self.error_score == "raise",
        )
        return task, dict(to_fit)

    def _open_study(self, task: CrossValidation) -> Study:
        space = Space.of(self.space)
        sampler: Any = self.strategy
        if sampler in ("grid", "random_grid"):  # a cell that failed would fail again
            sampler = {"name": sampler, "retries": 0}
        chosen = {"strategy": sampler} if isinstance(sampler, str) else {"sampler": sampler}
        study = create_study(
            study_name=self.study_name,
            storage=self.storage,
            space=space,
            metrics={_objective_name(self): "maximize"},
            seed=_seed(self.random_state),
            load_if_exists=self.study_name is not None,
            **chosen,
        )
        settings.check_ends(self, study, space)
        if self.storage is not None:
            settings.check_same_task(study, task.fingerprint())
        return study

    def _objective(self, task: CrossValidation) -> Callable[[Trial], dict[str, float]]:
        name = _objective_name(self)

        def objective(trial: Trial) -> dict[str, float]:
            candidate = _configured(self.estimator, estimator_params(trial.params))
            splits = task.evaluate(candidate, self.n_jobs)
            trial.set_user_attr(FOLDS, folds_to_json([s.scores for s in splits]))
            if errors := [s.error for s in splits if s.error is not None]:
                raise ObjectiveError(
                    f"{len(errors)} of {len(splits)} splits failed. The first error: {errors[0]}"
                )
            means = mean_scores([s.scores for s in splits])
            settings.check_refit(self.refit, list(means))
            first = self.refit if self.refit in means else next(iter(means))
            return {name: means[first], **means}

        return objective

    def _take_results(self) -> None:
        candidates = candidates_of(self.study_)
        if not candidates:
            raise NoTrialError(
                f"SearchCV has evaluated no candidate: timeout={self.timeout!r}, "
                f"n_trials={self.n_trials!r}. Give it more of either."
            )
        _tell_of_failures(candidates, self.n_splits_)
        failed_score = math.nan if isinstance(self.error_score, str) else self.error_score
        self.cv_results_ = cv_results(candidates, self.n_splits_, failed_score)
        metrics = [k.removeprefix("rank_test_") for k in self.cv_results_ if "rank_test_" in k]
        self.multimetric_ = isinstance(self.scoring, settings.MULTIMETRIC) or metrics != ["score"]
        if self.refit or not self.multimetric_:
            self._choose_best()

    def _choose_best(self) -> None:
        table = self.cv_results_
        if callable(self.refit):
            self.best_index_ = self.refit(table)
            if self.best_index_ not in range(len(table["params"])):
                raise ArgumentError(
                    "SearchCV: the refit function must return an index from 0 to "
                    f"{len(table['params']) - 1}, got {self.best_index_!r}."
                )
        else:
            metric = self.refit if self.multimetric_ else "score"
            self.best_index_ = table[f"rank_test_{metric}"].argmin()
            self.best_score_ = table[f"mean_test_{metric}"][self.best_index_]
        self.best_params_ = table["params"][self.best_index_]

    def _fit_best(self, X: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
        self.best_estimator_ = _configured(self.estimator, self.best_params_)
        began = time.perf_counter()
        self.best_estimator_.fit(*(X,) if y is None else (X, y), **fit_params)
        self.refit_time_ = time.perf_counter() - began
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_


def _scorers(estimator: Any, scoring: Any) -> Any:
    checked = check_scoring(estimator, scoring)
    if isinstance(scoring, dict):
        return {name: check_scoring(estimator, scorer) for name, scorer in scoring.items()}
    if isinstance(scoring, settings.MULTIMETRIC):
        return {name: get_scorer(name) for name in scoring}
    return checked


def _objective_name(search: SearchCV) -> str:
    """The refit metric, or the first, in a form that a study's metric may have."""
    if not isinstance(search.scoring, settings.MULTIMETRIC):
        return "score"
    name = search.refit if isinstance(search.refit, str) else next(iter(search.scoring))
    return re.sub(r"[\s<>=]+", "_", name)


def _configured(estimator: Any, params: Mapping[str, Any]) -> Any:
    own = {name: clone(value, safe=False) for name, value in params.items()}
    return clone(estimator).set_params(**own)


def _tell_of_failures(candidates: Sequence[Candidate], n_splits: int) -> None:
    failed = sum(candidate.failed_splits(n_splits) for candidate in candidates)
    if not failed:
        return
    total = n_splits * len(candidates)
    first = next((c.error for c in candidates if c.error is not None), "unknown")
    text = f"{failed} of {total} fits failed. The first error: {first}"
    if failed == total:
        raise AllTrialsFailedError(
            f"SearchCV: all {text} -- Correct the data or the space, or pass error_score='raise' "
            "to see where it happens."
        )
    warnings.warn(
        f"SearchCV: {text} -- Their scores are error_score.", FitFailedWarning, stacklevel=4
    )


def _seed(random_state: Any) -> int | None:
    if isinstance(random_state, (Integral, type(None))):
        return random_state  # type: ignore[return-value]
    return int(check_random_state(random_state).randint(2**31 - 1))


def _routing() -> bool:
    return bool(get_config()["enable_metadata_routing"])
