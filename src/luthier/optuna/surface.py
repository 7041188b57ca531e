"""A study as scripts for Optuna know them: a study of Luthier's, with Optuna's habits.

The habits that differ: an exception of the objective ends ``optimize`` unless ``catch`` names it,
``stop`` ends one call only, trials are pruned by the median rule unless told otherwise, and
trials may carry constraint values.
"""

from __future__ import annotations

import enum
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, final

import numpy as np

from luthier.core import trial as core
from luthier.core.history import History
from luthier.errors import ArgumentError, NoTrialError, StudyError
from luthier.numerics.pareto import non_dominated
from luthier.optuna.frame import ATTRS, frame
from luthier.optuna.pruners import scheduler_of
from luthier.optuna.samplers import sampler_of
from luthier.optuna.trial import (
    FrozenTrial,
    Trial,
    TrialState,
    constraints_in,
    native_state,
    system_attrs_in,
    system_key,
    user_attrs_in,
)
from luthier.space import Categorical, Param
from luthier.study import study as native_study

__all__ = ["MaxTrialsCallback", "Study", "StudyDirection"]

_NAMES = "study:metric_names"


class StudyDirection(enum.IntEnum):
    """Whether an objective is to become small or large."""

    NOT_SET = 0
    MINIMIZE = 1
    MAXIMIZE = 2


@final
class _Stop:
    """A stop rule that fires once it was asked to."""

    asked = False

    def reason(self, history: History, elapsed: float) -> str | None:
        return "study.stop() was called" if self.asked else None


