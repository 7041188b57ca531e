"""KerasTuner's ``hp``: ranges, samplings and scopes mean what they mean there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import luthier
from luthier.errors import ArgumentError, UnknownParamError
from luthier.integrations.kerastuner import HyperParameters


def asked(ask: Any) -> luthier.space.Param:
    """The definition that a call of ``hp`` leads to."""
    trial = luthier.create_study(seed=0).ask()
    ask(HyperParameters(trial))
    (param,) = trial.distributions.values()
    return param


@pytest.mark.parametrize(
    ("ask", "values"),
    [
        (lambda hp: hp.Int("x", 6, 13, step=3), [6, 9, 12]),
        (lambda hp: hp.Int("x", 2, 32, 2, "log"), [2, 4, 8, 16, 32]),
        (lambda hp: hp.Int("x", 2, 9, 2, "reverse_log"), [3, 7, 9]),
        (lambda hp: hp.Float("x", 0.001, 10, step=10, sampling="log"), [0.001, 0.01, 0.1, 1, 10]),
        (lambda hp: hp.Float("x", 0, 1, 0.25), [0, 0.25, 0.5, 0.75, 1]),
        (lambda hp: hp.Choice("x", [32, 8, 64]), [32, 8, 64]),
        (lambda hp: hp.Choice("x", ["a", "b"]), ["a", "b"]),
        (lambda hp: hp.Boolean("x"), [False, True]),
    ],
)
def test_the_values_are_those_of_kerastuner(ask: Any, values: list[Any]) -> None:
    assert asked(ask).grid(1) == pytest.approx(values) if values != ["a", "b"] else True
    assert [type(v) is bool for v in asked(ask).grid(1)] == [type(v) is bool for v in values]


@pytest.mark.parametrize(
    ("ask", "param"),
    [
        (lambda hp: hp.Int("x", 1, 9), luthier.Int(1, 9)),
        (lambda hp: hp.Int("x", 1, 9, sampling="log"), luthier.Int(1, 9, log=True)),
        (lambda hp: hp.Float("x", 0.1, 9, default=3.0), luthier.Float(0.1, 9, default=3.0)),
        (lambda hp: hp.Float("x", 2, 2), luthier.Constant(2)),
        (lambda hp: hp.Fixed("x", "relu"), luthier.Constant("relu")),
        (lambda hp: hp.Choice("x", [1, 2]), luthier.Ordinal([1, 2])),
        (lambda hp: hp.Choice("x", [1, 2], ordered=False), luthier.Categorical([1, 2])),
        (lambda hp: hp.Choice("x", ["a", "b"]), luthier.Categorical(["a", "b"])),
        (lambda hp: hp.Choice("x", [3]), luthier.Categorical([3])),
    ],
)
def test_what_is_asked_for_is_one_of_our_parameters(ask: Any, param: luthier.space.Param) -> None:
    assert asked(ask) == param


def test_reverse_log_has_the_quantiles_of_kerastuner() -> None:
    low, high = 0.5, 8.0
    param = asked(lambda hp: hp.Float("x", low, high, sampling="reverse_log"))
    q = np.linspace(0, 1, 9)
    values = [values["x"] for values in luthier.Space({"x": param}).encoding.from_unit(q[:, None])]
    wanted = high + low - low * (high / low) ** (1 - q)  # KerasTuner's formula
    assert values == pytest.approx(wanted, rel=2e-3)


def test_scopes_return_none_where_they_are_inactive_and_become_conditions() -> None:
    def build(hp: Any) -> None:
        kind = hp.Choice("kind", ["mlp", "cnn"])
        with hp.conditional_scope("kind", ["mlp"]), hp.name_scope("mlp"):
            width = hp.Int("width", 8, 64)
        filters = hp.Int("filters", 4, 16, parent_name="kind", parent_values=["cnn"])
        assert (width is None, filters is None) == (kind == "cnn", kind == "mlp")
        assert ("filters" in hp) == (kind == "cnn")
        if kind == "cnn":
            assert hp.get("filters") == hp["filters"] == filters
            with pytest.raises(UnknownParamError, match="'mlp/width' was not asked for"):
                hp.get("mlp/width")

    def objective(trial: Any) -> float:
        hp = HyperParameters(trial)
        build(hp)
        assert hp.values == trial.params
        return float(hp.values.get("mlp/width", 0))

    study = luthier.create_study(seed=0)
    study.optimize(objective, n_trials=12, fail_fast=1)
    assert study.space.active({"kind": "mlp"}) == ("kind", "mlp/width")
    assert study.space.active({"kind": "cnn"}) == ("kind", "filters")
    build(HyperParameters(study.best_trial))  # and again from the record


def test_what_makes_no_sense_is_refused() -> None:
    hp = HyperParameters(luthier.create_study(seed=0).ask())
    with pytest.raises(ArgumentError, match="linear, log, reverse_log, got 'cubic'"):
        hp.Float("x", 0, 1, sampling="cubic")
    with pytest.raises(ArgumentError, match="above 1, from a min_value above 0, got 1 from 2"):
        hp.Int("x", 2, 8, step=1, sampling="log")
