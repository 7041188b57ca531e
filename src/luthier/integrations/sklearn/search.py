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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from numbers import Integral
from typing import Any, Self, final

from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, is_classifier
from sklearn.metrics import check_scoring, get_scorer
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state, get_tags, indexable
from sklearn.utils import metadata_routing as metadata
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from luthier.analysis import Overtuning
from luthier.core.protocols import Executor, Sampler, Storage
from luthier.core.trial import FrozenTrial
from luthier.errors import (
    ArgumentError,
    NoTrialError,
)
from luthier.integrations.sklearn import selection, settings
from luthier.integrations.sklearn.confirm import Confirm
from luthier.integrations.sklearn.cross_validation import CrossValidation, Reshuffle
from luthier.integrations.sklearn.cv_results import (
    Candidate,
    candidates_of,
    cv_results,
)
from luthier.integrations.sklearn.default import try_default, try_default_in_full, with_default
from luthier.integrations.sklearn.fidelity import Ascent, levels_of, ranked_by_resource
from luthier.integrations.sklearn.fitting import (
    MULTIMETRIC,
    Fitting,
    configured,
    fit,
    metric_names,
    tell_of_failures,
)
from luthier.integrations.sklearn.objective import Candidacy
from luthier.integrations.sklearn.pickling import state_without_study
from luthier.integrations.sklearn.prefixes import prefix_memory
from luthier.integrations.sklearn.racing import race_of, running
from luthier.integrations.sklearn.scratch import scratch
from luthier.integrations.sklearn.warm_start import warm_up
from luthier.schedulers import NoStopping
from luthier.space import Space
from luthier.study.create import create_study
from luthier.study.stopping import StopRule
from luthier.study.study import Study

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
    resume. Candidates are raced: one that falls behind the best so far on some of the splits isn't
    run on the others, which saves about two thirds of the fits and next to nothing of the score;
    ``race="none"`` runs all. Splits are scored as by ``cross_validate``: sample weights reach the
    scorers only through scikit-learn's metadata routing.

    Args:
        estimator: What to tune; a pipeline's parameters are named as in ``svc__C``.
        space: A ``Space``, parameters by name, or a grid (or list of grids) of scikit-learn's.
            None or "auto" is what ``luthier.catalog`` recommends for the estimator.
        strategy: A name of ``luthier.known_strategies()``, or a sampler.
        race: When a candidate is dropped before it was run on all splits. "paired": when on the
            splits so far it is too far behind the best one to gain much on it; "forgiving": when
            its mean is below that one's worst split; "aggressive": when it is behind at all;
            "bayes": one split at a time goes to the candidate of which it says most; "none":
            never. "auto" is "paired" where one metric decides ("forgiving" with ``reshuffle``).
        scheduler: A scheduler, or its name, in the place of a race; splits are its steps, or
            the levels of a fidelity.
        fidelity: What candidates get little of at first, in the place of a race: "samples",
            "epochs" (or, with their number, ``{"epochs": 50}``), or a setting of the estimator
            such as "n_estimators". Only a candidate that got all of it can win. The scheduler,
            "asha" if None, says which get more.
        cache: Whether transformers that candidates' pipelines share are fitted once for a split:
            True, the path of a folder for a temporary one within it, or a ``joblib.Memory``.
        n_trials: How many candidates in all, those of a resumed study included; None to go on
            until a finite space (or a grid) is exhausted, or ``timeout`` is over.
        timeout: No new candidate after so many seconds.
        scoring: A metric's name, a scorer, or several as a list or dict; None is ``score``.
        cv: Number of folds, a splitter, or an iterable of splits; None is five folds.
        refit: Whether to fit the best candidate to all data; of several metrics, the name of the
            one that decides; or a function from ``cv_results_`` to the index of the best.
        n_jobs: How many candidates run at once, in processes if more than one; -1 is one for
            each core. With the same ``random_state`` and ``n_jobs`` a search comes out the same,
            but for ``race="bayes"`` and schedulers that compare trials; random and grid searches
            with ``race="none"`` do so for every ``n_jobs``.
        executor: Where candidates run instead, as ``Study.optimize`` takes it: "thread:4",
            "dask://host:8786", "ray", or an executor.
        reshuffle: Whether each candidate gets splits of its own, drawn from the study's seed and
            the candidate's number: selection is then less bound to one set of splits.
        constraints: Bounds on metrics, such as ``{"fit_time": "<= 0.5"}``: on the mean over the
            splits of any metric, or of "fit_time" and "score_time" in seconds, or "model_size",
            the bytes of the fitted estimator's pickle. The best is the best that keeps them.
        warm_start: An earlier study, search or list of trials to go on from. If it had the same
            data, splits and metrics its candidates count as this one's; else the five best
            are tried first.
        default: Whether the estimator as it was given is evaluated first. Where its parameters lie
            in the space it is the first candidate; else it comes on top of ``n_trials``.
        confirm: How many of the best are scored again on fresh splits, and the default with them;
            the winner is chosen by these scores. ``Confirm`` says more than a number.
        select: Which candidate wins: "best" by mean score; "one_se", the cheapest of those within
            one standard error of it; "posterior", of which candidates that were raced out may win
            too, where what is known of them makes them the best.
        cost: What "one_se" calls cheap: a column of ``cv_results_``, or a function of a candidate's
            parameters.
        prefer_default: Whether the default wins where no candidate is better with a probability of
            0.95 (``Confirm.margin``); None does so if there is a confirm stage.
        stop: Rules that end the search before ``n_trials``, as ``Study.optimize`` takes them.
        error_score: Score of a split that fails, or "raise" to raise its error. A candidate with
            such a split is a FAILED trial; in a race it ends there.
        return_train_score: Whether training scores are computed too.
        random_state: Seed of the study: the same candidates for the same seed.
        study_name: Name of the study; the same name in the same storage goes on with it.
        storage: Where to keep the study, as a URL or path; None is in memory.
        verbose: Above 0 shows progress on stderr, and in the end what ``report`` says.
        callbacks: Called with (study, trial) after every candidate.

    Attributes:
        study_: The study behind the search. It isn't pickled.
        cv_results_: A column per name, in scikit-learn's layout, in order of trial numbers. The
            scores of splits that weren't run are NaN, means are over those that were; candidates
            rank behind all that were run on all splits and keep the constraints. With a fidelity
            ``n_resources`` says how much of it a candidate got.
        best_estimator_: The best candidate, fitted to all data.
        best_params_: Its parameters.
        best_score_: Its mean test score: too good, having been chosen for it.
        expected_score_: What it can be expected to score on new data, corrected for that.
        beats_default_: Whether the best candidate is better than the default, as far as can be
            told; None if nothing can be.
        expected_score_interval_: 95% interval of that, as a pair.
        default_score_: What the default can be expected to score; NaN if it wasn't evaluated.
        default_index_: The default's place in ``cv_results_``, or None.
        verdict_: All of this; ``report()`` says it in words.
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
        space: Space | Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | None = None,
        *,
        strategy: str | Sampler = "random",
        race: str = "auto",
        scheduler: Any = None,
        fidelity: str | Mapping[str, int] | None = None,
        cache: Any = None,
        n_trials: int | None = 50,
        timeout: float | None = None,
        scoring: Any = None,
        cv: Any = None,
        refit: bool | str | Callable[[dict[str, Any]], int] = True,
        n_jobs: int | None = None,
        executor: Executor | str | None = None,
        reshuffle: bool = False,
        constraints: Mapping[str, str] | Sequence[str] | None = None,
        warm_start: Any = None,
        default: bool = True,
        confirm: int | Confirm | None = None,
        select: str = "best",
        cost: str | Callable[[Mapping[str, Any]], float] = "mean_fit_time",
        prefer_default: bool | None = None,
        stop: StopRule | Sequence[StopRule] = (),
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
        self.race = race
        self.scheduler = scheduler
        self.fidelity = fidelity
        self.cache = cache
        self.n_trials = n_trials
        self.timeout = timeout
        self.scoring = scoring
        self.cv = cv
        self.refit = refit
        self.n_jobs = n_jobs
        self.executor = executor
        self.reshuffle = reshuffle
        self.constraints = constraints
        self.warm_start = warm_start
        self.default = default
        self.confirm = confirm
        self.select = select
        self.cost = cost
        self.prefer_default = prefer_default
        self.stop = stop
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
        race_of(self)
        if y is None and get_tags(self.estimator).target_tags.required:
            raise ArgumentError(
                f"SearchCV with {type(self.estimator).__name__} requires y to be passed, but the "
                "target y is None."
            )
        X, y = indexable(X, y)
        self.scorer_ = _scorers(self.estimator, self.scoring)
        task = self._task(X, y, {k: v for k, v in params.items() if v is not None})
        self.n_splits_ = len(task.splits)
        self._levels, scheduler = levels_of(self, task)
        self.study_ = self._open_study(task, scheduler)
        task = task.seeded(self.study_.seed)
        draws = selection.plan(self, task)
        warm_up(self.study_, self.warm_start)
        if self.default:
            try_default(self.study_, task, self.n_trials)
        with self._objective(task) as objective:
            self.study_.optimize(
                objective,
                total_trials=self.n_trials,
                timeout=self.timeout,
                stop=self.stop,
                catch=(),  # splits' errors become ObjectiveErrors; anything else ends the search
                callbacks=self.callbacks,
                fail_fast=None,
                show_progress_bar=bool(self.verbose),
                **running(self, self.study_),
            )
        if self.default and self._levels is not None:
            try_default_in_full(self.study_, task, self._levels)
        self._take_results(task, draws)
        if self.refit:
            self._fit_best(task.fitting)
        selection.tell(self)
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

    def report(self) -> str:
        """Say in words what the winner can be expected to score, and what it gains."""
        check_is_fitted(self)
        return selection.report(self)

    def overtuning(self, test: Any = None) -> Overtuning:
        """Tell what was lost by following noisy scores; see ``luthier.analysis.overtuning``.

        Args:
            test: Scores of all rows of ``cv_results_`` on other data. None takes those of the
                confirm stage, and looks at the finalists only.

        Raises:
            ArgumentError: There was no confirm stage, or ``test`` is of another length.
        """
        check_is_fitted(self)
        return selection.overtuning_of(self, test)

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

    __getstate__ = state_without_study

    def _estimator_router(self) -> Any:
        to_fit = metadata.MethodMapping().add(caller="fit", callee="fit")
        to_score = metadata.MethodMapping()
        to_score.add(caller="fit", callee="score").add(caller="score", callee="score")
        scorer = check_scoring(self.estimator, self.scoring)
        router = metadata.MetadataRouter(owner=self)
        router.add(estimator=self.estimator, method_mapping=to_fit)
        return router.add(scorer=scorer, method_mapping=to_score)

    def _task(self, X: Any, y: Any, params: dict[str, Any]) -> CrossValidation:
        """What candidates are put to."""
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        if _routing():
            routed = metadata.process_routing(self, "fit", **params)
            to_split, to_fit = dict(routed.splitter.split), routed.estimator.fit
            to_score = routed.scorer.score
        else:
            to_split = {"groups": params.pop("groups", None)}
            to_fit, to_score = params, {}
        fitting = Fitting(
            self.estimator,
            X,
            y,
            check_scoring(self.estimator, self.scoring),
            metric_names(self.scoring),
            to_fit,
            to_score,
            train_scores=self.return_train_score,
            raises=self.error_score == "raise",
            whole=True,
            sized="model_size" in " ".join(settings.constraints_of(self.constraints)),
        )
        splits = list(cv.split(X, y, **to_split))
        reshuffle = Reshuffle.of(cv, to_split) if self.reshuffle else None
        if reshuffle is not None and not reshuffle.varies(X, y):
            raise ArgumentError(
                f"SearchCV: reshuffle=True needs a splitter with a random_state, got {cv!r}, which "
                "splits the same way every time. Use a number of folds, ShuffleSplit or "
                "RepeatedKFold."
            )
        return CrossValidation(fitting, splits, to_split, reshuffle)

    def _open_study(self, task: CrossValidation, scheduler: Any) -> Study:
        space = settings.searched_space(self)
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
            scheduler=scheduler,
            constraints=settings.constraints_of(self.constraints),
            fidelity="step" if self._levels is None else self._levels.counted,
            **chosen,
        )
        settings.check_ends(self, study, space)
        levels = None if self._levels is None else self._levels.to_json()
        settings.check_same_task(study, {**task.fingerprint(), "fidelity": levels})
        return study

    @contextmanager
    def _objective(self, task: CrossValidation) -> Iterator[Candidacy | Ascent]:
        with prefix_memory(self.cache) as memory:
            candidacy = Candidacy(
                task,
                False if callable(self.refit) else self.refit,
                gives_up=not isinstance(self.study_.scheduler, NoStopping),
                measured=bool(settings.constraints_of(self.constraints)),
                memory=memory,
            )
            if self._levels is None:
                yield candidacy
            else:
                with scratch() as place:
                    yield Ascent(candidacy, self._levels, place)

    def _take_results(self, task: CrossValidation, draws: list[Any]) -> None:
        candidates = candidates_of(self.study_, self.n_splits_)
        if not candidates:
            raise NoTrialError(
                f"SearchCV has evaluated no candidate: timeout={self.timeout!r}, "
                f"n_trials={self.n_trials!r}. Give it more of either."
            )
        if self._levels is not None:
            candidates = self._levels.deserving(candidates)
        _tell_of_failures(self, candidates)
        self.default_index_ = None
        if self.default:
            candidates, self.default_index_ = with_default(self.study_, self.estimator, candidates)
        failed_score = math.nan if isinstance(self.error_score, str) else self.error_score
        self.cv_results_ = cv_results(candidates, self.n_splits_, failed_score)
        if self._levels is not None:
            self.cv_results_ = ranked_by_resource(self.cv_results_, candidates, self._levels)
        metrics = [k.removeprefix("rank_test_") for k in self.cv_results_ if "rank_test_" in k]
        self.multimetric_ = isinstance(self.scoring, MULTIMETRIC) or metrics != ["score"]
        if self.refit or not self.multimetric_:
            self._choose_best(candidates)
            selection.settle(self, candidates, task, draws)

    def _choose_best(self, candidates: Sequence[Candidate]) -> None:
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
            best = candidates[self.best_index_]
            if not (best.feasible and best.run(self.n_splits_).all()):
                self.study_.best_trial  # noqa: B018  raises, and says why there is none
            self.best_score_ = table[f"mean_test_{metric}"][self.best_index_]
        self.best_params_ = table["params"][self.best_index_]

    def _fit_best(self, task: Fitting) -> None:
        given = task.X, task.y, task.fit_params or {}
        self.best_estimator_ = configured(self.estimator, self.best_params_)
        began = time.perf_counter()
        if self._levels is None:
            fit(self.best_estimator_, *given)
        else:
            self._levels.fit(self.best_estimator_, *given)
        self.refit_time_ = time.perf_counter() - began
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_


