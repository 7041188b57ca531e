"""Weights & Biases: each trial as a run, grouped by its study; online or offline.

A run's id follows from the trial, so that one written twice is one run on the server.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any, Final, Literal, final

from luthier.core.events import Event, TrialPaused
from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import require_extra
from luthier.integrations.tracking import Tracker, flat_params, series, tags

_wandb: Any = require_extra("wandb", "wandb", "luthier.integrations.wandb")

__all__ = ["WandB"]

_ID_LENGTH: Final = 16


@final
class WandB(Tracker):
    """Write trials to Weights & Biases: reports as they come.

    Parameters are the run's config, reports its history, the result its summary; a failed trial is
    a crashed run. The run of a paused trial is over until it is resumed. Runs of the user's own
    stay as they are.

    Args:
        project: The project.
        mode: "online"; or "offline": files, for ``wandb sync``; or "disabled". None: as wandb is
            set up.
        folder: Where its files go; None is the current folder.
        every: The least seconds between two writes of a trial that runs; infinity for none.
        **settings: Of ``wandb.init``, such as ``entity`` or ``tags``.

    Raises:
        ArgumentError: ``every`` is below 0.

    Example:
        >>> study.optimize(objective, callbacks=[WandB("mnist", "offline")])  # doctest: +SKIP
    """

    def __init__(
        self,
        project: str = "luthier",
        mode: Literal["online", "offline", "disabled"] | None = None,
        folder: str | os.PathLike[str] | None = None,
        *,
        every: float = 1.0,
        **settings: Any,
    ) -> None:
        super().__init__(every)
        self._init = {"project": project, "mode": mode, "dir": folder, **settings}
        self._runs: dict[str, Any] = {}
        self._next_steps: dict[str, int] = {}  # of runs that were over for a while

    def hear(self, event: Event) -> None:
        """Write what a trial has reported so far; close the run of one that is paused."""
        super().hear(event)
        if isinstance(event, TrialPaused):
            key = _run_id(event.study, event.trial)
            if key in self._runs:
                self._write(event.study, event.trial)
                run = self._runs.pop(key)
                self._next_steps[key] = run.step
                run.finish()

    def _write(self, study: str, trial: FrozenTrial) -> None:
        key = _run_id(study, trial)
        run = self._runs.get(key) or self._open(key, study, trial)
        begin = max(run.step, self._next_steps.get(key, 0))
        for step, metrics in series(trial):
            if step >= begin:
                run.log(dict(metrics), step=step, commit=True)
        if trial.state.is_finished:
            config = {**flat_params(trial), **tags(study, trial)}
            run.config.update(config, allow_val_change=True)
            run.summary.update({**trial.metrics, "state": trial.state.name})
            self._runs.pop(key).finish(exit_code=int(trial.state is TrialState.FAILED))

    def _open(self, key: str, study: str, trial: FrozenTrial) -> Any:
        named = {"group": study, "name": f"trial {trial.number}"}
        config = {**flat_params(trial), **tags(study, trial)}
        self._runs[key] = _wandb.init(
            **{**named, "config": config, **self._init},
            id=key,
            reinit="create_new",
            resume="allow",
        )
        return self._runs[key]


def _run_id(study: str, trial: FrozenTrial) -> str:
    text = f"{study}\n{trial.number}\n{trial.started}"
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_LENGTH]
