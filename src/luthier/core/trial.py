"""Trial records: what is known of one trial, frozen.

A record is a value: storages write it, histories hold it, samplers and schedulers read it,
nobody changes it. A changed trial is a new record. Parameters and metrics are kept as a tuple
of values under a tuple of names that all trials of a study share, which makes a record of ten
parameters cost about half a kilobyte.
"""

from __future__ import annotations

import datetime
import enum
import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import chain, count, repeat
from operator import attrgetter, call, lt
from typing import Any, Final, final

from luthier.core.checkpoint import Checkpoint
from luthier.core.suggest import Suggest
from luthier.errors import UnknownParamError
from luthier.space import Param
from luthier.space.markup import table

__all__ = [
    "EMPTY",
    "FIELDS",
    "NO_REPORTS",
    "FrozenTrial",
    "Metrics",
    "Origin",
    "Reports",
    "TrialState",
    "changed",
    "lapsed",
    "record_of",
]

Metrics = Mapping[str, float]


@final
class _Empty(Mapping[str, Any]):
    """The empty mapping: shared by all records, so hashable, and itself again after pickling."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "{}"

    def __reduce__(self) -> str:
        return "EMPTY"


EMPTY: Final[Mapping[str, Any]] = _Empty()


class TrialState(enum.IntEnum):
    """Where a trial stands.

    WAITING: to be run. RUNNING: claimed by a worker. PAUSED: may be resumed later.
    COMPLETE: finished with a result. PRUNED: ended early on purpose. FAILED: ended without a
    usable result. ``FAIL`` is another name of FAILED.
    """

    WAITING = 0
    RUNNING = 1
    PAUSED = 2
    COMPLETE = 3
    PRUNED = 4
    FAILED = 5
    FAIL = 5

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to a trial in this state."""
        return self >= 3  # COMPLETE; a lookup of the member would cost more than all the rest


@final
@dataclass(frozen=True, slots=True)
class Origin:
    """Why a trial exists.

    Attributes:
        sampler: The sampler's settings as JSON text; or "enqueued" and "added" by the user, or
            "objective" where only the objective knows what there is left to try.
        reason: In words, such as "sobol point 3".
        history_version: What the sampler had seen: the history up to this version.
        fill: How parameters that the proposal doesn't name get their values: "prior" draws
            them, "first" takes the first value of their grid.
        parent: The number of the trial it was derived from, if any.
        data: What the sampler wants to find again (generation, parents, bracket), JSON values.
    """

    sampler: str = "added"
    reason: str = ""
    history_version: int = 0
    fill: str = "prior"
    parent: int | None = None
    data: Mapping[str, Any] = EMPTY


