"""Ray Tune: a ``param_space`` becomes a space and the dicts that Ray itself would have made."""

from __future__ import annotations

import importlib
import random
import sys
import types
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import luthier
from luthier.errors import ArgumentError, ParamValueError, SpaceError, UnknownParamError
from luthier.integrations.raytune import ParamSpace


@pytest.fixture(scope="module")
def ray_modules() -> Iterator[tuple[Any, Any]]:
    """Ray's own modules of domains and of variants, without the rest, which needs PyArrow."""
    [root] = pytest.importorskip("ray").__path__
    with pytest.MonkeyPatch.context() as patch:
        for name in ("ray.tune", "ray.tune.search"):
            package = types.ModuleType(name)
            package.__path__ = [str(Path(root, *name.split(".")[1:]))]
            patch.setitem(sys.modules, name, package)
        names = [f"ray.tune.search.{name}" for name in ("sample", "variant_generator")]
        yield tuple(map(importlib.import_module, names))  # type: ignore[misc]
    for name in names:
        sys.modules.pop(name)


@pytest.fixture
def tune(ray_modules: tuple[Any, Any]) -> Any:
    return ray_modules[0]


def wide(tune: Any) -> dict[str, Any]:
    """A space with everything that can be in one; its functions draw nothing."""
    return {
        "lr": tune.loguniform(1e-4, 1e-1),
        "units": tune.qrandint(8, 64, 8),
        "drop": tune.quniform(0.0, 0.5, 0.125),
        "act": tune.choice(["relu", "tanh"]),
        "fold": {"grid_search": [0, 1]},
        "epochs": 10,
        "shape": (28, 28),
        "first": tune.sample_from(lambda spec: spec.config.optim.decay + 1),  # of a later one
        "optim": {
            "name": "adam",
            "decay": tune.sample_from(lambda spec: spec.config.lr * 0.1),
            "betas": [0.9, tune.uniform(0.9, 0.99), tune.sample_from(lambda: 0.5)],
        },
        "layers": [
            {"width": tune.randint(1, 9)},
            {"width": tune.sample_from(lambda spec: 2 * spec.config.layers[0]["width"])},
        ],
        "model": tune.choice(
            [
                {"kind": "tree", "depth": tune.randint(1, 4)},
                {"kind": "net", "size": tune.sample_from(lambda spec: spec.config.units)},
            ]
        ),
    }


def read_back(config: dict[str, Any], space: luthier.Space) -> dict[str, Any]:
    """The parameters of a configuration that Ray made."""
    params: dict[str, Any] = {"model": int(config["model"]["kind"] == "net")}
    for name in space.active(params):
        value: Any = config
        for part in name.replace("model.0", "model").replace("model.1", "model").split("."):
            value = value[int(part)] if isinstance(value, list) else value[part]
        params.setdefault(name, value)
    return params


def test_configurations_are_those_of_ray(ray_modules: tuple[Any, Any]) -> None:
    tune, variants = ray_modules
    given = ParamSpace(wide(tune))
    kinds = set()
    for seed in range(10):
        made = variants.generate_variants({"config": wide(tune)}, random_state=seed)
        for _, spec in made:
            config = spec["config"]
            ours = given.config(read_back(config, given.space))
            assert ours == config
            assert [type(ours[name]) for name in ours] == [type(config[name]) for name in config]
            kinds.add((config["model"]["kind"], config["fold"]))
    assert len(kinds) == 4


LEAVES = st.sampled_from(["uniform", "choice", "grid", "twice", "constant"])
TREES = st.recursive(
    LEAVES,
    lambda inside: st.one_of(
        st.dictionaries(st.sampled_from("abc"), inside, max_size=3),
        st.lists(inside, max_size=3),
        st.lists(st.dictionaries(st.sampled_from("de"), inside), min_size=2, max_size=3).map(tuple),
    ),
    max_leaves=8,
)


def built(tune: Any, tree: Any) -> Any:
    """A part of a space of Ray: a tuple in a tree is a choice among dicts."""
    match tree:
        case dict():
            return {key: built(tune, inside) for key, inside in tree.items()}
        case list():
            return [built(tune, inside) for inside in tree]
        case tuple():
            options = [{"tag": k, **built(tune, option)} for k, option in enumerate(tree)]
            return tune.choice(options)
    return {
        "uniform": tune.uniform(0, 1),
        "choice": tune.choice(["x", "y", None]),
        "grid": {"grid_search": [1, 2]},
        "twice": tune.sample_from(lambda spec: 2 * spec.config.root),
        "constant": (1, ["z"]),
    }[tree]


