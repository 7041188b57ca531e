"""``GridSearchCV`` and ``RandomizedSearchCV`` with a study behind them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self, final

import numpy as np
from sklearn import model_selection
from sklearn.base import _fit_context
from sklearn.model_selection import ParameterGrid, ParameterSampler

from luthier.core.jobs import Outcome
from luthier.core.protocols import Storage
from luthier.core.trial import FrozenTrial
from luthier.integrations.sklearn.drop_in import outcomes, shell, working
from luthier.integrations.sklearn.drop_in.listing import enlist
from luthier.integrations.sklearn.fitting import Fit, first_error
from luthier.integrations.sklearn.pickling import state_without_study
from luthier.study.study import Study

__all__ = ["GridSearchCV", "RandomizedSearchCV"]


@final
class GridSearchCV(model_selection.GridSearchCV):  # type: ignore[misc]
    """scikit-learn's ``GridSearchCV`` with a study behind it: a changed import is enough.

    Candidates, splits, scores and the winner are scikit-learn's, whatever ``n_jobs`` is. Beside
    that, what was evaluated is kept: with a storage and a name, a search that was killed goes on
    where it stood. To search without a grid, or to spend less on poor candidates, see
    ``SearchCV``.

    Args:
        estimator: What to tune.
        param_grid: Lists of values by parameter name, or a list of such grids.
        scoring: A metric's name, a scorer, or several as a list or dict; None is ``score``.
        n_jobs: How many fits run at once, as in joblib.
        refit: Whether to fit the best candidate to all data; of several metrics, the name of the
            one that decides; or a function from ``cv_results_`` to the index of the best.
        cv: Number of folds, a splitter, or an iterable of splits; None is five folds.
        verbose: Above 1 prints every fit, above 2 its scores.
        pre_dispatch: How many fits are handed out ahead, as in joblib.
        error_score: Score of a fit that fails, or "raise" to raise its error.
        return_train_score: Whether training scores are computed too.
        study_name: Name of the study; the same name in the same storage goes on with it.
        storage: Where to keep the study, as a URL or path; None is in memory.

    Attributes:
        study_: The study: trial *i* is row *i* of ``cv_results_``. It isn't pickled.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3, 5]}, cv=3)
        >>> search.fit(X, y).best_params_
        {'n_neighbors': 5}
    """

    study_: Study

    def __init__(
        self,
        estimator: Any,
        param_grid: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        error_score: float | str = np.nan,
        return_train_score: bool = False,
        study_name: str | None = None,
        storage: Storage | str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(
            estimator,
            param_grid,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.study_name = study_name
        self.storage = storage

    @_fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Evaluate the grid, and fit the best candidate to all data.

        Args:
            X: Training data, shape (n_samples, n_features), or whatever the estimator takes.
            y: Targets, if any.
            **params: ``groups`` for the splitter; others for the estimator and the scorer.

        Returns:
            The search itself.

        Raises:
            ArgumentError: No splits, or a random state that can't be drawn from again.
            AllTrialsFailedError: Every fit has failed.
            StudyMismatchError: The study of that name is of another search.
        """
        _exhaust(self, X, y, params, lambda _: ParameterGrid(self.param_grid))
        return self

    __getstate__ = state_without_study


@final
class RandomizedSearchCV(model_selection.RandomizedSearchCV):  # type: ignore[misc]
    """scikit-learn's ``RandomizedSearchCV`` with a study behind it: a changed import is enough.

    For the same ``random_state`` it draws the same candidates as scikit-learn's, in the same
    order. See ``GridSearchCV`` for the rest.

    Args:
        estimator: What to tune.
        param_distributions: Lists of values or distributions with ``rvs`` by parameter name, or a
            list of such mappings.
        n_iter: How many candidates are drawn.
        scoring: As in ``GridSearchCV``, and so are those that aren't told of here.
        n_jobs: How many fits run at once, as in joblib.
        refit: Whether to fit the best candidate to all data.
        cv: Number of folds, a splitter, or an iterable of splits; None is five folds.
        verbose: Above 1 prints every fit, above 2 its scores.
        pre_dispatch: How many fits are handed out ahead, as in joblib.
        random_state: Where draws come from. With a storage it must be an integer, or None for the
            study's own seed.
        error_score: Score of a fit that fails, or "raise" to raise its error.
        return_train_score: Whether training scores are computed too.
        study_name: Name of the study; the same name in the same storage goes on with it.
        storage: Where to keep the study, as a URL or path; None is in memory.

    Attributes:
        study_: The study: trial *i* is row *i* of ``cv_results_``. It isn't pickled.

    Example:
        >>> from scipy.stats import loguniform
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.svm import SVC
        >>> search = RandomizedSearchCV(SVC(), {"C": loguniform(0.1, 10)}, n_iter=4, random_state=0)
        >>> len(search.fit(*load_iris(return_X_y=True)).cv_results_["params"])
        4
    """

    study_: Study

    def __init__(
        self,
        estimator: Any,
        param_distributions: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        n_iter: int = 10,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        random_state: Any = None,
        error_score: float | str = np.nan,
        return_train_score: bool = False,
        study_name: str | None = None,
        storage: Storage | str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(
            estimator,
            param_distributions,
            n_iter=n_iter,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.study_name = study_name
        self.storage = storage

    @_fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Evaluate the candidates drawn, and fit the best to all data.

        Args:
            X: Training data, shape (n_samples, n_features), or whatever the estimator takes.
            y: Targets, if any.
            **params: ``groups`` for the splitter; others for the estimator and the scorer.

        Returns:
            The search itself.

        Raises:
            ArgumentError: No splits, or a random state that can't be drawn from again.
            AllTrialsFailedError: Every fit has failed.
            StudyMismatchError: The study of that name is of another search.
        """
        distributions, n = self.param_distributions, self.n_iter
        _exhaust(
            self, X, y, params, lambda seed: ParameterSampler(distributions, n, random_state=seed)
        )
        return self

    __getstate__ = state_without_study


def _exhaust(
    search: Any, X: Any, y: Any, params: Mapping[str, Any], listed: Callable[[Any], Iterable[Any]]
) -> None:
    """Evaluate every candidate of a list on every split."""
    task = shell.prepare(search, X, y, params)
    study, random_state = shell.open_study(search)
    candidates = list(listed(random_state))
    splits = task.splits()
    if search.verbose > 0:
        n, k = len(candidates), len(splits)
        working.say(f"Fitting {n} candidates to {k} splits each: {n * k} fits")
    shell.check_same(task, study, splits)
    search.study_ = study
    enlist(study, candidates)
    told = task.telling.part("search", len(candidates) * len(splits))
    told.begin()
    work = working.Work(
        params=lambda trial: candidates[trial.number],
        splits=lambda trial: splits,
        record=lambda trial, fits: _record(study, trial, fits, search.refit),
        telling=lambda trial: told,
    )
    working.work_off(task, study, work)
    told.end()
    rows = list(zip(study.get_trials(), candidates, strict=False))
    shell.conclude(task, outcomes.table(search, rows))


def _record(study: Study, trial: FrozenTrial, fits: Sequence[Fit], refit: Any) -> None:
    """End a trial with its mean scores; the study's is that of the metric that decides."""
    outcomes.note(study, trial, fits)
    means = outcomes.mean_scores(fits)
    decisive = refit if refit in means else next(iter(means), "score")
    means = {"score": means.get(decisive, np.nan), **means}
    metrics, error, state = outcomes.result(study, means, first_error(fits))
    outcome = Outcome(state, trial.params, metrics, error=error, cost=outcomes.seconds(fits))
    study._driver.finish(trial.number, outcome)
