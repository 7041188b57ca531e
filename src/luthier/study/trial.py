"""A running trial, as its objective sees it, and the function that runs one.

All a trial needs travels in its ``Ticket``: the proposal, the definitions known so far, and the
seed from which parameters that nobody proposed are drawn. So an objective that only asks for
known parameters never has to call home; only reports and notes cross the channel.
"""

from __future__ import annotations

import datetime
import logging
import os
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from luthier.core.checkpoint import Checkpoint, CheckpointStore
from luthier.core.filling import filled_value
from luthier.core.jobs import Decision, Outcome
from luthier.core.objective import Direction, Objective
from luthier.core.suggest import Suggest
from luthier.core.trial import (
    EMPTY,
    NO_REPORTS,
    FrozenTrial,
    Metrics,
    Origin,
    Reports,
    TrialState,
    changed,
)
from luthier.errors import ArgumentError, ObjectiveError, ParamValueError, TrialPruned
from luthier.space import Param, Space, merge_definition, same_domain
from luthier.space.markup import table

if TYPE_CHECKING:
    from luthier.core.history import History
    from luthier.core.protocols import Channel, Scheduler
    from luthier.study.study import Study

__all__ = [
    "Restored",
    "Ticket",
    "Trial",
    "as_ended",
    "at_its_end",
    "check_attr",
    "check_definitions",
    "checked_step",
    "last_metrics",
    "left_over",
    "run_trial",
    "standing",
    "stopped",
]

logger = logging.getLogger("luthier")
_MAX_ERROR = 8_000


@final
@dataclass(frozen=True, slots=True)
class Ticket:
    """Everything a worker needs to run one trial.

    Attributes:
        record: The trial as it was claimed: its number, attempt, proposal, notes and reports.
        seed: The study's seed.
        definitions: The parameters known to the study.
        declared: The declared space; empty if there is none.
        objective: What the study optimises.
        checkpoints: Opens the place where saved states are kept.
        decision: What the scheduler has said of what the trial has reported in earlier runs.
    """

    record: FrozenTrial
    seed: int
    definitions: Mapping[str, Param]
    declared: Space
    objective: Objective
    checkpoints: Callable[[], CheckpointStore]
    decision: Decision = Decision.CONTINUE

    @property
    def strict(self) -> bool:
        """Whether a proposed value that doesn't fit fails the trial, as the user's own does.

        One of a sampler is quietly replaced: the space has changed since.
        """
        return self.record.origin.sampler == "enqueued"

    def __reduce__(self) -> tuple[Any, ...]:
        opened = _Opened(self.checkpoints())
        known = dict(self.definitions)
        study = self.seed, known, self.declared, self.objective, opened
        return Ticket, (self.record, *study, self.decision)


@final
@dataclass(frozen=True, slots=True)
class _Opened:
    """Gives the place where saved states are kept, once it was opened elsewhere."""

    store: CheckpointStore

    def __call__(self) -> CheckpointStore:
        return self.store


@final
@dataclass(frozen=True, slots=True)
class Restored:
    """A saved state as a trial gets it back.

    Attributes:
        step: The step it was saved at.
        path: The read-only file or folder that holds it. Copy what you want to change.
    """

    step: int
    path: Path

    def read_bytes(self) -> bytes:
        """The content of a checkpoint that was saved from bytes or a file."""
        return self.path.read_bytes()


