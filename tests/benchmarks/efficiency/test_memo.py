from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.efficiency.problems import memo


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(memo, "CACHE", tmp_path)
    memo._database.cache_clear()
    yield
    memo._database().close()
    memo._database.cache_clear()


def test_a_result_is_computed_once_for_each_key_and_configuration() -> None:
    calls = []

    def compute() -> float:
        calls.append(1)
        return 0.1 + 0.2

    def refuse() -> float:
        raise AssertionError

    assert memo.remembered("k", {"a": 1, "b": 2.5}, compute) == 0.1 + 0.2
    assert memo.remembered("k", {"b": 2.5, "a": 1}, refuse) == 0.1 + 0.2
    memo.remembered("other", {"a": 1, "b": 2.5}, compute)
    memo.remembered("k", {"a": 2, "b": 2.5}, compute)
    assert len(calls) == 3


def test_a_failure_is_remembered_too() -> None:
    assert math.isnan(memo.remembered("k", {}, lambda: math.nan))
    assert math.isnan(memo.remembered("k", {}, lambda: 1.0))
