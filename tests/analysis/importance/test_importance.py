"""What mattered, on studies made so that it is known."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import luthier
from luthier import Categorical, Constant, Float, Int, Ordinal, Permutation, Space, Study
from luthier.analysis import Importance, importance, importances
from luthier.errors import ArgumentError, NoTrialError

METHODS = ["fanova", "ped_anova", "permutation", "shapley", "local"]
PLAIN = Space(x=Float(0, 1), y=Float(0, 1), z=Float(0, 1))


@pytest.fixture(autouse=True)
def _quiet() -> None:
    luthier.set_verbosity("error")


def study_of(
    space: Space, objective: Callable[[dict[str, Any]], Any], n: int = 200, **settings: Any
) -> Study:
    study = luthier.create_study(space=space, sampler="random", seed=0, **settings)
    study.optimize(lambda trial: objective(trial.params), n_trials=n, fail_fast=None)
    return study


def linear(params: dict[str, Any]) -> float:
    return 4 * params["x"] + 2 * params["y"] + 0.3 * params["z"]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_order_of_a_linear_function(method: str) -> None:
    found = study_of(PLAIN, linear).importance(method)
    assert found.method == method
    assert found.parameters == ("x", "y", "z")
    assert found.shares.sum() == pytest.approx(1)
    assert not found.is_meaningless
    low, high = found.intervals.T
    assert (low <= found.shares).all()
    assert (found.shares <= high).all()
    assert (low >= 0).all()
    assert (high <= 1).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_direction_makes_no_difference(method: str) -> None:
    up = study_of(PLAIN, lambda p: -linear(p), 60, direction="maximize").importance(method)
    down = study_of(PLAIN, linear, 60).importance(method)
    assert up.parameters == down.parameters
    np.testing.assert_allclose(up.shares, down.shares)


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_answer(method: str) -> None:
    study = study_of(PLAIN, linear, 40)
    one, other = (study.importance(method, seed=3) for _ in range(2))
    assert np.array_equal(one.shares, other.shares)
    assert np.array_equal(one.intervals, other.intervals)
    assert str(one) == str(other)


@pytest.mark.parametrize("method", METHODS)
def test_noise_is_said_to_mean_nothing(method: str) -> None:
    rng = np.random.default_rng(5)
    found = study_of(PLAIN, lambda _: rng.normal(), 60).importance(method)
    assert found.is_meaningless or method == "ped_anova"  # chance alone reaches one in 20 there
    if found.is_meaningless:
        assert "mean nothing" in str(found)
    if method != "ped_anova":
        assert found.rank_correlation is not None
        assert found.rank_correlation < 0.3


def test_without_a_model_parameters_within_chance_are_named() -> None:
    found = study_of(PLAIN, lambda p: p["x"]).importance("ped_anova")
    assert "No more than chance: " in found.found
    assert "x" not in found.found.split("chance: ")[1]
    assert (found.r2, found.rank_correlation) == (None, None)


def test_intervals_cover_the_truth_of_a_linear_function() -> None:
    """Main effects are 16 : 4 : .09 of the variance."""
    found = study_of(PLAIN, linear, 400).importance("shapley")
    rows = {row["parameter"]: row for row in found.rows()}
    assert rows["x"]["low"] - 0.03 < 16 / 20.09 < rows["x"]["high"] + 0.03
    assert rows["y"]["low"] - 0.03 < 4 / 20.09 < rows["y"]["high"] + 0.03


def test_interactions_are_found_and_can_be_left_out() -> None:
    study = study_of(PLAIN, lambda p: (p["x"] - 0.5) * (p["y"] - 0.5) + 0.01 * p["z"], 400)
    found = study.importance()
    strongest = found.interactions[0]
    assert set(strongest.parameters) == {"x", "y"}
    assert strongest.fraction > 0.4
    assert strongest.low <= strongest.fraction <= strongest.high
    assert " only together" in str(found)
    assert len(found.interactions) == 3
    assert study.importance(interactions=False).interactions == ()


TREE = Space(
    model=Categorical(["svm", "tree"]),
    C=Float(1e-3, 1e3, log=True, when={"model": ["svm"]}),
    depth=Int(1, 9, when={"model": ["tree"]}),
    other=Float(0, 1),
)


def conditional(params: dict[str, Any]) -> float:
    if params["model"] == "svm":
        return 1 + 0.5 * abs(math.log10(params["C"]) / 3)
    return 0.9 + 0.001 * params["depth"]


@pytest.mark.parametrize("method", ["fanova", "ped_anova", "permutation", "shapley"])
def test_a_conditional_parameter_counts_where_it_is_active(method: str) -> None:
    found = study_of(TREE, conditional, 300).importance(method)
    rows = {row["parameter"]: row for row in found.rows()}
    assert rows["C"]["active"] == pytest.approx(0.5, abs=0.1)
    assert rows["C"]["active"] + rows["depth"]["active"] == pytest.approx(1)
    if method == "ped_anova":  # all the best are shallow trees
        assert rows["depth"]["share"] > rows["model"]["share"] > 5 * rows["C"]["share"]
    else:
        assert rows["model"]["share"] > rows["C"]["share"] > 0.1
        assert rows["C"]["share"] > 5 * rows["depth"]["share"]
    assert "active in " in str(found)


def test_the_effect_of_a_conditional_parameter_is_what_knowing_it_explains() -> None:
    """Half of the space times the variance along C there: 1/2 (1/4) (1/12) = .0104."""
    found = study_of(TREE, conditional, 1000).importance(interactions=True)
    within = 0.5 * 0.25 / 12
    means = np.array([1.25, 0.905])
    whole = within + means.var() + 0.5 * 1e-6 * 80 / 12
    rows = {row["parameter"]: row for row in found.rows()}
    assert rows["C"]["effect"] == pytest.approx(within / whole, abs=0.06)
    assert rows["model"]["effect"] == pytest.approx(means.var() / whole, abs=0.06)
    assert ("model", "C") not in [pair.parameters for pair in found.interactions]


def test_local_importance_is_around_the_best() -> None:
    found = study_of(TREE, conditional, 200).importance("local")
    assert found.share("C") == 0  # the best is a tree
    with pytest.raises(ArgumentError, match="parameter must be one of .*, got 'gamma'"):
        found.share("gamma")


def test_every_kind_of_parameter_has_its_share() -> None:
    space = Space(
        choice=Categorical(["a", "b", "c"]),
        level=Ordinal([1, 2, 4]),
        whole=Int(1, 1000, log=True),
        order=Permutation(["p", "q", "r"]),
        fixed=Constant(3),
        single=Categorical(["only"]),
        number=Float(0, 1),
    )

    def objective(p: dict[str, Any]) -> float:
        effect = {"a": 0, "b": 3, "c": 1}[p["choice"]] + p["level"] + math.log(p["whole"]) / 2
        return effect + 1.5 * list(p["order"]).index("q")

    study = study_of(space, objective, 300)
    for method in METHODS:
        found = study.importance(method)
        assert set(found.parameters) == set(space)
        assert found.share("fixed") == found.share("single") == 0
        real = min(found.share(name) for name in ("choice", "level", "whole", "order"))
        if method != "local":
            assert real > 2 * found.share("number")


def test_a_logarithmic_parameter_is_averaged_on_its_scale() -> None:
    space = Space(lr=Float(1e-6, 1, log=True), x=Float(0, 1))
    found = study_of(space, lambda p: math.log10(p["lr"]) / 6 + p["x"], 400).importance()
    assert found.share("lr") == pytest.approx(0.5, abs=0.08)


def test_each_of_several_objectives_has_a_table() -> None:
    ways = {"loss": "minimize", "speed": "maximize"}
    study = study_of(PLAIN, lambda p: {"loss": p["x"], "speed": p["y"], "mb": p["z"]}, metrics=ways)
    tables = importances(study.history, study.space, interactions=False)
    assert {name: found.parameters[0] for name, found in tables.items()} == {
        "loss": "x",
        "speed": "y",
    }
    assert study.importance("ped_anova", "mb").parameters[0] == "z"
    with pytest.raises(ArgumentError, match="metric must name one of the objectives loss, speed"):
        study.importance()
    with pytest.raises(ArgumentError, match=r"study.importance\(metric='loss'\).*importances\(\)"):
        study.importance()
    assert study.importance(metric="loss").rows() == study.importances()["loss"].rows()
    assert list(study.importances("ped_anova")) == ["loss", "speed"]
    with pytest.raises(ArgumentError, match="that trials recorded .loss, mb, speed., got 'gb'"):
        study.importance(metric="gb")


def test_a_function_of_a_trial_may_be_the_metric() -> None:
    def sharpness(trial: luthier.FrozenTrial) -> float:
        return float(trial.params["z"])

    found = study_of(PLAIN, linear, 60).importance("permutation", sharpness)
    assert (found.metric, found.parameters[0]) == ("sharpness", "z")


def test_trials_without_a_value_are_left_out_and_counted() -> None:
    def objective(params: dict[str, Any]) -> float:
        if params["x"] > 0.9:
            raise ValueError("crash")
        if params["x"] > 0.8:
            raise luthier.TrialPruned
        return linear(params)

    study = study_of(PLAIN, objective, 120)
    history = study.history
    found = study.importance("ped_anova")
    assert found.n_trials == len(history.completed) < 120
    said = f"{len(history.pruned)} pruned, {len(history.failed)} failed left out"
    assert said in found.found


def test_a_few_diverged_runs_arent_all_there_is_to_explain() -> None:
    def objective(params: dict[str, Any]) -> float:
        if params["z"] > 0.97:
            return math.inf if params["y"] > 0.9 else 1e9
        return linear(params)

    study = study_of(PLAIN, objective, 400)
    scales = ("clipped", "ranks", "raw")
    x = [study.importance(interactions=False, scale=scale).share("x") for scale in scales]
    assert x[0] > 0.6
    assert x[1] > 0.6
    assert x[2] < 0.5


def test_large_studies_are_thinned_and_keep_their_best(monkeypatch: pytest.MonkeyPatch) -> None:
    face = importlib.import_module("luthier.analysis.importance.importance")
    monkeypatch.setattr(face, "_MOST", 50)
    study = study_of(PLAIN, linear, 200)
    found = study.importance(interactions=False)
    assert 50 <= found.n_trials <= 51
    assert found.parameters[0] == "x"


def test_too_few_trials_and_equal_values_say_so() -> None:
    with pytest.raises(NoTrialError, match="at least 10 completed trials .* there are 3"):
        study_of(PLAIN, linear, 3).importance()
    with pytest.raises(ArgumentError, match="'value' must differ between trials, all 20 have 1"):
        study_of(PLAIN, lambda _: 1.0, 20).importance()
    history = study_of(PLAIN, linear, 20).history
    with pytest.raises(ArgumentError, match="some parameter must have more than one value"):
        importance(history, Space(x=Constant(1)))
    with pytest.raises(ArgumentError, match="method must be one of auto, .*, got 'anova'"):
        importance(history, PLAIN, "anova")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="scale must be one of clipped, raw, ranks, got 'log'"):
        importance(history, PLAIN, scale="log")  # type: ignore[arg-type]


def test_the_table_reads_well() -> None:
    found = study_of(PLAIN, linear, 100).importance("permutation")
    assert isinstance(found, Importance)
    lines = str(found).splitlines()
    assert lines[0].startswith("What mattered for value: how much worse a random forest predicts")
    assert "of the variance (rank correlation 0.9" in lines[0]
    assert lines[2].split() == ["parameter", "share", "90%", "interval"]
    assert [line.split()[0] for line in lines[3:6]] == ["x", "y", "z"]
    assert list(found.rows()[0]) == ["parameter", "share", "low", "high", "effect", "active"]


def test_names_of_anybodys_making_keep_the_table_narrow_and_harmless() -> None:
    space = Space({"x" * 3000: Float(0, 1), "\x1b[31m\u202ey": Float(0, 1)})
    study = luthier.create_study(space=space, sampler="random", seed=0)
    study.optimize(lambda trial: sum(trial.params.values()), n_trials=20)
    table = str(study.importance()).split("\n\n", 1)[1]
    assert max(map(len, table.splitlines())) < 120
    assert r"\x1b[31m\u202ey" in table
    assert not set("\x1b\u202e") & set(table)
