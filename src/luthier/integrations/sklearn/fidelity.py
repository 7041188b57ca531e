"""Candidates that are first tried with little: few rows, few trees, few epochs.

A step of a trial is then a level of the fidelity. On each level every split is fitted and scored,
and the means are reported; the scheduler says which candidates get more. Where going on with a
fitted model comes to the same as fitting it in one go, it goes on:

    samples     nested, stratified subsets of each split's training rows; fitted anew
    epochs      passes over the data by ``partial_fit``; goes on
    a setting   such as ``n_estimators``: goes on by ``warm_start`` where the setting counts what
                there is in all and nothing stops early; fitted anew otherwise

Models wait for their trial's next level in the search's scratch folder. One that isn't there, since
the search was killed or the worker is another machine's, is fitted anew up to the level.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any, Final, Self, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.multiclass import unique_labels

from luthier.core.protocols import Scheduler
from luthier.errors import ArgumentError, NoTrialError, ObjectiveError, TrialPruned
from luthier.integrations.sklearn.cross_validation import CrossValidation
from luthier.integrations.sklearn.cv_results import (
    FOLDS,
    Candidate,
    folds_to_json,
)
from luthier.integrations.sklearn.fitting import Fit, Split, fit
from luthier.integrations.sklearn.objective import Candidacy
from luthier.integrations.sklearn.racing import scheduler_of
from luthier.integrations.sklearn.scratch import Scratch
from luthier.integrations.sklearn.settings import searched_space
from luthier.schedulers import PBT
from luthier.strategies import make_scheduler
from luthier.study.fidelity import Subsets
from luthier.study.trial import Trial

__all__ = ["EPOCHS", "Ascent", "Fidelity", "levels_of", "ranked_by_resource"]

SAMPLES: Final = "samples"
EPOCHS: Final = "epochs"
_WITH_RUNGS: Final = ("successive_halving", "hyperband", "asha", "pasha")
_LEVELS: Final = 27  # from the lowest rung to the end, unless the scheduler is told
_FEWEST: Final = 5  # rows of a class on the lowest rung, about
_HIST = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
_ALWAYS_STOPPING: Final = 10_000  # rows above which early_stopping="auto" means True there


@final
@dataclass(frozen=True)
class Fidelity:
    """What a scheduler's steps mean for a candidate.

    Attributes:
        resource: "samples", "epochs", or the setting of the estimator that is raised.
        full: How much of it is all: a level of less never wins.
        end: The scheduler's step that gives all.
        watched: The steps below the end at which a run that isn't limited reports.
    """

    resource: str
    full: int
    end: int
    watched: tuple[int, ...]

    @classmethod
    def of(
        cls, given: Any, scheduler: Any, task: CrossValidation, searched: Sequence[str]
    ) -> tuple[Self, Scheduler]:
        """Read a search's settings ``fidelity`` and ``scheduler``.

        Args:
            given: A resource's name, or a mapping from "epochs" to their number.
            scheduler: A scheduler or what stands for one; of a name alone, the resource sets the
                steps. None is "asha".
            task: What candidates are put to.
            searched: The names of the parameters that are searched.

        Raises:
            ArgumentError: A fidelity that the estimator doesn't have or that is searched, or a
                scheduler that doesn't go with fidelities.
        """
        resource, amount = _read(given)
        full = amount if resource == EPOCHS else _full(resource, task, searched)
        if full is None and (scheduler is None or scheduler in (*_WITH_RUNGS, "freeze_thaw")):
            raise ArgumentError(
                "SearchCV: fidelity='epochs' must say how many there are in all, as in "
                f"fidelity={{'epochs': 50}} or scheduler='asha:max_resource=50', got {scheduler!r}."
            )
        chosen = _scheduler("asha" if scheduler is None else scheduler, full, resource, task)
        end = getattr(chosen, "max_resource", None) or full
        if end is None:
            raise ArgumentError(
                "SearchCV: fidelity='epochs' must say how many there are in all, as in "
                f"fidelity={{'epochs': 50}} or scheduler='asha:max_resource=50', got {scheduler!r}."
            )
        rungs = getattr(chosen, "rungs", None) or [round(end * k / 10) for k in range(1, 10)]
        pausing = hasattr(chosen, "rungs") and getattr(chosen, "mode", "") != "stopping"
        steps = sorted({step for step in rungs if 0 < step < end})
        return cls(resource, full or end, end, () if pausing else tuple(steps)), chosen

    @property
    def counted(self) -> str:
        """What a step is, in words: the resource, or the share of it that a step stands for."""
        share = "" if self.full == self.end else f"{self.end}th of "
        return f"{share}{self.resource}"[:40]

    def to_json(self) -> list[Any]:
        """What must be the same for results to be comparable."""
        return [self.resource, self.full, self.end]

    def amount(self, step: int) -> int:
        """How much of the resource a step stands for."""
        return max(1, round(self.full * min(step / self.end, 1.0)))

    def reached(self, candidate: Candidate) -> int:
        """How much of the resource a candidate got; all, if it is none of a trial."""
        if candidate.step is None:
            return self.full if candidate.error is None else 0
        return self.amount(candidate.step)

    def deserving(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The same candidates, of which only those that got everything may win."""
        return [
            replace(c, feasible=c.feasible and self.reached(c) >= self.full) for c in candidates
        ]

    def climb(self, trial: Trial, measure: Callable[[int], dict[str, float]]) -> dict[str, float]:
        """Take a trial from level to level, as far as its budget and its results allow.

        Args:
            trial: The trial.
            measure: Fits and scores the trial's candidate at a step.

        Returns:
            The metrics at the end.

        Raises:
            TrialPruned: The scheduler pauses or stops it.
        """
        goal = min(trial.budget or self.end, self.end)
        done = trial.reports.last_step or 0
        for step in (*(s for s in self.watched if done < s < goal), goal):
            metrics = measure(step)
            trial.report(metrics, step)
            if step < self.end and trial.should_prune():
                raise TrialPruned
        return metrics

    def fit_and_score(
        self,
        task: CrossValidation,
        candidate: Any,
        split: Split,
        step: int,
        place: Scratch,
        key: str,
    ) -> Fit:
        """Fit and score a candidate on one split, at one level.

        Args:
            task: What candidates are put to.
            candidate: An estimator; it is cloned.
            split: Training and test indices.
            step: The scheduler's step.
            place: Where a model waits for the trial's next level.
            key: Tells trials and splits apart there.
        """
        candidate = clone(candidate)
        if self.resource == SAMPLES:
            split = self._rows(task, split[0], step), split[1]
        elif _goes_on(candidate, self.resource, len(split[0])):
            candidate = _Growing(candidate, self.resource, self.amount(step), place, key)
        else:
            candidate = candidate.set_params(**{self.resource: self.amount(step)})
        with warnings.catch_warnings():
            if step < self.end:  # it isn't meant to converge yet
                warnings.simplefilter("ignore", ConvergenceWarning)
            return task.fitting.of_model(candidate, split)

    def fit(self, model: Any, X: Any, y: Any, params: Mapping[str, Any]) -> Any:
        """Fit a model with all of the resource, as the winner is.

        Args:
            model: The model; it is changed.
            X: Data.
            y: Targets, or None.
            params: For ``fit``.
        """
        if self.resource == EPOCHS:
            return _trained(model, 0, self.full, X, y, params)
        return fit(model, X, y, params)

    def _rows(self, task: CrossValidation, train: Any, step: int) -> NDArray[np.intp]:
        """A split's training rows at a level: two of each class are always among them."""
        rows = np.asarray(train)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        labels = _labels(task)
        if labels is None:
            return rows[Subsets(len(rows), self.end, least=2).at(step)]
        _, classes = np.unique(labels[rows], return_inverse=True)
        order = np.argsort(classes, kind="stable")
        nth = np.arange(len(rows)) - np.searchsorted(classes[order], classes[order])
        return rows[np.union1d(Subsets(classes, self.end).at(step), order[nth < 2])]


