"""Conditions are said in words, whatever they look at."""

from __future__ import annotations

from typing import Any

import pytest

from luthier.report import report
from luthier.space import AtLeast, AtMost, Between, Categorical, Float, Int, Not, OneOf, Space
from luthier.space.wording import condition_words

PARENTS: dict[str, Any] = {
    "optimizer": Categorical(["sgd", "adam", "lamb"]),
    "layers": Int(1, 8),
    "flag": Categorical([True, False, None, "True", "1", "two words"]),
    "sizes": Categorical([[64, 64], [32]]),
}


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"optimizer": "sgd"}, "optimizer is sgd"),
        ({"optimizer": ["sgd", "adam"]}, "optimizer is sgd or adam"),
        ({"optimizer": OneOf("sgd", "adam", "lamb")}, "optimizer is sgd, adam or lamb"),
        ({"optimizer": OneOf("sgd")}, "optimizer is sgd"),
        ({"optimizer": Not("sgd")}, "optimizer is not sgd"),
        ({"optimizer": Not(["sgd", "adam"])}, "optimizer is neither sgd nor adam"),
        ({"optimizer": Not(Not("sgd"))}, "optimizer is sgd"),
        ({"layers": AtLeast(2)}, "layers is at least 2"),
        ({"layers": AtMost(2)}, "layers is at most 2"),
        ({"layers": Not(AtLeast(2))}, "layers is below 2"),
        ({"layers": Not(AtMost(2))}, "layers is above 2"),
        ({"layers": Between(2, 4)}, "layers is from 2 to 4"),
        ({"layers": Not(Between(2, 4))}, "layers is not from 2 to 4"),
        ({"flag": True}, "flag is True"),
        ({"flag": "True"}, 'flag is "True"'),
        ({"flag": "1"}, 'flag is "1"'),
        ({"flag": None}, "flag is None"),
        ({"flag": "two words"}, 'flag is "two words"'),
        ({"sizes": [64, 64]}, "sizes is [64, 64]"),
        ({"optimizer": "sgd", "layers": AtLeast(2)}, "optimizer is sgd and layers is at least 2"),
        ([{"optimizer": "sgd"}, {"layers": 3}], "optimizer is sgd, or if layers is 3"),
    ],
)
def test_a_condition_in_words(when: Any, words: str) -> None:
    space = Space(PARENTS | {"x": Float(0, 1, when=when)})
    assert condition_words(space["x"], space) == f"only if {words}"
    assert condition_words(space["optimizer"], space) == ""


def test_hostile_and_long_values_are_tame() -> None:
    name, many = "a\x1b[31m\u202e", Categorical([f"c{i}" for i in range(30)] + ["x" * 10_000])
    space = Space({name: many, "x": Float(0, 1, when={name: [f"c{i}" for i in range(20)]})})
    words = condition_words(space["x"], space)
    assert words.isprintable()
    assert words.endswith("c7 or 12 others")
    space = Space({name: many, "x": Float(0, 1, when={name: "x" * 10_000})})
    assert len(condition_words(space["x"], space)) < 120


def test_tables_say_it_so() -> None:
    import luthier

    space = Space(PARENTS | {"x": Float(0, 1, when={"optimizer": "sgd"})})
    study = luthier.create_study(space=space, sampler="random", seed=0)
    study.optimize(lambda trial: trial.params.get("x", 1.0), n_trials=3)
    told = report(study)
    for text in (space._repr_html_(), told.to_html(), told.to_markdown(), told.to_json()):
        assert "only if optimizer is sgd" in text
        assert "{'optimizer'" not in text
        assert "{&#x27;optimizer" not in text
