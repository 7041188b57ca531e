"""The winner: what won, by how much, and how much of that is luck.

The best of many noisy values is too good. Where trials reported the scores of folds, or
configurations were repeated, the noise is known: the winner's value is corrected for having been
chosen (``analysis.shrinkage``), and has an interval; so has its lead over the next. Where neither
was done nobody can tell, and the finding says that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis import difference, expected_score
from luthier.analysis.duplicates import key_of
from luthier.analysis.wording import counted, listed, percent
from luthier.core.folds import fold_scores
from luthier.errors import LuthierError
from luthier.numerics.knee import knee
from luthier.report.facts import Facts, named, value_words
from luthier.report.finding import Finding, Strength, plain

__all__ = ["winner"]

Array = NDArray[np.float64]
_CANDIDATES: Final = 1_000
_MOST_SCORES: Final = 100
_SURE: Final = 0.95
_LIKELY: Final = 0.75


def winner(facts: Facts) -> Finding:
    """Say what won, or that nothing has."""
    if not len(facts.ranked):
        return _nobody(facts)
    return _front(facts) if len(facts.names) > 1 else _best(facts)


def _nobody(facts: Facts) -> Finding:
    n = len(facts.outcomes)
    title = "Nothing has won"
    if not n:
        live = len(facts.history.running)
        running = f" {counted(live, 'trial').capitalize()} {'is' if live == 1 else 'are'} running."
        return Finding("winner", title, f"No trial has finished yet.{running if live else ''}")
    infeasible = facts.diagnosis.infeasible
    if len(facts.history.completed) and infeasible is not None and infeasible.numbers:
        closest = facts.history.completed[int(np.argmin(facts.history.violations))]
        text = (
            f"No completed trial keeps the constraints; trial {closest.number} comes closest "
            f"({named(closest)})."
        )
        return Finding("winner", title, text, "sure", {"closest": closest.number}, _LOOSEN)
    text = f"{counted(n, 'trial').capitalize()} finished, none with a value that counts."
    return Finding("winner", title, text, "sure", {"finished": n}, "Look at a failed trial first.")


_LOOSEN: Final = "Loosen a constraint, or enqueue a configuration that is known to keep them all."


def _best(facts: Facts) -> Finding:
    best, place = facts.best, facts.ranked[0]
    assert best is not None
    value = float(facts.outcomes.Y[place, 0])
    said = [f"Trial {best.number} won with {facts.words(value)}"]
    said[0] += f" ({named(best)})." if best.param_names else "."
    middle = float(np.median(facts.outcomes.Y[facts.ranked, 0]))
    numbers = {"trial": best.number, "value": facts.sign() * value, "params": best.params}
    if len(facts.ranked) > 2:
        said.append(f"The median of {len(facts.ranked):,} such trials is {facts.words(middle)}.")
        numbers["median"] = facts.sign() * middle
    luck = _luck(facts)
    if luck is None:
        return Finding("winner", "What won", " ".join(said), "unsure", numbers)
    return Finding(
        "winner",
        "What won",
        " ".join([*said, *luck.said]),
        luck.strength,
        numbers | luck.numbers,
        luck.advice,
    )


@final
@dataclass(frozen=True, slots=True)
class _Luck:
    """How much of the winner's lead is luck."""

    said: list[str]
    strength: Strength
    numbers: dict[str, float]
    advice: str = ""


def _luck(facts: Facts) -> _Luck | None:
    """Compare the winner with the next; None without a next."""
    if len(facts.ranked) < 2:
        return None
    first, second = facts.trials(facts.ranked[:2])
    lead = float(np.diff(facts.outcomes.Y[facts.ranked[:2], 0])[0])
    ahead = f"It leads the next, trial {second.number}, by {value_words(lead)}"
    numbers = {"next": second.number, "lead": lead}
    scores, ratio = _scores(facts)
    if scores is not None:
        return _corrected(facts, scores, ratio, ahead, numbers)
    repeated = facts.diagnosis.duplicates.noise
    if repeated == 0:
        certain = f"{ahead}; repeated configurations gave the same value each time, so that is so."
        return _Luck([certain], "sure" if lead > 0 else "likely", numbers | {"noise": 0.0})
    unknown = (
        f"{ahead}; how much of that is luck nobody can tell, as nothing was repeated and no scores "
        "of folds were reported."
    )
    advice = (
        f"Run the best again to learn how noisy the value is: study.retry({first.number}), "
        f"study.retry({second.number})."
    )
    return _Luck([unknown], "unsure", numbers, advice)


