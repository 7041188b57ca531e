"""XGBoost: a callback that stops, pauses and continues what a scheduler says.

It goes to ``xgboost.train``, to ``xgboost.cv``, where it stops all folds at once by their mean, and
to XGBoost's scikit-learn estimators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from luthier.errors import ArgumentError, require_extra
from luthier.integrations.boosting import Reporting, Rounds, missing_score
from luthier.study.trial import Trial

if TYPE_CHECKING:
    import xgboost
else:
    xgboost = require_extra("xgboost", "xgboost", "luthier.integrations.xgboost")

__all__ = ["Pruning"]


@final
class Pruning(Reporting, xgboost.callback.TrainingCallback):
    """Report the validation score of each boosting round, and end the run where that is said.

    Args:
        trial: The trial.
        metric: Name of the score, such as "logloss"; the last one if None, as XGBoost takes it
            for early stopping.
        dataset: Name of the validation data, as in ``evals``; the last if None.
        every: Report every so many rounds; at the trial's budget and with ``finish`` in any case.
        checkpoint: Whether a run that is paused leaves its model, as JSON, for the next one to go
            on from: give ``xgb_model`` and ``rounds`` to ``xgboost.train``.

    Raises:
        ArgumentError: ``every`` makes no sense, or there is no such score; also a checkpoint of
            ``xgboost.cv``, which can't go on.

    Example:
        >>> import luthier, xgboost
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> train, valid = (xgboost.DMatrix(X[i::2], y[i::2]) for i in (0, 1))
        >>> def objective(trial):
        ...     params = {"objective": "multi:softprob", "num_class": 3, "nthread": 1}
        ...     params["eta"] = trial.suggest_float("eta", 0.01, 0.5, log=True)
        ...     pruning = Pruning(trial)
        ...     given = {"evals": [(valid, "valid")], "callbacks": [pruning]}
        ...     xgboost.train(params, train, 9, verbose_eval=False, **given)
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
        super().__init__()
        self.metric = metric
        self.dataset = dataset
        self._rounds = Rounds(trial, every, checkpoint)

    @property
    def xgb_model(self) -> xgboost.Booster | None:
        """The model that an earlier run of the trial has left, or None."""
        saved = self._rounds.saved
        if saved is None:
            return None
        return xgboost.Booster(model_file=bytearray(saved.read_bytes()))

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """What XGBoost calls after each round."""
        if self._rounds.checkpoint and not isinstance(model, xgboost.Booster):
            raise ArgumentError(
                "Pruning: checkpoint=True needs xgboost.train, got xgboost.cv, which can't go on "
                "with the models of its folds. Leave checkpoint out there."
            )
        score = self._score(evals_log)
        number = self._rounds.done + epoch + 1
        self._rounds.heard(number, score, lambda: bytes(model.save_raw("json")))
        return False

    def _score(self, log: Any) -> float:
        scores = log.get(self.dataset or next(reversed(log), None), {})
        values = scores.get(self.metric or next(reversed(scores), None))
        if not values:
            known = [f"{metric} of {name}" for name, found in log.items() for metric in found]
            raise missing_score(self.metric, self.dataset, known)
        value = values[-1]
        return float(value[0] if isinstance(value, tuple) else value)  # of cv, (mean, deviation)