@final
class Trial(Suggest):
    """A running trial: ask it for parameters, report to it, ask it whether to stop.

    Attributes:
        number: The trial's number in its study.
        study: The study, where the trial runs in the study's own process; None in a worker's.

    Example:
        >>> import luthier
        >>> study = luthier.create_study(seed=0)
        >>> trial = study.ask()
        >>> 0 <= trial.suggest_float("x", 0, 1) <= 1
        True
        >>> study.tell(trial, 0.5).value
        0.5
    """

    def __init__(self, ticket: Ticket, channel: Channel) -> None:
        self.number = ticket.record.number
        self.study: Study | None = None
        self._ticket = ticket
        self._proposal = ticket.record.params
        self._known = ticket.definitions
        self._offer = EMPTY if ticket.strict else self._proposal
        self._channel = channel
        self._started = time.time()
        self._asked: dict[str, Any] = {}
        self._params: dict[str, Param] = {}
        self._declares: dict[str, Param] = {}
        self._user_attrs = dict(ticket.record.user_attrs)
        self._read_report = ticket.objective.read_report
        self._reported = dict(ticket.record.reports)
        self._reports = NO_REPORTS  # of what was reported, as far as somebody has looked
        self._decision = ticket.decision
        self._may_unwind = False

    def __repr__(self) -> str:
        return f"<Trial {self.number}: {self.params}>"

    def _repr_html_(self) -> str:
        return table(f"Trial {self.number}, running", ("name", "value"), self.params.items())

    @property
    def params(self) -> dict[str, Any]:
        """The parameters: all active ones of a declared space, and those asked for so far."""
        ticket = self._ticket
        values = {
            n: ticket.definitions[n].resolve(v)
            for n, v in self._proposal.items()
            if n in ticket.declared
        }
        return values | {n: self._params[n].resolve(v) for n, v in self._asked.items()}

    @property
    def recorded(self) -> dict[str, Any]:
        """The same as they are recorded: of a named choice, its name."""
        declared = self._ticket.declared
        kept = {n: v for n, v in self._proposal.items() if n in declared} if declared else {}
        return kept | self._asked

    @property
    def distributions(self) -> dict[str, Param]:
        """The definitions of the parameters asked for so far."""
        return dict(self._params)

    @property
    def seed(self) -> int:
        """The study's seed."""
        return self._ticket.seed

    @property
    def attempt(self) -> int:
        """Which run of the trial this is: 1, or more after a crash, retry or pause."""
        return self._ticket.record.attempt

    def is_lost(self, record: FrozenTrial) -> bool:
        """Whether, by its present record, another worker has taken the trial up since."""
        ours = self._ticket.record
        return (record.attempt, record.lapses) != (ours.attempt, ours.lapses)

    @property
    def budget(self) -> int | None:
        """The step up to which this run may go; None: to the end.

        An objective may train up to it and return what it has got. It is run again with a
        larger budget if that is good enough, and may then go on from its checkpoint.
        """
        return self._ticket.record.budget

    @property
    def origin(self) -> Origin:
        """Why it was proposed."""
        return self._ticket.record.origin

    @property
    def objective_name(self) -> str:
        """The name of the first objective."""
        return self._ticket.objective.names[0]

    @property
    def direction(self) -> Direction:
        """The direction of the first objective."""
        return self._ticket.objective.directions[0]

    @property
    def user_attrs(self) -> dict[str, Any]:
        """The notes set so far."""
        return dict(self._user_attrs)

    @property
    def datetime_start(self) -> datetime.datetime:
        """When this run started, in local time."""
        return datetime.datetime.fromtimestamp(self._started)

    @property
    def reports(self) -> Reports:
        """What has been reported so far, by step."""
        known, reported = len(self._reports), self._reported.copy()
        self._reports = self._reports.extended([*reported][known:], [*reported.values()][known:])
        return self._reports

    def report(self, metrics: float | Metrics, step: int) -> None:
        """Report intermediate results.

        Args:
            metrics: A number (the first objective), or metrics by name. NaN is allowed.
            step: At least 0; the first report of a step counts, later ones are ignored. So a
                trial that starts over after a pause may report again what it did before.

        Raises:
            ObjectiveError: Not a number or a mapping of numbers.
            ArgumentError: The step isn't an integer of at least 0.
        """
        named = self._read_report(metrics)
        position = step if type(step) is int and step >= 0 else checked_step(step)
        if position in self._reported:
            if position not in self._ticket.record.reports:  # not in an earlier run
                logger.warning(
                    "Trial %d has reported step %d before; the first report stays.",
                    self.number,
                    position,
                )
            return
        self._reported[position] = named
        self._decision = self._channel.report(self.number, position, named)

    def should_prune(self) -> bool:
        """Whether the scheduler wants this run to end now: then raise ``TrialPruned``.

        The trial may only be paused by that, and be run again later.
        """
        return self._decision is not Decision.CONTINUE

    def save_checkpoint(
        self, source: bytes | str | os.PathLike[str], step: int | None = None
    ) -> None:
        """Save the trial's state, so that a later run of it, or a clone, may go on from there.

        Args:
            source: The state as bytes, or the path of a file or folder that holds it. It is
                copied; nothing of it is ever unpickled by Luthier.
            step: The step it belongs to; the last one reported if None, 0 before any.

        Raises:
            ArgumentError: Neither bytes nor an existing path, or no step.
        """
        content = source if isinstance(source, bytes) else _existing(source)
        last = self.reports.last_step
        position = (0 if last is None else last) if step is None else checked_step(step)
        key, size = self._ticket.checkpoints().save(content)
        self._channel.checkpoint(self.number, Checkpoint(position, key, size))

    def load_checkpoint(self) -> Restored | None:
        """Return what this trial last saved in an earlier run, or its parent before it was cloned.

        Returns:
            The saved state, with the step it belongs to: go on after that step. None if there
            is none: start from the beginning.

        Raises:
            CheckpointMissingError: The state was recorded, but its file is gone.
            TrialPruned: In ``optimize``, where an earlier run was killed between saving this and
                being paused at its budget: this run ends as that one would have.
        """
        checkpoint = self._ticket.record.checkpoint
        if checkpoint is None:
            return None
        if self._is_over():
            raise TrialPruned
        return Restored(checkpoint.step, self._ticket.checkpoints().path(checkpoint.key))

    def set_user_attr(self, key: str, value: object) -> None:
        """Note something about this trial.

        Args:
            key: Its name.
            value: A JSON value.

        Raises:
            ArgumentError: The key isn't text, or the value isn't JSON.
        """
        check_attr(key, value)
        self._user_attrs[key] = value
        self._channel.set_attrs(self.number, {key: value})

    def outcome(
        self, state: TrialState, metrics: Metrics = EMPTY, error: str | None = None
    ) -> Outcome:
        """What this run came to, for the study's record."""
        if state.is_finished:
            self._warn_of_unused()
        return Outcome(
            state=state,
            params=self.recorded,
            metrics=metrics,
            reports=self.reports,
            declares=self._declares,
            error=error,
            cost=time.time() - self._started,
        )

    def _is_over(self) -> bool:
        """Whether an earlier run has done all that this one was to do."""
        news = len(self._reported) > len(self._ticket.record.reports)
        over = self._decision is not Decision.CONTINUE and not news
        return over and self._may_unwind and bool(self.recorded)

    def _report_at_budget(self, metrics: Metrics) -> Decision:
        """Report a result as that of the budget, unless more has been reported; decide."""
        last, budget = self.reports.last_step, self.budget
        if budget is not None and (last is None or last < budget):
            self.report(metrics, budget)
        return self._decision

    def _suggest(self, name: str, param: Param) -> Any:
        value = self.take(name, param)
        return self._params[name].resolve(value)

    def take(self, name: str, param: Param) -> Any:
        """Ask for a parameter as ``suggest`` does, and return what is recorded of it.

        That is the value itself, but of a named choice its name: whoever has the definition from
        JSON doesn't know the objects.
        """
        if self._known.get(name) is param and name in self._offer and name not in self._asked:
            value = self._offer[name]  # proposed from this very definition
        elif name in self._asked:
            if self._params[name] is not param:
                merge_definition(name, self._params[name], param)
            return self._asked[name]
        else:
            value = self._new_value(name, param)
        self._asked[name] = value
        self._params[name] = param
        return value

    def _new_value(self, name: str, param: Param) -> Any:
        if not isinstance(name, str):
            raise ArgumentError(f"A parameter's name must be text, got {name!r}.", name=name)
        known = self._known.get(name)
        if known is None or not same_domain(known, param):
            if name in self._ticket.declared or param.when is not None:
                definitions = {**self._known, **self._declares, name: param}
                check_definitions(self._ticket.declared, definitions)
            self._declares[name] = param
        return self._value_of(name, param)

    def _value_of(self, name: str, param: Param) -> Any:
        ticket = self._ticket
        if name in self._proposal:
            value = self._proposal[name]
            if param.contains(value):
                return param.check(value, name)
            if ticket.strict:
                raise ParamValueError(
                    f"The value given for {name!r} must be in {param}, got {value!r}. "
                    "Correct what was enqueued, or the range.",
                    name=name,
                    value=value,
                )
        return filled_value(ticket.record, ticket.seed, name, param)

    def _warn_of_unused(self) -> None:
        if self._ticket.strict:
            unused = [n for n in self._proposal if n not in self._asked]
            unused = [n for n in unused if n not in self._ticket.declared]
            if unused:
                logger.warning(
                    "Trial %d was given %s, but its objective never asked for it; it asked for %s.",
                    self.number,
                    ", ".join(map(repr, unused)),
                    ", ".join(map(repr, self._asked)) or "nothing",
                )