@final
class Reports(Mapping[int, Metrics]):
    """What a trial reported: a read-only map from step to metrics, in order of arrival.

    Snapshots of one trial share their log, so adding a report costs the same after ten or
    ten thousand of them. The first report of a step stays; later ones of that step are ignored.

    Example:
        >>> reports = Reports().adding(1, {"loss": 0.5})
        >>> reports[1]["loss"], reports.last_step
        (0.5, 1)
    """

    __slots__ = ("_index", "_lowest", "_metrics", "_n", "_steps", "_tops")

    def __init__(self, items: Iterable[tuple[int, Metrics]] = ()) -> None:
        self._steps: list[int] = []
        self._metrics: list[Metrics] = []  # beside the steps: pairs would be work for the collector
        self._tops = self._steps  # the highest step of the first 1, 2, ... reports
        self._index: dict[int, int] = {}  # where each is, once steps don't rise any more
        self._lowest: dict[tuple[str, float], list[float]] = {}  # a cache, as for lowest()
        pairs = list(items)
        self._append([step for step, _ in pairs], [metrics for _, metrics in pairs])

    def adding(self, step: int, metrics: Metrics) -> Reports:
        """Return these reports and one more; of a step reported before, nothing changes."""
        return self if step in self else self.extended([step], [metrics])

    def extended(self, steps: Sequence[int], metrics: Sequence[Metrics]) -> Reports:
        """Return these reports and more; of steps reported before, nothing changes.

        Args:
            steps: Their steps.
            metrics: What was reported there, as many.
        """
        if self._n and self._n == len(self._steps):
            grown = Reports.__new__(Reports)
            grown._steps, grown._metrics, grown._tops = self._steps, self._metrics, self._tops
            grown._index, grown._lowest = self._index, self._lowest
        else:  # the empty one is shared, or another snapshot went on: start a log of one's own
            grown = Reports(self.items_in_order())
        grown._append(steps, metrics)
        return grown

    def _append(self, steps: Sequence[int], metrics: Sequence[Metrics]) -> None:
        last = self._steps[-1] if self._steps else -1
        rises = steps[0] > last if len(steps) == 1 else all(map(lt, chain([last], steps), steps))
        if rises and self._tops is self._steps:  # as almost always: each step is the highest yet
            self._steps.extend(steps)
            self._metrics.extend(metrics)
        else:
            self._append_unordered(steps, metrics)
        self._n = len(self._steps)

    def _append_unordered(self, steps: Sequence[int], metrics: Sequence[Metrics]) -> None:
        if self._tops is self._steps:
            self._tops = self._steps.copy()
            self._index.update(zip(self._steps, count()))
        top = self._tops[-1] if self._tops else -1
        for step, found in zip(steps, metrics, strict=True):
            if step not in self._index:
                self._index[step] = len(self._steps)
                self._steps.append(step)
                self._metrics.append(found)
                top = max(top, step)
                self._tops.append(top)

    def items_in_order(self, start: int = 0) -> list[tuple[int, Metrics]]:
        """The (step, metrics) pairs in order of arrival, from the ``start``-th on."""
        return list(zip(self._steps[start : self._n], self._metrics[start : self._n], strict=True))

    def up_to(self, step: int) -> Reports:
        """Only the reports of steps up to this one."""
        kept = [item for item in self.items_in_order() if item[0] <= step]
        return self if len(kept) == self._n else Reports(kept)

    def first_from(self, step: int) -> Metrics | None:
        """What was first reported at a step or beyond it, or None."""
        place = bisect_left(self._tops, step, hi=self._n)
        return self._metrics[place] if place < self._n else None

    def continues(self, earlier: Reports) -> bool:
        """Whether these are the earlier reports and perhaps more."""
        n = earlier._n
        if self._steps is earlier._steps:
            return self._n >= n
        return self._steps[:n] == earlier._steps[:n] and self._metrics[:n] == earlier._metrics[:n]

    @property
    def last_step(self) -> int | None:
        """The highest step reported, or None."""
        return self._tops[self._n - 1] if self._n else None

    def last_before(self, step: int) -> int | None:
        """The highest step reported but this one, or None."""
        n = self._n
        if n > 1 and self._steps[n - 1] == step:
            return self._tops[n - 2]
        return max((s for s in self if s != step), default=None)

    def lowest(self, metric: str, sign: float = 1.0) -> float:
        """The lowest value of ``sign`` times a metric so far, NaN if there is none to compare.

        Costs what has been reported since it was last asked for.
        """
        known = self._lowest.setdefault((metric, sign), [math.nan])
        for metrics in self._metrics[len(known) - 1 : self._n]:
            value = sign * metrics.get(metric, math.nan)
            known.append(known[-1] if known[-1] <= value or value != value else value)
        return known[self._n]

    def series(self, metric: str) -> dict[int, float]:
        """One metric by step, for the steps that reported it."""
        return {s: m[metric] for s, m in self.items_in_order() if metric in m}

    def __getitem__(self, step: int) -> Metrics:
        place = self._place(step)
        if place is None:
            raise KeyError(step)
        return self._metrics[place]

    def __contains__(self, step: object) -> bool:
        return self._place(step) is not None

    def _place(self, step: Any) -> int | None:
        n = self._n
        rises = self._tops is self._steps
        try:
            place = bisect_left(self._steps, step, hi=n) if rises else self._index.get(step, n)
        except TypeError:  # no number
            return None
        return place if place < n and self._steps[place] == step else None

    def __iter__(self) -> Iterator[int]:
        return iter(self._steps[: self._n])

    def __len__(self) -> int:
        return self._n

    def __hash__(self) -> int:
        return self._n

    def __repr__(self) -> str:
        return f"Reports({self.items_in_order()!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Reports, (self.items_in_order(),))


