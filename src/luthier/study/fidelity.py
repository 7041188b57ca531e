"""Fidelities: what a budget means where it isn't a number of training steps.

Schedulers count in steps. A share of the training set, a number of folds, the size of images or
the precision of numbers become a fidelity by saying what each step of the ladder stands for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.core.rng import generator
from luthier.core.settings import Number
from luthier.errors import ArgumentError

__all__ = ["Levels", "Subsets"]

T = TypeVar("T")


class _Budgeted(Protocol):
    @property
    def budget(self) -> int | None: ...


@final
@dataclass(frozen=True)
class Levels(Generic[T]):
    """What a trial gets at which budget: image sizes, numbers of folds, names of precisions.

    Args:
        levels: What counts from which step on, such as ``{1: "float16", 9: "float32"}``.

    Raises:
        ArgumentError: No levels, or steps that aren't whole numbers of at least 0.

    Example:
        >>> import luthier
        >>> size = Levels({1: 32, 9: 64, 27: 128})
        >>> study = luthier.create_study(scheduler=luthier.schedulers.Asha(27), seed=0)
        >>> trial = study.ask()
        >>> trial.budget, size.of(trial), size.at(10)
        (1, 32, 64)
    """

    levels: Mapping[int, T]

    def __post_init__(self) -> None:
        whole = Number(0, whole=True)
        given = self.levels if isinstance(self.levels, Mapping) else {}
        if not given or any(whole.read(step) is None for step in given):
            raise ArgumentError(
                "Levels takes a mapping from the step a level counts from to the level, such as "
                f"{{1: 'float16', 9: 'float32'}}, got {self.levels!r}.",
                levels=self.levels,
            )
        object.__setattr__(self, "levels", dict(sorted(given.items())))

    def at(self, step: int | None) -> T:
        """Return the level that counts at a step; the lowest below all, the highest for None."""
        steps = list(self.levels)
        place = len(steps) if step is None else bisect_right(steps, step)
        return self.levels[steps[max(place - 1, 0)]]

    def of(self, trial: _Budgeted) -> T:
        """Return what a trial gets in its present run."""
        return self.at(trial.budget)


@final
class Subsets:
    """Nested subsets of a data set: a trial trains on a share of the rows that its budget gives.

    The subset of a smaller budget is part of that of a larger one, and the same for all trials:
    they are compared on the same rows. With labels every subset holds each class in about the
    proportion of the whole.

    Args:
        data: The labels of the rows, shape (n,), or just their number.
        max_resource: The budget that gives all rows, as the scheduler has it.
        least: Never fewer rows than this.
        seed: Which rows come first.

    Raises:
        ArgumentError: No rows, labels that aren't one for each row, or a number out of range.

    Example:
        >>> rows = Subsets([0, 0, 0, 1, 1, 1], max_resource=3)
        >>> [len(rows.at(step)) for step in (1, 2, 3)], sorted(rows.at(3).tolist())
        ([2, 4, 6], [0, 1, 2, 3, 4, 5])
        >>> set(rows.at(1)) < set(rows.at(2))
        True
    """

    def __init__(
        self,
        data: int | Sequence[Any] | ArrayLike,
        max_resource: int,
        *,
        least: int = 1,
        seed: int = 0,
    ) -> None:
        for name, value in (("max_resource", max_resource), ("least", least)):
            if Number(1, whole=True).read(value) is None:
                raise ArgumentError(
                    f"Subsets: {name} must be a whole number of at least 1, got {value!r}.",
                    **{name: value},
                )
        labels = np.zeros(data, dtype=np.intp) if isinstance(data, int) else np.asarray(data)
        if labels.ndim != 1 or not len(labels):
            raise ArgumentError(
                "Subsets takes one label for each row, or the number of rows, got an array of "
                f"shape {labels.shape}."
            )
        self._max_resource = int(max_resource)
        self._least = min(int(least), len(labels))
        self._order = _spread(labels, generator(seed, "subsets"))

    def at(self, step: int | None) -> NDArray[np.intp]:
        """Return the rows that a budget gives; all for None. Ascending, shape (k,).

        Args:
            step: The budget.
        """
        n = len(self._order)
        share = 1.0 if step is None else min(max(step, 0) / self._max_resource, 1.0)
        return np.sort(self._order[: max(round(share * n), self._least)])

    def of(self, trial: _Budgeted) -> NDArray[np.intp]:
        """Return the rows that a trial may train on in its present run."""
        return self.at(trial.budget)


def _spread(labels: NDArray[Any], rng: np.random.Generator) -> NDArray[np.intp]:
    """Put rows in an order of which every beginning holds all classes in proportion."""
    _, classes = np.unique(labels, return_inverse=True)
    shuffled = rng.permutation(len(classes))
    place = np.empty(len(classes))
    for one in range(classes.max() + 1):
        members = shuffled[classes[shuffled] == one]
        place[members] = (np.arange(len(members)) + rng.random()) / len(members)
    return np.argsort(place, kind="stable")
