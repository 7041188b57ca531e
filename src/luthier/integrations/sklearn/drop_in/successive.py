"""``HalvingGridSearchCV`` and ``HalvingRandomSearchCV`` with a study behind them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, final

import numpy as np
from sklearn import model_selection
from sklearn.base import _fit_context
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import ParameterGrid, ParameterSampler

from luthier.core.jobs import Decision, Outcome
from luthier.core.protocols import Storage
from luthier.core.trial import EMPTY, FrozenTrial, TrialState
from luthier.errors import ArgumentError
from luthier.integrations.sklearn.callbacks import Telling
from luthier.integrations.sklearn.drop_in import outcomes, shell, working
from luthier.integrations.sklearn.drop_in.listing import enlist
from luthier.integrations.sklearn.drop_in.rounds import Plan, Rounds, subsampled
from luthier.integrations.sklearn.fitting import Fit, Split, first_error, n_rows
from luthier.integrations.sklearn.pickling import state_without_study
from luthier.study.study import Study

__all__ = ["HalvingGridSearchCV", "HalvingRandomSearchCV"]


@final
class HalvingGridSearchCV(model_selection.HalvingGridSearchCV):  # type: ignore[misc]
    """scikit-learn's ``HalvingGridSearchCV`` with a study behind it: a changed import is enough.

    Candidates, subsamples, scores, rounds and the winner are scikit-learn's. A candidate is a
    trial, and round *k* its step *k*; with a storage and a name, a search that was killed goes on
    in the middle of a round. scikit-learn's ``enable_halving_search_cv`` needn't be imported.

    Args:
        estimator: What to tune.
        param_grid: Lists of values by parameter name, or a list of such grids.
        factor: One in so many candidates goes on to the next round, with so many times the
            resources.
        resource: "n_samples", or a parameter of the estimator that is a positive integer.
        max_resources: What no round may exceed; "auto" is the number of samples.
        min_resources: What the first round spends on each candidate; "smallest" is a few samples
            of each class and split; "exhaust" so many that the last round spends all there is.
        aggressive_elimination: Repeat the first round until few enough candidates are left.
        cv: Number of folds, a splitter that gives the same splits every time, or an iterable.
        scoring: A metric's name or a scorer; None is ``score``.
        refit: Whether to fit the best candidate to all data.
        error_score: Score of a fit that fails, or "raise" to raise its error.
        return_train_score: Whether training scores are computed too.
        random_state: Where subsamples are drawn from. With a storage it must be an integer, or
            None for the study's own seed.
        n_jobs: How many fits run at once, as in joblib.
        verbose: Above 0 prints the rounds, above 1 every fit, above 2 its scores.
        study_name: Name of the study; the same name in the same storage goes on with it.
        storage: Where to keep the study, as a URL or path; None is in memory.

    Attributes:
        study_: The study: trial *i* is candidate *i*. It isn't pickled.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> grid = {"n_neighbors": [1, 3, 5, 7]}
        >>> search = HalvingGridSearchCV(KNeighborsClassifier(), grid, factor=2, random_state=0)
        >>> search.fit(*load_iris(return_X_y=True)).n_candidates_
        [4, 2, 1]
    """

    study_: Study

    def __init__(
        self,
        estimator: Any,
        param_grid: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        factor: float = 3,
        resource: str = "n_samples",
        max_resources: int | str = "auto",
        min_resources: int | str = "exhaust",
        aggressive_elimination: bool = False,
        cv: Any = 5,
        scoring: Any = None,
        refit: bool = True,
        error_score: float | str = np.nan,
        return_train_score: bool = True,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        study_name: str | None = None,
        storage: Storage | str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(
            estimator,
            param_grid,
            factor=factor,
            resource=resource,
            max_resources=max_resources,
            min_resources=min_resources,
            aggressive_elimination=aggressive_elimination,
            cv=cv,
            scoring=scoring,
            refit=refit,
            error_score=error_score,
            return_train_score=return_train_score,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        self.study_name = study_name
        self.storage = storage

    @_fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Halve the grid round by round, and fit the best candidate to all data.

        Args:
            X: Training data, shape (n_samples, n_features), or whatever the estimator takes.
            y: Targets, if any.
            **params: ``groups`` for the splitter; others for the estimator and the scorer.

        Returns:
            The search itself.

        Raises:
            ArgumentError: No splits, or a random state that can't be drawn from again.
            AllTrialsFailedError: Every fit of a round has failed.
            StudyMismatchError: The study of that name is of another search.
            ValueError: Resources that contradict each other or the data.
        """
        _halve(self, X, y, params, lambda _: ParameterGrid(self.param_grid))
        return self

    __getstate__ = state_without_study


