"""``SearchCV``: a study over a scikit-learn estimator's parameters, as an estimator itself.

A candidate is a trial: the estimator with the trial's parameters is cross-validated, the mean
test score is the trial's result, and the results of each split are noted with the trial. All that
``fit`` reports is read back from the study; so a search that is run again under the same name, in
the same storage, goes on where it stood.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Self, final

import numpy as np

from luthier.core.protocols import Sampler, Storage
from luthier.core.trial import FrozenTrial
from luthier.errors import (
    AllTrialsFailedError,
    ArgumentError,
    NoTrialError,
    ObjectiveError,
    StudyMismatchError,
    require_extra,
)
from luthier.integrations.cv_results import (
    Candidate,
    cv_results,
    folds_from_json,
    folds_to_json,
    mean_scores,
)
from luthier.space import Space
from luthier.study.create import create_study
from luthier.study.study import Study
from luthier.study.trial import Trial, describe

require_extra("sklearn", "sklearn", "SearchCV")

from sklearn import get_config  # noqa: E402
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier  # noqa: E402
from sklearn.exceptions import FitFailedWarning  # noqa: E402
from sklearn.metrics import check_scoring, get_scorer  # noqa: E402
from sklearn.model_selection import check_cv, cross_validate  # noqa: E402
from sklearn.utils import check_random_state, get_tags, indexable  # noqa: E402
from sklearn.utils.metadata_routing import (  # noqa: E402
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.metaestimators import available_if  # noqa: E402
from sklearn.utils.parallel import Parallel, delayed  # noqa: E402
from sklearn.utils.validation import check_is_fitted  # noqa: E402

__all__ = ["SearchCV"]

_FOLDS = "folds"
_TASK = "search_cv"
_MULTIMETRIC = (list, tuple, dict)


def _best_has(name: str) -> Callable[[SearchCV], bool]:
    def check(search: SearchCV) -> bool:
        if not search.refit:
            raise AttributeError(
                f"SearchCV has {name!r} only with a refitted estimator, got refit={search.refit!r}. "
                "Fit an estimator with best_params_, or pass refit=True."
            )
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
        _check_settings(self)
        X, y = indexable(X, y)
        self.scorer_ = _scorers(self.estimator, self.scoring)
        task = _task(self, X, y, params)
        self.n_splits_ = len(task.splits)
        self.study_ = self._open_study(task)
        self.study_.optimize(
            self._objective(task),
            total_trials=self.n_trials,
            timeout=self.timeout,
            catch=(),  # split errors become ObjectiveErrors; anything else ends the search
            callbacks=self.callbacks,
            fail_fast=None,
            show_progress_bar=bool(self.verbose),
        )
        self._take_results()
        if self.refit:
            self._fit_best(X, y, task.fit_params)
        return self

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
        routed = process_routing(self, "score", **params).scorer.score if params else {}
        value = scorer(self.best_estimator_, X, y, **routed)
        return value[self.refit] if isinstance(value, dict) else value  # type: ignore[no-any-return]

    predict = _delegated("predict", "Predict with the best estimator.")
    predict_proba = _delegated("predict_proba", "Class probabilities of the best estimator.")
    predict_log_proba = _delegated("predict_log_proba", "Their logarithms.")
    decision_function = _delegated("decision_function", "Decisions of the best estimator.")
    score_samples = _delegated("score_samples", "A score per sample by the best estimator.")
    transform = _delegated("transform", "Transform with the best estimator.")
    inverse_transform = _delegated("inverse_transform", "Undo its transformation.")
    score = available_if(_best_has("score"))(score)

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
        fit_to = MethodMapping().add(caller="fit", callee="split")
        return _estimator_router(self).add(splitter=self.cv, method_mapping=fit_to)

    def __sklearn_tags__(self) -> Any:
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.input_tags.pairwise = inner.input_tags.pairwise
        tags.input_tags.sparse = inner.input_tags.sparse
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in super().__getstate__().items() if k != "study_"}

    def _open_study(self, task: _Task) -> Study:
        space = Space.of(self.space)
        sampler: Any = self.strategy
        if sampler == "grid":  # cross-validation of a cell that failed would fail again
            sampler = {"name": "grid", "retries": 0}
        chosen = {"strategy": sampler} if isinstance(sampler, str) else {"sampler": sampler}
        study = create_study(
            study_name=self.study_name,
            storage=self.storage,
            space=space,
            metrics={task.objective: "maximize"},
            seed=_seed(self.random_state),
            load_if_exists=self.study_name is not None,
            **chosen,
        )
        _check_ends(self, study, space)
        if self.storage is not None:
            _check_same_task(study, task.fingerprint())
        return study

    def _objective(self, task: _Task) -> Callable[[Trial], dict[str, float]]:
        def objective(trial: Trial) -> dict[str, float]:
            candidate = _configured(self.estimator, _own_params(trial.params))
            splits = task.evaluate(candidate, self.n_jobs)
            trial.set_user_attr(_FOLDS, folds_to_json([s.scores for s in splits]))
            errors = [s.error for s in splits if s.error is not None]
            if errors:
                raise ObjectiveError(
                    f"{len(errors)} of {len(splits)} splits failed. The first error: {errors[0]}"
                )
            means = mean_scores([s.scores for s in splits])
            _check_refit(self.refit, list(means))
            first = self.refit if self.refit in means else next(iter(means))
            return {task.objective: means[first], **means}

        return objective

    def _take_results(self) -> None:
        trials = _evaluated(self.study_)
        candidates = [_candidate(self.study_.space, trial) for trial in trials]
        if not candidates:
            raise NoTrialError(
                f"SearchCV has evaluated no candidate: timeout={self.timeout!r}, "
                f"n_trials={self.n_trials!r}. Give it more of either."
            )
        _tell_of_failures(trials, candidates, self.n_splits_)
        failed_score = math.nan if isinstance(self.error_score, str) else self.error_score
        self.cv_results_ = cv_results(candidates, self.n_splits_, failed_score)
        metrics = [k.removeprefix("rank_test_") for k in self.cv_results_ if "rank_test_" in k]
        self.multimetric_ = isinstance(self.scoring, _MULTIMETRIC) or metrics != ["score"]
        if self.refit or not self.multimetric_:
            self._choose_best()

    def _choose_best(self) -> None:
        table = self.cv_results_
        if callable(self.refit):
            self.best_index_ = _checked_index(self.refit(table), len(table["params"]))
        else:
            metric = self.refit if self.multimetric_ else "score"
            self.best_index_ = table[f"rank_test_{metric}"].argmin()
            self.best_score_ = table[f"mean_test_{metric}"][self.best_index_]
        self.best_params_ = table["params"][self.best_index_]

    def _fit_best(self, X: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
        self.best_estimator_ = _configured(self.estimator, self.best_params_)
        given = (X,) if y is None else (X, y)
        began = time.perf_counter()
        self.best_estimator_.fit(*given, **fit_params)
        self.refit_time_ = time.perf_counter() - began
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_


@final
@dataclass(frozen=True, slots=True)
class _Split:
    """What came of one candidate on one split."""

    scores: dict[str, float]
    error: str | None = None


@final
@dataclass(frozen=True, slots=True)
class _Task:
    """What every candidate of a search is put to: the same data, splits and metrics."""

    X: Any
    y: Any
    splits: list[tuple[Any, Any]]
    params: dict[str, Any]  # for the estimator and the scorer, as cross_validate takes them
    fit_params: dict[str, Any]  # for the estimator alone
    estimator: Any
    scoring: Any
    objective: str
    raises: bool
    train_scores: bool

    def evaluate(self, candidate: Any, n_jobs: int | None) -> list[_Split]:
        """Cross-validate a candidate."""
        return list(
            Parallel(n_jobs=n_jobs)(
                delayed(_evaluate)(self, candidate, split) for split in self.splits
            )
        )

    def fingerprint(self) -> dict[str, Any]:
        """What must be the same for results to be comparable, as a JSON value."""
        plain = (bool, int, float, str, type(None))
        settings = self.estimator.get_params().items()
        return {
            "estimator": type(self.estimator).__qualname__,
            "settings": {k: repr(v) for k, v in sorted(settings) if isinstance(v, plain)},
            "data": _digest(self.X, self.y, *self.params.values()),
            "splits": _digest(*(indices for split in self.splits for indices in split)),
            "metrics": list(self.scoring) if isinstance(self.scoring, _MULTIMETRIC) else None,
        }


def _evaluate(task: _Task, candidate: Any, split: tuple[Any, Any]) -> _Split:
    began = time.perf_counter()
    try:
        result = cross_validate(
            candidate,
            task.X,
            task.y,
            scoring=task.scoring,
            cv=[split],
            params=task.params,
            return_train_score=task.train_scores,
            error_score="raise",
        )
    except Exception as error:
        if task.raises:
            raise
        return _Split({"fit_time": time.perf_counter() - began, "score_time": 0.0}, describe(error))
    return _Split({name: float(values[0]) for name, values in result.items()})


def _task(search: SearchCV, X: Any, y: Any, params: dict[str, Any]) -> _Task:
    cv = check_cv(search.cv, y, classifier=is_classifier(search.estimator))
    params = {name: value for name, value in params.items() if value is not None}
    if _routing():
        routed = process_routing(search, "fit", **params)
        split_params, fit_params = routed.splitter.split, routed.estimator.fit
        used = _estimator_router(search).consumes(method="fit", params=params.keys())
        fold_params = {name: params[name] for name in used}
    else:
        split_params = {"groups": params.pop("groups", None)}
        fit_params = fold_params = params
    return _Task(
        X=X,
        y=y,
        splits=list(cv.split(X, y, **split_params)),
        params=fold_params,
        fit_params=dict(fit_params),
        estimator=search.estimator,
        scoring=search.scoring,
        objective=_objective_name(search),
        raises=search.error_score == "raise",
        train_scores=search.return_train_score,
    )


def _estimator_router(search: SearchCV) -> Any:
    to_score = MethodMapping().add(caller="fit", callee="score").add(caller="score", callee="score")
    return (
        MetadataRouter(owner=search)
        .add(
            estimator=search.estimator,
            method_mapping=MethodMapping().add(caller="fit", callee="fit"),
        )
        .add(scorer=check_scoring(search.estimator, search.scoring), method_mapping=to_score)
    )


def _scorers(estimator: Any, scoring: Any) -> Any:
    checked = check_scoring(estimator, scoring)
    if isinstance(scoring, dict):
        return {name: check_scoring(estimator, scorer) for name, scorer in scoring.items()}
    if isinstance(scoring, _MULTIMETRIC):
        return {name: get_scorer(name) for name in scoring}
    return checked


def _objective_name(search: SearchCV) -> str:
    """The refit metric, or the first, in a form that a study's metric may have."""
    if not isinstance(search.scoring, _MULTIMETRIC):
        return "score"
    name = search.refit if isinstance(search.refit, str) else next(iter(search.scoring))
    return re.sub(r"[\s<>=]+", "_", name)


