"""The tables of docs/catalog.md say what the catalog holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from luthier import catalog
from luthier.space import Constant, Float, Int, Ordinal, Param, Space
from luthier.space.conditions import Is, OneOf

PAGE = (Path(__file__).parents[2] / "docs" / "catalog.md").read_text(encoding="utf-8")
SPACES = {
    "random_forest": catalog.random_forest(),
    "extra_trees": catalog.extra_trees(),
    "gradient_boosting": catalog.gradient_boosting(),
    "hist_gradient_boosting": catalog.hist_gradient_boosting(),
    "lightgbm": catalog.lightgbm(),
    "xgboost": catalog.xgboost(),
    "catboost": catalog.catboost(),
    "svc": catalog.svc(),
    "svr": catalog.svr(),
    "linear_svc": catalog.linear_svc(),
    "linear_svr": catalog.linear_svr(),
    "logistic_regression": catalog.logistic_regression(),
    "ridge": catalog.ridge(),
    "lasso": catalog.lasso(),
    "elastic_net": catalog.elastic_net(),
    "sgd": catalog.sgd(),
    "sgd, regression": catalog.sgd("regression"),
    "gaussian_nb": catalog.gaussian_nb(),
    "linear_discriminant_analysis": catalog.linear_discriminant_analysis(),
    "nearest_neighbours": catalog.nearest_neighbours(),
    "mlp": catalog.mlp(),
    "neural networks": Space(
        learning_rate=catalog.learning_rate(),
        batch_size=catalog.batch_size(),
        weight_decay=catalog.weight_decay(),
        dropout=catalog.dropout(),
        hidden_units=catalog.hidden_units(),
    ),
}


def number(value: float) -> str:
    power = re.fullmatch(r"0x1\.0*p([+-]\d+)", float(value).hex())
    if power and abs(int(power[1])) >= 10:
        return f"2^{int(power[1])}"
    return f"{value:g}"


def shown(param: Param) -> str:
    if isinstance(param, Float | Int):
        scale = {"linear": "", "log": ", log"}.get(param.scale, ", powers of two")
        return f"{number(param.low)} to {number(param.high)}{scale}"
    values = param.grid(1)
    if isinstance(param, Ordinal) and len(values) > 8:
        return ", ".join([*(plain(v) for v in values[:3]), "...", plain(values[-1])])
    return ", ".join(map(plain, values))


def plain(value: object) -> str:
    return number(value) if type(value) in (int, float) else f"`{value}`"  # type: ignore[arg-type]


def default(param: Param) -> str:
    return "" if isinstance(param, Constant) else plain(param.default)


def where(param: Param) -> str:
    if param.when is None:
        return ""
    [[(name, predicate)]] = param.when.clauses
    assert isinstance(predicate, Is | OneOf)
    [values] = predicate.arguments()
    listed = values if isinstance(values, list | tuple) else [values]
    return f"`{name}` is {' or '.join(map(plain, listed))}"


def rows(space: Space) -> str:
    cells = [(f"`{n}`", shown(p), default(p), where(p)) for n, p in space.items()]
    lines = [("parameter", "values", "default", "where"), ("---",) * 4, *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


@pytest.mark.parametrize("model", SPACES)
def test_the_page_shows_the_space(model: str) -> None:
    assert rows(SPACES[model]) in PAGE


def test_the_page_names_every_estimator() -> None:
    assert [name for name in catalog.known() if f"`{name}`" not in PAGE] == []
