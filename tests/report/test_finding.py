"""Findings hold text that prints, and numbers that JSON has."""

from __future__ import annotations

import json
import math

import numpy as np

from luthier.report.finding import Finding, plain


def test_texts_are_made_printable_and_short() -> None:
    found = Finding("note", "a\x00b", "x" * 10_000 + " \u202eabc\nd", advice="\u2028")
    assert found.title == "a\\x00b"
    assert found.text == "x" * 47 + "… \\u202eabc; d"
    assert found.advice.isprintable()
    assert len(plain("word " * 10_000)) == 1_000
    assert str(found) == f"{found.title}: {found.text}"


def test_numbers_are_json() -> None:
    numbers = {"a": np.float64(0.5), "b": np.array([1, 2]), "c": math.inf, "d": (True, None, {1})}
    found = Finding("note", "t", "x", numbers=numbers)
    assert json.loads(json.dumps(found.numbers, allow_nan=False)) == {
        "a": 0.5,
        "b": [1, 2],
        "c": None,
        "d": [True, None, "{1}"],
    }