def _configured(estimator: Any, params: Mapping[str, Any]) -> Any:
    own = {name: clone(value, safe=False) for name, value in params.items()}
    return clone(estimator).set_params(**own)


def _own_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """The estimator's parameters: all but those that only tell branches of a space apart."""
    return {name: value for name, value in params.items() if not name.startswith("__")}


def _evaluated(study: Study) -> list[FrozenTrial]:
    """The trials that count, with results, of the present space, by number."""
    space = study.space
    return [
        trial
        for trial in study.trials
        if trial.state.is_finished
        and trial.invalid is None
        and _FOLDS in trial.user_attrs
        and space.fits(trial.params)
    ]


def _candidate(space: Space, trial: FrozenTrial) -> Candidate:
    resolved = {name: space[name].resolve(value) for name, value in trial.params.items()}
    return Candidate(_own_params(resolved), folds_from_json(trial.user_attrs[_FOLDS]))


def _tell_of_failures(
    trials: Sequence[FrozenTrial], candidates: Sequence[Candidate], n_splits: int
) -> None:
    failed = sum(_failed_splits(candidate, n_splits) for candidate in candidates)
    if not failed:
        return
    total = n_splits * len(candidates)
    errors = (trial.error for trial in trials if trial.error is not None)
    text = f"{failed} of {total} fits failed. The first error: {next(errors, 'unknown')}"
    if failed == total:
        raise AllTrialsFailedError(
            f"SearchCV: all {text} -- Correct the data or the space, or pass error_score='raise' "
            "to see where it happens."
        )
    warnings.warn(
        f"SearchCV: {text} -- Their scores are error_score.", FitFailedWarning, stacklevel=4
    )


