"""Whether random search would have done as well, where real random runs tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import luthier
from luthier import Categorical, Float, Int, Space
from luthier.analysis import against_random
from luthier.core.jobs import Proposal
from luthier.errors import ArgumentError
from luthier.testing.rehearsal import Rehearsal

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
    assert found[0].probability == found[1].probability  # each was itself a random search
    after_5 = [float(told.median[told.budgets.tolist().index(5)]) for told in found]
    assert after_5[1] > after_5[0] + 0.3


def bowl(params: Mapping[str, Any]) -> float:
    return float(sum((k + 1) * (v - 0.3) ** 2 for k, v in enumerate(params.values())))


def branin(params: Mapping[str, Any]) -> float:
    x, y = 15 * params["x0"] - 5, 15 * params["x1"]
    ridge = y - 5.1 / (4 * np.pi**2) * x * x + 5 / np.pi * x - 6
    return float(ridge**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10)


KNOWN = {
    "bowl": (Space({f"x{i}": Float(0, 1) for i in range(6)}), bowl),
    "branin": (Space({f"x{i}": Float(0, 1) for i in range(2)}), branin),
    "rosenbrock": CASES["rosenbrock"],
    "mixed": CASES["mixed"],
}


@pytest.mark.parametrize("strategy", ["tpe", "gp"])
def test_random_is_not_flattered_by_trials_that_a_model_chose(strategy: str) -> None:
    n, ranks, inside = 60, [], []
    for space, f in KNOWN.values():
        draws = space.encoding.from_unit(
            np.random.default_rng(0).random((20_000, space.encoding.width))
        )
        values = np.array([f(p) for p in draws])
        for seed in range(2):
            study = luthier.create_study(space=space, strategy=strategy, seed=seed)
            study.optimize(lambda trial, f=f: f(trial.params), n_trials=n)
            found = against_random(study.history, space)
            assert not found.drawn
            below = [float(np.mean(values <= v)) for v in (found.median[-1], found.high[-1])]
            low = -np.inf if found.low[-1] <= found.best else found.low[-1]
            reached = [1 - (1 - share) ** n for share in (*below, float(np.mean(values < low)))]
            ranks.append(reached[0])
            inside.append(reached[1] - reached[2])
    # Half of all random searches reach their median; what trees told, a tenth to a third did.
    assert 0.35 < np.mean(ranks) < 0.8
    assert np.mean(inside) > 0.7  # of 0.9; it was 0.3 to 0.5


@pytest.mark.parametrize("strategy", ["tpe", "gp"])
def test_luck_is_known_where_all_is_noise(strategy: str) -> None:
    space, told, true = Space({f"x{i}": Float(0, 1) for i in range(4)}), [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        study = luthier.create_study(space=space, strategy=strategy, seed=seed)
        study.optimize(lambda trial, rng=rng: float(rng.normal()), n_trials=50)
        found = against_random(study.history, space)
        told.append(found.probability)
        true.append(1 - float(1 - np.mean(rng.normal(size=20_000) <= found.best)) ** 50)
    assert np.mean(told) == pytest.approx(np.mean(true), abs=0.25)
    assert np.mean(told) > 0.15


def test_steps_are_reached_by_all_that_lies_on_them() -> None:
    space = Space({f"x{i}": Float(0, 1) for i in range(3)})
    for strategy in ("tpe", "gp"):
        study = luthier.create_study(space=space, strategy=strategy, seed=0)
        study.optimize(
            lambda trial: sum(int(3 * abs(v - 0.4)) for v in trial.params.values()), n_trials=40
        )
        assert against_random(study.history, space).probability > 0.8  # a fifth of it all is best


def test_thousands_of_trials_are_thinned_without_a_change() -> None:
    rng = np.random.default_rng(0)
    play = Rehearsal(Space(x=Float(0, 1)))
    reason = Proposal({"x": 0.5}, "drawn at random from the prior")
    for value in rng.random(3_000):
        play.end(play.add({"x": 0.5}, proposal=reason), value=float(value))
    found = against_random(play.history, play.history.space)
    assert found.drawn == 3_000
    assert found.probability == pytest.approx(0.5, abs=0.08)
    for budget, median in zip(found.budgets, found.median, strict=True):
        assert median == pytest.approx(1 - 0.5 ** (1 / budget), rel=0.5, abs=0.02)


def test_it_says_what_it_rests_on() -> None:
    space = KNOWN["bowl"][0]
    counted = luthier.create_study(space=space, strategy="random", seed=0)
    modelled = luthier.create_study(space=space, strategy="tpe", seed=0)
    half = luthier.create_study(space=space, strategy="random", seed=0)
    for study, n in ((counted, 30), (modelled, 60), (half, 30)):
        study.optimize(lambda trial: bowl(trial.params), n_trials=n)
    half.enqueue_trial(dict.fromkeys(space, 0.3))
    half.optimize(lambda trial: bowl(trial.params), n_trials=1)
    found = [against_random(study.history, space) for study in (counted, modelled, half)]
    assert [told.drawn for told in found] == [30, 0, 30]
    assert "(Counted: 30 trials were drawn at random.)" in str(found[0])
    assert "(An estimate: a model tells it" in str(found[1])
    assert "give or take a factor of ten" in str(found[1]) or math.isinf(found[1].needed)
    # What was enqueued lies below all that was drawn: somewhere in the lowest gap.
    assert found[2].probability < found[0].probability


def test_too_little_is_said_to_be() -> None:
    study = luthier.create_study(space=Space(x=Float(0, 1)), seed=0)
    study.optimize(lambda trial: 1.0, n_trials=20)
    found = against_random(study.history, study.space)
    assert "can't be told" in str(found)
    assert found.best == 1.0
    with pytest.raises(ArgumentError, match="against_random: metric must be an objective"):
        against_random(study.history, study.space, metric="loss")
