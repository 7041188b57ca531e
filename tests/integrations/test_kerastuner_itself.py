"""KerasTuner itself: the same build functions under it and under ours have the same spaces."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import luthier
from luthier.errors import LuthierError
from luthier.integrations.kerastuner import HyperParameters

kt = pytest.importorskip("keras_tuner")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:keras_tuner")

X = np.linspace(-1, 1, 16, dtype="float32")[:, None]
Y = np.sin(X)
Build = Callable[[Any], Any]


def numbers(hp: Any) -> Any:
    return [
        hp.Int("int", 1, 9),
        hp.Int("step", 6, 13, step=3),
        hp.Int("log", 4, 300, sampling="log"),
        hp.Int("powers", min_value=2, max_value=33, step=2, sampling="log"),
        hp.Int("mirrored", 2, 9, step=2, sampling="reverse_log"),
        hp.Int("reverse", 2, 90, sampling="reverse_log", default=80),
        hp.Int("one", 3, 3),
        hp.Float("float", 0.5, 2.5, default=1.0),
        hp.Float("eighths", 0.0, 0.5, step=0.125),
        hp.Float("uneven", 0.0, 1.0, step=0.75),
        hp.Float("decades", 1e-4, 1e-1, step=10, sampling="log"),
        hp.Float("lr", 1e-4, 1e-1, sampling="LOG"),
        hp.Float("late", 0.1, 2.0, sampling="reverse_log"),
        hp.Float("thirds", 1.0, 9.0, step=3, sampling="reverse_log"),
    ]


def choices(hp: Any) -> Any:
    return [
        hp.Choice("text", ["relu", "tanh", "gelu"], default="tanh"),
        hp.Choice("number", [32, 8, 64]),
        hp.Choice("real", [0.5, 0.1], ordered=False),
        hp.Choice("only", ["adam"]),
        hp.Boolean("yes", default=True),
        hp.Boolean("no"),
        hp.Fixed("fixed", 0.25),
        hp.Fixed("label", "x"),
    ]


def scopes(hp: Any) -> Any:
    kind = hp.Choice("kind", ["mlp", "cnn", "none"])
    found = [kind]
    with hp.conditional_scope("kind", ["mlp", "cnn"]):
        found.append(hp.Int("layers", 1, 3))
        with hp.conditional_scope("layers", [2, 3]):
            found.append(hp.Float("between", 0.0, 0.5))
    with hp.conditional_scope("kind", "cnn"), hp.name_scope("conv"):
        found.append(hp.Choice("size", [3, 5]))
        found.append(hp.Boolean("bias"))
        with hp.conditional_scope("bias", [True]):
            found.append(hp.Float("init", 1e-3, 1e-1, sampling="log"))
    found.append(hp.Int("pool", 2, 4, parent_name="kind", parent_values=["cnn"]))
    for i in range(found[1] or 0):
        found.append(hp.Int(f"units_{i}", 8, 64, step=8))
    return [*found, "kind" in hp, "pool" in hp, hp.get("kind")]


def loops(hp: Any) -> Any:
    widths = [hp.Int(f"width_{i}", 4, 16, step=4) for i in range(hp.Int("layers", 1, 4))]
    twice = hp.Int("layers", 1, 4)  # asked for again
    if hp.Boolean("dropout"):
        widths.append(hp.Float("rate", 0.1, 0.5))
    return [*widths, twice]


BUILDS = [numbers, choices, scopes, loops]


def configurations(build: Build, count: int = 25) -> list[Any]:
    """What KerasTuner's own random search tries: the hyperparameters of each trial."""
    found = []

    class Search(kt.RandomSearch):  # type: ignore[misc]
        def run_trial(self, trial: Any, **settings: Any) -> float:
            build(trial.hyperparameters)
            found.append(trial.hyperparameters)
            return 0.0

    Search(build, max_trials=count, seed=0, overwrite=True).search(verbose=0)
    assert len(found) > 15
    return found


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # oracles write there


@pytest.mark.parametrize("build", BUILDS)
def test_what_kerastuner_tries_can_be_tried_here(build: Build) -> None:
    for theirs in configurations(build):
        ours = HyperParameters(luthier.FixedTrial(theirs.values))
        again = theirs.copy()
        assert build(ours) == build(again)
        active = {name for name in again.values if again.is_active(name)}
        assert ours.values.keys() <= active


@pytest.mark.parametrize("build", BUILDS)
def test_what_is_tried_here_can_be_tried_by_kerastuner(build: Build) -> None:
    study = luthier.create_study(sampler="random", seed=0)
    told: list[Any] = []
    study.optimize(
        lambda trial: told.append(build(HyperParameters(trial))) or 0.0, n_trials=25, catch=()
    )
    for trial, answers in zip(study.trials, told, strict=True):
        theirs = kt.HyperParameters()
        theirs.values = dict(trial.params)
        assert build(theirs) == answers
        assert {n: v for n, v in theirs.values.items() if theirs.is_active(n)} == trial.params
        for asked in theirs.space:
            if theirs.is_active(asked):
                assert 0 <= asked.value_to_prob(trial.params[asked.name]) <= 1


@pytest.mark.parametrize("build", BUILDS)
def test_spaces_are_the_same(build: Build) -> None:
    study = luthier.create_study(sampler="random", seed=0)
    study.optimize(lambda trial: build(HyperParameters(trial)) and 0.0, n_trials=40, catch=())
    known = kt.HyperParameters()
    for theirs in configurations(build, 40):
        known.merge(theirs)
    assert {asked.name for asked in known.space} == set(study.space)
    for asked in known.space:
        _compare(asked, study.space[asked.name])
    for trial in study.trials:
        active = {a.name for a in known.space if _is_active(a, trial.params)}
        assert set(trial.params) <= active
        assert set(trial.params) <= set(study.space.active(trial.params))


