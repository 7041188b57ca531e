"""Cells, pairs and tables."""

from __future__ import annotations

import pytest

from luthier.cli.printing import cell, pairs, print_table, to_json


def test_control_characters_are_shown_not_obeyed() -> None:
    assert cell("\x1b[31mred\x07\n") == "\\x1b[31mred\\x07\\n"
    assert pairs({"a\n": "b\r"}) == "a\\n=b\\r"


def test_table_keeps_long_cells_and_markup_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    long = "[bold]" + "x" * 300
    print_table(["name", "n"], [[long, 1], ["short", 22], ["", ""], [None, None]])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == f"{long}     1"
    assert lines[2] == f"{'short':<306}    22"
    assert lines[3] == ""
    assert lines[4] == f"{'None':<306}  None"


def test_json_refuses_what_json_lacks() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(float("inf"))
