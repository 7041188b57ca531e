"""The trace: spaces and conditions learnt from what objectives ask for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from luthier.errors import IncompatibleParamError
from luthier.space import (
    AtLeast,
    AtMost,
    Categorical,
    Condition,
    Float,
    Int,
    OneOf,
    Ordinal,
    Param,
    Space,
    Trace,
    merge_definition,
    sample,
)

Objective = Callable[["Asker"], None]


class Asker:
    """Answers an objective at random and writes down what it asked for."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.asked: dict[str, Any] = {}
        self.defined: dict[str, Param] = {}

    def __call__(self, name: str, param: Param) -> Any:
        self.defined[name] = param
        self.asked[name] = sample(Space({name: param}), 1, self.rng)[0][name]
        return self.asked[name]


def run(trace: Trace, objective: Objective, trials: int, seed: int = 0) -> list[dict[str, Any]]:
    """Run an objective as a study does, and return what was asked for."""
    rng = np.random.default_rng(seed)
    asked = []
    known: dict[str, Param] = dict(trace.space)
    for _ in range(trials):
        ask = Asker(rng)
        objective(ask)
        new = {n: p for n, p in ask.defined.items() if known.get(n) != p}
        known |= new
        trace.observe(ask.asked, new)
        asked.append(ask.asked)
    return asked


def predicts(trace: Trace, objective: Objective, trials: int = 100) -> bool:
    """Whether the learnt space expects exactly what the objective asks for."""
    rng = np.random.default_rng(99)
    for _ in range(trials):
        ask = Asker(rng)
        objective(ask)
        if set(trace.space.active(ask.asked)) != set(ask.asked):
            return False
    return True


def flat(ask: Asker) -> None:
    ask("x", Float(0, 1))
    ask("n", Int(1, 9))


def cash(ask: Asker) -> None:
    model = ask("model", Categorical(["svm", "forest", "mlp"]))
    if model == "svm":
        ask("C", Float(1e-3, 1e3, log=True))
        kernel = ask("kernel", Categorical(["linear", "rbf", "poly"]))
        if kernel == "poly":
            ask("degree", Int(2, 5))
        if kernel != "linear":
            ask("gamma", Float(1e-3, 1, log=True))
    elif model == "forest":
        ask("trees", Int(10, 500, log=True))
        if ask("bootstrap", Categorical([True, False])):
            ask("share", Float(0.1, 1))
    else:
        layers = ask("layers", Int(1, 4))
        for i in range(layers):
            ask(f"units_{i}", Int(4, 128, log=True))
    ask("scaler", Categorical(["none", "standard"]))


def layered(ask: Asker) -> None:
    for i in range(ask("n_layers", Int(1, 5))):
        ask(f"units_{i}", Int(16, 128))
        if ask(f"dropout_{i}", Categorical([True, False])):
            ask(f"rate_{i}", Float(0, 0.5))


def both(ask: Asker) -> None:
    a, b = ask("a", Categorical(["x", "y", "z"])), ask("b", Int(1, 6))
    if a == "x" and b >= 4:
        ask("c", Float(0, 1))


def shared(ask: Asker) -> None:
    optimizer = ask("optimizer", Categorical(["adam", "sgd", "lbfgs"]))
    if optimizer in ("adam", "sgd"):
        ask("lr", Float(1e-5, 1, log=True))


def small_sizes(ask: Asker) -> None:
    if ask("size", Ordinal(["s", "m", "l", "xl"])) in ("s", "m"):
        ask("extra", Float(0, 1))


@pytest.mark.parametrize("objective", [flat, cash, layered, both, shared, small_sizes])
def test_conditions_are_learnt(objective):
    trace = Trace()
    run(trace, objective, 200)
    assert predicts(trace, objective)
    version, space = trace.version, trace.space
    run(trace, objective, 50, seed=1)
    assert trace.version <= version + 2
    if trace.version == version:
        assert trace.space is space


