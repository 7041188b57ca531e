"""What notebooks show of studies, spaces and trials."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

import luthier
from luthier import Categorical, Float, Space

HOSTILE = "<img src=x onerror=alert(1)>"


class Handle:
    def __init__(self, shown: list[str]) -> None:
        self.shown = shown

    def update(self, html: str) -> None:
        self.shown.append(html)


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A stand-in for the kernel's display: the HTML that it was given."""
    shown: list[str] = []
    ipython, display = types.ModuleType("IPython"), types.ModuleType("IPython.display")

    def show(html: str, display_id: bool) -> Handle:
        assert display_id
        shown.append(html)
        return Handle(shown)

    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    display.HTML = str  # type: ignore[attr-defined]
    display.display = show  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return shown


def objective(trial: Any) -> float:
    return float(trial.suggest_float("x", 0, 1))


def test_progress_is_updated_in_one_place(cell: list[str], capsys: Any) -> None:
    study = luthier.create_study(study_name=HOSTILE, seed=0)
    study.optimize(objective, n_trials=3, show_progress_bar=True)
    assert capsys.readouterr().err == ""
    assert "0 of 3 trials" in cell[0]
    assert 'max="3" value="3"' in cell[-1]
    assert "3 complete; best value=" in cell[-1]
    assert "<img" not in "".join(cell)


def test_outside_of_a_kernel_there_are_lines(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    shell = types.ModuleType("IPython")
    shell.get_ipython = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", shell)
    study = luthier.create_study(seed=0)
    study.optimize(objective, n_trials=2, show_progress_bar=True)
    assert "2/2 trials" in capsys.readouterr().err


def test_a_study_is_a_line_and_a_figure() -> None:
    study = luthier.create_study(study_name=HOSTILE, seed=0)
    assert study._repr_html_() == f"<p><b>{escaped(HOSTILE)}</b>: no trials</p>"
    study.optimize(objective, n_trials=2)
    html = study._repr_html_()
    assert "<img" not in html
    assert 'class="luthier-figure"' in html


def test_a_space_is_a_table() -> None:
    space = Space({HOSTILE: Categorical([HOSTILE]), "x": Float(1, 2, when={HOSTILE: HOSTILE})})
    html = space._repr_html_()
    assert html.startswith("<table>")
    assert html.count("<tr>") == 3
    assert "<img" not in html
    assert "a number from 1.0 to 2.0" in html


def test_trials_are_tables() -> None:
    study = luthier.create_study(seed=0)
    trial = study.ask({HOSTILE: Categorical([HOSTILE, "\x1b[31m"])})
    assert "<img" not in trial._repr_html_()
    record = study.tell(trial, 1.0)
    html = record._repr_html_()
    assert "Trial 0, COMPLETE" in html
    assert "<td>value</td><td>1.0</td>" in html
    assert "<img" not in html


def test_a_long_table_is_cut() -> None:
    from luthier.space.markup import table

    html = table("t", ("n",), [[k] for k in range(100)])
    assert "and 40 more" in html


def escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;")


def test_the_figures_of_a_study_are_methods() -> None:
    study = luthier.create_study(seed=0)
    assert study.plot.names == ()
    study.optimize(objective, n_trials=9)
    assert study.plot.names[0] == "history"
    for name in study.plot.names:
        assert getattr(study.plot, name)().name == name
    assert "parallel" in dir(study.plot)
    assert "best so far" in (study.plot.history.__doc__ or "")
    assert study.plot.history(most=3).note.endswith("of 9 trials")
    with pytest.raises(AttributeError, match="no figure 'pie'. There are: history"):
        study.plot.pie()
