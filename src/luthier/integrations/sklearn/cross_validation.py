"""The splits that candidates are put to: the same for all, or each its own; and their digest."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, final

import numpy as np
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from luthier.core.rng import generator
from luthier.integrations.sklearn.fitting import Fit, Fitting, Split

__all__ = ["CrossValidation", "Reshuffle", "digest_of"]

_DRAWS: Final = 8
_PLAIN: Final = (bool, int, float, str, type(None))


@final
@dataclass(frozen=True, slots=True)
class Reshuffle:
    """Splits that are drawn anew, from a seed and a number.

    Attributes:
        splitter: Draws them, by its ``random_state``; shuffles, if it has such a setting.
        params: Of ``split`` beside the data, such as groups.
        seed: The study's.
        stream: What they are for: other draws for other purposes.
    """

    splitter: Any
    params: Mapping[str, Any]
    seed: int = 0
    stream: str = "splits"

    @classmethod
    def of(cls, splitter: Any, params: Mapping[str, Any], stream: str = "splits") -> Reshuffle:
        """Make a copy of a splitter shuffle."""
        shuffling = copy.copy(splitter)
        shuffling.random_state = None
        if hasattr(shuffling, "shuffle"):
            shuffling.shuffle = True
        return cls(shuffling, params, stream=stream)

    def splits(self, X: Any, y: Any, number: int) -> list[Split]:
        """The draw of a number, such as a trial's."""
        own = copy.copy(self.splitter)
        own.random_state = int(generator(self.seed, number, self.stream).integers(2**31))
        return list(own.split(X, y, **self.params))

    def varies(self, X: Any, y: Any) -> bool:
        """Whether draws differ: not every splitter that can be given a seed makes use of it."""
        first = digest_of(self.splits(X, y, 0))
        return any(digest_of(self.splits(X, y, i)) != first for i in range(1, _DRAWS))


@final
@dataclass(frozen=True, slots=True)
class CrossValidation:
    """What every candidate of a search is put to.

    Attributes:
        fitting: The estimator, the data and the metrics.
        splits: Pairs of training and test indices.
        split_params: What the splitter got beside the data, such as groups.
        reshuffle: Makes splits of its own for each trial, if not None.

    Example:
        >>> from sklearn.dummy import DummyClassifier
        >>> from sklearn.metrics import get_scorer
        >>> model = DummyClassifier()
        >>> fitting = Fitting(model, [[0]] * 4, [0, 0, 0, 1], get_scorer("accuracy"))
        >>> CrossValidation(fitting, [([0, 1], [2, 3])]).evaluate(model)[0].scores["test_score"]
        0.5
    """

    fitting: Fitting
    splits: list[Split]
    split_params: Mapping[str, Any] = field(default_factory=dict)
    reshuffle: Reshuffle | None = None

    def seeded(self, seed: int) -> CrossValidation:
        """The same, with splits that are reshuffled by a study's seed."""
        if self.reshuffle is None:
            return self
        return replace(self, reshuffle=replace(self.reshuffle, seed=seed))

    def splits_of(self, number: int) -> list[Split]:
        """The splits of a trial: the same for all, or its own where they are reshuffled."""
        if self.reshuffle is None:
            return self.splits
        return self.reshuffle.splits(self.fitting.X, self.fitting.y, number)

    def evaluate(self, candidate: Any, n_jobs: int | None = None) -> list[Fit]:
        """Fit and score a candidate on every split that is the same for all.

        Args:
            candidate: An estimator; it is cloned.
            n_jobs: How many splits run at once, as in joblib.

        Returns:
            The results, split by split.
        """
        one = delayed(self.fitting.of_model)
        return list(Parallel(n_jobs=n_jobs)(one(clone(candidate), split) for split in self.splits))

    def fingerprint(self) -> dict[str, Any]:
        """What must be the same for results to be comparable, as a JSON value."""
        fitting, moved = self.fitting, self.reshuffle
        settings = fitting.estimator.get_params().items()
        params = {**(fitting.fit_params or {}), **(fitting.score_params or {})}
        return {
            "estimator": type(fitting.estimator).__qualname__,
            "settings": {k: repr(v) for k, v in sorted(settings) if isinstance(v, _PLAIN)},
            "data": _digest(fitting.X, fitting.y, *params.values()),
            "splits": digest_of(self.splits) if moved is None else str(moved.splitter),
            "metrics": list(fitting.metrics),
        }


def digest_of(splits: Sequence[Split]) -> str:
    """A digest of the indices of splits."""
    return _digest(*(indices for split in splits for indices in split))


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
