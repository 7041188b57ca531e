"""What is worked out of a study for its pages: what mattered, and whether it is to be trusted."""

from __future__ import annotations

from typing import Any

from luthier.analysis import diagnose
from luthier.analysis.importance import importance
from luthier.dashboard.view import View
from luthier.errors import ArgumentError, NoTrialError, StudyError

__all__ = ["diagnosis_of", "importance_of"]


def importance_of(view: View, metric: str | None = None) -> dict[str, Any]:
    """Return which parameters mattered.

    Args:
        view: The study.
        metric: For which metric; None: the first objective.

    Raises:
        StudyError: Too little is known yet; the message says what is lacking.
    """
    with view.drawing(slow=True) as history:
        name = history.objective.names[0] if metric is None else metric
        try:
            found = importance(history, history.space, metric=name)
        except (NoTrialError, ArgumentError) as error:
            raise StudyError(error.message) from None
    return {
        "metric": found.metric,
        "method": found.method,
        "n_trials": found.n_trials,
        "meaningless": found.is_meaningless,
        "words": [found.found],
        "rows": found.rows(),
        "interactions": [
            {"parameters": list(i.parameters), "share": i.fraction, "low": i.low, "high": i.high}
            for i in found.interactions
        ],
    }


def diagnosis_of(view: View) -> dict[str, Any]:
    """Return what is to be said of a study, by heading, and what calls for action.

    Args:
        view: The study.
    """
    with view.drawing(slow=True) as history:
        found = diagnose(history, history.space)
    parts = found.parts
    return {
        "words": list(parts.values()),
        "rows": [
            {"heading": heading, "text": text, "concern": heading in found.concerns}
            for heading, text in parts.items()
        ],
        "concerns": list(found.concerns),
    }
