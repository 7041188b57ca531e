"""Tests of the verbs that all kinds of trials share."""

from typing import Any

import pytest

from luthier import FixedTrial
from luthier.errors import LuthierError


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda t: t.suggest_float("x", [0], 1), "'x': low, high and step must be numbers"),
        (lambda t: t.suggest_int("n", 0, 9, step=[1]), "'n': low, high and step must be numbers"),
        (lambda t: t.suggest_float("x", 1, 0), "Float 'x': low must be below high"),
        (lambda t: t.suggest_categorical("c", 3), "Categorical 'c': choices must be a list"),
        (
            lambda t: t.suggest_categorical("c", {1, 2}),
            "choices must be a list of values, got",
        ),  # unordered
        (lambda t: t.suggest("p", 3), "suggest 'p': the definition must be a parameter such as"),
    ],
)
def test_bad_definitions_name_their_parameter(ask: Any, message: str) -> None:
    with pytest.raises(LuthierError) as caught:
        ask(FixedTrial({}))
    assert message in str(caught.value)
