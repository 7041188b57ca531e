"""PB2: which hyperparameters promise the most progress in the next interval, by a Gaussian process.

    name    meaning                                                              shape
    X       intervals: the time, the score before, the hyperparameters, encoded  (n, 2 + d)
    y       how much the score fell in each, per step                            (n,)

    propose  argmax  mean(x) + std(x)      over hyperparameters, at the present time and score

Time is a column with a length scale of its own that is learnt; so how fast the past is forgotten
is fitted where the paper sets a rate. Members that were given hyperparameters at the same step and
haven't reported yet count as if they had made the progress expected of them (section 3.3: batches).

References:
    Parker-Holder, Nguyen and Roberts, Provably Efficient Online Hyperparameter Optimization with
    Population-Based Bandits, arXiv:2002.02518. Mixed inputs: arXiv:2106.15883.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from luthier.core.filling import filled_params
from luthier.core.lineage import position_of, step_from
from luthier.core.trial import FrozenTrial
from luthier.numerics.gp import fit
from luthier.schedulers.pbt.explore import explored, settled
from luthier.schedulers.pbt.members import Population, compared_at
from luthier.space import Space

__all__ = ["promising"]

Array = NDArray[np.float64]
_FEWEST: Final = 4
_MOST: Final = 200
_DRAWN: Final = 128
_NEAR: Final = 128
_EVEN_SPREAD: Final = 0.3


def promising(
    population: Population,
    space: Space,
    seed: int,
    donor: FrozenTrial,
    step: int,
    every: int,
    end: int,
    rng: np.random.Generator,
) -> dict[str, Any] | None:
    """Return the hyperparameters that promise the most, for a clone of a donor.

    Args:
        population: All members.
        space: The space.
        seed: The study's seed.
        donor: The trial to go on from.
        step: Where members were compared; nothing later is looked at.
        every: The length of an interval.
        end: The last step of all.
        rng: Draws the candidates.

    Returns:
        An allowed configuration; None while too little is known, or if none was found.
    """
    known = {t.number: filled_params(t, seed, space) for t in population.trials.values()}
    rows, gains, configs = _intervals(population, known, step, every, end)
    if len(gains) < _FEWEST or not space.encoding.width:
        return None
    center, unit = float(rows[:, 1].mean()), float(rows[:, 1].std()) or 1.0
    rows[:, 1] = 0.5 + _EVEN_SPREAD * (rows[:, 1] - center) / unit
    codes = tuple(column.categories for column in space.encoding.columns)
    X = np.concatenate([rows, space.encoding.encode(configs)], axis=1)
    model = fit(X, gains, categories=(0, 0, *codes))
    score = population.scores(donor, [step])[0]
    here = [step / end, 0.5 if np.isnan(score) else 0.5 + _EVEN_SPREAD * (score - center) / unit]
    pending = [known[n] for n, t in population.trials.items() if _is_pending(t, step)]
    if pending:
        P = _at(here, space, pending)
        model = model.append(P, model.mean(P))
    candidates = _candidates(space, known[donor.number], rng)
    if not candidates:
        return None
    mean, std = model.predict(_at(here, space, candidates))
    return candidates[int(np.argmax(mean + std))]


def _intervals(
    population: Population,
    known: Mapping[int, Mapping[str, Any]],
    step: int,
    every: int,
    end: int,
) -> tuple[Array, Array, list[Mapping[str, Any]]]:
    """The latest intervals: (time, score before), progress per step, hyperparameters."""
    rows, gains, configs = [], [], []
    for number, trial in population.trials.items():
        last = min(position_of(trial), step)
        marks = [*range(step_from(trial), last, every), last]
        scores = population.scores(trial, marks)
        for k in range(len(marks) - 1):
            gain = (scores[k] - scores[k + 1]) / max(marks[k + 1] - marks[k], 1)
            if np.isfinite(gain):
                rows.append((marks[k] / end, scores[k]))
                gains.append(gain)
                configs.append(known[number])
    latest = np.argsort([row[0] for row in rows], kind="stable")[-_MOST:]
    kept = np.array(rows, dtype=np.float64).reshape(-1, 2)[latest]
    return kept, np.array(gains)[latest], [configs[k] for k in latest]


def _is_pending(trial: FrozenTrial, step: int) -> bool:
    return compared_at(trial) == step and position_of(trial) <= step


def _at(here: list[float], space: Space, configs: list[dict[str, Any]]) -> Array:
    X = space.encoding.encode(configs)
    return np.concatenate([np.broadcast_to(here, (len(X), 2)), X], axis=1)


def _candidates(
    space: Space, base: Mapping[str, Any], rng: np.random.Generator
) -> list[dict[str, Any]]:
    drawn = space.encoding.from_unit(rng.random((_DRAWN, space.encoding.width)))
    found = [settled(space, config, rng) for config in drawn]
    found += [explored(space, base, 0.2 + rng.random(), 0.1, rng) for _ in range(_NEAR)]
    return [config for config in found if space.allows(config)]
