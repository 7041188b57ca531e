"""Schedules: how the hyperparameters of a trial changed while it and its ancestors were trained.

Population-based training finds them: a trial goes on from the checkpoint of another with other
hyperparameters, that one from a third's, and so on back to one that started anew. Trained again in
one go with the schedule, a model becomes what the last of these trials was.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from luthier.core.history import History
from luthier.core.lineage import stretches
from luthier.core.objective import Objective
from luthier.core.suggest import Suggest
from luthier.core.trial import FrozenTrial, Metrics, Reports, TrialState
from luthier.errors import (
    ArgumentError,
    ObjectiveError,
    TrialNotFoundError,
    TrialPruned,
    UnknownParamError,
)
from luthier.space import Param
from luthier.storages.checkpoints import FileCheckpoints
from luthier.study.fixed import FixedTrial
from luthier.study.stopping import is_number
from luthier.study.trial import Restored, checked_step

__all__ = ["Phase", "Replayed", "Schedule", "schedule_of"]


@final
@dataclass(frozen=True, slots=True)
class Phase:
    """Steps that were trained with the same hyperparameters.

    Attributes:
        step_from: The step before the first: that of the checkpoint it went on from, or 0.
        step_to: The last step.
        params: The hyperparameters.
        trial: The number of the trial that trained these steps.
    """

    step_from: int
    step_to: int
    params: Mapping[str, Any]
    trial: int


@final
@dataclass(frozen=True, slots=True)
class Schedule:
    """Hyperparameters by step; ``study.schedule(trial)`` returns it.

    Attributes:
        phases: The phases, first steps first, without a gap.
        objective: What the study optimises.
        complete: Whether the trial was trained to its end.

    Example:
        >>> phases = (Phase(0, 10, {"lr": 0.1}, 0), Phase(10, 30, {"lr": 0.02}, 5))
        >>> schedule = Schedule(phases, Objective(), complete=True)
        >>> schedule.value_at(10), schedule.value_at(11), schedule.lineage
        ({'lr': 0.1}, {'lr': 0.02}, (0, 5))
    """

    phases: tuple[Phase, ...]
    objective: Objective
    complete: bool

    @property
    def steps(self) -> int:
        """The last step."""
        return self.phases[-1].step_to

    @property
    def lineage(self) -> tuple[int, ...]:
        """The numbers of the trials that trained it, first steps first."""
        return tuple(phase.trial for phase in self.phases)

    def value_at(self, step: int) -> dict[str, Any]:
        """Return the hyperparameters with which a step was trained.

        Args:
            step: The step, from 1; after the last one those of the last.

        Raises:
            ArgumentError: Not a step.
        """
        position = checked_step(step)
        phase = next((p for p in self.phases if position <= p.step_to), self.phases[-1])
        return dict(phase.params)

    def to_torch_lr(self, name: str = "lr") -> Callable[[int], float]:
        """Return the learning rate as a function for ``torch.optim.lr_scheduler.LambdaLR``.

        That multiplies the rate which the optimizer was made with by what the function returns;
        make it with ``schedule.value_at(1)[name]``, and call ``scheduler.step()`` once a step.

        Args:
            name: The hyperparameter's name.

        Returns:
            From the number of steps trained so far to the factor of the next one.

        Raises:
            UnknownParamError: There is no such hyperparameter in some phase.
            ArgumentError: It isn't a number, or 0 at first.

        Example:
            >>> phases = (Phase(0, 10, {"lr": 0.5}, 0), Phase(10, 30, {"lr": 0.25}, 5))
            >>> factor = Schedule(phases, Objective(), complete=True).to_torch_lr()
            >>> factor(0), factor(9), factor(10)
            (1.0, 1.0, 0.5)
        """
        for phase in self.phases:
            if name not in phase.params:
                raise UnknownParamError(
                    f"Trial {phase.trial} has no hyperparameter {name!r}; it has: "
                    f"{', '.join(phase.params) or 'none'}.",
                    name=name,
                )
            if not is_number(phase.params[name]):
                raise ArgumentError(
                    f"A learning rate must be a number, {name!r} is {phase.params[name]!r}.",
                    name=name,
                )
        first = self.value_at(1)[name]
        if first == 0:
            raise ArgumentError(f"{name!r} is 0 at first: there is no factor of it.", name=name)
        return lambda done: float(self.value_at(done + 1)[name] / first)

    def replay(self, function: Callable[[Any], object]) -> dict[str, float]:
        """Train once more with this schedule, phase by phase; return the metrics at the end.

        Args:
            function: The study's objective. It gets a trial that answers ``suggest_*`` with the
                hyperparameters of the phase, and saves and loads checkpoints as the study's do.

        Raises:
            ArgumentError: It saved no checkpoint at the end of a phase.
            ObjectiveError: It returned, or reported, what isn't a result.
        """
        metrics: Metrics = {}
        with tempfile.TemporaryDirectory(prefix="luthier-") as folder:
            store, saved = FileCheckpoints(folder), None
            for place, phase in enumerate(self.phases):
                last = place == len(self.phases) - 1
                trial = Replayed(phase, self.objective, store, saved, last and self.complete)
                metrics = trial.run(function)
                saved = trial.saved
                if not last and (saved is None or saved.step != phase.step_to):
                    raise ArgumentError(
                        f"The objective must save a checkpoint at step {phase.step_to} before it "
                        "asks trial.should_prune(): there the next trial went on.",
                        step=phase.step_to,
                    )
        return dict(metrics)


@final
class Replayed(Suggest):
    """The trial that an objective gets in a replay of one phase.

    Args:
        phase: The phase.
        objective: What the study optimises.
        store: Where checkpoints are kept.
        saved: What the phase before ended with.
        to_end: Whether the objective ends by itself.
    """

    def __init__(
        self,
        phase: Phase,
        objective: Objective,
        store: FileCheckpoints,
        saved: Restored | None,
        to_end: bool,
    ) -> None:
        self.number = phase.trial
        self.budget = phase.step_to
        self.attempt = 1
        self.reports = Reports()
        self.saved = saved
        self._restored = saved
        self._fixed = FixedTrial(phase.params, phase.trial)
        self._objective = objective
        self._store = store
        self._to_end = to_end

    @property
    def params(self) -> dict[str, Any]:
        """The hyperparameters of the phase."""
        return self._fixed.params

    @property
    def user_attrs(self) -> dict[str, Any]:
        """The notes set so far."""
        return self._fixed.user_attrs

    def set_user_attr(self, key: str, value: object) -> None:
        """Keep a note."""
        self._fixed.set_user_attr(key, value)

    def report(self, metrics: float | Metrics, step: int) -> None:
        """Report intermediate results."""
        self.reports = self.reports.adding(checked_step(step), self._objective.read_report(metrics))

    def should_prune(self) -> bool:
        """Whether the phase is over."""
        return not self._to_end and (self.reports.last_step or 0) >= self.budget

    def save_checkpoint(
        self, source: bytes | str | os.PathLike[str], step: int | None = None
    ) -> None:
        """Save the state for the next phase."""
        key, _ = self._store.save(source if isinstance(source, bytes) else Path(source))
        position = (self.reports.last_step or 0) if step is None else checked_step(step)
        self.saved = Restored(position, self._store.path(key))

    def load_checkpoint(self) -> Restored | None:
        """Return what the phase before saved."""
        return self._restored

    def run(self, function: Callable[[Any], object]) -> Metrics:
        """Run the objective; return its result, or what it reported last if it was ended."""
        try:
            return self._objective.read(function(self))
        except TrialPruned:
            last = self.reports.last_step
            if last is None:
                raise ObjectiveError(f"Trial {self.number} ended without a report.") from None
            return self.reports[last]

    def _suggest(self, name: str, param: Param) -> Any:
        return self._fixed._suggest(name, param)


def schedule_of(history: History, trial: int | FrozenTrial) -> Schedule:
    """Return the schedule that a trial was trained with.

    Args:
        history: The study's.
        trial: One of its trials, or its number.

    Raises:
        TrialNotFoundError: There is no such trial, or it was invalidated.
        ArgumentError: It has reported nothing.
    """
    found = (*history.completed, *history.pruned, *history.failed, *history.live)
    known = {t.number: t for t in found}
    number = trial.number if isinstance(trial, FrozenTrial) else trial
    if number not in known:
        raise TrialNotFoundError(
            f"A schedule needs a trial of the study that counts, got {number!r}.", number=number
        )
    trial = known[number]
    phases = tuple(
        Phase(s.step_from, s.step_to, s.trial.params, s.trial.number)
        for s in stretches(known, trial)
    )
    if not phases:
        raise ArgumentError(
            f"Trial {trial.number} has no schedule: it has reported no step. Call trial.report "
            "in the objective.",
            number=trial.number,
        )
    return Schedule(phases, history.objective, trial.state is TrialState.COMPLETE)
