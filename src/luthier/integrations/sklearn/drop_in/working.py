"""The trials of a search worked off: all fits that can run now, side by side.

Trials are claimed as joblib hands their fits out, and recorded as soon as all their splits are in.
If the search is interrupted, those that were claimed are put back.
"""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, final

from sklearn.utils.parallel import Parallel, delayed

from luthier.core.trial import FrozenTrial
from luthier.integrations.sklearn.callbacks import Telling
from luthier.integrations.sklearn.drop_in.outcomes import seconds
from luthier.integrations.sklearn.drop_in.shell import Task
from luthier.integrations.sklearn.fitting import Fit, Fitting, Split
from luthier.study.study import Study

__all__ = ["Work", "say", "work_off"]

_LOOK_AGAIN_SECONDS = 0.1


@final
@dataclass(frozen=True, slots=True)
class Work:
    """How the trials of a study are worked off.

    Attributes:
        params: From a trial that is due to what the estimator is given.
        splits: From a trial that is due to the splits it is put to.
        record: Takes a trial and what came of it on each split.
        telling: From a trial that is due to the task that its fits are parts of.
    """

    params: Callable[[FrozenTrial], Mapping[str, Any]]
    splits: Callable[[FrozenTrial], Sequence[Split]]
    record: Callable[[FrozenTrial, Sequence[Fit]], None]
    telling: Callable[[FrozenTrial], Telling]


def work_off(task: Task, study: Study, work: Work) -> None:
    """Evaluate all trials that are due, until there is none left, here or in other processes."""
    while True:
        found = _work_off_what_is_due(task, study, work)
        if not found and not study._driver.elsewhere():
            return
        if not found:
            time.sleep(_LOOK_AGAIN_SECONDS)


def _work_off_what_is_due(task: Task, study: Study, work: Work) -> bool:
    """Evaluate the trials that can start now, the splits of all of them side by side."""
    claimed: deque[FrozenTrial] = deque()
    search, found = task.search, False
    parallel = Parallel(
        n_jobs=search.n_jobs,
        pre_dispatch=getattr(search, "pre_dispatch", "2*n_jobs"),
        return_as="generator",
    )
    fits = parallel(_calls(task, study, work, claimed))
    try:
        while batch := list(islice(fits, search.n_splits_)):
            work.record(claimed[0], batch)
            claimed.popleft()
            found = True
    except BaseException:
        fits.close()
        for trial in claimed:
            study._driver.release(trial.number, "the search was interrupted")
        raise
    return found


def _calls(
    task: Task, study: Study, work: Work, claimed: deque[FrozenTrial]
) -> Iterator[tuple[Any, ...]]:
    while (trial := study._driver.start(new=False)) is not None:
        claimed.append(trial)
        params, splits = work.params(trial), work.splits(trial)
        told = work.telling(trial)
        for i, split in enumerate(splits):
            place = trial.number * len(splits) + i
            part = told.part("candidate-split-evaluation", place=place)
            label = f"[CV {i + 1}/{len(splits)}]"
            yield delayed(_fit)(task.fitting, params, split, part, label, int(task.search.verbose))


def _fit(
    fitting: Fitting,
    params: Mapping[str, Any],
    split: Split,
    task: Telling,
    label: str,
    verbose: int,
) -> Fit:
    words = ", ".join(f"{name}={params[name]}" for name in sorted(params))
    if verbose > 9:
        say(f"{label} START {words}")
    fit = fitting.of(params, split, task)
    if verbose > 1:
        shown = f"; {_shown(fit, fitting.train_scores)}" if verbose > 2 else ""
        say(f"{label} END {words}{shown}; total time={seconds([fit]):.1f}s")
    return fit


def _shown(fit: Fit, train_scores: bool) -> str:
    if fit.error is not None:
        return "failed"
    shown = {n[5:]: f"{v or math.nan:.3f}" for n, v in fit.scores.items() if n[:5] == "test_"}
    if train_scores:
        train = {name: fit.scores[f"train_{name}"] or math.nan for name in shown}
        shown = {n: f"(train={train[n]:.3f}, test={test})" for n, test in shown.items()}
    return ", ".join(f"{name}={score}" for name, score in shown.items())


def say(words: str) -> None:
    """Print a line, as scikit-learn's searches do with ``verbose``."""
    sys.stdout.write(f"{words}\n")
