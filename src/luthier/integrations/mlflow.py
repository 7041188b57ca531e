"""MLflow: a run for each study, and in it a run for each trial.

A trial's run is found by its tags, so that one told twice is there once. What a run that goes on
lacks is added to it; one that holds something else, such as reports of a trial's run that was
killed, is deleted and written anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, final
from urllib.parse import quote

from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import require_extra
from luthier.integrations.tracking import Tracker, flat_params, points, tags

_tracking: Any = require_extra("mlflow.tracking", "mlflow", "luthier.integrations.mlflow")
_entities: Any = require_extra("mlflow.entities", "mlflow", "luthier.integrations.mlflow")

__all__ = ["MLflow"]

_STATUS: Final = {
    TrialState.COMPLETE: "FINISHED",
    TrialState.PRUNED: "KILLED",
    TrialState.FAILED: "FAILED",
}
_BATCH: Final = 100  # what servers take of parameters at once; metrics may be ten times as many
_LONGEST_TAG: Final = 5000
_PARENT: Final = "mlflow.parentRunId"


Point = tuple[int, str, str]
"""A step, the name of a metric, and its value as text, in which NaN equals NaN."""


@dataclass(slots=True)
class _Run:
    """A run that goes on, and what it holds."""

    id: str
    params: set[str] = field(default_factory=set)
    points: set[Point] = field(default_factory=set)


@final
class MLflow(Tracker):
    """Write trials to MLflow, as runs nested in their study's: reports as they come.

    Parameters, metrics by reported step (the result comes one step later), and as tags the
    state, the reason it was proposed, the error of a failed one, and the user's attributes.

    Args:
        tracking_uri: Where MLflow keeps its runs; None is what MLflow itself is set to.
        experiment: Name of the experiment; made if there is none.
        every: The least seconds between two writes of a trial that runs, as reports wait for them;
            infinity for none.

    Raises:
        ArgumentError: ``every`` is below 0.

    Example:
        >>> study.optimize(objective, callbacks=[MLflow("http://runs:5000")])  # doctest: +SKIP
    """

    def __init__(
        self, tracking_uri: str | None = None, experiment: str = "luthier", *, every: float = 1.0
    ) -> None:
        super().__init__(every)
        self._client = _tracking.MlflowClient(tracking_uri=tracking_uri)
        self._name = experiment
        self._parents: dict[str, tuple[str, str]] = {}
        self._runs: dict[tuple[str, int], _Run] = {}

    def _write(self, study: str, trial: FrozenTrial) -> None:
        key, over = (study, trial.number), trial.state.is_finished
        wanted = {
            (step, name, repr(float(value)))
            for step, metrics in points(trial)
            for name, value in metrics.items()
        }
        run = self._runs.get(key) or self._found_or_made(study, trial)
        if run is None:
            return
        if not run.points <= wanted:
            self._client.delete_run(run.id)
            run = self._made(study, trial)
        self._runs[key] = run
        self._add(run, trial, wanted)
        if over:
            labels = [_entities.RunTag(n, t[:_LONGEST_TAG]) for n, t in tags(study, trial).items()]
            self._client.log_batch(run.id, tags=labels)
            end = _milliseconds(trial.finished)
            self._client.set_terminated(run.id, _STATUS[trial.state], end)
            del self._runs[key]

    def _add(self, run: _Run, trial: FrozenTrial, wanted: set[Point]) -> None:
        """Write what a run lacks."""
        params = {n: str(v) for n, v in flat_params(trial).items() if n not in run.params}
        for some in _batches([_entities.Param(n, v) for n, v in params.items()], _BATCH):
            self._client.log_batch(run.id, params=some)
        run.params |= params.keys()
        at = _milliseconds(trial.finished or time.time())
        new = sorted(wanted - run.points)
        metrics = [_entities.Metric(name, float(value), at, step) for step, name, value in new]
        for some in _batches(metrics, 10 * _BATCH):
            self._client.log_batch(run.id, metrics=some)
        run.points |= wanted

    def _found_or_made(self, study: str, trial: FrozenTrial) -> _Run | None:
        """The run of a trial, new if there is none; None where it is over."""
        experiment, parent = self._parent(study)
        found = self._found(experiment, {_PARENT: parent, "luthier.trial": str(trial.number)})
        if not found:
            return self._made(study, trial)
        if found[0].info.status != "RUNNING":
            return None
        run = found[0].info.run_id
        held = {
            (point.step, name, repr(float(point.value)))
            for name in found[0].data.metrics
            for point in self._client.get_metric_history(run, name)
        }
        return _Run(run, set(found[0].data.params), held)

    def _made(self, study: str, trial: FrozenTrial) -> _Run:
        experiment, parent = self._parent(study)
        named = {_PARENT: parent, "mlflow.runName": f"trial {trial.number}"}
        labels = {"luthier.study": study, "luthier.trial": str(trial.number), **named}
        start = _milliseconds(trial.started)
        made = self._client.create_run(experiment, start_time=start, tags=labels)
        return _Run(made.info.run_id)

    def _parent(self, study: str) -> tuple[str, str]:
        """The experiment, and in it the run of a study: the first, if two drivers made one."""
        if study not in self._parents:
            found = self._client.get_experiment_by_name(self._name)
            made = found.experiment_id if found else self._client.create_experiment(self._name)
            labels = {"luthier.key": quote(study, safe="")}  # tags with quotes aren't found
            if not self._found(made, labels):
                named = labels | {"luthier.study": study, "mlflow.runName": study}
                run = self._client.create_run(made, tags=named)
                self._client.set_terminated(run.info.run_id)
            first = self._found(made, labels)[0]
            self._parents[study] = made, first.info.run_id
        return self._parents[study]

    def _found(self, experiment: str, labels: dict[str, str]) -> list[Any]:
        """Runs with these tags, the oldest first."""
        terms = (f"tags.`{name}` = '{text}'" for name, text in labels.items())
        order = ["attributes.start_time ASC"]
        return list(self._client.search_runs([experiment], " and ".join(terms), order_by=order))


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _milliseconds(at: float | None) -> int | None:
    return None if at is None else int(1000 * at)
