"""Lineage: the trials that a trial goes on from, and the training they have in common.

A clone goes on from its parent's checkpoint, at ``step_from``. What it was at a step up to there is
what the parent was. So every trial has one curve, from step 0 to its last report, whoever reported
the parts of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from luthier.core.trial import FrozenTrial

__all__ = ["Stretch", "ancestry", "metrics_at", "position_of", "step_from", "stretches"]


@final
@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a lineage that one trial trained.

    Attributes:
        trial: The trial.
        step_from: The step of the checkpoint that it went on from; 0 if it started anew.
        step_to: The last step that counts.
    """

    trial: FrozenTrial
    step_from: int
    step_to: int


def step_from(trial: FrozenTrial) -> int:
    """The step of the checkpoint that a trial went on from when it was added; 0 if of none."""
    return int(trial.origin.data.get("step_from", 0))


def position_of(trial: FrozenTrial) -> int:
    """The step up to which a trial has been trained, by itself or by those it goes on from."""
    return max(step_from(trial), trial.last_step or 0)


def ancestry(trials: Mapping[int, FrozenTrial], trial: FrozenTrial) -> list[FrozenTrial]:
    """Return a trial, the one it was cloned from, and so on back to one that started anew.

    Args:
        trials: The study's trials by number; who is missing ends the line.
        trial: One of them.
    """
    line = [trial]
    while "step_from" in line[-1].origin.data:
        parent = trials.get(-1 if line[-1].origin.parent is None else line[-1].origin.parent)
        if parent is None or parent.number >= line[-1].number:
            break
        line.append(parent)
    return line


def stretches(trials: Mapping[int, FrozenTrial], trial: FrozenTrial) -> tuple[Stretch, ...]:
    """Return how a trial came to be what it is, oldest part first.

    Parts of no length are left out.

    Args:
        trials: The study's trials by number.
        trial: One of them.
    """
    end = position_of(trial)
    found: list[Stretch] = []
    for ancestor in ancestry(trials, trial):
        start = min(step_from(ancestor), end)
        if start < end:
            found.append(Stretch(ancestor, start, end))
        end = start
    return tuple(reversed(found))


def metrics_at(
    trials: Mapping[int, FrozenTrial], trial: FrozenTrial, step: int, names: Sequence[str]
) -> dict[str, float] | None:
    """Return what a trial was at a step, linear between the reports before and after it.

    Args:
        trials: The study's trials by number.
        trial: One of them.
        step: The step, at least 0.
        names: The metrics of interest; those that were not reported are left out.

    Returns:
        The metrics by name; None if it hasn't got there.
    """
    line = ancestry(trials, trial)
    place = next((k for k, t in enumerate(line) if step > step_from(t)), len(line) - 1)
    here = line[place]
    if step in here.reports:
        metrics = here.reports[step]
        return {name: metrics[name] for name in names if name in metrics}
    after = min((s for s in here.reports if s > step), default=None)
    if after is None:
        return None
    later = here.reports[after]
    before, earlier = _before(line[place:], step)
    if before is None:
        return {name: later[name] for name in names if name in later}
    share = (step - before) / (after - before)
    both = [name for name in names if name in later and name in earlier]
    return {name: earlier[name] + share * (later[name] - earlier[name]) for name in both}


def _before(line: list[FrozenTrial], step: int) -> tuple[int | None, Mapping[str, float]]:
    """The last report below a step, of a trial or, before it started, of its ancestors."""
    limit = step
    for trial in line:
        steps = [s for s in trial.reports if s < limit]
        if steps:
            return max(steps), trial.reports[max(steps)]
        limit = min(limit, step_from(trial) + 1)
    return None, {}
