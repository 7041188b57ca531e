"""What a new search takes over from an earlier one: its results, or its best configurations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import ArgumentError
from luthier.integrations.sklearn.settings import task_of
from luthier.study.study import Study

__all__ = ["warm_up"]

_WARM: Final = 5


def warm_up(study: Study, earlier: Any) -> None:
    """Have a new study know, or try first, what was found earlier.

    Where the earlier one had the same data, splits and metrics its trials are taken over with their
    results. Otherwise its five best configurations are enqueued. What doesn't fit the space is left
    out, and a study that has trials already is left as it is.

    Args:
        study: The study of a search.
        earlier: A study, a fitted search, or trials.

    Raises:
        ArgumentError: None of these, or a search that has lost its study.
    """
    if earlier is None or earlier is False or study.trials:
        return
    known = earlier if isinstance(earlier, Study) else getattr(earlier, "study_", earlier)
    if not isinstance(known, Study | Iterable):
        raise ArgumentError(
            "SearchCV: warm_start takes a study, a fitted SearchCV or trials, got "
            f"{earlier!r}. A search that was pickled has no study: keep it in a storage and give "
            "warm_start=luthier.load_study(...)."
        )
    trials = known.trials if isinstance(known, Study) else list(known)
    fitting = [t for t in trials if t.invalid is None and study.space.fits(t.params)]
    if isinstance(known, Study) and task_of(known) == task_of(study) is not None:
        study.add_trials(t for t in fitting if t.state in (TrialState.COMPLETE, TrialState.PRUNED))
        return
    for trial in _best(fitting, known):
        study.enqueue_trial(trial.params, skip_if_exists=True)


def _best(trials: Iterable[FrozenTrial], known: Any) -> list[FrozenTrial]:
    complete = [t for t in trials if t.state is TrialState.COMPLETE]
    sign = -1.0
    if isinstance(known, Study) and known.objective.directions[0] == "minimize":
        sign = 1.0
    return sorted(complete, key=lambda t: sign * t.metric_values[0])[:_WARM]