def _scorers(estimator: Any, scoring: Any) -> Any:
    checked = check_scoring(estimator, scoring)
    if isinstance(scoring, dict):
        return {name: check_scoring(estimator, scorer) for name, scorer in scoring.items()}
    if isinstance(scoring, MULTIMETRIC):
        return {name: get_scorer(name) for name in scoring}
    return checked


def _objective_name(search: SearchCV) -> str:
    """The refit metric, or the first, in a form that a study's metric may have."""
    if not isinstance(search.scoring, MULTIMETRIC):
        return "score"
    name = search.refit if isinstance(search.refit, str) else metric_names(search.scoring)[0]
    return re.sub(r"[\s<>=]+", "_", name)


def _tell_of_failures(search: SearchCV, candidates: Sequence[Candidate]) -> None:
    n_splits = search.n_splits_
    errors = [c.error for c in candidates for _ in range(c.failed_splits(n_splits))]
    total = sum(int(candidate.run(n_splits).sum()) for candidate in candidates)
    tell_of_failures(search, errors, total)


def _seed(random_state: Any) -> int | None:
    if isinstance(random_state, (Integral, type(None))):
        return random_state  # type: ignore[return-value]
    return int(check_random_state(random_state).randint(2**31 - 1))


def _routing() -> bool:
    return bool(get_config()["enable_metadata_routing"])