def _failed_splits(candidate: Candidate, n_splits: int) -> int:
    scores = [column for name, column in candidate.folds.items() if name.startswith("test_")]
    return scores[0].count(None) if scores else n_splits


def _check_settings(search: SearchCV) -> None:
    n_trials, error_score = search.n_trials, search.error_score
    if n_trials is not None and (not isinstance(n_trials, Integral) or n_trials < 1):
        raise ArgumentError(
            f"SearchCV: n_trials must be an integer of at least 1, or None, got {n_trials!r}."
        )
    if error_score != "raise" and not isinstance(error_score, Real):
        raise ArgumentError(
            f"SearchCV: error_score must be a number or 'raise', got {error_score!r}."
        )
    if isinstance(search.scoring, _MULTIMETRIC):
        if not search.scoring:
            raise ArgumentError(f"SearchCV: scoring must name a metric, got {search.scoring!r}.")
        _check_refit(search.refit, list(search.scoring))
    elif not (isinstance(search.refit, (bool, str)) or callable(search.refit)):
        raise ArgumentError(
            "SearchCV: refit must be True, False, a metric's name or a function of cv_results_, "
            f"got {search.refit!r}."
        )


def _check_refit(refit: object, metrics: Sequence[str]) -> None:
    if metrics == ["score"] or refit is False or callable(refit) or refit in metrics:
        return
    raise ArgumentError(
        f"SearchCV: with several metrics refit must be one of {', '.join(map(repr, metrics))}, a "
        f"function of cv_results_, or False, got {refit!r}."
    )


