"""Histories to draw: one of each kind that figures differ by."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from luthier.core.history import History
from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.space import Categorical, Constant, Float, Int, Ordinal, Permutation, Space
from luthier.testing.rehearsal import Rehearsal

HOSTILE = "<script>alert(1)</script><b>&amp;%{x}\u202e\x00" + "x" * 10_000


def mixed_space() -> Space:
    return Space(
        lr=Float(1e-5, 1e-1, log=True),
        layers=Int(1, 6),
        keep=Float(0.5, 0.999, scale="logit"),
        width=Int(8, 256, scale="power_of_two"),
        optimizer=Categorical(["adam", "sgd", None]),
        momentum=Float(0.0, 0.99, when={"optimizer": "sgd"}),
        batch=Ordinal([16, 32, 64]),
        order=Permutation(["a", "b", "c"]),
        fixed=Constant("same"),
    )


def played(
    space: Space, objective: Objective | None = None, n: int = 40, steps: int = 0
) -> Rehearsal:
    """Random trials: every seventh fails, every fifth is pruned where there are steps."""
    play = Rehearsal(space, objective=objective)
    rng = np.random.default_rng(0)
    names = play.history.objective.names
    for k in range(n):
        config = space.encoding.from_unit(rng.random((1, space.encoding.width)))[0]
        trial = play.add(config)
        value = float(rng.random())
        for step in range(1, steps + 1 if k % 5 else steps // 2 + 1):
            trial = play.report(trial, step, {names[0]: value + math.exp(-step / 5)})
        metrics = {name: value if j == 0 else float(rng.random()) for j, name in enumerate(names)}
        metrics |= {c.metric: float(rng.random()) for c in play.history.objective.constraints}
        if k % 7 == 6:
            play.end(trial, TrialState.FAILED)
        elif steps and k % 5 == 0:
            play.end(trial, TrialState.PRUNED)
        else:
            play.end(trial, metrics=metrics)
    return play


def hostile() -> History:
    """Names and values that mean harm."""
    space = Space({HOSTILE: Float(0, 1), "</script>": Categorical([HOSTILE, "<img src=x>", "=1"])})
    return played(space, steps=4).history


def failed() -> History:
    play = Rehearsal(Space(x=Float(0, 1), y=Int(1, 3)))
    for k in range(9):
        play.end(play.add({"x": k / 9, "y": 1 + k % 3}), TrialState.FAILED)
    return play.history


def infinite() -> History:
    play = Rehearsal(Space(x=Float(0, 1), y=Int(1, 3)))
    for k in range(20):
        trial = play.report(play.add({"x": k / 20, "y": 1 + k % 3}), 1, {"value": math.nan})
        play.end(trial, value=math.inf if k % 2 else -math.inf if k == 4 else 1e300 * k)
    return play.history


def constant() -> History:
    play = Rehearsal(Space(x=Float(0, 1), y=Int(1, 3)))
    for _ in range(20):
        play.end(play.add({"x": 0.5, "y": 2}), value=1.0)
    return play.history


HISTORIES: dict[str, Callable[[], History]] = {
    "mixed": lambda: played(mixed_space(), steps=10).history,
    "several": lambda: (
        played(mixed_space(), Objective.of(directions=["minimize", "maximize", "minimize"])).history
    ),
    "constrained": lambda: (
        played(
            mixed_space(),
            Objective.of(
                metrics={"loss": "minimize", "acc": "maximize"}, constraints=["mb <= 0.5"]
            ),
        ).history
    ),
    "hostile": hostile,
    "empty": lambda: Rehearsal(mixed_space()).history,
    "no space": lambda: Rehearsal(Space()).history,
    "one trial": lambda: played(Space(x=Float(0, 1)), n=1).history,
    "all failed": failed,
    "infinite": infinite,
    "constant": constant,
}


@pytest.fixture(scope="session")
def histories() -> dict[str, History]:
    return {name: make() for name, make in HISTORIES.items()}