@final
@dataclass(frozen=True, slots=True)
class Ascent:
    """The objective of a search with a fidelity: all of a candidate's splits, level by level.

    Attributes:
        candidacy: What candidates are put to.
        fidelity: What steps mean.
        place: Where models wait for their trial's next level.
    """

    candidacy: Candidacy
    fidelity: Fidelity
    place: Scratch

    def __call__(self, trial: Trial) -> dict[str, float]:
        """Take the trial from level to level; return the means at the end."""
        task, candidate = self.candidacy.task, self.candidacy.candidate(trial)
        splits = task.splits_of(trial.number)

        def measure(step: int) -> dict[str, float]:
            fits = [
                self.fidelity.fit_and_score(
                    task, candidate, split, step, self.place, f"trial-{trial.number}-{number}"
                )
                for number, split in enumerate(splits)
            ]
            return self._noted(trial, fits)

        return self.fidelity.climb(trial, measure)

    def _noted(self, trial: Trial, fits: Sequence[Fit]) -> dict[str, float]:
        """Note the results of a level; return their means."""
        trial.set_user_attr(FOLDS, folds_to_json([fit.scores for fit in fits]))
        if errors := [fit.error for fit in fits if fit.error is not None]:
            raise ObjectiveError(
                f"{len(errors)} of {len(fits)} splits failed. The first error: {errors[0]}"
            )
        mean = float(np.mean([self.candidacy.score(fit) for fit in fits]))
        scores = {name: [fit.scores[name] for fit in fits] for name in fits[0].scores}
        return {trial.objective_name: mean, **self.candidacy.means(scores)}