def run_trial(function: Callable[[Trial], object], trial: Trial) -> Outcome:
    """Run an objective once and turn whatever happens into an outcome.

    Args:
        function: The objective.
        trial: The trial it gets.

    Returns:
        COMPLETE with checked metrics, PRUNED, PAUSED, or FAILED with the error in words. A trial
        that returns at its budget has reported its result there, and ends as is then decided.
        KeyboardInterrupt and SystemExit pass through.
    """
    objective = trial._ticket.objective
    trial._may_unwind = True
    try:
        result = function(trial)
        if result is None:
            raise ObjectiveError(
                f"Trial {trial.number}: the objective returned None. Did it forget 'return'?"
            )
        return at_its_end(trial, objective.read(result))
    except TrialPruned as stop:
        return stopped(trial, _why(trial, stop))
    except Exception as error:  # noqa: BLE001  the outcome holds it
        _explain(error, trial)
        return replace(trial.outcome(TrialState.FAILED, error=describe(error)), exception=error)


def _why(trial: Trial, stop: TrialPruned) -> str:
    """What the objective says of its end; if nothing, who asked for it, and where."""
    if stop.message != TrialPruned().message:
        return stop.message
    by = "objective" if trial._decision is Decision.CONTINUE else "scheduler"
    ended = "paused" if trial._decision is Decision.PAUSE else "stopped"
    step = max(trial._reported, default=None)
    return f"{ended} by the {by}{'' if step is None else f' at step {step}'}"


