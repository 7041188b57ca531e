from __future__ import annotations

import math

import numpy as np

from luthier.core.rng import generator
from luthier.schedulers.pbt.bandit import promising
from luthier.schedulers.pbt.members import Population
from luthier.space import Categorical, Float, Space
from luthier.testing.rehearsal import Rehearsal

SPACE = Space(lr=Float(1e-4, 1.0, log=True), kind=Categorical(["good", "bad"]))


def population(rates: list[tuple[float, str]], steps: int = 12) -> Population:
    """Members whose losses fall the faster the nearer lr is to 0.01, and not at all if bad."""
    play = Rehearsal(SPACE)
    for lr, kind in rates:
        trial, loss = play.add({"lr": lr, "kind": kind}), 1.0
        for step in range(1, steps + 1):
            speed = math.exp(-(math.log10(lr / 0.01) ** 2)) if kind == "good" else 0.0
            loss -= 0.05 * speed
            trial = play.report(trial, step, {"value": loss})
    return Population.of(play.history, None)


def test_what_progressed_fastest_is_proposed_again() -> None:
    rates = [(10.0**-k, kind) for k in (0, 1, 2, 3, 4) for kind in ("good", "bad")]
    members = population(rates)
    donor = members.trials[4]
    found = [
        promising(members, SPACE, 0, donor, 12, 3, 30, np.random.default_rng(seed))
        for seed in range(5)
    ]
    configs = [config for config in found if config is not None]
    assert len(configs) == 5
    assert all(config["kind"] == "good" and 1e-3 < config["lr"] < 1e-1 for config in configs)


def test_too_little_is_known_at_first() -> None:
    members = population([(0.01, "good"), (0.1, "good")], steps=3)
    assert promising(members, SPACE, 0, members.trials[0], 3, 3, 30, generator(0, 2)) is None


def test_nothing_later_than_the_step_is_looked_at() -> None:
    rates = [(10.0**-k, "good") for k in (0, 1, 2, 3, 4)]
    short, long = population(rates, 6), population(rates, 12)
    chosen = [
        promising(p, SPACE, 0, p.trials[2], 6, 3, 30, np.random.default_rng(0))
        for p in (short, long)
    ]
    assert chosen[0] == chosen[1] is not None


def test_proposals_are_allowed() -> None:
    rates = [(10.0**-k, kind) for k in (0, 1, 2, 3, 4) for kind in ("good", "bad")]
    members = population(rates)
    space = SPACE.forbid({"kind": "good"})
    found = promising(members, space, 0, members.trials[4], 12, 3, 30, np.random.default_rng(0))
    assert found is not None
    assert found["kind"] == "bad"