def levels_of(search: Any, task: CrossValidation) -> tuple[Fidelity | None, Any]:
    """Return the fidelity of a search, if it has one, and its scheduler.

    Args:
        search: A ``SearchCV``.
        task: What its candidates are put to.

    Raises:
        ArgumentError: As from ``Fidelity.of``.
    """
    if search.fidelity is None:
        return None, scheduler_of(search, len(task.splits))
    if _read(search.fidelity)[0] == EPOCHS and getattr(search, "confirm", None):
        raise ArgumentError(
            "SearchCV: fidelity='epochs' can't be confirmed on fresh splits, where estimators are "
            "fitted in one go. Leave confirm out, or take another fidelity."
        )
    return Fidelity.of(search.fidelity, search.scheduler, task, list(searched_space(search)))


def ranked_by_resource(
    table: dict[str, Any], candidates: Sequence[Candidate], fidelity: Fidelity
) -> dict[str, Any]:
    """Add to a ``cv_results_`` how far each candidate got, and rank those that got far first.

    Args:
        table: The table.
        candidates: Its rows.
        fidelity: What steps mean.

    Returns:
        The table with ``n_resources``; candidates that were given less rank behind.

    Raises:
        NoTrialError: No candidate was given all.
    """
    reached = np.array([fidelity.reached(candidate) for candidate in candidates])
    feasible = np.array([candidate.feasible for candidate in candidates])
    ranks = [name for name in table if name.startswith("rank_test_")]
    ranked = {}
    for name in ranks:
        scores = table[name.replace("rank_", "mean_", 1)]
        if not np.any((reached >= fidelity.full) & ~np.isnan(scores)):
            raise NoTrialError(
                f"SearchCV: none of {len(candidates)} candidates has got to {fidelity.resource}="
                f"{fidelity.full}; the best so far got to {reached.max()}. Give the search more "
                "n_trials or time."
            )
        known = ~np.isnan(scores)
        columns = known, np.where(known, reached, 0), feasible, np.where(known, scores, 0)
        keys = list(zip(*columns, strict=True))
        places: dict[Any, int] = {}
        for place, key in enumerate(sorted(keys, reverse=True), 1):
            places.setdefault(key, place)
        ranked[name] = np.array([places[key] for key in keys], dtype=np.int32)
    return {**table, **ranked, "n_resources": reached}


class _Growing(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """Stands for a candidate on one split: its ``fit`` goes on with what the last level left."""

    def __init__(self, model: Any, resource: str, amount: int, place: Scratch, key: str) -> None:
        self.model = model
        self.resource = resource
        self.amount = amount
        self.place = place
        self.key = key

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        before, model = self.place.get(self.key) or (0, None)
        if model is None or before > self.amount:
            before, model = 0, clone(self.model)
        if self.resource == EPOCHS:
            model = _trained(model, before, self.amount, X, y, params)
        elif before < self.amount:
            warm = _beside(self.resource, "warm_start")
            model.set_params(**{self.resource: self.amount, warm: True})
            fit(model, X, y, params)
        self.place.put(self.key, (self.amount, model))
        self.model_ = model
        return self

    def __getattr__(self, name: str) -> Any:
        own = vars(self)
        if name.startswith("__") or "model" not in own:
            raise AttributeError(name)
        return getattr(own.get("model_", own["model"]), name)

    def get_metadata_routing(self) -> Any:
        return self.model.get_metadata_routing()

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.model)


def _read(given: Any) -> tuple[str, int | None]:
    if isinstance(given, str) and given:
        return given, None
    if isinstance(given, Mapping) and list(given) == [EPOCHS]:
        epochs = given[EPOCHS]
        if isinstance(epochs, int) and not isinstance(epochs, bool) and epochs >= 1:
            return EPOCHS, epochs
    raise ArgumentError(
        "SearchCV: fidelity must be 'samples', 'epochs', {'epochs': a number of at least 1}, or "
        f"the name of a setting such as 'n_estimators', got {given!r}.",
        fidelity=given,
    )


