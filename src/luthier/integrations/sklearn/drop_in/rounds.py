"""Successive halving in rounds, counted as scikit-learn's halving searches count.

All candidates are tried with few resources; the best third of them (for a factor of 3), rounded
up, is tried again with three times as many, and so on. A candidate is one trial all the way: round
*k* is its step *k*, it is PAUSED between rounds, and PRUNED when it isn't among the best. Which
candidates a round has follows from what was reported in the one before, so a search that was
killed goes on in the middle of a round.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import resample

from luthier.core.history import History
from luthier.core.jobs import NEW, Decision, Job, Resume, Stop
from luthier.core.trial import FrozenTrial

__all__ = ["Plan", "Rounds", "best", "subsampled"]


@final
@dataclass(frozen=True, slots=True)
class Plan:
    """How many rounds there are, and what each may spend.

    Attributes:
        n_candidates: How many candidates start.
        factor: One in so many goes on, with so many times the resources.
        min_resources: What the first round may spend on each candidate.
        max_resources: What no round may exceed.
        aggressive: Whether rounds are repeated with the smallest amount until so few candidates
            are left that the last round has less than ``factor`` of them.

    Example:
        >>> plan = Plan(n_candidates=9, factor=3, min_resources=10, max_resources=100)
        >>> [plan.resources(k) for k in range(plan.n_iterations)]
        [10, 30, 90]
    """

    n_candidates: int
    factor: float
    min_resources: int
    max_resources: int
    aggressive: bool = False

    def exhausting(self) -> Plan:
        """The same with as large a first round as lets the last one spend all there is."""
        share = self.max_resources // self.factor ** (self.n_required - 1)
        values = asdict(self) | {"min_resources": max(self.min_resources, share)}
        return Plan(**values)

    @property
    def n_required(self) -> int:
        """Rounds until fewer than ``factor`` candidates are left."""
        return 1 + math.floor(math.log(self.n_candidates, self.factor))

    @property
    def n_possible(self) -> int:
        """Rounds until another would exceed the maximum."""
        return 1 + math.floor(math.log(self.max_resources // self.min_resources, self.factor))

    @property
    def n_iterations(self) -> int:
        """Rounds that there are."""
        return self.n_required if self.aggressive else min(self.n_required, self.n_possible)

    def resources(self, iteration: int) -> int:
        """What a round may spend on each candidate."""
        late = self.n_required - self.n_possible if self.aggressive else 0
        spent = int(self.factor ** max(0, iteration - late) * self.min_resources)
        return min(spent, self.max_resources)

    def size(self, iteration: int) -> int:
        """How many candidates a round has, or would have after the last."""
        n = self.n_candidates
        for _ in range(iteration):
            n = math.ceil(n / self.factor)
        return n


@final
@dataclass(frozen=True, slots=True)
class Rounds:
    """The scheduler of a plan: trial *i* is candidate *i*, and reports its score at each round.

    Attributes:
        plan: The plan.
        metric: What they report; higher is better, NaN is worst.

    Example:
        >>> Rounds(Plan(9, 3, 10, 100)).spec["n_candidates"]
        9
    """

    plan: Plan
    metric: str = "score"

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its name and settings as JSON values."""
        return {"name": "rounds", **asdict(self.plan), "metric": self.metric}

    def rounds(self, history: History) -> list[list[int]]:
        """The candidates of each round by number, in scikit-learn's order, as far as is known.

        Args:
            history: What has happened; of a trial that has ended without a report the score
                counts as NaN.
        """
        rounds = [list(range(self.plan.n_candidates))]
        for iteration in range(self.plan.n_iterations - 1):
            scores = self._scores(history, iteration)
            if not scores.keys() >= set(rounds[-1]):
                break
            members = np.array(rounds[-1])
            order = best(np.array([scores[n] for n in rounds[-1]]), self.plan.size(iteration + 1))
            rounds.append(members[order].tolist())
        return rounds

    def next(self, history: History, rng: np.random.Generator) -> Job | None:
        """Resume or stop a paused trial where the round before is over."""
        if history.next_number < self.plan.n_candidates:
            return NEW
        if not history.paused:
            return None
        rounds = self.rounds(history)
        iteration, members = len(rounds) - 1, rounds[-1]
        paused = {trial.number: trial for trial in history.paused}
        if dropped := paused.keys() - set(members):
            return Stop(min(dropped), f"not among the best {len(members)} of a round")
        due = (n for n in members if n in paused and iteration not in paused[n].reports)
        number = next(due, None)
        return None if number is None else Resume(number, iteration)

    def budget(self, history: History, number: int) -> int | None:
        """The first round."""
        return 0

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Pause the trial after each round but the last."""
        return Decision.PAUSE if step < self.plan.n_iterations - 1 else Decision.CONTINUE

    def _scores(self, history: History, iteration: int) -> dict[int, float]:
        """What was reported at a round, by trial."""
        rung = history.rung(iteration, (self.metric,))
        lost = (t.number for group in (history.failed, history.pruned) for t in group)
        scores = dict.fromkeys(lost, math.nan)
        return scores | dict(zip(rung.numbers.tolist(), (-rung.values[:, 0]).tolist(), strict=True))


def best(scores: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """The places of the k highest scores, the highest last; NaN is lowest.

    Equal scores come in the order in which NumPy's default sort leaves them: scikit-learn's too.

    Args:
        scores: Shape (n,).
        k: At least 1.

    Example:
        >>> best(np.array([0.2, np.nan, 0.9, 0.5]), 2)
        array([3, 2])
    """
    ascending = np.roll(np.argsort(scores), np.isnan(scores).sum())
    return ascending[-k:]


def subsampled(
    splits: list[tuple[Any, Any]], fraction: float, random_state: Any
) -> Iterator[tuple[Any, Any]]:
    """Splits of a part of the data, drawn without replacement from each side.

    Args:
        splits: Training and test indices.
        fraction: Of their sizes, from 0 to 1; rounded down.
        random_state: As scikit-learn takes it.
    """
    for split in splits:
        train, test = (
            resample(
                rows,
                replace=False,
                n_samples=int(fraction * len(rows)),
                random_state=random_state,
            )
            for rows in split
        )
        yield train, test