def _check_ends(search: SearchCV, study: Study, space: Space) -> None:
    """A search must have an end, and a grid shouldn't be cut short in silence."""
    is_grid = study.sampler.spec["name"] == "grid"
    if search.n_trials is None:
        if search.timeout is None and space.cardinality is None and not is_grid:
            raise ArgumentError(
                "SearchCV: n_trials=None needs a timeout, strategy='grid' or a finite space, or the "
                "search would never end."
            )
    elif is_grid and space.cardinality is not None and space.cardinality > search.n_trials:
        warnings.warn(
            f"SearchCV: the grid has {space.cardinality} cells, n_trials={search.n_trials} leaves "
            "some out. Pass n_trials=None for all.",
            UserWarning,
            stacklevel=4,
        )


def _check_same_task(study: Study, task: Mapping[str, Any]) -> None:
    stored = study.user_attrs.get(_TASK)
    if stored is None:
        study.set_user_attr(_TASK, task)
        return
    differing = [name for name in task if stored.get(name) != task[name]]
    if differing:
        raise StudyMismatchError(
            f"Study {study.study_name!r} was made with other {' and '.join(differing)}, so its "
            "results can't be compared with new ones. Use another study_name; for the same splits "
            "every time, give the splitter a random_state.",
            differing=differing,
        )


def _checked_index(index: Any, n_candidates: int) -> int:
    if not isinstance(index, Integral) or not 0 <= index < n_candidates:
        raise ArgumentError(
            f"SearchCV: the refit function must return an index from 0 to {n_candidates - 1}, "
            f"got {index!r}."
        )
    return int(index)


def _digest(*parts: Any) -> str:
    """A digest of arrays; of what isn't one, or holds objects, only of the size."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        size = getattr(part, "shape", None) or (0 if part is None else len(part))
        digest.update(str(size).encode())
        array = np.asarray(part) if hasattr(part, "__array__") else np.empty(0, object)
        if array.dtype != object:
            digest.update(array.dtype.str.encode() + array.tobytes())
    return digest.hexdigest()


def _seed(random_state: Any) -> int | None:
    if random_state is None or isinstance(random_state, Integral):
        return None if random_state is None else int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _routing() -> bool:
    return bool(get_config()["enable_metadata_routing"])
