"""Whether random search would have done as well, where real random runs tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import luthier
from luthier import Categorical, Float, Int, Space
from luthier.analysis import against_random
from luthier.errors import ArgumentError

N = 40
CASES: dict[str, tuple[Space, Callable[[Mapping[str, Any]], float]]] = {
    "rosenbrock": (
        Space({f"x{i}": Float(-2, 2) for i in range(4)}),
        lambda p: sum(
            100 * (p[f"x{i + 1}"] - p[f"x{i}"] ** 2) ** 2 + (1 - p[f"x{i}"]) ** 2 for i in range(3)
        ),
    ),
    "mixed": (
        Space(kind=Categorical(["a", "b", "c"]), lr=Float(1e-5, 1, scale="log"), n=Int(1, 30)),
        lambda p: (
            {"a": 0, "b": 0.3, "c": 1}[p["kind"]]
            + 0.3 * (np.log10(p["lr"]) + 2.5) ** 2
            + 0.05 * abs(p["n"] - 12)
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_random_search_is_told_from_a_model(name: str) -> None:
    space, f = CASES[name]
    rng = np.random.default_rng(0)
    values = np.array([f(p) for p in space.encoding.from_unit(rng.random((6000, len(space))))])
    told: dict[str, list[float]] = {"random": [], "gp": []}
    truth: dict[str, list[float]] = {"random": [], "gp": []}
    for strategy, chances in told.items():
        for seed in range(4):
            study = luthier.create_study(space=space, strategy=strategy, seed=seed)
            study.optimize(lambda trial: f(trial.params), n_trials=N)
            found = against_random(study.history, space)
            assert found.best == study.best_value
            chances.append(found.probability)
            truth[strategy].append(1 - float(1 - np.mean(values <= found.best)) ** N)
    assert np.mean(told["gp"]) < 0.1 > np.mean(truth["gp"])
    assert np.mean(told["random"]) == pytest.approx(np.mean(truth["random"]), abs=0.25)


def test_what_random_search_reaches_is_about_what_it_does() -> None:
    space, f = CASES["mixed"]
    study = luthier.create_study(space=space, strategy="random", seed=3)
    study.optimize(lambda trial: f(trial.params), n_trials=200)
    rng = np.random.default_rng(1)
    draws = space.encoding.from_unit(rng.random((300 * 20, 3)))
    real = np.array([f(p) for p in draws]).reshape(300, 20).min(axis=1)
    found = against_random(study.history, space)
    at_20 = int(np.argmin(np.abs(found.budgets - 20)))
    assert np.mean((real >= found.low[at_20]) & (real <= found.high[at_20])) > 0.75
    assert (np.diff(found.median) <= 0).all()
    assert found.needed == pytest.approx(200, rel=1.0)


def test_larger_may_be_better() -> None:
    space = Space(x=Float(0, 1), y=Float(0, 1))
    values = {}
    for direction, sign in (("minimize", 1), ("maximize", -1)):
        study = luthier.create_study(space=space, direction=direction, strategy="random", seed=0)
        study.optimize(
            lambda trial, s=sign: s * (trial.params["x"] + trial.params["y"]), n_trials=30
        )
        values[direction] = against_random(study.history, space)
    one, other = values["minimize"], values["maximize"]
    assert other.median.tolist() == (-one.median).tolist()
    assert other.low.tolist() == (-one.high).tolist()
    assert other.probability == one.probability


def test_failures_count_against_random_search() -> None:
    space = Space(x=Float(0, 1))
    found = []
    for edge in (1.0, 0.1):  # the good side fails

        def objective(trial: Any, edge: float = edge) -> float:
            if trial.params["x"] > edge and trial.number % 10:
                raise ValueError("crash")
            return -float(trial.params["x"])

        study = luthier.create_study(space=space, strategy="random", seed=0)
        study.optimize(objective, n_trials=100)
        found.append(against_random(study.history, space))
    assert found[1].needed > found[0].needed


def test_too_little_is_said_to_be() -> None:
    study = luthier.create_study(space=Space(x=Float(0, 1)), seed=0)
    study.optimize(lambda trial: 1.0, n_trials=20)
    found = against_random(study.history, study.space)
    assert "can't be told" in str(found)
    assert found.best == 1.0
    with pytest.raises(ArgumentError, match="against_random: metric must be an objective"):
        against_random(study.history, study.space, metric="loss")
