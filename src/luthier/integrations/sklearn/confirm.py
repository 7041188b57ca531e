"""The confirm stage: finalists of a search and the default are scored again, on fresh splits.

The scores that chose the finalists flatter them; new splits of the same data flatter them less, and
compare each of them with the default split by split. What is scored is noted in the study as it
comes, so a search that is killed here goes on here.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils.multiclass import type_of_target

from luthier.errors import ArgumentError
from luthier.integrations.sklearn.cross_validation import CrossValidation, Reshuffle, digest_of
from luthier.integrations.sklearn.fitting import Split, configured
from luthier.study.study import Study

__all__ = ["Confirm", "Confirmed", "confirmed", "fresh_splits"]

_FOLDS: Final = 10
_SPLITS: Final = 20
_NOTED: Final = "confirmed"


@final
@dataclass(frozen=True, slots=True)
class Confirm:
    """How finalists are scored again: ``SearchCV(..., confirm=Confirm(5, repeats=4))``.

    Attributes:
        top: How many finalists there are beside the default, at least 1.
        cv: Draws the fresh splits: a number of folds, or a splitter with a ``random_state``. None
            is the search's, with 10 folds at least if that is a number: they are closer to the last
            fit, which sees all the data.
        repeats: How many times it draws; None is until there are 20 splits.
        margin: With which probability a finalist must be better than the default where the default
            is preferred, from 0.5 up to 1.

    Example:
        >>> Confirm(3).margin
        0.95
    """

    top: int = 5
    cv: Any = None
    repeats: int | None = None
    margin: float = 0.95

    def __post_init__(self) -> None:
        for name, value in (("top", self.top), ("repeats", self.repeats)):
            whole = isinstance(value, Integral) and not isinstance(value, bool)
            if not (whole and int(value) >= 1) and not (name == "repeats" and value is None):  # type: ignore[arg-type]
                raise ArgumentError(
                    f"Confirm: {name} must be an integer of at least 1, got {value!r}."
                )
        if not 0.5 <= self.margin < 1:
            raise ArgumentError(
                f"Confirm: margin must be a probability from 0.5 up to 1, got {self.margin!r}."
            )

    @classmethod
    def of(cls, given: Any) -> Confirm | None:
        """Read the setting: None or False, a number of finalists, or a ``Confirm``.

        Raises:
            ArgumentError: Something else.
        """
        if given is None or given is False:
            return None
        if isinstance(given, Integral) and not isinstance(given, bool):
            return cls(int(given))
        if not isinstance(given, Confirm):
            raise ArgumentError(
                "SearchCV: confirm must be None, how many finalists to score again, or a Confirm, "
                f"got {given!r}."
            )
        return given


@final
@dataclass(frozen=True, slots=True, eq=False)
class Confirmed:
    """What came of the finalists.

    Attributes:
        rows: The places in ``cv_results_`` of those that failed on no split.
        scores: On the fresh splits, shape (finalists, splits).
        ratio: Samples in a test set over samples in its training set.
    """

    rows: list[int]
    scores: NDArray[np.float64]
    ratio: float


def fresh_splits(how: Confirm, cv: Any, task: CrossValidation, seed: int) -> list[list[Split]]:
    """Draw the splits of the confirm stage.

    Args:
        how: The setting.
        cv: The search's own ``cv``.
        task: What its candidates were put to.
        seed: The study's.

    Returns:
        The splits of each repeat; the same for the same seed.

    Raises:
        ArgumentError: The splitter can't draw new splits, or tears groups that the search keeps
            together.

    Warns:
        UserWarning: The search's own splitter doesn't shuffle, and here samples are shuffled.
    """
    splitter = _splitter(cv if how.cv is None else how.cv, task, given=how.cv is not None)
    fresh = replace(Reshuffle.of(splitter, task.split_params, "confirm"), seed=seed)
    X, y = task.fitting.X, task.fitting.y
    if not fresh.varies(X, y):
        raise ArgumentError(
            f"SearchCV: confirm needs splits that can be drawn anew, got cv={cv!r}. Say how, as in "
            "confirm=Confirm(5, cv=ShuffleSplit(10)), if the samples may be shuffled."
        )
    first = fresh.splits(X, y, 0)
    groups = task.split_params.get("groups")
    if groups is not None and _torn(first, groups) and not _torn(task.splits, groups):
        raise ArgumentError(
            f"SearchCV: confirm={how!r} would train and test on samples of the same group, which "
            "the search's splits keep apart. Confirm with a splitter that does so too, as in "
            "confirm=Confirm(5, cv=GroupKFold(5, shuffle=True)).",
            confirm=how,
        )
    if how.cv is None and getattr(cv, "shuffle", None) is False and groups is None:
        warnings.warn(
            f"SearchCV: confirm shuffles the samples, which cv={cv!r} doesn't. Where their order "
            "matters, as in time series, that flatters every candidate: leave confirm out there. "
            f"Where it doesn't, say so: confirm=Confirm({how.top}, cv={cv.get_n_splits(X, y)}).",
            UserWarning,
            stacklevel=4,
        )
    repeats = how.repeats or math.ceil(_SPLITS / len(first))
    return [first, *(fresh.splits(X, y, repeat) for repeat in range(1, repeats))]


def confirmed(
    study: Study,
    task: CrossValidation,
    draws: Sequence[list[Split]],
    finalists: Mapping[int, Mapping[str, Any]],
    metric: str,
    n_jobs: int | None = None,
) -> Confirmed | None:
    """Score finalists on fresh splits; what the study has of it already isn't done again.

    Args:
        study: The study of the search.
        task: What its candidates were put to.
        draws: See ``fresh_splits``.
        finalists: Parameters by place in ``cv_results_``.
        metric: The column that decides, such as "test_score".
        n_jobs: How many fits run at once, as in joblib.

    Returns:
        Their scores; None if each failed on some split.
    """
    name = f"{_NOTED}:{metric}:{digest_of([split for splits in draws for split in splits])}"
    fitting = replace(task.fitting, train_scores=False)
    scores = []
    for params in finalists.values():
        row: list[float] = []
        for i, splits in enumerate(draws):
            known = study.user_attrs.get(name, {})
            done = known.get(repr(dict(params)), [])
            if len(done) <= i:
                fits = CrossValidation(fitting, splits).evaluate(
                    configured(fitting.estimator, params), n_jobs
                )
                done = [*done, [_plain(fit.scores.get(metric)) for fit in fits]]
                study.set_user_attr(name, known | {repr(dict(params)): done})
            row += [math.nan if value is None else value for value in done[i]]
        scores.append(row)
    whole = [k for k, row in enumerate(scores) if not np.isnan(row).any()]
    if not whole:
        return None
    rows = list(finalists)
    return Confirmed([rows[k] for k in whole], np.array(scores)[whole], ratio_of(draws[0]))


def ratio_of(splits: Sequence[Split]) -> float:
    """Samples in a test set over samples in its training set, on average.

    Example:
        >>> ratio_of([([0, 1], [2]), ([1, 2], [0])])
        0.5
    """
    tests, trains = sum(len(test) for _, test in splits), sum(len(train) for train, _ in splits)
    return float(tests / trains)


def _torn(splits: Sequence[Split], groups: Any) -> bool:
    """Whether some split trains and tests on samples of one group."""
    of = np.asarray(groups)
    return any(np.isin(of[test], of[train]).any() for train, test in splits)


def _splitter(cv: Any, task: CrossValidation, *, given: bool) -> Any:
    folds = 5 if cv is None else cv
    if isinstance(folds, Integral) and not given:
        folds = max(int(folds), min(_FOLDS, _most_folds(task)))
    return check_cv(folds, task.fitting.y, classifier=is_classifier(task.fitting.estimator))


def _most_folds(task: CrossValidation) -> int:
    """Into how many folds all classes go, or all samples where there are none."""
    n = len(task.splits[0][0]) + len(task.splits[0][1])
    y = task.fitting.y
    classes = is_classifier(task.fitting.estimator) and type_of_target(y)
    if classes not in ("binary", "multiclass"):
        return n
    return int(np.unique(np.asarray(y), return_counts=True)[1].min())


def _plain(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