def test_what_is_learnt_reads_well():
    trace = Trace()
    run(trace, cash, 300)
    learnt = {name: param.when for name, param in trace.space.items()}
    assert learnt["model"] is None
    assert learnt["scaler"] is None
    assert learnt["kernel"] == Condition.of({"model": OneOf("svm")})
    assert learnt["degree"] == Condition.of({"kernel": OneOf("poly")})
    assert learnt["gamma"] == Condition.of({"kernel": OneOf("rbf", "poly")})
    assert learnt["share"] == Condition.of({"bootstrap": OneOf(True)})
    assert learnt["units_0"] == Condition.of({"model": OneOf("mlp")})
    assert learnt["units_2"] == Condition.of({"layers": AtLeast(3)})


def test_thresholds_of_ordinal_parents():
    trace = Trace()
    run(trace, small_sizes, 40)
    assert trace.space["extra"].when == Condition.of({"size": AtMost("m")})


def test_conjunctions_of_two_parents():
    trace = Trace()
    run(trace, both, 200)
    when = trace.space["c"].when
    assert when is not None
    assert dict(when.clauses[0]) == {"a": OneOf("x"), "b": AtLeast(4)}


def test_the_learnt_space_samples_what_the_objective_asks_for():
    trace = Trace()
    run(trace, cash, 300)
    for config in sample(trace.space, 200, np.random.default_rng(5)):
        ask = Asker(np.random.default_rng(0))

        def answer(name: str, param: Param, config=config, ask=ask) -> Any:
            ask.asked[name] = config[name]
            return config[name]

        cash(answer)  # type: ignore[arg-type]
        assert set(ask.asked) == set(config)


def test_order_is_that_of_first_asking():
    trace = Trace()
    trace.observe({"b": 1, "a": 2}, {"b": Int(0, 3), "a": Int(0, 3)})
    trace.observe({"a": 1, "c": 1, "b": 1}, {"c": Int(0, 3)})
    assert list(trace.space) == ["b", "a", "c"]


def test_nothing_new_changes_nothing():
    trace = Trace()
    run(trace, flat, 20)
    assert trace.version == 1
    space = trace.space
    trace.observe({"x": 0.5, "n": 3}, {})
    trace.observe({"n": 3, "x": 0.1}, {"x": Float(0, 1)})
    assert trace.space is space


def test_the_latest_definition_counts():
    trace = Trace()
    trace.observe({"x": 0.5}, {"x": Float(0, 1)})
    trace.observe({"x": 5}, {"x": Int(1, 9)})
    assert trace.space["x"] == Int(1, 9)
    assert trace.version == 2
    assert not trace.space.fits({"x": 0.5})


def test_a_parent_may_change_its_kind():
    trace = Trace()
    c = Float(0, 1)
    trace.observe({"p": "on", "c": 0.1}, {"p": Categorical(["on", "off"]), "c": c})
    trace.observe({"p": "off"}, {})
    trace.observe({"p": 3, "c": 0.1}, {"p": Int(1, 4)})
    for n in (1, 2, 1):
        trace.observe({"p": n}, {})
        trace.observe({"p": n + 2, "c": 0.1}, {})
    assert trace.space["c"].when == Condition.of({"p": AtLeast(3)})


def test_what_cannot_be_explained_is_always_active_and_learning_rests():
    trace = Trace()
    trace.observe({"a": 1, "b": 0.5}, {"a": Int(0, 1), "b": Float(0, 1)})
    trace.observe({"a": 1}, {})
    assert trace.space.active({"a": 1}) == ("a", "b")
    version = trace.version
    trace.observe({"a": 1}, {})
    trace.observe({"a": 0}, {})
    assert trace.version == version


