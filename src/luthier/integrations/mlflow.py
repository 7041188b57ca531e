"""MLflow: a run for each study, and in it a run for each trial.

A trial's run is found by its tags, so that one told twice is there once. What a run that goes on
lacks is added to it; one that holds something else, such as reports of a trial's run that was
killed, is deleted and written anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, final

from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import require_extra
from luthier.integrations.mlflow_runs import Nest, Point, Run, milliseconds, point
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
        self._nest = Nest(self._client, experiment)
        self._runs: dict[tuple[str, int], Run] = {}

    def _write(self, study: str, trial: FrozenTrial) -> None:
        key, over = (study, trial.number), trial.state.is_finished
        wanted = {
            point(step, name, value)
            for step, metrics in points(trial)
            for name, value in metrics.items()
        }
        run = self._runs.get(key) or self._nest.found_or_made(study, trial)
        if run is None:
            return
        if not run.points <= wanted:
            self._client.delete_run(run.id)
            run = self._nest.made(study, trial)
        self._runs[key] = run
        self._add(run, trial, wanted)
        if over:
            labels = [_entities.RunTag(n, t[:_LONGEST_TAG]) for n, t in tags(study, trial).items()]
            self._client.log_batch(run.id, tags=labels)
            end = milliseconds(trial.finished)
            self._client.set_terminated(run.id, _STATUS[trial.state], end)
            del self._runs[key]

    def _add(self, run: Run, trial: FrozenTrial, wanted: set[Point]) -> None:
        """Write what a run lacks."""
        params = {n: str(v) for n, v in flat_params(trial).items() if n not in run.params}
        for some in _batches([_entities.Param(n, v) for n, v in params.items()], _BATCH):
            self._client.log_batch(run.id, params=some)
        run.params |= params.keys()
        at = milliseconds(trial.finished or time.time())
        new = sorted(wanted - run.points)
        metrics = [_entities.Metric(name, float(value), at, step) for step, name, value in new]
        for some in _batches(metrics, 10 * _BATCH):
            self._client.log_batch(run.id, metrics=some)
        run.points |= wanted


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