def chosen(tree: Any, made: Any, name: str) -> dict[str, Any]:
    """What was chosen for a part that Ray has made, by the names of our parameters."""
    match tree:
        case dict():
            parts = {key: (inside, made[key]) for key, inside in tree.items()}
        case list():
            parts = {str(k): pair for k, pair in enumerate(zip(tree, made, strict=True))}
        case tuple():
            k = made["tag"]
            return {name: k, **chosen(tree[k], made, f"{name}.{k}")}
        case _:
            return {name: made} if tree in ("uniform", "choice", "grid") else {}
    found: dict[str, Any] = {}
    for key, (inside, value) in parts.items():
        found |= chosen(inside, value, f"{name}.{key}")
    return found


@given(tree=TREES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_configuration_is_that_of_ray(ray_modules: tuple[Any, Any], tree: Any) -> None:
    tune, variants = ray_modules
    space = {
        "late": tune.sample_from(lambda spec: spec.config.root + 1),
        "root": tune.randint(1, 9),
    }
    space["tree"] = built(tune, tree)
    param_space = ParamSpace(space)
    for _, spec in islice(variants.generate_variants({"config": space}, random_state=0), 4):
        made = spec["config"]
        params = {"root": made["root"], **chosen(tree, made["tree"], "tree")}
        assert param_space.config(params) == made
        assert param_space.config(luthier.FixedTrial(param_space.space.check(params))) == made


@pytest.mark.parametrize("declared", [True, False])
def test_trials_give_their_configuration_and_keep_what_was_derived(
    tune: Any, declared: bool
) -> None:
    given = ParamSpace(wide(tune))
    seen: dict[int, Any] = {}

    def objective(trial: luthier.Trial) -> float:
        seen[trial.number] = given.config(trial)
        return float(seen[trial.number]["lr"])

    study = luthier.create_study(space=given.space if declared else None, seed=0)
    study.optimize(objective, n_trials=8, catch=())
    assert {config["model"]["kind"] for config in seen.values()} == {"tree", "net"}
    for trial in study.trials:
        config = seen[trial.number]
        assert config["optim"]["decay"] == 0.1 * trial.params["lr"]
        assert config["first"] == config["optim"]["decay"] + 1
        derived = trial.user_attrs["sample_from"]
        assert derived["optim.decay"] == config["optim"]["decay"]
        assert ("model.1.size" in derived) == (config["model"]["kind"] == "net")
        assert given.config(trial) == given.config(trial.params) == config
    if declared:
        assert study.space == given.space


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (lambda spec: spec.config.x * 2, 6),
        (lambda spec: spec["config"]["x"] * 2, 6),
        (lambda config: config["x"] * 2, 6),
        (lambda config: config.x * 2, 6),
        (lambda config: config.get("y", 7), 7),
        (lambda config: sorted(set(config) - {"z"}), ["lists", "x"]),
        (lambda spec: len(spec.config), 3),
        (lambda spec: [*spec.config.lists[1:], len(spec.config.lists)], [4, 2]),
        (lambda: (1, None), (1, None)),
        (lambda spec: np.float64(spec.config.x) / 2, 1.5),
    ],
)
def test_functions_are_given_what_ray_gives_them(tune: Any, function: Any, wanted: Any) -> None:
    lists = [tune.sample_from(lambda: 0), tune.sample_from(lambda spec: spec.config.x + 1)]
    given = ParamSpace({"x": 3, "lists": lists, "z": tune.sample_from(function)})
    trial = luthier.create_study(space=given.space, seed=0).ask()
    config = given.config(trial)
    assert config == {"x": 3, "lists": [0, 4], "z": wanted}
    assert type(config["z"]) is type(wanted)
    assert given.config(trial) == config  # from the record


def drawing(tune: Any) -> dict[str, Any]:
    return {
        "x": tune.uniform(0, 1),
        "python": tune.sample_from(lambda: random.uniform(0, 1)),
        "numpy": tune.sample_from(lambda spec: spec.config.python + np.random.rand()),  # noqa: NPY002
        "again": tune.sample_from(lambda: random.uniform(0, 1)),
    }


def test_draws_belong_to_the_study_and_the_trial(tune: Any) -> None:
    def drawn(seed: int, own: int | None = None) -> list[dict[str, Any]]:
        given = ParamSpace(drawing(tune), seed=own)
        study = luthier.create_study(space=given.space, seed=seed)
        study.optimize(lambda trial: given.config(trial)["python"], n_trials=3, catch=())
        return [trial.user_attrs["sample_from"] for trial in study.trials]

    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    untouched = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    first = drawn(0)
    now = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    assert now == untouched
    random.seed(4)
    assert drawn(0) == first
    assert drawn(1, own=0) == first
    values = [*first, *drawn(1)]
    for name in ("python", "numpy", "again"):
        assert len({trial[name] for trial in values}) == 6
    assert all(trial["python"] != trial["again"] for trial in values)