def _explain(error: Exception, trial: Trial) -> None:
    """Say why there is no study, where an objective that runs in a worker asked for it."""
    if not isinstance(error, AttributeError) or error.obj is not None or trial.study is not None:
        return
    from luthier.study.study import Study

    if hasattr(Study, str(error.name)):
        error.add_note(
            "trial.study is None in a worker process: the study is in the process that called "
            'optimize. Use the trial alone, or run trials in threads there: executor="thread:4".'
        )


def at_its_end(trial: Trial, metrics: Metrics) -> Outcome:
    """The outcome of a run with a result: COMPLETE, unless its budget ends there."""
    if trial.budget is not None and trial._report_at_budget(metrics) is not Decision.CONTINUE:
        return stopped(trial, f"at its budget of {trial.budget}")
    return trial.outcome(TrialState.COMPLETE, metrics)


def stopped(trial: Trial, reason: str) -> Outcome:
    """The outcome of a run that ended because its scheduler, or the objective itself, said so."""
    if trial._decision is Decision.PAUSE:
        return trial.outcome(TrialState.PAUSED, error=reason)
    metrics = last_metrics(trial._ticket.objective, trial.reports)
    return trial.outcome(TrialState.PRUNED, metrics, reason)


def standing(scheduler: Scheduler, history: History, trial: FrozenTrial) -> Decision:
    """What a scheduler says of a trial by all that it has reported so far."""
    step = trial.last_step
    return Decision.CONTINUE if step is None else scheduler.decide(history, trial, step)


