"""A hash of the source tells whether two runs were made with the same code."""

from __future__ import annotations

from pathlib import Path

import pytest

import luthier
from benchmarks.source import PROPOSING, source_hash


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("core", "plots"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text("a = 1\n")
    monkeypatch.setattr(luthier, "__file__", str(tmp_path / "__init__.py"))
    return tmp_path


def test_only_what_is_named_counts(package: Path) -> None:
    core, everything = source_hash("core"), source_hash()
    (package / "plots" / "a.py").write_text("a = 2\n")
    assert source_hash("core") == core
    assert source_hash() != everything
    (package / "core" / "a.py").write_text("a = 2\n")
    assert source_hash("core") != core


def test_what_proposes_is_there() -> None:
    root = Path(luthier.__file__).parent
    assert all((root / name / "__init__.py").exists() for name in PROPOSING)
    assert len(source_hash(*PROPOSING)) == 16
