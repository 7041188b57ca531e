"""The study: what users hold.

``ask`` and ``tell`` are the two ends of a trial; ``optimize`` is the loop between them. All a
study knows is its history in the storage; this object adds nothing but convenience.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

from luthier.core.events import Event
from luthier.core.history import History
from luthier.core.jobs import Decision
from luthier.core.objective import Direction, Objective
from luthier.core.protocols import Executor, Sampler, Scheduler, Storage
from luthier.core.trial import FrozenTrial, Origin, TrialState, changed
from luthier.errors import ArgumentError, StudyError, TrialStateError
from luthier.executors import open_executor
from luthier.space import Param, Space
from luthier.study import tradeoffs
from luthier.study.channel import RunChannel
from luthier.study.driver import Driver
from luthier.study.explanation import explained
from luthier.study.handmade import (
    adapted,
    check_values,
    checked_definitions,
    outcome_told,
)
from luthier.study.loop import Limits, Retries, run_loop
from luthier.study.notebook import study_html
from luthier.study.progress import summary
from luthier.study.reproducing import make_reproducible
from luthier.study.schedule import Schedule, schedule_of
from luthier.study.steering import Steering
from luthier.study.stopping import StopRule
from luthier.study.trial import Trial, standing

if TYPE_CHECKING:
    import pandas

    from luthier.analysis import Diagnosis
    from luthier.analysis.importance import Importance, Method, Metric
    from luthier.plots import Plots
    from luthier.strategies.names import SchedulerLike
    from luthier.study.hindsight import Hindsight
    from luthier.study.replay import Replay

__all__ = ["Study"]

_TIMES = ("datetime_start", "datetime_complete", "duration")
_COLUMNS = ("number", "value", *_TIMES, "params", "user_attrs", "state")
StudyCallback = Callable[["Study", FrozenTrial], object]


@final
class Study(Steering):
    """A search for the best settings of something, recorded trial by trial.

    Make one with ``luthier.create_study`` or ``luthier.load_study``.

    Example:
        >>> import luthier
        >>> study = luthier.create_study(seed=0)
        >>> study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=20)
        >>> study.best_value < 0.1
        True
    """

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        self._handles: dict[int, Trial] = {}

    # What it is

    @property
    def study_name(self) -> str:
        """The study's name, unique in its storage."""
        return self._driver.record.name

    @property
    def objective(self) -> Objective:
        """The metrics optimised, their directions and constraints."""
        return self._driver.record.objective

    @property
    def direction(self) -> Direction:
        """The direction of the single objective.

        Raises:
            StudyError: There are several objectives: use ``directions``.
        """
        self._single("direction", "directions")
        return self.objective.directions[0]

    @property
    def directions(self) -> list[Direction]:
        """The directions of the objectives."""
        return list(self.objective.directions)

    @property
    def metric_names(self) -> list[str]:
        """The names of the objectives."""
        return list(self.objective.names)

    @property
    def seed(self) -> int:
        """The root of all random streams of the study."""
        return self._driver.record.seed

    @property
    def space(self) -> Space:
        """What is known of the space: declared, or learnt from the trials finished so far."""
        return self.history.space

    @property
    def sampler(self) -> Sampler:
        """What proposes."""
        return self._driver.sampler

    @property
    def scheduler(self) -> Scheduler:
        """What decides which trials go on."""
        return self._driver.scheduler

    @property
    def storage(self) -> Storage:
        """Where the study is kept."""
        return self._driver.storage

    @property
    def history(self) -> History:
        """Everything that has happened so far, as samplers see it."""
        return self._driver.refresh()

    def explain_strategy(self) -> str:
        """Say in words what proposes trials, what stops them, and why so.

        Example:
            >>> from luthier import Float, Space, create_study
            >>> study = create_study(space=Space(x=Float(0, 1)), strategy="random", seed=1)
            >>> print(study.explain_strategy())
            Sampler random. Nothing has been proposed yet.
            No scheduler: nothing stops a trial before its end.
        """
        with self._driver.lock:  # what is read must be the latest
            return explained(self.sampler, self.scheduler, self.history)

    # What came of it

    def schedule(self, trial: int | FrozenTrial | None = None) -> Schedule:
        """Return how hyperparameters changed on the way to a trial, to the best one if None."""
        return schedule_of(self.history, self.best_trial if trial is None else trial)

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials by number, also those that were invalidated."""
        return self.get_trials()

    def get_trials(
        self, deepcopy: bool = True, states: Iterable[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return all trials by number.

        Args:
            deepcopy: Accepted for Optuna's sake; records are immutable and never copied.
            states: Only trials in these states, if given.

        Raises:
            ArgumentError: Not a list of states.
        """
        self._driver.refresh()
        if states is None:
            return list(self._driver.ledger.trials)
        wanted = list(states) if isinstance(states, Iterable) else [states]
        if not all(isinstance(state, TrialState) for state in wanted):
            raise ArgumentError(
                f"get_trials: states must be a list such as [TrialState.COMPLETE], got {states!r}."
            )
        return [t for t in self._driver.ledger.trials if t.state in wanted]

    @property
    def best_trial(self) -> FrozenTrial:
        """The best completed trial among those that keep all constraints.

        Raises:
            StudyError: There are several objectives: use ``best_trials``.
            NoTrialError: No trial has completed, or none is feasible.
        """
        self._single("best_trial", "best_trials")
        if self._driver.mirror.unread and not self.objective.constraints:
            best = self._driver.mirror.best()
            if best is not None:
                return best
        return self._driver.trial(tradeoffs.best(self.history, self.study_name))

    def ranked(self, k: int | None = None) -> list[FrozenTrial]:
        """The k best completed trials, or all, best first; those that break constraints last.

        Raises:
            StudyError: There are several objectives: use ``best_trials``.

        Example:
            >>> import luthier
            >>> study = luthier.create_study(seed=0)
            >>> study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=9)
            >>> study.ranked(3)[0] == study.best_trial
            True
        """
        self._single("ranked", "best_trials")
        history = self.history
        places = history.best(len(history.completed) if k is None else k)
        return [self._driver.trial(history.completed[place].number) for place in places]

    def narrow(self, around: Mapping[str, Any] | None = None, *, keep: float = 0.2) -> Space:
        """Go on in the smaller space around the best trials so far, and return it.

        It becomes the study's declared space, a new version of it: trials that fit into it stay
        known to the sampler, the others stay on record. See ``Space.narrow`` for the rule.

        Args:
            around: The configuration to search around; None for the best.
            keep: The share of the completed trials that counts, above 0 and at most 1.

        Raises:
            ArgumentError: No trial has completed that fits, or a share that is none.
            StudyError: The space wasn't declared, or there are several objectives.
        """
        self._driver.refresh()
        if self._driver.declared is None:
            raise StudyError(
                f"narrow needs a declared space, study {self.study_name!r} learns its own from "
                "the objective. Pass create_study(space=...)."
            )
        smaller = self._driver.declared.narrow(self, around, keep=keep)
        self._driver.mirror.declare(smaller)
        return smaller

    @property
    def best_trials(self) -> list[FrozenTrial]:
        """The Pareto front: feasible completed trials that no other is better than in all.

        Raises:
            NoTrialError: Trials have completed, but none is feasible.
        """
        front = tradeoffs.front(self.history, self.study_name)
        return [self._driver.trial(number) for number in front]

    def knee(self) -> FrozenTrial:
        """The trial of the Pareto front after which one objective gets little better at much cost.

        It lies furthest beyond the plane through the ends of the front, each objective measured
        in units of the front's range; ``luthier.numerics.knee`` has the formula and its source.

        Raises:
            StudyError: There is a single objective: use ``best_trial``.
            NoTrialError: No trial has completed, or none is feasible.
        """
        return self._driver.trial(tradeoffs.knee(self.history, self.study_name))

    def best_under(self, bounds: tradeoffs.Bounds, *, objective: str | None = None) -> FrozenTrial:
        """Return the best feasible trial whose metrics keep bounds that are chosen afterwards.

        Args:
            bounds: By metric, any that trials recorded: ``{"latency_ms": 5}`` is at most 5, at
                least 5 if the metric is maximised or has a constraint with ``>=``. Or texts, as
                in ``["recall >= 0.9"]``.
            objective: The objective that decides. By default those without a bound, or all if
                each has one; of several it is the knee of their front.

        Raises:
            ArgumentError: Bounds or objectives that there aren't.
            NoTrialError: No feasible trial is within the bounds; the message names the nearest.

        Example:
            >>> import luthier
            >>> ways = {"accuracy": "maximize", "latency_ms": "minimize"}
            >>> study = luthier.create_study(metrics=ways, seed=0)
            >>> for ms in (2, 4, 8):
            ...     told = study.tell(study.ask(), {"accuracy": 1 - 1 / ms, "latency_ms": ms})
            >>> study.best_under({"latency_ms": 5}).metrics
            {'accuracy': 0.75, 'latency_ms': 4.0}
        """
        number = tradeoffs.best_under(self.history, self.study_name, bounds, objective)
        return self._driver.trial(number)

    @property
    def best_value(self) -> float:
        """The single objective's best value; raises what ``best_trial`` raises."""
        return self.best_trial.metric_values[0]

    @property
    def best_params(self) -> dict[str, Any]:
        """The parameters of the best trial; raises what ``best_trial`` raises."""
        return self.best_trial.params

    def trials_dataframe(
        self, attrs: Sequence[str] = _COLUMNS, multi_index: bool = False
    ) -> pandas.DataFrame:
        """Return the trials as a pandas table, a row each.

        Args:
            attrs: Which attributes of the trials; "value" stands for all objectives.
            multi_index: Whether columns are pairs such as ("params", "lr").

        Raises:
            MissingExtraError: pandas isn't installed.
            ArgumentError: An attribute that trials don't have.
        """
        from luthier.study.frame import frame

        return frame(self.trials, self.objective, attrs, multi_index)

    # One trial at a time

    def ask(self, fixed_distributions: Mapping[str, Param] | None = None) -> Trial:
        """Start a trial and return it; run it yourself, then ``tell`` the result.

        Args:
            fixed_distributions: Parameters it needs, by name, where no space was declared.

        Returns:
            A new trial, or one that waited or was left behind by a process that died.

        Raises:
            ArgumentError: Not definitions by name.
            SpaceError: They contradict a declared condition or relation.
            StudyError: The space is exhausted, or the scheduler starts nothing more.
        """
        fixed = checked_definitions(fixed_distributions)
        self._driver.mirror.check_definitions(fixed)
        record = self._driver.start(fixed=fixed, eager=True)
        if record is None:
            raise self._nothing_left()
        trial = self._handle(record)
        for name, param in fixed.items():
            if name in record.param_names or param.when is None:
                trial.suggest(name, param)
        return trial

    def tell(
        self,
        trial: Trial | int,
        values: float | Sequence[float] | Mapping[str, float] | None = None,
        state: TrialState | None = None,
        skip_if_finished: bool = False,
    ) -> FrozenTrial:
        """Record the result of a trial that was asked for.

        Args:
            trial: The trial, or its number.
            values: The objective's value, several, or metrics by name. Values that can't be
                used fail the trial; the record's ``error`` says why.
            state: COMPLETE, PRUNED or FAILED; without it COMPLETE. Where the scheduler wants a
                trial to pause at its budget, as in ``optimize``, values or PRUNED alone pause it.
            skip_if_finished: Return a finished trial as it is instead of raising.

        Returns:
            The record.

        Raises:
            TrialNotFoundError: No such trial.
            TrialStateError: It isn't running; TrialLostError: its lease lapsed, another has it.
            ArgumentError: State and values contradict each other, or the trial is another study's.
        """
        self._driver.refresh()
        record = self._driver.trial(self._number(trial))
        number = record.number
        if record.state.is_finished and skip_if_finished:
            return record
        handle = trial if isinstance(trial, Trial) else self._handles.get(number)
        if handle is not None and handle.is_lost(record):
            raise self._driver.lease.lost(record, handle.attempt)
        if record.state is not TrialState.RUNNING:
            raise TrialStateError(
                f"Trial {number} must be RUNNING to be told a result, it is {record.state.name}. "
                "Use skip_if_finished=True to leave a finished trial as it is.",
                number=number,
            )
        handle = handle or self._handle_of_elsewhere(record)
        outcome = outcome_told(handle, self.objective, values, state)
        self._handles.pop(number, None)
        told = self._driver.finish(number, outcome)
        if told is None:
            message = f"Trial {number} ended or was taken up elsewhere just now; it is refused."
            raise TrialStateError(message, number=number)
        return told

    def add_trial(self, trial: FrozenTrial) -> None:
        """Add a finished (or waiting) trial made elsewhere, under a new number.

        Args:
            trial: What ``luthier.create_trial`` made, or a trial of another study.

        Raises:
            ArgumentError: Not a FrozenTrial, or its metrics aren't this study's.
            ObjectiveError: A COMPLETE trial with a value that can't be used.
            SpaceError: Its definitions contradict a declared condition or relation.
        """
        if not isinstance(trial, FrozenTrial):
            raise ArgumentError(
                f"add_trial needs a FrozenTrial, got {type(trial).__name__}. "
                "Make one with luthier.create_trial(...)."
            )
        check_values(trial.params)
        self._driver.refresh()
        self._driver.mirror.check_definitions(trial.declares)
        ours = changed(
            adapted(trial, self.objective),
            state=trial.state if trial.state.is_finished else TrialState.WAITING,
            origin=Origin("added", trial.origin.reason),
            worker=None,
            finished_version=None,
        )
        self._driver.add(lambda number, _: changed(ours, number=number))

    def add_trials(self, trials: Iterable[FrozenTrial]) -> None:
        """Add several trials; see ``add_trial``."""
        if not isinstance(trials, Iterable):
            raise ArgumentError(f"add_trials needs a list of trials, got {trials!r}.")
        for trial in trials:
            self.add_trial(trial)

    # Many trials

    def optimize(
        self,
        func: Callable[[Trial], Any],
        n_trials: int | None = None,
        timeout: float | None = None,
        n_jobs: int = 1,
        catch: type[Exception] | Sequence[type[Exception]] = (Exception,),
        callbacks: Iterable[StudyCallback] | None = None,
        gc_after_trial: bool = False,
        show_progress_bar: bool = False,
        *,
        total_trials: int | None = None,
        stop: StopRule | Sequence[StopRule] = (),
        retries: Mapping[type[Exception], int] | None = None,
        fail_fast: int | None = 10,
        executor: Executor | str | None = None,
        time_limit: float | str | datetime.timedelta | None = None,
        memory_limit: int | str | None = None,
        reproducible: bool | int = False,
    ) -> None:
        """Run trials of an objective until a limit is reached.

        Trials that wait, or whose process died, come first.

        Args:
            func: Gets a trial, returns a number, a sequence, or metrics by name.
            n_trials: So many trials in this call.
            timeout: No new trial after so many seconds.
            n_jobs: How many trials run at once, in processes if more than one; -1 is one for
                each core.
            catch: Exceptions that fail their trial and nothing else; others end the call too.
            callbacks: Called with (study, trial) after every trial. One with a method
                ``hear(event)`` meanwhile gets events as a listener of ``subscribe`` does.
            gc_after_trial: Collect garbage after every trial.
            show_progress_bar: Show progress on stderr.
            total_trials: So many trials in the study as a whole, over all drivers and runs.
            stop: Further stop rules, such as ``Saturation(20)``.
            retries: How often a trial is run again after an exception of these kinds.
            fail_fast: Raise after so many trials if all of the study have failed; None: never.
            executor: Where trials run: "process:4", "thread:4", "inline", a cluster such as
                "dask://host:8786" or "ray", or an object such as
                ``luthier.executors.Processes(4, resources={"gpu": 0.5})``.
            time_limit: How long a trial may run: seconds, or text such as "10 min". Then it fails
                and its process is ended; so trials run in processes, also if ``n_jobs`` is 1.
            memory_limit: How much main memory a trial may take: bytes, or text such as "4GB".
            reproducible: Have all trials come out the same, whatever their timing. Then each is
                proposed from the results of those W before it and on, as if all took equally
                long. W is the number of slots, or the one given; once recorded, it stays.

        Raises:
            ArgumentError: A limit that makes no sense.
            AllTrialsFailedError: Nothing but failures.
            UnsendableError: The objective can't be sent to a process; the message names the part.
            StudyMismatchError: ``reproducible`` with another W, or after trials without it.
            KeyboardInterrupt: Ctrl-C. With several trials at once, after those that run have
                ended; at a second Ctrl-C at once, and they wait to be run again.
        """
        runner = open_executor(executor, n_jobs, time_limit=time_limit, memory_limit=memory_limit)
        make_reproducible(self._driver, reproducible, runner.slots)
        run_loop(
            self,
            self._driver,
            func,
            Limits(n_trials, total_trials, timeout, stop, fail_fast),
            catch=catch,
            retries=Retries({} if retries is None else retries),
            callbacks=callbacks,
            executor=runner,
            show_progress_bar=show_progress_bar,
            gc_after_trial=gc_after_trial,
        )

    def subscribe(self, listener: Callable[[Event], object]) -> None:
        """Have a function called with every event that happens in this process.

        Args:
            listener: Gets ``TrialStarted``, ``TrialReported``, ``TrialPaused``,
                ``TrialFinished``, ``TrialFailed`` and ``StudyStopped`` objects.
        """
        if not callable(listener):
            raise ArgumentError(f"subscribe needs a function of one event, got {listener!r}.")
        self._driver.listeners.append(listener)

    def replay(self) -> Replay:
        """Recompute every recorded proposal from the history it was made from, and compare."""
        from luthier.study.replay import replay

        return replay(self._driver)

    def would_have_stopped_best(self, scheduler: SchedulerLike) -> Hindsight:
        """Replay all reports under a scheduler: would it have ended the winner, and saved what?

        Args:
            scheduler: What to ask about: an object, a name or a spec.

        Raises:
            StudyError: The best trial has reported nothing, or there are several objectives.
            NoTrialError: No trial has completed, or none is feasible.
            ArgumentError: A scheduler that clones trials: what they would report isn't known.
        """
        from luthier.study.hindsight import hindsight

        return hindsight(self._driver, self.best_trial, scheduler)

    def diagnose(self, *, test: str | None = None) -> Diagnosis:
        """Say in words what is to be said of the search so far; ``print`` it.

        Its parts hold the figures; ``luthier.analysis`` has a function for each. ``test`` names a
        metric on data that the search didn't look at, which tells whether it followed noise.
        """
        from luthier.analysis import diagnose

        return diagnose(self.history, self.space, test=test)

    def importance(
        self, method: Method = "auto", metric: Metric = None, **settings: Any
    ) -> Importance:
        """Tell which parameters mattered; see ``luthier.analysis.importance``.

        Of several objectives name one as ``metric``, or take all by ``importances``.
        """
        from luthier.analysis import importance

        history = self.history
        return importance(history, history.space, method, metric, **settings)

    def importances(self, method: Method = "auto", **settings: Any) -> dict[str, Importance]:
        """Tell which parameters mattered for each objective, by name."""
        from luthier.analysis import importances

        history = self.history
        return importances(history, history.space, method, **settings)

    @property
    def plot(self) -> Plots:
        """The figures of the study: ``study.plot.history()``; ``study.plot.names`` lists them."""
        from luthier.plots import Plots

        return Plots(lambda: self.history)

    def _repr_html_(self) -> str:
        return study_html(self.study_name, summary(self.history), self.history)

    def __repr__(self) -> str:
        counts = sorted(Counter(trial.state for trial in self.trials).items())
        states = ", ".join(f"{n} {state.name}" for state, n in counts)
        return f"<Study {self.study_name!r}: {states or 'no trials'}>"

    # Inside

    def _nothing_left(self) -> StudyError:
        running = len(self._driver.ledger.snapshot().running)
        still = f", with {running} trials still running" if running else ""
        steps = self._driver.in_step
        if steps is not None and (number := steps.held_up) is not None:
            return StudyError(
                f"Study {self.study_name!r} is reproducible with {steps.slots} trials at once: the "
                f"next must know the result of trial {number}. Tell it first."
            )
        why = f"space is exhausted{still}. Widen the space, or allow duplicates in the sampler."
        if self._driver.is_done():
            then = "Tell their results" if running else "Choose another, or a larger one"
            why = f"scheduler starts nothing more{still}. {then}."
        return StudyError(f"Study {self.study_name!r} has nothing left to try: its {why}")

    def _handle(self, record: FrozenTrial, decision: Decision | None = None) -> Trial:
        ticket = self._driver.ticket(record)
        if decision is not None:
            ticket = replace(ticket, decision=decision)
        handle = Trial(ticket, RunChannel(self._driver, record))
        handle.study = self
        self._handles[record.number] = handle
        return handle

    def _handle_of_elsewhere(self, record: FrozenTrial) -> Trial:
        """A handle for a trial that another process asked for: it knows what was proposed."""
        handle = self._handle(record, standing(self.scheduler, self.history, record))
        definitions = {**self._driver.ledger.definitions, **record.declares}
        for name in record.param_names:
            if name in definitions:
                handle.take(name, definitions[name])
        return handle

    def _single(self, name: str, instead: str) -> None:
        if len(self.objective.names) > 1:
            raise StudyError(
                f"{name} needs a single objective, the study {self.study_name!r} has "
                f"{len(self.objective.names)}. Use {instead}."
            )