@final
class HalvingRandomSearchCV(model_selection.HalvingRandomSearchCV):  # type: ignore[misc]
    """scikit-learn's ``HalvingRandomSearchCV`` with a study behind it: a changed import is enough.

    For the same ``random_state`` it draws the same candidates and subsamples as scikit-learn's.
    See ``HalvingGridSearchCV`` for the rest.

    Args:
        estimator: What to tune.
        param_distributions: Lists of values or distributions with ``rvs`` by parameter name, or a
            list of such mappings.
        n_candidates: How many candidates are drawn; "exhaust" as many as let the last round spend
            all there is.
        factor: One in so many candidates goes on to the next round, with so many times the
            resources.
        resource: "n_samples", or a parameter of the estimator that is a positive integer.
        max_resources: What no round may exceed; "auto" is the number of samples.
        min_resources: What the first round spends on each candidate, as in ``HalvingGridSearchCV``.
        aggressive_elimination: Repeat the first round until few enough candidates are left.
        cv: Number of folds, a splitter that gives the same splits every time, or an iterable.
        scoring: A metric's name or a scorer; None is ``score``.
        refit: Whether to fit the best candidate to all data.
        error_score: Score of a fit that fails, or "raise" to raise its error.
        return_train_score: Whether training scores are computed too.
        random_state: Where candidates and subsamples are drawn from. With a storage it must be an
            integer, or None for the study's own seed.
        n_jobs: How many fits run at once, as in joblib.
        verbose: Above 0 prints the rounds, above 1 every fit, above 2 its scores.
        study_name: Name of the study; the same name in the same storage goes on with it.
        storage: Where to keep the study, as a URL or path; None is in memory.

    Attributes:
        study_: The study: trial *i* is candidate *i*. It isn't pickled.

    Example:
        >>> from scipy.stats import randint
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> search = HalvingRandomSearchCV(
        ...     DecisionTreeClassifier(random_state=0), {"max_depth": randint(1, 9)}, random_state=0
        ... )
        >>> search.fit(*load_iris(return_X_y=True)).n_resources_
        [30, 90]
    """

    study_: Study

    def __init__(
        self,
        estimator: Any,
        param_distributions: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        n_candidates: int | str = "exhaust",
        factor: float = 3,
        resource: str = "n_samples",
        max_resources: int | str = "auto",
        min_resources: int | str = "smallest",
        aggressive_elimination: bool = False,
        cv: Any = 5,
        scoring: Any = None,
        refit: bool = True,
        error_score: float | str = np.nan,
        return_train_score: bool = True,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        study_name: str | None = None,
        storage: Storage | str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(
            estimator,
            param_distributions,
            n_candidates=n_candidates,
            factor=factor,
            resource=resource,
            max_resources=max_resources,
            min_resources=min_resources,
            aggressive_elimination=aggressive_elimination,
            cv=cv,
            scoring=scoring,
            refit=refit,
            error_score=error_score,
            return_train_score=return_train_score,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        self.study_name = study_name
        self.storage = storage

    @_fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Halve the candidates drawn round by round, and fit the best to all data.

        Args:
            X: Training data, shape (n_samples, n_features), or whatever the estimator takes.
            y: Targets, if any.
            **params: ``groups`` for the splitter; others for the estimator and the scorer.

        Returns:
            The search itself.

        Raises:
            ArgumentError: No splits, or a random state that can't be drawn from again.
            AllTrialsFailedError: Every fit of a round has failed.
            StudyMismatchError: The study of that name is of another search.
            ValueError: Resources that contradict each other or the data.
        """
        _halve(self, X, y, params, self._drawn)
        return self

    def _drawn(self, random_state: Any) -> ParameterSampler:
        n = self.n_candidates
        n = self.max_resources_ // self.min_resources_ if n == "exhaust" else n
        return ParameterSampler(self.param_distributions, n, random_state=random_state)

    __getstate__ = state_without_study


def _halve(
    search: Any, X: Any, y: Any, params: Mapping[str, Any], listed: Callable[[Any], Iterable[Any]]
) -> None:
    """Evaluate a list of candidates in rounds."""
    task = shell.prepare(search, X, y, params)
    study, random_state = shell.open_study(search)
    source = listed(random_state)
    if search.resource != "n_samples" and any(search.resource in c for c in source):
        raise ArgumentError(
            f"{type(search).__name__}: {search.resource!r} can't be both the resource and a "
            "parameter that is searched. Leave it out of one."
        )
    candidates = list(source)
    plan = _plan(search, len(candidates))
    scheduler = Rounds(plan)
    study._driver.use(study.sampler, scheduler)
    splits = task.splits()
    shell.check_same(task, study, splits, plan=dict(scheduler.spec) | {"resource": search.resource})
    search.study_ = study
    enlist(study, candidates)
    told = task.telling.part("search", plan.n_iterations, ordered=True)
    told.begin()
    halving = _Halving(task, study, scheduler, candidates, splits, random_state, told)
    work = working.Work(
        params=halving.begin,
        splits=lambda trial: halving.splits_at(trial.budget or 0),
        record=halving.record,
        telling=lambda trial: halving.rounds[trial.budget or 0][0],
    )
    working.work_off(task, study, work)
    halving.end_round()
    told.end()
    _tell(search, plan)
    shell.conclude(task, halving.table())
    search.best_score_ = search.cv_results_["mean_test_score"][search.best_index_]


def _plan(search: Any, n_candidates: int) -> Plan:
    plan = Plan(
        n_candidates,
        search.factor,
        search.min_resources_,
        search.max_resources_,
        search.aggressive_elimination,
    )
    if search.min_resources == "exhaust":
        plan = plan.exhausting()
        search.min_resources_ = plan.min_resources
    return plan


def _tell(search: Any, plan: Plan) -> None:
    """What a halving search says of its rounds."""
    rounds = range(plan.n_iterations)
    search.n_resources_ = [plan.resources(k) for k in rounds]
    search.n_candidates_ = [plan.size(k) for k in rounds]
    search.n_remaining_candidates_ = plan.size(plan.n_iterations)
    search.n_required_iterations_ = plan.n_required
    search.n_possible_iterations_ = plan.n_possible
    search.n_iterations_ = plan.n_iterations


@final
@dataclass(frozen=True)
class _Halving:
    """The rounds of one ``fit``."""

    task: shell.Task
    study: Study
    scheduler: Rounds
    candidates: list[dict[str, Any]]
    splits: list[Split]
    random_state: Any
    telling: Telling
    rounds: dict[int, tuple[Telling, list[Split]]] = field(default_factory=dict)

    def begin(self, trial: FrozenTrial) -> dict[str, Any]:
        """What a trial's estimator is given in the round that is due.

        A trial that is run again after a crash has lost what it had reported; it is told anew.
        """
        iteration = trial.budget or 0
        for before in range(iteration):
            if before not in trial.reports:
                column = outcomes.noted(trial, before).get("test_score", [])
                score = {"score": self._score(column)}
                self.study._driver.report(trial.number, before, score, trial.attempt)
        return self.params_at(trial.number, iteration)

    def params_at(self, number: int, iteration: int) -> dict[str, Any]:
        """What the estimator is given in a round."""
        resource = self.task.search.resource
        own = (
            {} if resource == "n_samples" else {resource: self.scheduler.plan.resources(iteration)}
        )
        return {**self.candidates[number], **own}

    def splits_at(self, iteration: int) -> list[Split]:
        """The splits of a round: the same for all its candidates, so drawn once."""
        if iteration not in self.rounds:
            self.end_round()
            n_fits = self.scheduler.plan.size(iteration) * len(self.splits)
            told = self.telling.part("halving-iteration", n_fits)
            told.begin()
            self.rounds[iteration] = told, self._draw(iteration)
        return self.rounds[iteration][1]

    def end_round(self) -> None:
        """Tell that the last round has ended."""
        if self.rounds:
            self.rounds[max(self.rounds)][0].end()

    def _draw(self, iteration: int) -> list[Split]:
        plan, search = self.scheduler.plan, self.task.search
        resources = plan.resources(iteration)
        if search.verbose > 0:
            size = plan.size(iteration)
            working.say(f"Round {iteration}: {size} candidates, {search.resource}={resources}")
        if search.resource != "n_samples":
            return self.splits
        fraction = resources / (n_rows(self.task.fitting.X) or 1)
        return list(subsampled(self.splits, fraction, self.random_state))

    def record(self, trial: FrozenTrial, fits: Sequence[Fit]) -> None:
        """Report a round's score; end the trial after the last."""
        driver, iteration = self.study._driver, trial.budget or 0
        outcomes.note(self.study, trial, fits, iteration)
        score = {"score": self._score([fit.scores.get("test_score") for fit in fits])}
        decision = driver.report(trial.number, iteration, score, trial.attempt)
        error = first_error(fits)
        metrics: Mapping[str, float] = EMPTY
        state = TrialState.PAUSED
        if decision is Decision.CONTINUE:
            metrics, error, state = outcomes.result(self.study, score, error)
        reports = driver.trial(trial.number).reports
        outcome = Outcome(
            state, trial.params, metrics, reports, error=error, cost=outcomes.seconds(fits)
        )
        driver.finish(trial.number, outcome)

    def _score(self, column: Sequence[float | None]) -> float:
        error_score = self.task.search.error_score
        missing = np.nan if error_score == "raise" else error_score
        return float(np.mean([missing if v is None else v for v in column or [None]]))

    def table(self) -> dict[str, Any]:
        """The table of all rounds, one row for each of a round's candidates."""
        trials = self.study.get_trials()
        rounds = self.scheduler.rounds(self.study.history)
        iterations = [k for k, members in enumerate(rounds) for _ in members]
        numbers = [number for members in rounds for number in members]
        rows = [(trials[n], self.params_at(n, k)) for n, k in zip(numbers, iterations, strict=True)]
        spent = [self.scheduler.plan.resources(k) for k in iterations]
        first = {"iter": np.asarray(iterations), "n_resources": np.asarray(spent)}
        return first | outcomes.table(self.task.search, rows, iterations)