@final
class Study:
    """A study of Luthier's under Optuna's surface; what isn't defined here is asked of it.

    Make one with ``create_study`` or ``load_study``.

    Args:
        native: Luthier's study.
        sampler: What the script gave as a sampler, if it did.
        pruner: What the script gave as a pruner, if it did.
    """

    def __init__(self, native: native_study.Study, sampler: Any = None, pruner: Any = None) -> None:
        self._native = native
        self._sampler = None if sampler is None else sampler_of(sampler)
        self._pruner = pruner
        self._stops: list[_Stop] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._native, name)

    def __repr__(self) -> str:
        return repr(self._native)

    # What it is

    @property
    def direction(self) -> StudyDirection:
        """The direction of the single objective."""
        return StudyDirection[self._native.direction.upper()]

    @property
    def directions(self) -> list[StudyDirection]:
        """The directions of the objectives."""
        return [StudyDirection[way.upper()] for way in self._native.directions]

    @property
    def metric_names(self) -> list[str] | None:
        """The objectives' names, if they were set."""
        objective = self._native.objective
        return self.system_attrs.get(_NAMES, list(objective.names) if objective.named else None)

    def set_metric_names(self, metric_names: Sequence[str]) -> None:
        """Name the objectives.

        Args:
            metric_names: One for each.

        Raises:
            ArgumentError: There are more or fewer objectives.
        """
        names, expected = list(metric_names), len(self._native.directions)
        if len(names) != expected:
            raise ArgumentError(
                f"set_metric_names: the study has {expected} objectives, got {len(names)} names: "
                f"{names}."
            )
        self.set_system_attr(_NAMES, names)

    @property
    def sampler(self) -> Any:
        """What proposes: the sampler given, or Luthier's."""
        return self._sampler or self._native.sampler

    @sampler.setter
    def sampler(self, sampler: Any) -> None:
        self._sampler = sampler_of(sampler)
        driver = self._native._driver
        driver.use(self._sampler.native, driver.scheduler)
        if self._sampler.space is not None:
            self._native._driver.mirror.declare(self._sampler.space)
        self._keep_settings()

    @property
    def pruner(self) -> Any:
        """What prunes: the pruner given, or Luthier's scheduler."""
        return self._pruner or self._native.scheduler

    @pruner.setter
    def pruner(self, pruner: Any) -> None:
        native = scheduler_of(pruner)
        if native is None:
            raise ArgumentError("study.pruner must be a pruner such as NopPruner(), got None.")
        self._pruner = pruner
        driver = self._native._driver
        driver.use(driver.sampler, native)
        self._keep_settings()

    @property
    def planned(self) -> Mapping[str, Param]:
        """The parameters whose values a grid names, whatever range the objective gives."""
        declared = self._native._driver.declared
        if declared is None:
            return {}
        return {n: p for n, p in declared.items() if isinstance(p, Categorical)}

    @property
    def user_attrs(self) -> dict[str, Any]:
        """The user's notes on the study."""
        return user_attrs_in(self._native.user_attrs)

    @property
    def system_attrs(self) -> dict[str, Any]:
        """Notes that aren't the user's."""
        return system_attrs_in(self._native.user_attrs)

    def set_system_attr(self, key: str, value: Any) -> None:
        """Set a system attribute, as older versions of Optuna allow."""
        self._native.set_user_attr(system_key(key), value)

    # What came of it

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials by number."""
        return self.get_trials()

    def get_trials(
        self,
        deepcopy: bool = True,
        states: Iterable[TrialState | core.TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """All trials by number, or those in some states; they are never copied."""
        wanted = None if states is None else {native_state(state) for state in states}
        return [self._record(t) for t in self._native.get_trials(states=wanted)]

    @property
    def best_trial(self) -> FrozenTrial:
        """The best completed trial of those that violate no constraint.

        Raises:
            StudyError: There are several objectives: use ``best_trials``.
            NoTrialError: No trial has completed, or none is feasible.
        """
        constrained = self._is_constrained()
        best = self._native.best_trial
        if not constrained:
            return self._record(best)
        front = self._feasible_front()
        if not front:
            raise NoTrialError(
                f"No completed trial of study {self._native.study_name!r} is feasible: each has a "
                "constraint above 0. See trial.constraints of study.trials."
            )
        return front[0]

    @property
    def best_trials(self) -> list[FrozenTrial]:
        """The Pareto front of the completed trials that violate no constraint."""
        if self._is_constrained():
            return self._feasible_front()
        return [self._record(t) for t in self._native.best_trials]

    @property
    def best_value(self) -> float:
        """The single objective's best value."""
        return self.best_trial._native.metric_values[0]  # type: ignore[no-any-return]

    @property
    def best_params(self) -> dict[str, Any]:
        """The parameters of the best trial."""
        return dict(self.best_trial.params)

    def trials_dataframe(self, attrs: Sequence[str] = ATTRS, multi_index: bool = False) -> Any:
        """The trials as a pandas table with Optuna's columns; see ``frame``."""
        m = len(self._native.directions)
        names = self.metric_names or (range(m) if m > 1 else ("",))
        return frame(self.trials, names, tuple(attrs), multi_index)

    # Trials

    def ask(self, fixed_distributions: Mapping[str, Param] | None = None) -> Trial:
        """Start a trial and return it; see ``luthier.Study.ask``."""
        return Trial(self._native.ask(fixed_distributions), self)

    def tell(
        self,
        trial: Trial | int,
        values: float | Sequence[float] | None = None,
        state: TrialState | core.TrialState | None = None,
        skip_if_finished: bool = False,
    ) -> FrozenTrial:
        """Record the result of a trial; see ``luthier.Study.tell``.

        Without ``state``, values that can't be used fail the trial with a warning.
        """
        before = self._native.history.version
        told = self._native.tell(
            trial._native if isinstance(trial, Trial) else trial,
            values,
            None if state is None else native_state(state),
            skip_if_finished,
        )
        if told.version > before:
            self._judge(told)
            if state is None and told.state is core.TrialState.FAILED:
                warnings.warn(f"Trial {told.number} failed. {told.error}", stacklevel=2)
        return self._trial(told.number)

    def add_trial(self, trial: FrozenTrial) -> None:
        """Add a trial that ``create_trial`` made, or one of another study."""
        self._native.add_trial(trial._native if isinstance(trial, FrozenTrial) else trial)

    def add_trials(self, trials: Iterable[FrozenTrial]) -> None:
        """Add several trials."""
        for trial in trials:
            self.add_trial(trial)

    def optimize(
        self,
        func: Callable[[Any], Any],
        n_trials: int | None = None,
        timeout: float | None = None,
        n_jobs: int = 1,
        catch: type[Exception] | Iterable[type[Exception]] = (),
        callbacks: Iterable[Callable[[Any, Any], Any]] | None = None,
        gc_after_trial: bool = False,
        show_progress_bar: bool = False,
        *,
        total_trials: int | None = None,
    ) -> None:
        """Run trials of an objective; see ``luthier.Study.optimize``.

        An exception that ``catch`` doesn't name ends the call. ``total_trials`` isn't Optuna's:
        so many in the study as a whole. With ``n_jobs`` trials run in threads, as in Optuna.
        """
        listeners = tuple(callbacks or ())
        for given in (func, *listeners):
            if not callable(given):
                raise ArgumentError(
                    f"optimize: the objective and callbacks must be functions, got {given!r}."
                )

        def objective(trial: Any) -> Any:
            return func(Trial(trial, self))

        def finished(_: Any, trial: core.FrozenTrial) -> None:
            self._judge(trial)
            for listener in listeners:
                listener(self, self._trial(trial.number))

        stop = _Stop()
        self._stops.append(stop)
        try:
            self._native.optimize(
                objective,
                n_trials,
                timeout,
                n_jobs,
                catch if isinstance(catch, type) else tuple(catch),
                [finished],
                gc_after_trial,
                show_progress_bar,
                total_trials=total_trials,
                stop=stop,
                fail_fast=None,
                executor=None if n_jobs == 1 else "thread",
            )
        finally:
            self._stops.remove(stop)

    def stop(self) -> None:
        """End the ``optimize`` that is running on this object, after the trials that run.

        Raises:
            StudyError: None is running.
        """
        if not self._stops:
            raise StudyError(
                "study.stop() must be called while optimize runs: in an objective or a callback."
            )
        for stop in self._stops:
            stop.asked = True

    # Inside

    def _record(self, trial: core.FrozenTrial) -> FrozenTrial:
        return FrozenTrial(trial, self._native._driver.ledger.definitions)

    def _trial(self, number: int) -> FrozenTrial:
        return self._record(self._native._driver.trial(number))

    def _judge(self, trial: core.FrozenTrial) -> None:
        """Note what the sampler's ``constraints_func`` says of a finished trial."""
        judge = None if self._sampler is None else self._sampler.constraints_func
        if judge is None or trial.state is core.TrialState.FAILED:
            return
        values = judge(self._trial(trial.number))
        attrs = {system_key(f"constraints:{i}"): float(v) for i, v in enumerate(values)}
        self._native._driver.set_attrs(trial.number, attrs)

    def _is_constrained(self) -> bool:
        self._native._driver.refresh()
        trials = self._native._driver.ledger.trials
        return any(t.user_attrs and constraints_in(t.user_attrs) for t in trials)

    def _feasible(self) -> History:
        """The history of the trials that violate no constraint."""
        trials = self._native._driver.ledger.trials

        def is_feasible(trial: core.FrozenTrial) -> bool:
            values = constraints_in(trials[trial.number].user_attrs).values()
            return all(value <= 0 for value in values)

        return self._native.history.where(is_feasible)

    def _feasible_front(self) -> list[FrozenTrial]:
        history = self._feasible()
        if not len(history.completed):
            return []
        rows = np.flatnonzero(non_dominated(history.Y))
        return [self._trial(n) for n in sorted(history.completed[int(i)].number for i in rows)]

    def _keep_settings(self) -> None:
        driver = self._native._driver
        parts = {"sampler": dict(driver.sampler.spec), "scheduler": dict(driver.scheduler.spec)}
        driver.storage.put_state(driver.record.id, "settings", parts)


@final
class MaxTrialsCallback:
    """A callback that stops a study at a number of trials.

    Args:
        n_trials: How many.
        states: Which trials count; None for all.

    Example:
        >>> MaxTrialsCallback(10).n_trials
        10
    """

    def __init__(
        self, n_trials: int, states: Iterable[TrialState] | None = (TrialState.COMPLETE,)
    ) -> None:
        self.n_trials = n_trials
        self.states = None if states is None else tuple(states)

    def __call__(self, study: Study, trial: FrozenTrial) -> None:
        """Stop the study if it has so many."""
        if len(study.get_trials(states=self.states)) >= self.n_trials:
            study.stop()