NO_REPORTS: Final = Reports()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenTrial(Suggest):
    """All that is known of one trial.

    It answers ``suggest_*`` with its recorded values, so an objective can be replayed:
    ``objective(study.best_trial)``.

    Attributes:
        number: From 0, dense, in order of creation.
        state: See TrialState.
        param_names: Names of the parameters, in the order they were asked for.
        param_values: Their values: JSON values or tuples; of named choices, the names.
        metric_names: Names of the metrics, objectives first.
        metric_values: Their values in the user's own sign; empty until there is a result.
        objectives: How many of the metrics are objectives.
        reports: Intermediate metrics by step.
        started: Seconds since the epoch when it was first claimed.
        finished: Seconds since the epoch when it ended.
        cost: Seconds of work over all its runs.
        worker: Who runs or ran it.
        attempt: How often it has been claimed.
        lapses: How many runs in a row, without a further checkpoint, ended because their worker
            was gone: had died, or was silent.
        lapsed_at: The furthest step that its checkpoint was at then; None if it had none.
        budget: The step up to which its present run may go, or None for no limit.
        checkpoint: Its latest saved state; at first that of the trial it was cloned from.
        origin: Why it exists.
        error: What went wrong, or why it was pruned or released.
        user_attrs: The user's notes; JSON values.
        declares: Parameter definitions that this trial was the first to use.
        invalid: Why it is out of every decision, or None.
        version: The study's version when it last changed.
        finished_version: The study's version when it finished.

    Example:
        >>> trial = FrozenTrial(number=0, param_names=("x",), param_values=(0.5,))
        >>> trial.suggest_float("x", 0, 1)
        0.5
    """

    number: int
    state: TrialState = TrialState.WAITING
    param_names: tuple[str, ...] = ()
    param_values: tuple[Any, ...] = ()
    metric_names: tuple[str, ...] = ()
    metric_values: tuple[float, ...] = ()
    objectives: int = 1
    reports: Reports = NO_REPORTS
    started: float | None = None
    finished: float | None = None
    cost: float | None = None
    worker: str | None = None
    attempt: int = 0
    lapses: int = 0
    lapsed_at: int | None = None
    budget: int | None = None
    checkpoint: Checkpoint | None = None
    origin: Origin = field(default_factory=Origin)
    error: str | None = None
    user_attrs: Mapping[str, Any] = EMPTY
    declares: Mapping[str, Param] = EMPTY
    invalid: str | None = None
    version: int = 0
    finished_version: int | None = None

    @property
    def params(self) -> dict[str, Any]:
        """The parameters as a new dict."""
        return dict(zip(self.param_names, self.param_values, strict=True))

    @property
    def metrics(self) -> dict[str, float]:
        """All metrics of the result as a new dict; empty until there is a result."""
        return dict(zip(self.metric_names, self.metric_values, strict=True))

    @property
    def values(self) -> list[float] | None:
        """The objectives' values in their order, or None without a result."""
        return list(self.metric_values[: self.objectives]) or None

    @property
    def value(self) -> float | None:
        """The single objective's value, or None without a result.

        Raises:
            AttributeError: The study has several objectives: use ``values``.
        """
        if self.objectives > 1:
            raise AttributeError("The study has several objectives: use trial.values.")
        return self.metric_values[0] if self.metric_values else None

    @property
    def intermediate_values(self) -> dict[int, float]:
        """The first metric of each report, by step."""
        return {step: next(iter(metrics.values())) for step, metrics in self.reports.items()}

    @property
    def last_step(self) -> int | None:
        """The highest step reported, or None."""
        return self.reports.last_step

    @property
    def datetime_start(self) -> datetime.datetime | None:
        """When it was first claimed, in local time."""
        return None if self.started is None else datetime.datetime.fromtimestamp(self.started)

    @property
    def datetime_complete(self) -> datetime.datetime | None:
        """When it ended, in local time."""
        return None if self.finished is None else datetime.datetime.fromtimestamp(self.finished)

    @property
    def duration(self) -> datetime.timedelta | None:
        """From the first claim to the end."""
        if self.started is None or self.finished is None:
            return None
        return datetime.timedelta(seconds=self.finished - self.started)

    def report(self, metrics: float | Metrics, step: int) -> None:
        """Accepted and ignored: the trial is over, its objective is only being replayed."""

    def should_prune(self) -> bool:
        """Always False: a replay runs to its end."""
        return False

    def set_user_attr(self, key: str, value: object) -> None:
        """Accepted and ignored: a record doesn't change."""

    def _repr_html_(self) -> str:
        caption = f"Trial {self.number}, {self.state.name}"
        notes = {"error": self.error, "reason": self.origin.reason, "invalid": self.invalid}
        rows = [
            *self.metrics.items(),
            *self.params.items(),
            *((k, v) for k, v in notes.items() if v),
        ]
        return table(caption, ("name", "value"), rows)

    def _suggest(self, name: str, param: Param) -> Any:
        if name not in self.param_names:
            raise UnknownParamError(
                f"Trial {self.number} has no parameter {name!r}; it has: "
                f"{', '.join(self.param_names) or 'none'}. "
                "Replay it with the objective that made it.",
                name=name,
            )
        value = self.param_values[self.param_names.index(name)]
        return param.resolve(param.check(value, name))


