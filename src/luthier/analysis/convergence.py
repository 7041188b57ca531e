"""Convergence: has a search stopped gaining, and what may still be gained?

Whether another improvement is near is told from those that there were. If trials were drawn at
random, the t-th would be the best so far with probability 1 / t. A search improves at some rate
c / t; how often it did among the later half of its n trials, k times, says what c is:

    c ~ Gamma(1 + k, 1 + log(n / m)),   m = n / 2      a random search, c = 1, is the prior mean
    P(no improvement until trial t) = (1 + L / (1 + log(n / m)))^-(1 + k),    L = log(t / n)

Only improvements at least as large as a size count: the last one's, if none is given. How much
better any trial could be is bounded by a Gaussian process (``regret.py``). With several objectives
the hypervolume of the front takes the place of the best value.

References:
    Arnold, Balakrishnan, Nagaraja, Records (1998), chapter 2: records of random samples. The prior
    of the rate is ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.outcomes import Outcomes, outcomes_of, place_of_metric, volumes_so_far
from luthier.analysis.regret import regret_bound
from luthier.analysis.wording import Worded, counted, number, percent
from luthier.core.history import History
from luthier.errors import ArgumentError
from luthier.space import Space

__all__ = ["Convergence", "Improvement", "convergence"]

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True)
class Improvement:
    """A trial that was the best so far.

    Attributes:
        number: Its number.
        place: How many trials had finished with it.
        value: Its value; of several objectives the hypervolume of the front with it.
        size: By how much it was better than all before, above 0; infinite for the first.
    """

    number: int
    place: int
    value: float
    size: float


@final
@dataclass(frozen=True, slots=True, eq=False)
class Convergence(Worded):
    """How a search came on, and how it may go on.

    Attributes:
        metric: What is followed: the objective, or "hypervolume".
        numbers: The finished trials' numbers, in the order in which they finished, shape (n,).
        best: The best value after each of them, NaN while there is none, shape (n,).
        improvements: The trials that were the best so far.
        since: How many trials have finished since the last of these.
        size: The size of improvement that is waited for.
        ahead: A number of further trials: as many as half of those so far.
        chance: The probability that an improvement of that size comes among them.
        wait: After how many trials it is as likely to have come as not; infinite if never.
        remaining: With probability 0.9, how much better than the best any trial could be at most;
            None if that can't be told.
    """

    metric: str
    numbers: NDArray[np.intp]
    best: Array
    improvements: tuple[Improvement, ...]
    since: int
    size: float
    ahead: int
    chance: float
    wait: float
    remaining: float | None

    @property
    def has_stalled(self) -> bool:
        """Whether the last half of the trials, ten at least, brought no improvement."""
        n = len(self.numbers)
        return bool(self.improvements) and self.since >= max(10, n / 2)

    @property
    def is_out_of_reach(self) -> bool:
        """Whether an improvement of the size that is waited for is hardly possible any more."""
        return self.remaining is not None and self.remaining < self.size < math.inf

    def __str__(self) -> str:
        n = len(self.numbers)
        if not self.improvements:
            return f"{counted(n, 'trial').capitalize()} finished, none with a value that counts."
        last = self.improvements[-1]
        said = [f"The best {self.metric}, {number(last.value)}, came with trial {last.number}"]
        said[0] += f", the last of {counted(n, 'trial')}." if not self.since else (
            f"; {counted(self.since, 'trial')} of {n} finished since."
        )  # fmt: skip
        if self.is_out_of_reach:
            said.append(f"No improvement of {number(self.size)} or more is to be expected.")
        elif math.isfinite(self.size) and n > 1:
            wait = f", and 50% in the next {_rounded(self.wait)}"
            said.append(
                f"The chance of an improvement of {number(self.size)} or more is about "
                f"{percent(self.chance)} in the next {counted(self.ahead, 'trial')}"
                f"{wait if self.wait < 100 * n else ''}."
            )
        if self.remaining is not None:
            said.append(
                f"At most {number(self.remaining)} may still be gained, if a Gaussian process of "
                "the trials can be believed."
            )
        if self.has_stalled:
            said.append(
                "It has stalled: stop, or widen the space if the best lies at its edge, or start "
                "anew with another seed."
            )
        return " ".join(said)


def convergence(
    history: History,
    space: Space,
    *,
    metric: str | None = None,
    size: float | None = None,
    bound: bool = True,
) -> Convergence:
    """Tell how a search came on, and whether going on pays.

    Args:
        history: The study; any.
        space: Its space.
        metric: Which objective; None for the only one, or for the front of several.
        size: Which improvement is worth waiting for, above 0, in units of the objective; None for
            one as large as the last.
        bound: Whether to bound what may still be gained, which takes up to two seconds; only for a
            single objective.

    Returns:
        What was found. Trials that break constraints are never the best; pruned and failed ones
        count as trials.

    Raises:
        ArgumentError: An unknown metric, or a size that isn't above 0.

    Example:
        >>> from luthier import Float, create_study
        >>> study = create_study(space=Space(x=Float(0, 1)), seed=0)
        >>> study.optimize(lambda trial: (trial.suggest_float("x", 0, 1) - 0.3) ** 2, n_trials=30)
        >>> found = convergence(study.history, study.space)
        >>> bool(found.best[-1] == study.best_value), 0 < found.chance < 1
        (True, True)
    """
    place = place_of_metric(history, metric, "convergence")
    if size is not None and not size > 0:
        raise ArgumentError(f"convergence: size must be above 0, got {size!r}.")
    found = outcomes_of(history, space)
    names = history.objective.names
    by_volume = len(names) > 1 and metric is None
    best = -_volume(found) if by_volume else _least(found, place)
    sign = -1.0 if by_volume else float(found.signs[place])
    improvements = _improvements(best, sign, found.numbers)
    n = len(best)
    since = n - improvements[-1].place if improvements else n
    if size is None:
        size = improvements[-1].size if improvements else math.nan
    k = sum(i.size >= size for i in improvements[1:] if i.place > n // 2)
    ahead = max(n // 2, 1)
    known = len(improvements) > 0
    return Convergence(
        "hypervolume" if by_volume else names[place],
        found.numbers,
        sign * best,
        improvements,
        since,
        size,
        ahead,
        1 - _none_until(n + ahead, n, k) if known else math.nan,
        _median_wait(n, k) if known else math.nan,
        regret_bound(history.seen_in(space), fewest=5) if bound and len(names) == 1 else None,
    )


def _least(found: Outcomes, place: int) -> Array:
    """The lowest value so far, NaN while there is none, shape (n,)."""
    values = np.where(found.feasible, found.Y[:, place], np.nan)
    return np.fmin.accumulate(values) if len(values) else values


def _volume(found: Outcomes) -> Array:
    """The hypervolume of the front so far, NaN while there is none, shape (n,)."""
    [volumes] = volumes_so_far([found], len(found))
    return np.where(volumes > 0, volumes, np.nan)


def _improvements(best: Array, sign: float, numbers: NDArray[np.intp]) -> tuple[Improvement, ...]:
    known = np.where(np.isnan(best), np.inf, best)
    before = np.concatenate([[np.inf], known[:-1]]) if len(known) else known
    return tuple(
        Improvement(int(numbers[i]), int(i) + 1, float(sign * best[i]), float(before[i] - best[i]))
        for i in np.flatnonzero(known < before)
    )


def _none_until(t: int, n: int, k: int) -> float:
    """The probability of no improvement between trials n and t, after k in the later half."""
    return (1 + math.log(t / n) / (1 + _window(n))) ** -(1 + k)


def _median_wait(n: int, k: int) -> float:
    """After how many more trials that probability is one half."""
    log_ratio = (1 + _window(n)) * (2 ** (1 / (1 + k)) - 1)
    return n * math.expm1(log_ratio)


def _window(n: int) -> float:
    """The length of the later half on the logarithmic clock."""
    return math.log(n / max(n // 2, 1))


def _rounded(wait: float) -> str:
    digits = max(len(str(int(wait))) - 2, 0)
    return f"{round(wait, -digits):,.0f}"
