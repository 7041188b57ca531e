"""Trials that a user stops: what ends them, whoever runs them, and how that is known again.

The end is one ordinary event of the log, written by whoever asks for it. The trial's worker, if it
has one, finds it ended: what it reports gets STOP, and its result is refused. So nothing is waited
for, and a worker that hangs or is gone makes no difference.
"""

from __future__ import annotations

import time
from typing import Final

from luthier.core.jobs import Outcome
from luthier.core.objective import Objective
from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import TrialStateError
from luthier.study.trial import last_metrics

__all__ = ["STOPPED", "is_stopped", "require_stopped", "stop_outcome"]

STOPPED: Final = "stopped by the user"
"""How the reason of every such end begins."""


def stop_outcome(trial: FrozenTrial, objective: Objective, reason: str) -> Outcome:
    """What a trial that is stopped as it stands has come to: PRUNED, with all it has reported."""
    return Outcome(
        TrialState.PRUNED,
        trial.params,
        metrics=last_metrics(objective, trial.reports),
        reports=trial.reports,
        error=f"{STOPPED}: {reason}" if reason else STOPPED,
        cost=_seconds_of_run(trial),
    )


def is_stopped(trial: FrozenTrial) -> bool:
    """Whether a user has stopped a trial."""
    return trial.state is TrialState.PRUNED and (trial.error or "").startswith(STOPPED)


def require_stopped(trial: FrozenTrial) -> FrozenTrial:
    """Return a trial that the user has stopped, whoever did it first.

    Raises:
        TrialStateError: It ended otherwise.
    """
    if not is_stopped(trial):
        raise TrialStateError(
            f"Only a trial that hasn't ended can be stopped, trial {trial.number} is "
            f"{trial.state.name}. To take it out of every decision: invalidate it.",
            number=trial.number,
        )
    return trial


def _seconds_of_run(trial: FrozenTrial) -> float:
    """How long the present run has worked: known of a first run, by its start."""
    first = trial.state is TrialState.RUNNING and trial.attempt == 1 and trial.started is not None
    return max(0.0, time.time() - (trial.started or 0.0)) if first else 0.0