def _corrected(
    facts: Facts, scores: Array, ratio: float, ahead: str, numbers: dict[str, float]
) -> _Luck:
    """The winner's value and lead, corrected for having been chosen."""
    expected = expected_score(scores, ratio, winner=0)
    sign = -facts.sign()
    low, high = sorted([sign * expected.low, sign * expected.high])
    interval = ""
    if math.isfinite(low):
        interval = f" (95% interval {value_words(low)} to {value_words(high)})"
    said = [
        f"As the best of {len(facts.ranked):,} noisy values it looks too good: expect "
        f"{value_words(sign * expected.mean)} of new data{interval}."
    ]
    numbers |= {"expected": sign * expected.mean, "low": low, "high": high}
    both = np.isfinite(scores[:2]).all(axis=0)
    if both.sum() < 2:
        return _Luck([f"{ahead}.", *said], "unsure", numbers)
    gap = difference(scores[0, both], scores[1, both], ratio, optimism=expected.optimism)
    numbers |= {"std_error": gap.std_error, "probability": gap.probability}
    said.insert(0, f"{ahead}; that it really is better has a chance of {percent(gap.probability)}.")
    if gap.probability > _LIKELY:
        return _Luck(said, "sure" if gap.probability > _SURE else "likely", numbers)
    advice = "The best trials can't be told apart: take the cheapest or simplest of them."
    return _Luck(said, "unsure", numbers, advice)


def _scores(facts: Facts) -> tuple[Array | None, float]:
    """Scores of the candidates, higher is better, the winner first, and what splits share.

    Of folds if the winner reported them, else of repeats of its configuration.
    """
    trials = facts.trials(facts.ranked[:_CANDIDATES])
    by_fold = [fold_scores(trial.reports) if trial.reports else {} for trial in trials]
    folds = sorted(by_fold[0])
    sign = -facts.sign()
    if 2 <= len(folds) <= _MOST_SCORES:
        rows = [[sign * scores.get(j, math.nan) for j in folds] for scores in by_fold]
        return _usable(np.array(rows)), 1 / (len(folds) - 1)
    if not facts.diagnosis.duplicates.noise > 0:
        return None, 0.0
    groups: dict[object, list[float]] = {}
    for trial, loss in zip(trials, facts.outcomes.Y[facts.ranked, 0], strict=False):
        values = groups.setdefault(key_of(trial, facts.space), [])
        if len(values) < _MOST_SCORES:
            values.append(-float(loss))
    listed_ = list(groups.values())
    if len(listed_[0]) < 2:
        return None, 0.0
    wide = max(map(len, listed_))
    table = np.array([values + [math.nan] * (wide - len(values)) for values in listed_])
    return _usable(table), 0.0


def _usable(table: Array) -> Array | None:
    """The rows that have scores; None if the winner lacks some that are finite."""
    table = np.where(np.isfinite(table) & (np.abs(table) < 1e100), table, math.nan)
    known = np.asarray(np.isfinite(table).any(axis=1))
    try:
        expected_score(table[known], 0.0, winner=0)
    except LuthierError:
        return None
    return table[known] if known[0] and known.sum() > 1 else None


def _front(facts: Facts) -> Finding:
    Y, trials = facts.outcomes.Y[facts.ranked], facts.trials(facts.ranked)
    n = int((facts.outcomes.feasible & np.isfinite(facts.outcomes.Y).all(axis=1)).sum())
    said = [
        f"{counted(len(trials), 'trial').capitalize()} of {n:,} form the Pareto front: of all "
        "others one of these is better in everything."
        if len(trials) > 1
        else f"Trial {trials[0].number} is better in everything than all others, {n:,} in all."
    ]
    ends = [int(np.argmin(Y[:, j])) for j in range(Y.shape[1])]
    tops = [f"{facts.words(Y[k, j], j)} (trial {trials[k].number})" for j, k in enumerate(ends)]
    said.append(f"The best of each objective: {listed(tops[:6])}.")
    middle = trials[knee(Y)]
    if len(trials) > 2:
        said.append(f"A balanced choice is the knee, trial {middle.number} ({named(middle)}).")
    volume = facts.diagnosis.convergence.best
    volumes = volume[np.isfinite(volume)]
    numbers = {
        "front": [trial.number for trial in trials[:1000]],
        "size": len(trials),
        "knee": middle.number,
        "best": {plain(name): facts.sign(j) * Y[ends[j], j] for j, name in enumerate(facts.names)},
        "hypervolume": float(volumes[-1]) if len(volumes) else None,
    }
    if len(volumes):
        said.append(
            f"The front dominates a volume of {value_words(float(volumes[-1]))} in units of the "
            "objectives' ranges."
        )
    return Finding("winner", "What won", " ".join(said), "likely", numbers)
