"""Cross-validation of one candidate after the other, on the same data, splits and metrics.

scikit-learn's own ``cross_validate`` does the work, a split at a time: so a split that fails
leaves the others their scores, and the splits of a candidate can run side by side.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from sklearn.model_selection import cross_validate
from sklearn.utils.parallel import Parallel, delayed

from luthier.study.trial import describe

__all__ = ["CrossValidation", "Split"]

_PLAIN = (bool, int, float, str, type(None))


@final
@dataclass(frozen=True, slots=True)
class Split:
    """What came of one candidate on one split.

    Attributes:
        scores: Times and scores by column of ``cv_results_``; of a failed split, times alone.
        error: What went wrong, or None.
    """

    scores: dict[str, float]
    error: str | None = None


@final
@dataclass(frozen=True, slots=True)
class CrossValidation:
    """What every candidate of a search is put to.

    Attributes:
        estimator: What the candidates are made from.
        scoring: The metrics, as ``cross_validate`` takes them.
        X: Data, n_samples long.
        y: Targets, n_samples long, or None.
        splits: Pairs of training and test indices.
        params: For the estimator and the scorers, as ``cross_validate`` takes them.
        train_scores: Whether training scores are computed too.
        raises: Whether a split's error is raised instead of noted.

    Example:
        >>> from sklearn.dummy import DummyClassifier
        >>> model, X, y = DummyClassifier(), [[0]] * 4, [0, 0, 0, 1]
        >>> splits = CrossValidation(model, None, X, y, [([0, 1], [2, 3])]).evaluate(model)
        >>> splits[0].scores["test_score"]
        0.5
    """

    estimator: Any
    scoring: Any
    X: Any
    y: Any
    splits: list[tuple[Any, Any]]
    params: dict[str, Any] | None = None
    train_scores: bool = False
    raises: bool = False

    def evaluate(self, candidate: Any, n_jobs: int | None = None) -> list[Split]:
        """Fit and score a candidate on every split.

        Args:
            candidate: An estimator; it is cloned.
            n_jobs: How many splits run at once, as in joblib.

        Returns:
            The results, split by split.
        """
        parallel = Parallel(n_jobs=n_jobs)
        return list(parallel(delayed(_evaluate)(self, candidate, split) for split in self.splits))

    def fingerprint(self) -> dict[str, Any]:
        """What must be the same for results to be comparable, as a JSON value."""
        settings = self.estimator.get_params().items()
        several = isinstance(self.scoring, (list, tuple, dict))
        return {
            "estimator": type(self.estimator).__qualname__,
            "settings": {k: repr(v) for k, v in sorted(settings) if isinstance(v, _PLAIN)},
            "data": _digest(self.X, self.y, *(self.params or {}).values()),
            "splits": _digest(*(indices for split in self.splits for indices in split)),
            "metrics": list(self.scoring) if several else None,
        }


def _evaluate(task: CrossValidation, candidate: Any, split: tuple[Any, Any]) -> Split:
    began = time.perf_counter()
    try:
        result = cross_validate(
            candidate,
            task.X,
            task.y,
            scoring=task.scoring,
            cv=[split],
            params=task.params,
            return_train_score=task.train_scores,
            error_score="raise",
        )
    except Exception as error:
        if task.raises:
            raise
        return Split({"fit_time": time.perf_counter() - began, "score_time": 0.0}, describe(error))
    return Split({name: float(values[0]) for name, values in result.items()})


def _digest(*parts: Any) -> str:
    """A digest of arrays; of what isn't one, or holds objects, only of the size."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        size = getattr(part, "shape", None) or (0 if part is None else len(part))
        digest.update(str(size).encode())
        array = np.asarray(part) if hasattr(part, "__array__") else np.empty(0, object)
        if array.dtype != object:
            digest.update(array.dtype.str.encode() + array.tobytes())
    return digest.hexdigest()