FIELDS: Final = tuple(f.name for f in fields(FrozenTrial))
_values_of = attrgetter(*FIELDS)
_SETTERS: Final = {name: getattr(FrozenTrial, name).__set__ for name in FIELDS}
_IN_ORDER: Final = tuple(_SETTERS.values())


def record_of(values: Iterable[Any]) -> FrozenTrial:
    """Return the record with these values of all its fields, in a third of the usual time.

    A storage that opens 100,000 trials makes as many records. Nothing is checked: the values
    come from records that were checked when they were made.

    Args:
        values: As many as ``FIELDS``, in that order.

    Example:
        >>> trial = FrozenTrial(number=3)
        >>> record_of(getattr(trial, name) for name in FIELDS) == trial
        True
    """
    record = object.__new__(FrozenTrial)
    any(map(call, _IN_ORDER, repeat(record), values))  # each gives None: all are called
    return record


def lapsed(trial: FrozenTrial) -> tuple[int, int | None]:
    """Return what ``lapses`` and ``lapsed_at`` become when a running trial's worker is gone.

    Args:
        trial: The record before.

    Example:
        >>> lapsed(FrozenTrial(number=0, lapses=1))
        (2, None)
        >>> lapsed(FrozenTrial(number=0, lapses=2, lapsed_at=5, checkpoint=Checkpoint(9, "ab", 1)))
        (1, 9)
    """
    step = -1 if trial.checkpoint is None else trial.checkpoint.step
    furthest = -1 if trial.lapsed_at is None else trial.lapsed_at
    if step > furthest:  # it gets on
        return 1, step
    return trial.lapses + 1, trial.lapsed_at


def changed(trial: FrozenTrial, **changes: Any) -> FrozenTrial:
    """Return what ``dataclasses.replace`` returns, in half the time.

    Args:
        trial: The record.
        **changes: New values by field.

    Example:
        >>> changed(FrozenTrial(number=3), version=7).version
        7
    """
    record = record_of(_values_of(trial))
    for name, value in changes.items():
        _SETTERS[name](record, value)
    return record
