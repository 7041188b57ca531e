"""MLflow's runs: one for each study, and in it one for each trial, found by their tags."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, final
from urllib.parse import quote

from luthier.core.trial import FrozenTrial

__all__ = ["Nest", "Point", "Run", "milliseconds", "point"]

_PARENT: Final = "mlflow.parentRunId"

Point = tuple[int, str, str]
"""A step, the name of a metric, and its value as text, in which NaN equals NaN."""


def point(step: int, name: str, value: float) -> Point:
    """Return a point of a metric."""
    return step, name, repr(float(value))


@final
@dataclass(slots=True)
class Run:
    """A run that goes on, and what it holds: names of parameters, and points of metrics."""

    id: str
    params: set[str] = field(default_factory=set)
    points: set[Point] = field(default_factory=set)


@final
class Nest:
    """The runs of an experiment; what is missing is made.

    Args:
        client: MLflow's client.
        experiment: The experiment's name.
    """

    def __init__(self, client: Any, experiment: str) -> None:
        self._client = client
        self._name = experiment
        self._parents: dict[str, tuple[str, str]] = {}

    def found_or_made(self, study: str, trial: FrozenTrial) -> Run | None:
        """Return the run of a trial, new if there is none; None where it is over."""
        experiment, parent = self._parent(study)
        found = self._found(experiment, {_PARENT: parent, "luthier.trial": str(trial.number)})
        if not found:
            return self.made(study, trial)
        if found[0].info.status != "RUNNING":
            return None
        run = found[0].info.run_id
        held = {
            point(told.step, name, told.value)
            for name in found[0].data.metrics
            for told in self._client.get_metric_history(run, name)
        }
        return Run(run, set(found[0].data.params), held)

    def made(self, study: str, trial: FrozenTrial) -> Run:
        """Make a run for a trial."""
        experiment, parent = self._parent(study)
        named = {_PARENT: parent, "mlflow.runName": f"trial {trial.number}"}
        labels = {"luthier.study": study, "luthier.trial": str(trial.number), **named}
        start = milliseconds(trial.started)
        made = self._client.create_run(experiment, start_time=start, tags=labels)
        return Run(made.info.run_id)

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


def milliseconds(at: float | None) -> int | None:
    """Return a time as MLflow counts it."""
    return None if at is None else int(1000 * at)
