"""Reasons: what proposed the trials, and what came of whose proposals.

Each trial records in words why it was made. Words that differ in numbers only are one reason; parts
of a sentence that merely count something are left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, final

import numpy as np

from luthier.analysis.convergence import convergence
from luthier.analysis.outcomes import outcomes_of
from luthier.analysis.wording import Worded, counted, number, percent, without_numbers
from luthier.core.history import History
from luthier.core.trial import FrozenTrial
from luthier.space import Space

__all__ = ["Reason", "Reasons", "Stretch", "is_drawn", "kind_of", "reasons"]

_COUNT: Final = re.compile(r"^… \w+( \w+)?$")
_BY_HAND: Final = {"enqueued": "enqueued by the user", "added": "added by the user"}
_DRAWN: Final = re.compile(
    r"(auto: )?(start: (sobol point \d+|drawn)|drawn at random|the space isn't known yet: drawn"
    r"|(sobol|halton) point \d+|row \d+ of \d+ of Latin hypercube)"
)
_SHOWN: Final = 5


@final
@dataclass(frozen=True, slots=True)
class Reason:
    """A reason for which trials were made.

    Attributes:
        text: In words, with "…" for numbers.
        trials: How many trials were made for it.
        first: The number of the first of them.
        last: The number of the last.
        improvements: How many of them were the best so far when they finished, the very first
            trial with a value left out.
        best: The best value among them in the first objective; None if there is none.
        example: The words of the last of them, numbers and all.
    """

    text: str
    trials: int
    first: int
    last: int
    improvements: int
    best: float | None
    example: str = ""


@final
@dataclass(frozen=True, slots=True)
class Stretch:
    """Trials in a row that have one reason.

    Attributes:
        text: The reason.
        first: The number of the first of them.
        last: The number of the last.
    """

    text: str
    first: int
    last: int


@final
@dataclass(frozen=True, slots=True)
class Reasons(Worded):
    """Why the trials of a study were made.

    Attributes:
        rows: The reasons, the most frequent one first.
        numbers: The trials' numbers, ascending.
        texts: The reason of each.
    """

    rows: tuple[Reason, ...]
    numbers: tuple[int, ...]
    texts: tuple[str, ...]

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """The phases of the search: trials in a row with one reason."""
        runs = groupby(zip(self.texts, self.numbers, strict=True), key=lambda pair: pair[0])
        found = []
        for text, pairs in runs:
            numbers = [n for _, n in pairs]
            found.append(Stretch(text, numbers[0], numbers[-1]))
        return tuple(found)

    def __str__(self) -> str:
        if not self.rows:
            return "No trial has been made yet."
        n = len(self.numbers)
        said = [
            f"{_told(row)}: {counted(row.trials, 'trial')} ({percent(row.trials / n)}), "
            f"{counted(row.improvements, 'improvement')}"
            + ("" if row.best is None else f", best {number(row.best)}")
            for row in self.rows[:_SHOWN]
        ]
        more = len(self.rows) - _SHOWN
        return "\n".join(said + ([f"and {counted(more, 'other reason')}"] if more > 0 else []))


def reasons(history: History, space: Space) -> Reasons:
    """Count what proposed the trials of a study, and whose were the improvements.

    Args:
        history: The study; any. Live trials count too.
        space: Its space.

    Example:
        >>> from luthier import Float, create_study
        >>> study = create_study(space=Space(x=Float(0, 1)), strategy="tpe", seed=0)
        >>> study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=30)
        >>> for row in reasons(study.history, study.space).rows:
        ...     print(row.trials, row.text)
        20 TPE: … draws near the best … of … trials
        10 start: sobol point …
    """
    found = outcomes_of(history, space)
    won = {i.number for i in convergence(history, space, bound=False).improvements[1:]}
    values = np.where(found.feasible, found.Y[:, 0], math.nan)
    value_of = dict(zip(found.numbers.tolist(), values.tolist(), strict=True))
    trials = sorted([*found.trials, *history.live], key=lambda trial: trial.number)
    groups: dict[str, list[int]] = {}
    texts = [kind_of(trial) for trial in trials]
    for trial, text in zip(trials, texts, strict=True):
        groups.setdefault(text, []).append(trial.number)
    said = {trial.number: trial.origin.reason for trial in trials}
    rows = [
        replace(
            _row(text, numbers, len(won.intersection(numbers)), value_of, float(found.signs[0])),
            example=said[numbers[-1]],
        )
        for text, numbers in groups.items()
    ]
    rows.sort(key=lambda row: (-row.trials, row.first))
    return Reasons(tuple(rows), tuple(trial.number for trial in trials), tuple(texts))


def kind_of(trial: FrozenTrial) -> str:
    """Return a trial's reason without its particulars.

    Example:
        >>> from luthier.core.trial import Origin
        >>> kind_of(
        ...     FrozenTrial(number=0, origin=Origin("{}", "LogEI on GP, 31 points, 2 failures"))
        ... )
        'LogEI on GP'
    """
    if trial.origin.sampler in _BY_HAND:
        return _BY_HAND[trial.origin.sampler]
    text = without_numbers(trial.origin.reason)
    parts = [part for part in text.split(", ") if not _COUNT.match(part)]
    return ", ".join(parts) or text or "no reason recorded"


def _told(row: Reason) -> str:
    """A reason as it is read: of reasons that differ in numbers the last."""
    several = row.trials > 1 and "…" in row.text
    return f"{row.example}, and the like" if several else row.text


def is_drawn(trial: FrozenTrial) -> bool:
    """Whether a trial was drawn at random or evenly, whatever was known then.

    Example:
        >>> from luthier.core.trial import Origin
        >>> reasons = ["start: sobol point 3", "TPE: 24 draws near the best 5 of 40 trials"]
        >>> [is_drawn(FrozenTrial(number=0, origin=Origin("{}", reason))) for reason in reasons]
        [True, False]
    """
    origin = trial.origin
    return origin.parent is None and _DRAWN.match(origin.reason) is not None


def _row(
    text: str, numbers: Sequence[int], won: int, value_of: Mapping[int, float], sign: float
) -> Reason:
    known = [value for n in numbers if not math.isnan(value := value_of.get(n, math.nan))]
    best = sign * min(known) if known else None
    return Reason(text, len(numbers), numbers[0], numbers[-1], won, best)