def test_a_trial_that_is_run_again_gets_what_its_record_says(tune: Any, tmp_path: Path) -> None:
    calls: list[int] = []
    counted = tune.sample_from(lambda: calls.append(0) or len(calls))
    given = ParamSpace({"x": tune.uniform(0, 1), "count": counted})

    def fails_at_first(trial: luthier.Trial) -> float:
        count = given.config(trial)["count"]
        if trial.attempt == 1:
            raise ConnectionError
        return float(count)

    study = luthier.create_study(storage=tmp_path / "s.db", space=given.space, seed=0)
    study.optimize(fails_at_first, n_trials=2, retries={ConnectionError: 1})
    assert [trial.attempt for trial in study.trials] == [2, 2]
    assert [trial.value for trial in study.trials] == [1.0, 2.0]
    assert [given.config(trial)["count"] for trial in study.trials] == [1, 2]
    assert len(calls) == 2


def test_configurations_are_made_where_trials_run() -> None:
    class Function:  # as Ray's looks, whose modules are this test's alone
        pass_config = True

        def get_sampler(self) -> Function:
            return self

        def func(self, spec: Any) -> Any:
            return [spec.config.batch, random.random()]

    given = ParamSpace({"batch": {"grid_search": [16, 32]}, "made": Function()})
    records = []
    for executor in ("inline", "process:1", "thread:2"):
        study = luthier.create_study(space=given.space, sampler="random", seed=0)
        study.optimize(lambda trial: given.config(trial)["made"][1], n_trials=2, executor=executor)
        records.append([trial.user_attrs["sample_from"] for trial in study.trials])
    assert records[0] == records[1] == records[2]
    assert sorted(made["made"][0] for made in records[0]) == [16, 32]


def test_what_is_not_json_is_computed_again(tune: Any) -> None:
    made = tune.sample_from(lambda spec: {"shape": (spec.config.n, 1), "of": int})
    given = ParamSpace(
        {"n": tune.randint(1, 5), "made": made, "twice": tune.sample_from(lambda s: 2)}
    )
    study = luthier.create_study(space=given.space, seed=0)
    study.optimize(lambda trial: given.config(trial)["made"]["shape"][0], n_trials=1, catch=())
    trial = study.best_trial
    assert trial.user_attrs["sample_from"] == {"twice": 2}
    assert given.config(trial)["made"] == {"shape": (trial.params["n"], 1), "of": int}


def test_values_that_are_not_searched_may_be_missing(tune: Any) -> None:
    given = ParamSpace({"x": tune.uniform(0, 1), "batch": 32, "config": {"deep": 1}})
    assert given.config({"x": 0.5}) == {"x": 0.5, "batch": 32, "config": {"deep": 1}}
    assert (
        given.config(luthier.FixedTrial({**given.config({"x": 0.5}), "config.deep": 1}))["x"] == 0.5
    )
    with pytest.raises(ParamValueError, match="'x'"):
        given.config({"batch": 32})
    with pytest.raises(UnknownParamError, match="'y'"):
        given.config({"x": 0.5, "y": 1})


def test_circles_domains_and_wrong_names_are_told(tune: Any) -> None:
    def config(**given: Any) -> Any:
        functions = {name: tune.sample_from(function) for name, function in given.items()}
        return ParamSpace({"x": 1, "n": functions}).config({})

    with pytest.raises(ArgumentError, match=r"'n\.a' needs 'n\.b' needs 'n\.a'\. Functions"):
        config(a=lambda spec: spec.config.n.b, b=lambda spec: spec.config.n.a)
    with pytest.raises(ArgumentError, match=r"'n\.a' must be computed, not chosen"):
        config(a=lambda: tune.uniform(0, 1))
    with pytest.raises(AttributeError, match="There is no 'xx'. Did you mean 'x'") as caught:
        config(a=lambda spec: spec.config.xx)
    assert caught.value.__notes__ == ["in the sample_from of 'n.a'"]
    with pytest.raises(KeyError):
        config(a=lambda spec: spec["config"]["xx"])
    with pytest.raises(SpaceError, match="'n' must be a function, not text to evaluate"):
        ParamSpace({"n": {"eval": "spec.config.x"}})