def left_over(scheduler: Scheduler, history: History, trial: FrozenTrial) -> Decision:
    """What a scheduler has said of a run that was killed at its budget, before it could end."""
    at_budget = trial.budget is not None and (trial.last_step or 0) >= trial.budget
    return standing(scheduler, history, trial) if at_budget else Decision.CONTINUE


def as_ended(trial: FrozenTrial, outcome: Outcome, version: int) -> FrozenTrial:
    """The record of a trial whose run came to this, at a version of the study."""
    over = outcome.state.is_finished
    return changed(
        trial,
        version=version,
        finished_version=version if over else None,
        state=outcome.state,
        param_names=tuple(outcome.params),
        param_values=tuple(outcome.params.values()),
        metric_names=tuple(outcome.metrics),
        metric_values=tuple(outcome.metrics.values()),
        reports=outcome.reports,
        finished=time.time() if over else None,
        cost=(trial.cost or 0.0) + outcome.cost,
        error=outcome.error,
        declares={**trial.declares, **outcome.declares} if outcome.declares else trial.declares,
    )


def last_metrics(objective: Objective, reports: Reports) -> Metrics:
    """What a pruned trial is recorded with: its last report, if that holds all objectives."""
    step = reports.last_step
    if step is None:
        return EMPTY
    last = reports[step]
    if any(name not in last or last[name] != last[name] for name in objective.names):
        return EMPTY
    others = {n: v for n, v in last.items() if n not in objective.names}
    return {n: last[n] for n in objective.names} | others


def describe(error: BaseException) -> str:
    """An exception in words: its kind and message first, then the end of its traceback."""
    summary = "".join(traceback.format_exception_only(error)).strip()
    if isinstance(error, ObjectiveError):  # what was returned is at fault, not a line of code
        return summary
    frames = "".join(traceback.format_tb(error.__traceback__)[1:])
    return f"{summary}\n{frames}"[:_MAX_ERROR].strip()


def check_definitions(declared: Space, definitions: Mapping[str, Param]) -> None:
    """Refuse definitions that contradict what is declared of other parameters.

    Args:
        declared: The declared space; its conditions and relations stand.
        definitions: Definitions by name, of its parameters and of others.

    Raises:
        SpaceError: A condition or relation doesn't fit them.
    """
    conditional = {
        n: p.with_when(declared[n].when) if n in declared else p for n, p in definitions.items()
    }
    declared.with_params(conditional)


def _existing(source: object) -> Path:
    path = Path(source) if isinstance(source, str | os.PathLike) else None
    if path is None or not path.exists():
        raise ArgumentError(
            "save_checkpoint takes bytes, or the path of a file or folder that exists, got "
            f"{source!r:.200}.",
            source=source,
        )
    return path


def check_attr(key: object, value: object) -> None:
    """Check a user attribute: a text key and a JSON value."""
    import json

    if not isinstance(key, str):
        raise ArgumentError(f"A user attribute's key must be text, got {key!r}.", key=key)
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"User attribute {key!r} must be a JSON value, got {type(value).__name__}: {error}. "
            "Store a path or a summary instead.",
            key=key,
        ) from None


def checked_step(step: object) -> int:
    """Return a report's step as an integer.

    Raises:
        ArgumentError: It isn't an integer of at least 0.
    """
    try:
        position = step.__index__()  # type: ignore[attr-defined]
    except (AttributeError, TypeError):
        position = int(step) if isinstance(step, float) and step.is_integer() else -1
    if position < 0:
        raise ArgumentError(
            f"A report's step must be an integer of at least 0, got {step!r}.", step=step
        )
    return int(position)
