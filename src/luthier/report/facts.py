"""Facts: all that the findings are drawn from, worked out once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis import Diagnosis, Importance, diagnose, importance
from luthier.analysis.outcomes import Outcomes, outcomes_of
from luthier.core.history import History
from luthier.core.trial import FrozenTrial
from luthier.errors import LuthierError
from luthier.numerics.pareto import non_dominated
from luthier.report.finding import plain
from luthier.space import Space

__all__ = ["Facts", "facts_of", "named", "value_words"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What is known of a study.

    Attributes:
        history: It.
        space: Its space.
        outcomes: Its finished trials, as arrays.
        diagnosis: What is to be said of its course.
        importances: What mattered, for each objective for which that can be told.
        ranked: Places in ``outcomes`` of the feasible trials with finite values, the best first; of
            several objectives the Pareto front, by the first of them.
    """

    history: History
    space: Space
    outcomes: Outcomes
    diagnosis: Diagnosis
    importances: Mapping[str, Importance]
    ranked: NDArray[np.intp]

    @property
    def names(self) -> tuple[str, ...]:
        """The objectives' names."""
        return self.history.objective.names

    @property
    def best(self) -> FrozenTrial | None:
        """The best trial; of several objectives the first of the front."""
        return self.outcomes.trials[self.ranked[0]] if len(self.ranked) else None

    def trials(self, places: Sequence[int] | NDArray[np.intp]) -> list[FrozenTrial]:
        """The trials at places in ``outcomes``."""
        return [self.outcomes.trials[k] for k in places]

    def words(self, value: float, objective: int = 0) -> str:
        """An objective's value, lower is better, as the user has it: "accuracy = 0.97"."""
        return f"{plain(self.names[objective], 60)} = {value_words(value * self.sign(objective))}"

    def sign(self, objective: int = 0) -> float:
        """1 for an objective that is minimised, -1 for another."""
        return float(self.outcomes.signs[objective])


def facts_of(history: History, space: Space, seed: int = 0) -> Facts:
    """Work them out, for any history."""
    outcomes = outcomes_of(history, space)
    importances = {}
    for name in history.objective.names:
        try:
            importances[name] = importance(history, space, metric=name, seed=seed)
        except LuthierError:  # too few trials, equal values, nothing that varies: nothing to tell
            continue
    found = diagnose(history, space, seed=seed)
    return Facts(history, space, outcomes, found, importances, _ranked(outcomes))


def _ranked(found: Outcomes) -> NDArray[np.intp]:
    places = np.flatnonzero(found.feasible & np.isfinite(found.Y).all(axis=1))
    if found.Y.shape[1] > 1 and len(places):
        places = places[non_dominated(found.Y[places])]
    return places[np.argsort(found.Y[places, 0], kind="stable")]


def value_words(value: float) -> str:
    """Return a number with the digits that count."""
    return f"{value:.5g}"


def named(trial: FrozenTrial, most: int = 6) -> str:
    """Return a trial's parameters as words: "lr = 0.01, depth = 5".

    Args:
        trial: Any.
        most: How many of them.
    """
    pairs = list(zip(trial.param_names, trial.param_values, strict=True))
    said = [
        f"{plain(name, 40)} = "
        f"{value_words(value) if isinstance(value, float) else plain(value, 40)}"
        for name, value in pairs[:most]
    ]
    if len(pairs) > most:
        said.append(f"and {len(pairs) - most} more")
    return ", ".join(said)