def _is_active(asked: Any, values: dict[str, Any]) -> bool:
    return all(condition.is_active(values) for condition in asked.conditions)


def _compare(theirs: Any, ours: luthier.space.Param) -> None:
    """The same values or bounds, and the same default where one was given."""
    kind = type(theirs).__name__
    if kind == "Fixed" or theirs.name == "one":
        assert isinstance(ours, luthier.Constant)
        assert ours.value == theirs.default
        return
    if kind in ("Int", "Float") and theirs.step in (None, 1):
        assert isinstance(ours, luthier.Int if kind == "Int" else luthier.Float)
        assert (ours.low, ours.high) == (theirs.min_value, theirs.max_value)
        assert ours.log == (theirs.sampling == "log")
        assert (ours.prior is not None) == (theirs.sampling == "reverse_log")
    else:
        assert sorted(ours.grid(1)) == sorted(theirs.values)
        ordered = getattr(theirs, "ordered", kind != "Boolean") and len(ours.grid(1)) > 1
        assert isinstance(ours, luthier.Categorical) == (not ordered)
    first = False if kind == "Boolean" else getattr(theirs, "min_value", None)
    left_open = theirs.values[0] if kind == "Choice" else first  # KerasTuner takes that
    assert theirs.default == (left_open if ours.default is None else ours.default)


def test_a_step_reaches_the_end_which_kerastuner_loses_to_rounding() -> None:
    theirs = kt.HyperParameters()
    theirs.Float("x", 0.0, 0.5, step=0.1)  # 0.5 // 0.1 is 4
    assert len(list(theirs.space[0].values)) == 5
    trial = luthier.create_study(seed=0).ask()
    HyperParameters(trial).Float("x", 0.0, 0.5, step=0.1)
    assert trial.distributions["x"].grid(1) == [0, 0.1, 0.2, 0.3, 0.4, 0.5]


@pytest.mark.parametrize(
    "ask",
    [
        lambda hp: hp.Float("x", 0.1, 1, sampling="cubic"),
        lambda hp: hp.Int("x", 1, 8, step=1, sampling="log"),
        lambda hp: hp.Int("x", 0, 8, sampling="log"),
        lambda hp: hp.Float("x", -1, 8, sampling="reverse_log"),
        lambda hp: hp.Int("x", 9, 8),
        lambda hp: hp.Choice("x", []),
        lambda hp: hp.Choice("x", ["a", "b"], default="c"),
        lambda hp: hp.get("x"),
        lambda hp: hp.Int("x", 1, 2, parent_name="nobody", parent_values=[1]),
    ],
)
def test_what_kerastuner_refuses_is_refused(ask: Build) -> None:
    with pytest.raises((ValueError, KeyError)):
        ask(kt.HyperParameters())
    with pytest.raises(LuthierError):
        ask(HyperParameters(luthier.create_study(seed=0).ask()))


def model(hp: Any) -> Any:
    """As it would stand in a script for KerasTuner."""
    layers = [keras.Input((1,))]
    for i in range(hp.Int("layers", 1, 3)):
        layers.append(keras.layers.Dense(hp.Int(f"units_{i}", 4, 16, step=4), activation="relu"))
    if hp.Boolean("dropout"):
        layers.append(keras.layers.Dropout(hp.Float("rate", 0.1, 0.5, step=0.1)))
    made = keras.Sequential([*layers, keras.layers.Dense(1)])
    name = hp.Choice("optimizer", ["sgd", "adam"])
    lr = hp.Float("lr", 1e-4, 1e-1, sampling="log")
    with hp.conditional_scope("optimizer", ["sgd"]):
        momentum = hp.Float("momentum", 0.0, 0.9)
    sgd = keras.optimizers.SGD(lr, momentum or 0.0)
    made.compile(optimizer=sgd if name == "sgd" else keras.optimizers.Adam(lr), loss="mse")
    return made


def test_a_model_function_trains_under_both() -> None:
    search = kt.RandomSearch(model, objective="loss", max_trials=3, seed=1, overwrite=True)
    search.search(X, Y, epochs=1, batch_size=8, verbose=0)
    study = luthier.create_study(seed=0)

    def objective(trial: Any) -> float:
        made = model(HyperParameters(trial))
        return float(made.fit(X, Y, epochs=1, batch_size=8, verbose=0).history["loss"][0])

    for theirs in search.get_best_hyperparameters(3):
        here = model(HyperParameters(luthier.FixedTrial(theirs.values)))
        there = search.hypermodel.build(theirs)
        assert _settings(here) == _settings(there)
        asked = [name for name in theirs.values if theirs.is_active(name)]
        study.enqueue_trial({name: theirs.values[name] for name in asked})
    study.optimize(objective, n_trials=5, catch=())
    assert all(math.isfinite(trial.value) for trial in study.trials)
    for trial in study.trials:
        theirs = kt.HyperParameters()
        theirs.values = dict(trial.params)
        assert _settings(model(theirs)) == _settings(model(HyperParameters(trial)))


def _settings(made: Any) -> Any:
    optimizer = {k: v for k, v in made.optimizer.get_config().items() if k != "name"}
    layers = [layer.get_config() for layer in made.layers]
    kept = [{k: v for k, v in config.items() if k != "name"} for config in layers]
    return type(made.optimizer), optimizer, kept
