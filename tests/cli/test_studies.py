"""``luthier studies`` and ``luthier delete``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import luthier as library

if TYPE_CHECKING:
    from conftest import Luthier


def test_studies_lists_all(demo: Luthier) -> None:
    demo("run", "work.py:two", "--directions", "minimize,maximize", "--trials", "2")
    lines = demo("studies").output.splitlines()
    assert lines[0].split() == ["study", "objective", "trials", "states", "created"]
    assert lines[1].split()[:6] == ["demo", "minimize", "value", "6", "6", "complete"]
    assert "minimize value_0, maximize value_1" in lines[2]


def test_studies_of_an_empty_storage(luthier: Luthier) -> None:
    library.open_storage("runs.db").close()
    assert luthier("studies").output == "No studies in runs.db.\n"


def test_delete_asks(demo: Luthier) -> None:
    refused = demo("delete", "--study", "demo", answer="n\n", exit_code=1)
    assert "Delete study 'demo' with its 6 trials? [y/N]" in refused.output
    assert library.get_all_study_names("runs.db") == ["demo"]
    assert "Deleted study 'demo'." in demo("delete", "--study", "demo", answer="y\n").output
    assert library.get_all_study_names("runs.db") == []


def test_names_are_shown_not_obeyed(luthier: Luthier) -> None:
    name = "\x1b[31mred"
    result = luthier("run", "work.py:objective", "--study", name, "--trials", "1")
    assert r"Study '\x1b[31mred' has 1 finished trial" in result.stdout
    asked = luthier("delete", "--study", name, answer="y\n").output
    assert r"Delete study '\x1b[31mred' with its 1 trial? [y/N]" in asked
    assert r"Deleted study '\x1b[31mred'." in asked


def test_delete_unasked(demo: Luthier) -> None:
    assert demo("delete", "--study", "demo", "--yes").output == "Deleted study 'demo'.\n"


def test_delete_needs_the_name_of_a_study(demo: Luthier) -> None:
    assert "Missing option '--study'" in demo("delete", exit_code=2).stderr
    result = demo("delete", "--study", "nosuch", "--yes", exit_code=2)
    assert "It holds: 'demo'." in result.stderr