def _full(resource: str, task: CrossValidation, searched: Sequence[str]) -> int:
    """How much of a resource is all: rows of the smallest split, or the setting as it is."""
    if resource == SAMPLES:
        return min(len(train) for train, _ in task.splits)
    settings = task.fitting.estimator.get_params()
    value = settings.get(resource)
    if resource in searched or isinstance(value, bool) or not isinstance(value, int) or value < 1:
        what = "is searched" if resource in searched else f"is {value!r}"
        what = what if resource in settings else "it doesn't have"
        raise ArgumentError(
            "SearchCV: fidelity must name a setting of the estimator that is a number of at least "
            f"1 and isn't searched, or 'samples' or 'epochs', got {resource!r}, which {what}. Give "
            "the estimator as much of it as the winner shall have.",
            fidelity=resource,
        )
    return value


def _scheduler(given: Any, full: int | None, resource: str, task: CrossValidation) -> Scheduler:
    """The scheduler, on steps of the resource itself where nothing else is said."""
    if isinstance(given, str) and full is not None:
        least = max(1, full // _LEVELS)
        if resource == SAMPLES and (labels := _labels(task)) is not None:
            least = min(full, max(least, _FEWEST * len(np.unique(labels))))
        if given in _WITH_RUNGS:
            given = {"name": given, "max_resource": full, "min_resource": least}
        elif given == "freeze_thaw":
            given = {"name": given, "max_resource": full}
    chosen = make_scheduler(given)
    if isinstance(chosen, PBT):
        raise ArgumentError(
            "SearchCV: a fidelity needs a scheduler that leaves a candidate its parameters, got "
            f"{chosen!r}. Take 'asha' or 'hyperband'.",
            scheduler=given,
        )
    return chosen


def _labels(task: CrossValidation) -> NDArray[Any] | None:
    """The classes of the rows; None where there are none, or several to a row."""
    labels = None if task.fitting.y is None else np.asarray(task.fitting.y)
    return (
        labels
        if labels is not None and labels.ndim == 1 and is_classifier(task.fitting.estimator)
        else None
    )


def _beside(setting: str, name: str) -> str:
    """Another setting of the part of an estimator that has this one."""
    part, separator, _ = setting.rpartition("__")
    return part + separator + name


def _goes_on(candidate: Any, resource: str, n_rows: int) -> bool:
    """Whether a fitted model goes on to where it would have come in one go."""
    if resource == EPOCHS:
        if not hasattr(_last(candidate)[1], "partial_fit"):
            raise ArgumentError(
                "SearchCV: fidelity='epochs' needs an estimator with partial_fit, got "
                f"{_last(candidate)[1]!r}. Take 'samples', or a setting such as 'max_iter'."
            )
        return True
    settings = candidate.get_params()
    if _beside(resource, "warm_start") not in settings:
        return False
    part, _, name = resource.rpartition("__")
    owner = settings[part] if part else candidate
    if isinstance(getattr(owner, "class_weight", None), str):  # estimated from each call's data
        return False
    if isinstance(owner, _HIST):
        stops = owner.early_stopping
        return name == "max_iter" and not (n_rows > _ALWAYS_STOPPING if stops == "auto" else stops)
    return name == "n_estimators" and getattr(owner, "n_iter_no_change", None) is None


def _last(model: Any) -> tuple[str, Any]:
    return model.steps[-1] if isinstance(model, Pipeline) else ("", model)


def _trained(
    model: Any, before: int, epochs: int, X: Any, y: Any, params: Mapping[str, Any]
) -> Any:
    """Take a model from so many epochs to more; a pipeline's first steps are fitted at first."""
    name, learner = _last(model)
    if name:
        head = model[:-1]
        if len(head):
            if not before:
                head.fit(X, y)
                model.steps[:-1] = head.steps  # with a memory, fitted steps are new objects
            X = head.transform(X)
        params = {key.removeprefix(f"{name}__"): value for key, value in params.items()}
    first = dict(params)
    if is_classifier(learner) and "classes" in signature(learner.partial_fit).parameters:
        first["classes"] = unique_labels(y)
    for epoch in range(before, epochs):
        learner.partial_fit(*(X,) if y is None else (X, y), **(params if epoch else first))
    return model
