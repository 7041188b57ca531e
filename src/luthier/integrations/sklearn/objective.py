"""The objective of a search: a candidate's folds, one after the other, as steps of its trial.

After each fold the trial reports the mean so far, and with it all that is known of that fold; so a
candidate that is dropped keeps what it has, and one that is paused goes on where it was. It holds
nothing of the search, and can be sent to a process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from sklearn.base import clone

from luthier.errors import ObjectiveError, TrialPruned
from luthier.integrations.sklearn import settings
from luthier.integrations.sklearn.cross_validation import CrossValidation
from luthier.integrations.sklearn.cv_results import MEASURES, columns_of, estimator_params
from luthier.integrations.sklearn.fitting import Fit, configured
from luthier.integrations.sklearn.prefixes import remembering
from luthier.study.folds import Folds
from luthier.study.trial import Trial

__all__ = ["Candidacy"]


@final
@dataclass(frozen=True, slots=True)
class Candidacy:
    """Cross-validates a trial's candidate, fold by fold.

    Attributes:
        task: What candidates are put to.
        refit: The name of the metric that decides, of several; else a flag.
        gives_up: Whether a candidate ends at the first split that fails.
        measured: Whether times are metrics of the result, as constraints need them.
        memory: What keeps the transformers that candidates' pipelines share, if not None.
    """

    task: CrossValidation
    refit: str | bool = True
    gives_up: bool = False
    measured: bool = False
    memory: Any = None

    def __call__(self, trial: Trial) -> dict[str, float]:
        """Run the folds that are left; return the means."""
        candidate = self.candidate(trial)
        splits = self.task.splits_of(trial.number)
        folds = Folds(trial, len(splits), alike=self.task.reshuffle is None)
        errors = []
        for fold in folds:
            fit = self.task.fitting.of_model(clone(candidate), splits[fold])
            if fit.error is not None:
                errors.append(fit.error)
            known = {name: value for name, value in fit.scores.items() if value is not None}
            try:
                folds.report(self.score(fit), **known)
            except TrialPruned:
                if not errors:  # which say more of why it ended
                    raise
            if errors and self.gives_up:
                break
        if errors:
            raise ObjectiveError(
                f"{len(errors)} of {len(folds.scores)} splits failed. The first error: {errors[0]}"
            )
        columns = columns_of(trial.reports, len(splits))
        return {trial.objective_name: folds.mean, **self.means(columns)}

    def candidate(self, trial: Trial) -> Any:
        """The estimator that a trial stands for."""
        own = configured(self.task.fitting.estimator, estimator_params(trial.params))
        return remembering(own, self.memory)

    def means(self, columns: Mapping[str, Sequence[float | None]]) -> dict[str, float]:
        """The metrics of a candidate, by the results of all its splits."""
        means = {name: float(np.mean(column)) for name, column in columns.items()}  # type: ignore[arg-type]
        tests = {n.removeprefix("test_"): v for n, v in means.items() if n.startswith("test_")}
        measures = {n: means[n] for n in MEASURES if n in means} if self.measured else {}
        return {**tests, **measures}

    def score(self, fit: Fit) -> float:
        """The score that decides; NaN of a fit that failed."""
        if fit.error is not None:
            return float("nan")
        tests = [n.removeprefix("test_") for n in fit.scores if n.startswith("test_")]
        settings.check_refit(self.refit, tests)
        decides = self.refit if self.refit in tests else tests[0]
        return fit.scores[f"test_{decides}"]  # type: ignore[return-value]
