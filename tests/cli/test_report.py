"""``luthier report``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Luthier = Callable[..., Result]


def test_a_report_is_written_in_any_format(luthier: Luthier) -> None:
    luthier("run", "work.py:objective", "--trials", "12", "--study", "small", "--sampler", "random")
    told = luthier("report", "small", "-o", "report.html")
    assert told.output == "Wrote report.html\n"
    assert Path("report.html").read_text("utf-8").startswith("<!doctype html>")
    told = luthier("report", "--format", "json")
    assert json.loads(told.output)["run"]["Sampler"].startswith("random")
    assert luthier("report").output.startswith("# Study small")
    luthier("report", "small", "-o", "report.txt", "--format", "md")
    assert Path("report.txt").read_text("utf-8").startswith("# Study small")


def test_mistakes_are_told(luthier: Luthier) -> None:
    luthier("run", "work.py:objective", "--trials", "2", "--study", "small")
    assert "must end in .html, .md or .json" in luthier("report", "-o", "r.pdf", exit_code=2).output
    told = luthier("report", "-o", "nowhere/r.html", exit_code=2).output
    assert "can't be written to 'nowhere/r.html'" in told
    assert "nosuch" in luthier("report", "nosuch", exit_code=2).output


def test_a_study_whose_trials_all_failed_has_a_report(luthier: Luthier) -> None:
    luthier("run", "work.py:failing", "--trials", "3", "--study", "bad", exit_code=1)
    assert "Nothing has won" in luthier("report", "bad").output
