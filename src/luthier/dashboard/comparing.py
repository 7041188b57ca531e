"""Studies side by side: how each got on, at equal numbers of trials too, and what that can prove.

One study of each strategy proves nothing: another seed might turn it round. Where every strategy
has several, on the same problems, ``dashboard.contests`` tests them in pairs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis import expected_score
from luthier.analysis.outcomes import Outcomes, outcomes_of, volumes_so_far
from luthier.analysis.wording import counted, duration, number
from luthier.core.folds import fold_scores
from luthier.core.history import Columns, History
from luthier.dashboard.contests import Contest, contest_of, strategies_of
from luthier.dashboard.curves import Line, by_time, by_trials, leaders
from luthier.dashboard.rows import shortened
from luthier.dashboard.view import View
from luthier.errors import LuthierError
from luthier.plots.labels import shown

__all__ = ["Run", "compared", "side_by_side"]

Array = NDArray[np.float64]
_CANDIDATES: Final = 1_000
_MOST_FOLDS: Final = 100


@final
@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A study to be laid beside others.

    Attributes:
        facts: What is known of it alone, as JSON data.
        settings: The settings of its sampler and its scheduler.
        seed: Its seed.
        problem: What the user says that it solves, or None.
        history: Its trials.
    """

    facts: Mapping[str, Any]
    settings: Mapping[str, Mapping[str, Any]]
    seed: int | None
    problem: str | None
    history: History


def compared(view: View) -> Run:
    """Return what there is to compare of a study.

    Args:
        view: The study.
    """
    with view.lock:
        record, history = view.study._driver.record, view.history
        settings: Mapping[str, Any] = view.state.get("settings", record.settings)
        problem = view.study.user_attrs.get("problem")
        facts = {
            "name": record.name,
            "created": record.created,
            "objective": record.objective.to_json(),
            "cost": history.cost,
            **{name: view.glance()[name] for name in ("version", "n_trials", "states", "front")},
            "best": view.best_row(),
        }
    parts = {part: settings.get(part, {}) for part in ("sampler", "scheduler")}
    own = replace(history, _columns=Columns())  # others draw from the view's meanwhile
    return Run(facts, parts, record.seed, None if problem is None else str(problem), own)


def side_by_side(runs: Sequence[Run]) -> dict[str, Any]:
    """Return what studies came to, figures of them, and what may be concluded.

    Args:
        runs: The studies.
    """
    names = strategies_of(runs)
    why_not = _why_not([run.facts["objective"] for run in runs])
    facts = [{**run.facts, "strategy": name} for run, name in zip(runs, names, strict=True)]
    if why_not is not None:
        empty: dict[str, Any] = {"equal": None, "statistics": None, "words": []}
        figures = {"figure": None, "by_time": None, "ranks": None}
        return {"studies": facts, "comparable": False, "why_not": why_not, **empty, **figures}
    race = _Race.of(runs)
    equal = race.equal()
    contest = contest_of(runs, names)
    for k, fact in enumerate(facts):
        fact |= {"run": contest.labels[k], **race.told(k, equal)}
    return {
        "studies": facts,
        "comparable": True,
        "why_not": None,
        "equal": None if equal is None else {"trials": equal.trials, "target": equal.target},
        "statistics": contest.to_json(),
        "words": [*(race.words(equal) if contest.found is None else ()), *contest.words],
        **_figures(race, contest),
    }


def _why_not(objectives: Sequence[Mapping[str, Any]]) -> str | None:
    goals = {tuple(zip(o["names"], o["directions"], strict=True)) for o in objectives}
    if len(goals) > 1:
        told = sorted(", ".join(f"{way} {shown(name)}" for name, way in goal) for goal in goals)
        return f"These studies have different goals: {'; '.join(told)}."
    return None


def _figures(race: _Race, contest: Contest) -> dict[str, Any]:
    studies = zip(race.names, contest.looks, race.least, race.signed(), race.seconds, strict=True)
    lines = [
        Line(name, look, leaders(least), values, seconds)
        for name, look, least, values, seconds in studies
    ]
    found = {
        "figure": by_trials(race.metric, lines, contest.found),
        "by_time": by_time(race.metric, lines),
        "ranks": contest.figure(),
    }
    return {key: None if figure is None else figure.to_dict() for key, figure in found.items()}


