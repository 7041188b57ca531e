"""Readers: spaces of scikit-learn, ConfigSpace, Optuna and Ray Tune."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.stats

from luthier.errors import SpaceError
from luthier.space import (
    AtLeast,
    AtMost,
    Beta,
    Categorical,
    Condition,
    Constant,
    Float,
    Int,
    Normal,
    Not,
    OneOf,
    Ordinal,
    Space,
    sample,
)
from luthier.space.conditions import Is
from luthier.space.readers import BRANCH


def products(grids: list[dict[str, list[Any]]]) -> set[Any]:
    from sklearn.model_selection import ParameterGrid

    return {
        tuple(sorted((k, repr(v)) for k, v in config.items())) for config in ParameterGrid(grids)
    }


def configurations(space: Space) -> set[Any]:
    return {
        tuple(sorted((k, repr(space[k].resolve(v))) for k, v in config.items() if k != BRANCH))
        for config in space.enumerate()
    }


def test_lists():
    space = Space.from_sklearn(
        {"C": [1, 10.0], "kernel": ("rbf", None), "x": np.arange(3), "k": [5]}
    )
    assert space == Space(
        C=Categorical([1, 10.0]),
        kernel=Categorical(["rbf", None]),
        x=Categorical([0, 1, 2]),
        k=Constant(5),
    )


def test_distributions():
    space = Space.from_sklearn(
        {
            "a": scipy.stats.loguniform(1e-4, 1e2),
            "b": scipy.stats.uniform(2, 3),
            "c": scipy.stats.randint(1, 11),
            "d": scipy.stats.norm(0, 1),
            "e": scipy.stats.poisson(5),
            "f": scipy.stats.expon(scale=100),
            "g": scipy.stats.loguniform(1, 10, loc=5),
            "h": Int(1, 3),
            "i": scipy.stats.randint(3, 4),
        }
    )
    assert space["a"] == Float(1e-4, 1e2, log=True)
    assert space["b"] == Float(2, 5)
    assert space["c"] == Int(1, 10)
    assert isinstance(space["d"], Float)
    assert space["d"].high == pytest.approx(4.75, abs=0.01)
    assert isinstance(space["e"], Int)
    assert (space["e"].low, space["e"].prior is None) == (0, False)
    assert (space["f"].low, space["g"].low) == (0, 6)
    assert space["h"] == Int(1, 3)
    assert space["i"] == Constant(3)
    assert Space.from_json(space.to_json()) == space
    drawn = [c["e"] for c in sample(space, 2000, np.random.default_rng(0))]
    assert abs(np.mean(drawn) - 5) < 0.2


def test_objects_become_named_choices():
    def scorer(x):
        return x

    values = [None, scorer, scipy.stats.norm, object(), object(), {1: 2}, "s"]
    space = Space.from_sklearn({"p": values})
    assert [space["p"].resolve(name) for name in space["p"].choices] == values
    assert space["p"].choices[0] == "None"
    assert "scorer" in space["p"].choices[1]
    assert space["p"].choices[3:] == ("object", "object (2)", "{1: 2}", "'s'")


BRANCHES = [
    [
        {"kernel": ["linear"], "C": [1, 10]},
        {"kernel": ["rbf", "poly"], "C": [1, 10], "gamma": [0.1, 1.0]},
    ],
    [{"kernel": ["linear"], "C": [1, 10]}, {"kernel": ["rbf"], "C": [10, 100], "gamma": [0.1]}],
    [{"a": [1, 2]}, {"b": [3, 4]}],
    [{"a": [1, 2], "b": [0]}, {"a": [2, 3], "b": [0, 1]}, {"c": [None]}],
    [{"m": [print], "x": [1]}, {"m": [len], "y": [1, 2]}],
    [{"m": [print, "passthrough"], "x": [1, 2]}, {"m": [len, print], "x": [2, 3]}],
    [{"a": [1, 2]}],
    [{}, {"a": [1, 2]}],
]


@pytest.mark.parametrize("grids", BRANCHES)
def test_lists_of_dicts_have_the_configurations_of_scikit_learn(grids):
    space = Space.from_sklearn(grids)
    assert configurations(space) == products(grids)
    without = {json.dumps({k: v for k, v in c.items() if k != BRANCH}) for c in space.enumerate()}
    assert len(without) == len(products(grids))


def test_the_parameter_that_tells_dicts_apart_is_used():
    space = Space.from_sklearn(BRANCHES[0])
    assert list(space) == ["kernel", "C", "gamma"]
    assert space["gamma"].when == Condition.of({"kernel": OneOf("rbf", "poly")})
    assert BRANCH in Space.from_sklearn(BRANCHES[2])


def test_ranges_that_differ_between_dicts():
    uniform = scipy.stats.uniform
    space = Space.from_sklearn([{"m": ["a"], "x": uniform(0, 1)}, {"m": ["b"], "x": uniform(2, 1)}])
    assert space["x"] == Float(0, 3)
    for config in sample(space, 50, np.random.default_rng(0)):
        assert config["x"] <= 1 if config["m"] == "a" else config["x"] >= 2


def test_parameters_that_cannot_be_joined():
    grids = [{"m": ["a"], "x": [1]}, {"m": ["b"], "x": scipy.stats.uniform(0, 1)}]
    with pytest.raises(SpaceError, match="'x' must be of one kind in all dicts"):
        Space.from_sklearn(grids)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "a dict of names to lists or distributions, or a list of dicts, is needed"),
        ([1], "a dict of names to lists or distributions"),
        ("abc", "a dict of names to lists"),
        ({"x": 3}, r"'x' must be a list of values, .* got 3. For a single value write \[3\]"),
        ({"x": "rbf"}, r"For a single value write \['rbf'\]"),
        ({"x": []}, "'x': .*choices must not be empty"),
        ({"x": [1, 1]}, "'x': .*choices must differ"),
    ],
)
def test_bad_grids(given, message):
    with pytest.raises(SpaceError, match=message):
        Space.from_sklearn(given)


CONFIGSPACE = {
    "name": None,
    "hyperparameters": [
        {
            "type": "categorical",
            "name": "a",
            "choices": ["x", "y", "z"],
            "weights": [1, 2, 3],
            "default_value": "y",
            "meta": None,
        },
        {"type": "constant", "name": "c", "value": 5, "meta": None},
        {
            "type": "uniform_int",
            "name": "i",
            "lower": 1,
            "upper": 10,
            "default_value": 6,
            "log": False,
        },
        {
            "type": "categorical",
            "name": "k",
            "choices": [1, 2.5, "q"],
            "weights": None,
            "default_value": 1,
        },
        {"type": "ordinal", "name": "o", "sequence": ["s", "m", "l"], "default_value": "s"},
        {
            "type": "uniform_float",
            "name": "f",
            "lower": 1e-4,
            "upper": 1.0,
            "default_value": 0.01,
            "log": True,
        },
        {
            "type": "normal_float",
            "name": "nf",
            "mu": 1.0,
            "sigma": 2.0,
            "lower": 0.1,
            "upper": 10.0,
            "default_value": 1.0,
            "log": False,
        },
        {
            "type": "normal_int",
            "name": "ni",
            "mu": 5.0,
            "sigma": 3.0,
            "lower": 1,
            "upper": 100,
            "default_value": 5,
            "log": False,
        },
        {
            "type": "beta_float",
            "name": "bf",
            "alpha": 2.0,
            "beta": 3.0,
            "lower": 0.0,
            "upper": 1.0,
            "default_value": 0.25,
            "log": False,
        },
        {
            "type": "beta_int",
            "name": "bi",
            "alpha": 2.0,
            "beta": 3.0,
            "lower": 0,
            "upper": 9,
            "default_value": 3,
            "log": False,
        },
    ],
    "conditions": [
        {"type": "GT", "child": "bf", "parent": "o", "value": "s"},
        {"type": "EQ", "child": "f", "parent": "a", "value": "x"},
        {
            "type": "AND",
            "child": "nf",
            "conditions": [
                {"type": "GT", "child": "nf", "parent": "i", "value": 3},
                {"type": "NEQ", "child": "nf", "parent": "a", "value": "z"},
            ],
        },
        {
            "type": "OR",
            "child": "ni",
            "conditions": [
                {"type": "IN", "child": "ni", "parent": "a", "values": ["x", "y"]},
                {"type": "LT", "child": "ni", "parent": "i", "value": 5},
            ],
        },
    ],
    "forbiddens": [
        {
            "type": "AND",
            "clauses": [
                {"type": "EQUALS", "name": "a", "value": "x"},
                {"type": "IN", "name": "k", "values": [1, 2.5]},
            ],
        },
        {"type": "EQUALS", "name": "bi", "value": 9},
        {"type": "CLAUSE_GE", "name": "i", "value": 9},
        {"type": "RELATION_LT", "left": "bi", "right": "i"},
    ],
    "python_module_version": "1.2.0",
    "format_version": 0.4,
}


def test_configspace():
    space = Space.from_configspace(json.dumps(CONFIGSPACE))
    assert dict(space) == {
        "a": Categorical(["x", "y", "z"], prior=[1, 2, 3], default="y"),
        "c": Constant(5),
        "i": Int(1, 10, default=6),
        "k": Categorical([1, 2.5, "q"], default=1),
        "o": Ordinal(["s", "m", "l"], default="s"),
        "f": Float(1e-4, 1, log=True, default=0.01, when={"a": Is("x")}),
        "nf": Float(
            0.1,
            10,
            prior=Normal(1.0, 2.0),
            default=1,
            when=Condition(((("i", Not(AtMost(3))), ("a", Not("z"))),)),
        ),
        "ni": Int(
            1,
            100,
            prior=Normal(5.0, 3.0),
            default=5,
            when=[{"a": OneOf("x", "y")}, {"i": Not(AtLeast(5))}],
        ),
        "bf": Float(0, 1, prior=Beta(2.0, 3.0), default=0.25, when={"o": Not(AtMost("s"))}),
        "bi": Int(0, 9, prior=Beta(2.0, 3.0), default=3),
    }
    for config in sample(space, 50, np.random.default_rng(0)):
        assert config["bi"] >= config["i"]
        assert config["i"] < 9
        assert not (config["a"] == "x" and config["k"] in (1, 2.5))
    assert Space.of(CONFIGSPACE) == Space.of(json.dumps(CONFIGSPACE)) == space


def test_configspace_agrees_with_the_library_itself():
    library = pytest.importorskip("ConfigSpace")
    data = json.loads(json.dumps(CONFIGSPACE))
    data["forbiddens"] = data["forbiddens"][:1]
    ours = Space.from_configspace(data)
    theirs = library.ConfigurationSpace.from_serialized_dict(data)
    theirs.seed(0)
    for config in theirs.sample_configuration(100):
        assert ours.check(dict(config))
    for config in sample(ours, 100, np.random.default_rng(0)):
        assert library.Configuration(theirs, values=config).check_valid_configuration() is None


def test_configspace_conjunctions_of_one_parent():
    x = {"type": "uniform_int", "name": "x", "lower": 1, "upper": 9, "log": False}
    y = {"type": "uniform_int", "name": "y", "lower": 1, "upper": 9, "log": False}
    both = [
        {"type": kind, "child": "y", "parent": "x", "value": v}
        for kind, v in (("GT", 3), ("LT", 6))
    ]
    for conditions in ([{"type": "AND", "child": "y", "conditions": both}], both):
        space = Space.from_configspace({"hyperparameters": [x, y], "conditions": conditions})
        assert [n for n in range(1, 10) if "y" in space.active({"x": n})] == [4, 5]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hyperparameters": None}, "the JSON must be what ConfigSpace's to_json wrote"),
        ({"hyperparameters": [{"type": "spiral", "name": "s"}]}, "got the type 'spiral' of 's'"),
        (
            {
                "hyperparameters": [
                    {
                        "type": "normal_float",
                        "name": "n",
                        "mu": 1,
                        "sigma": 1,
                        "lower": 1,
                        "upper": 2,
                        "log": True,
                    }
                ]
            },
            "the normal distribution of 'n' on a log",
        ),
        ({"conditions": [{"type": "XOR", "child": "f", "conditions": []}]}, "got the clause 'XOR'"),
        (
            {"forbiddens": [{"type": "RELATION_LT", "left": "a", "right": "i"}]},
            "forbidden relation RELATION_LT",
        ),
        (
            {"conditions": [{"type": "EQ", "child": "zz", "parent": "a", "value": "x"}]},
            "to_json wrote",
        ),
    ],
)
def test_bad_configspace(change, message):
    with pytest.raises(SpaceError, match=message):
        Space.from_configspace({**CONFIGSPACE, **change})


@dataclass
class FloatDistribution:
    low: float
    high: float
    log: bool = False
    step: float | None = None


@dataclass
class CategoricalDistribution:
    choices: tuple[Any, ...]


def test_optuna():
    given = {
        "f": FloatDistribution(1e-5, 1, log=True),
        "s": FloatDistribution(0, 1, step=0.1),
        "same": FloatDistribution(2.0, 2.0),
        "c": CategoricalDistribution((1, None, "a", True, 2.5)),
        "i": '{"name": "IntDistribution", "attributes": {"step": 3, "low": 1, "high": 10}}',
    }
    space = Space.from_optuna(given)
    assert space == Space(
        f=Float(1e-5, 1, log=True),
        s=Float(0, 1, step=0.1),
        same=Constant(2.0),
        c=Categorical([1, None, "a", True, 2.5]),
        i=Int(1, 10, step=3),
    )
    assert Space.of(given) == space


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1], "a dict of names to distributions is needed"),
        ({"x": 3}, "'x' must be one of FloatDistribution, IntDistribution, Categorical"),
        ({"x": {"name": "CauchyDistribution", "attributes": {}}}, "'x' must be one of"),
    ],
)
def test_bad_optuna(given, message):
    with pytest.raises(SpaceError, match=message):
        Space.from_optuna(given)


def test_of():
    space = Space(x=Float(0, 1), c=Categorical(["a"]))
    assert Space.of(space) is space
    assert Space.of(dict(space)) == space
    assert Space.of(space.to_json()) == space
    assert Space.of(json.loads(space.to_json())) == space
    assert Space.of({"c": ["a", "b"]}) == Space(c=Categorical(["a", "b"]))
    assert Space.of([{"c": ["a", "b"]}]) == Space(c=Categorical(["a", "b"]))
    assert Space.of({}) == Space()


@pytest.mark.parametrize("given", [3, "nonsense", "[]", None, []])
def test_of_anything_else(given):
    with pytest.raises(SpaceError, match="A space must be a Space, a dict of names to parameters"):
        Space.of(given)


def ray_domains() -> Any:
    """Ray's own module of domains, without the rest of ``ray.tune``, which needs PyArrow."""
    [root] = pytest.importorskip("ray").__path__
    spec = importlib.util.spec_from_file_location("domains", f"{root}/tune/search/sample.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_raytune() -> None:
    tune = ray_domains()
    space = Space.from_raytune(
        {
            "lr": tune.loguniform(1e-4, 1e-1),
            "drop": tune.quniform(0.1, 0.5, 0.1),
            "width": tune.randint(1, 9),
            "units": tune.qrandint(10, 30, 10),
            "batch": tune.lograndint(1, 65),
            "noise": tune.randn(1.0, 0.5),
            "act": tune.choice(["relu", "tanh"]),
            "seed": {"grid_search": [0, 1]},
            "epochs": 10,
            "model": tune.choice([{"kind": "tree", "depth": tune.randint(1, 4)}, {"kind": "net"}]),
            "data": {"crop": tune.uniform(0, 1)},
        }
    )
    assert space == Space(
        {
            "lr": Float(1e-4, 1e-1, log=True),
            "drop": Float(0.1, 0.5, step=0.1),
            "width": Int(1, 8),
            "units": Int(10, 30, step=10),
            "batch": Int(1, 64, log=True),
            "noise": Float(-1.0, 3.0, prior=Normal(1.0, 0.5)),
            "act": Categorical(["relu", "tanh"]),
            "seed": Categorical([0, 1]),
            "epochs": Constant(10),
            "model": Categorical([0, 1]),
            "model.0.kind": Constant("tree", when={"model": 0}),
            "model.0.depth": Int(1, 3, when={"model": 0}),
            "model.1.kind": Constant("net", when={"model": 1}),
            "data.crop": Float(0, 1),
        }
    )


def test_raytune_refuses_code() -> None:
    tune = ray_domains()
    given = {"lr": tune.uniform(0, 1), "wd": {"x": tune.sample_from(lambda spec: spec.config.lr)}}
    with pytest.raises(SpaceError, match=r"'wd\.x' must be a range or a choice, not sample_from"):
        Space.from_raytune(given)
    with pytest.raises(SpaceError, match="a dict of names to domains"):
        Space.from_raytune([1])
    with pytest.raises(SpaceError, match="'wd' must be a function, not text to evaluate"):
        Space.from_raytune({"wd": {"eval": "spec.config.lr"}})


def test_raytune_lists_with_domains_and_grids_in_choices() -> None:
    tune = ray_domains()
    nested = [[tune.uniform(0, 1)], {"grid_search": [1, 2]}, [3, 4]]
    given = {"plain": [1, {"a": 2}], "sizes": [8, tune.randint(1, 5)], "kind": tune.choice(nested)}
    assert Space.from_raytune(given) == Space(
        {
            "plain": Constant([1, {"a": 2}]),
            "sizes.0": Constant(8),
            "sizes.1": Int(1, 4),
            "kind": Categorical([0, 1, 2]),
            "kind.0.0": Float(0, 1, when={"kind": 0}),
            "kind.1": Categorical([1, 2], when={"kind": 1}),
            "kind.2": Constant([3, 4], when={"kind": 2}),
        }
    )
