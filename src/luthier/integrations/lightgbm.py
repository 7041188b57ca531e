"""LightGBM: a callback that stops, pauses and continues what a scheduler says.

It goes to ``lightgbm.train``, to ``lightgbm.cv``, where it stops all folds at once by their mean,
and to the ``fit`` of LightGBM's scikit-learn estimators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from luthier.errors import ArgumentError, require_extra
from luthier.integrations.boosting import Reporting, Rounds, missing_score
from luthier.study.trial import Trial

if TYPE_CHECKING:
    import lightgbm
else:
    lightgbm = require_extra("lightgbm", "lightgbm", "luthier.integrations.lightgbm")

__all__ = ["Pruning"]

_BEFORE_EARLY_STOPPING: Final = 25  # which is 30: a round that stops there is reported, too
_TRAINING: Final = ("training", "train")


@final
class Pruning(Reporting):
    """Report the validation score of each boosting round, and end the run where that is said.

    Args:
        trial: The trial.
        metric: Name of the score, as LightGBM prints it; the first one if None.
        dataset: Name of the validation data, as in ``valid_names``; the first if None.
        every: Report every so many rounds; at the trial's budget and with ``finish`` in any case.
        checkpoint: Whether a run that is paused leaves its model, as text, for the next one to go
            on from: give ``init_model`` and ``rounds`` to ``lightgbm.train``. What is added then
            starts LightGBM's random numbers anew, so with bagging it isn't, to the bit, what one
            run would have grown.

    Raises:
        ArgumentError: ``every`` makes no sense, there is no such score, or it is to be maximised
            where the study minimises; also a checkpoint of ``lightgbm.cv``, which can't go on.

    Example:
        >>> import lightgbm, luthier
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> def objective(trial):
        ...     data = lightgbm.Dataset(X[::2], y[::2])
        ...     params = {
        ...         "objective": "multiclass",
        ...         "num_class": 3,
        ...         "verbose": -1,
        ...         "num_threads": 1,
        ...     }
        ...     params["learning_rate"] = trial.suggest_float("learning_rate", 0.01, 0.5, log=True)
        ...     pruning = Pruning(trial)
        ...     valid = data.create_valid(X[1::2], y[1::2])
        ...     lightgbm.train(params, data, 9, valid_sets=[valid], callbacks=[pruning])
        ...     return pruning.finish()
        >>> study = luthier.create_study(scheduler="median", seed=0)
        >>> study.optimize(objective, n_trials=3)
        >>> study.best_trial.user_attrs["best_iteration"]
        9
    """

    def __init__(
        self,
        trial: Trial,
        metric: str | None = None,
        *,
        dataset: str | None = None,
        every: int = 1,
        checkpoint: bool = False,
    ) -> None:
        self.metric = metric
        self.dataset = dataset
        self.order = _BEFORE_EARLY_STOPPING
        self.before_iteration = False
        self._rounds = Rounds(trial, every, checkpoint)

    @property
    def init_model(self) -> lightgbm.Booster | None:
        """The model that an earlier run of the trial has left, or None."""
        saved = self._rounds.saved
        return None if saved is None else lightgbm.Booster(model_str=saved.read_bytes().decode())

    def __call__(self, env: Any) -> None:
        """What LightGBM calls after each round."""
        if self._rounds.checkpoint and not isinstance(env.model, lightgbm.Booster):
            raise ArgumentError(
                "Pruning: checkpoint=True needs lightgbm.train, got lightgbm.cv, which can't go on "
                "with the models of its folds. Leave checkpoint out there."
            )
        score = self._score(env.evaluation_result_list or [])
        text = env.model.model_to_string
        self._rounds.heard(env.iteration + 1, score, lambda: text(num_iteration=-1).encode())

    def _score(self, results: list[Any]) -> float:
        known = []
        for dataset, name, score, maximised, *_ in results:
            metric = name.removeprefix("valid ")  # of cv before LightGBM 4.7
            fits = dataset not in _TRAINING if self.dataset is None else dataset == self.dataset
            if fits and self.metric in (None, metric):
                self._check_direction(metric, maximised)
                return float(score)
            known.append(f"{metric} of {dataset}")
        raise missing_score(self.metric, self.dataset, known)

    def _check_direction(self, metric: str, maximised: bool) -> None:
        right = "maximize" if maximised else "minimize"
        if self._rounds.direction != right:
            raise ArgumentError(
                f"Pruning: the study's direction must be that of LightGBM's {metric!r}, got "
                f"{self._rounds.direction!r}. Create the study with direction={right!r}.",
                metric=metric,
            )