@final
@dataclass(frozen=True, slots=True)
class _Equal:
    """Where studies can be compared on equal terms.

    Attributes:
        trials: So many trials have finished in each.
        target: What all have reached at some time; None if one has no result.
    """

    trials: int
    target: float | None


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Race:
    """How studies got on, trial by trial, in the order in which trials finished.

    Attributes:
        metric: The objective, or "hypervolume" of several.
        sign: 1 where lower is better, else -1.
        names: The studies.
        found: Their finished trials.
        least: The lowest value so far, infinite while there is none; a study's has shape (n,).
        seconds: The work so far; likewise.
    """

    metric: str
    sign: float
    names: Sequence[str]
    found: Sequence[Outcomes]
    least: Sequence[Array]
    seconds: Sequence[Array]

    @classmethod
    def of(cls, runs: Sequence[Run]) -> _Race:
        """Read histories of the same objectives."""
        objective = runs[0].history.objective
        found = [outcomes_of(run.history, run.history.space) for run in runs]
        names = [run.facts["name"] for run in runs]
        costs = [np.array([trial.cost or 0.0 for trial in one.trials]) for one in found]
        seconds = [np.cumsum(cost) for cost in costs]
        if len(objective.names) > 1:
            volumes = volumes_so_far(found, max(map(len, found)))
            least = [np.where(v > 0, -v, np.inf) for v in volumes]
            return cls("hypervolume", -1.0, names, found, least, seconds)
        values = [np.where(one.feasible, one.Y[:, 0], np.inf) for one in found]
        least = [np.minimum.accumulate(some) for some in values]
        sign = 1.0 if objective.directions[0] == "minimize" else -1.0
        return cls(objective.names[0], sign, names, found, least, seconds)

    def signed(self) -> list[Array]:
        """The best so far in the user's sign, NaN while there is none."""
        return [self.sign * np.where(np.isfinite(one), one, np.nan) for one in self.least]

    def equal(self) -> _Equal | None:
        """Return the equal terms, or None if a study has no finished trial."""
        n = min(map(len, self.least))
        if not n:
            return None
        worst = max(float(one[-1]) for one in self.least)
        return _Equal(n, self.sign * worst if math.isfinite(worst) else None)

    def told(self, k: int, equal: _Equal | None) -> dict[str, Any]:
        """What is known of a study beside the others."""
        values, n = self.signed()[k], len(self.least[k])
        places = leaders(self.least[k])
        at = None if equal is None else values[equal.trials - 1]
        return {
            "finished": n,
            "at_equal": None if at is None or np.isnan(at) else float(at),
            "reached": self._reached(k, equal),
            "expected": self._expected(k),
            "curve": {
                "trials": (places + 1).tolist(),
                "seconds": self.seconds[k][places].tolist(),
                "values": values[places].tolist(),
            },
        }

    def _reached(self, k: int, equal: _Equal | None) -> dict[str, Any] | None:
        """After what a study had reached what all have."""
        if equal is None or equal.target is None:
            return None
        place = int(np.argmax(self.least[k] <= self.sign * equal.target))
        return {"trials": place + 1, "seconds": float(self.seconds[k][place])}

    def _expected(self, k: int) -> dict[str, float] | None:
        """What the best is worth on new data, where trials reported the scores of folds."""
        one = self.found[k]
        if one.Y.shape[1] > 1:
            return None
        order = np.argsort(np.where(one.feasible, one.Y[:, 0], np.inf), kind="stable")
        best = [one.trials[place] for place in order[:_CANDIDATES] if one.feasible[place]]
        scores = [fold_scores(trial.reports) for trial in best]
        folds = sorted(scores[0]) if scores else []
        if not 2 <= len(folds) <= _MOST_FOLDS:
            return None
        table = -self.sign * np.array([[row.get(j, math.nan) for j in folds] for row in scores])
        try:
            found = expected_score(
                table[np.isfinite(table).any(axis=1)], 1 / (len(folds) - 1), winner=0
            )
        except LuthierError:
            return None
        low, high = sorted([-self.sign * found.low, -self.sign * found.high])
        return {"mean": -self.sign * found.mean, "low": low, "high": high}

    def words(self, equal: _Equal | None) -> list[str]:
        """How it stands at equal numbers of trials, and who was there first."""
        if equal is None or equal.target is None:
            return ["A study without a result can't be compared yet."]
        return [self._standing(equal.trials), *self._first(equal)]

    def _standing(self, trials: int) -> str:
        at = [float(one[trials - 1]) for one in self.least]
        order = np.argsort(at, kind="stable")
        first, last = int(order[0]), int(order[-1])
        after = f"After {counted(trials, 'finished trial')} of each"
        if at[first] == at[last]:
            return f"{after}, all have the same best: {self._value(at[first])}."
        return (
            f"{after}, {self._name(first)} is ahead with {self._value(at[first])}; "
            f"{self._name(last)} has {self._value(at[last])}."
        )

    def _first(self, equal: _Equal) -> list[str]:
        reached = [self._reached(k, equal) or {} for k in range(len(self.names))]
        order = np.argsort([one["trials"] for one in reached], kind="stable")
        first, last = int(order[0]), int(order[-1])
        one, other = reached[first], reached[last]
        if one["trials"] == other["trials"]:
            return []
        return [
            f"{number(equal.target or 0.0)}, which all have reached, took {self._name(first)} "
            f"{counted(one['trials'], 'trial')} ({duration(one['seconds'])} of work) and "
            f"{self._name(last)} {other['trials']:,} ({duration(other['seconds'])})."
        ]

    def _name(self, k: int) -> str:
        return str(shortened(self.names[k], 60))

    def _value(self, loss: float) -> str:
        return number(self.sign * loss) if math.isfinite(loss) else "no result"