def test_a_declared_space_stays():
    declared = Space(
        a=Categorical(["x", "y"]),
        b=Float(0, 1, when={"a": "x"}),
    ).forbid({"a": "x", "b": 0.0})
    trace = Trace(declared)
    assert trace.space is declared
    trace.observe({"a": "y", "extra": 1}, {"extra": Int(0, 1)})
    trace.observe({"a": "x", "b": 0.5}, {"b": Float(0, 2)})
    assert list(trace.space) == ["a", "b", "extra"]
    assert trace.space["b"] == Float(0, 2, when={"a": "x"})
    assert trace.space.relations == declared.relations
    assert trace.space["extra"].when == Condition.of({"a": OneOf("y")})


def test_a_definition_that_contradicts_a_declared_condition_does_not_count():
    declared = Space(a=Categorical(["x", "y"]), b=Float(0, 1, when={"a": "x"}))
    trace = Trace(declared)
    trace.observe({"a": "y"}, {"a": Categorical(["y", "z"])})
    assert trace.space == declared


def test_conditions_given_with_a_definition_stay():
    trace = Trace()
    b = Float(0, 1, when={"a": AtLeast(1)})
    trace.observe({"a": 2, "b": 0.5}, {"a": Int(0, 3), "b": b})
    trace.observe({"a": 0}, {})
    assert trace.space["b"] == b


def test_runs_that_ended_early_show_nothing_by_what_they_lack():
    trace = Trace()
    params = {"a": Categorical(["x", "y"]), "b": Float(0, 1), "c": Float(0, 1)}
    trace.observe({"a": "x", "b": 0.5, "c": 0.5}, params)
    trace.observe({"a": "y"}, {}, complete=False)
    assert trace.space.active({"a": "y"}) == ("a", "b", "c")
    trace.observe({"a": "y", "b": 0.5}, {}, complete=False)
    assert trace.version == 1
    trace.observe({"a": "y", "b": 0.5}, {})
    assert trace.space.active({"a": "y"}) == ("a", "b")


def test_another_declared_space_keeps_what_was_learnt():
    trace = Trace(Space(a=Categorical(["x", "y"])))
    trace.observe({"a": "x", "b": 1}, {"b": Int(0, 1)})
    trace.observe({"a": "y"}, {})
    again = trace.redeclared(Space(a=Categorical(["x", "y", "z"]), d=Float(0, 1)))
    assert list(again.space) == ["a", "d", "b"]
    assert again.space["b"].when == Condition.of({"a": OneOf("x")})
    assert again.version > trace.version
    assert list(trace.space) == ["a", "b"], "the old trace stays as it was"
    assert dict(again.definitions)["b"] == Int(0, 1), "definitions have no learnt conditions"


def test_memory_is_bounded_and_conditions_survive():
    def objective(ask: Asker) -> None:
        n = ask("n", Int(1, 10**6))
        if ask("flag", Categorical([True, False])):
            ask("x", Float(0, 1))
        ask("m", Int(1, 10**6))
        del n

    trace = Trace()
    run(trace, objective, 700)
    assert len(trace._runs) <= 512
    assert trace.space["x"].when == Condition.of({"flag": OneOf(True)})
    trace.observe({"n": 5, "flag": False, "m": 1, "late": 1}, {"late": Int(0, 1)})
    assert len(trace._runs) <= 512


SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
import numpy as np
from luthier.space import Trace
import test_trace
trace = Trace()
test_trace.run(trace, test_trace.cash, 120)
print(trace.version, trace.space.fingerprint)
"""


def test_the_same_runs_give_the_same_space_in_every_process():
    code = SCRIPT.format(folder=os.path.dirname(__file__))
    results = {
        subprocess.run(
            [sys.executable, "-B", "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(results) == 1
    assert results != {""}


def test_merge_definition():
    assert merge_definition("x", Float(0, 1), Float(0, 1, default=0.5)) == Float(0, 1)
    with pytest.raises(
        IncompatibleParamError,
        match=r"Int 'x': .* got Float\(0\.0, 1\.0\) first and Int\(0, 1\) now. Use another name",
    ) as caught:
        merge_definition("x", Float(0, 1), Int(0, 1))
    assert caught.value.fields == {"name": "x", "old": Float(0, 1), "new": Int(0, 1)}
