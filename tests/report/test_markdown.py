"""Markdown shows names as they are."""

from __future__ import annotations

from luthier import Float, Space
from luthier.report import tell
from luthier.testing.rehearsal import Rehearsal


def test_names_do_not_become_markup() -> None:
    name = "a|b*c_[d](e)`<i>&"
    play = Rehearsal(Space({name: Float(0, 1)}))
    for k in range(3):
        play.end(play.add({name: k / 3}), value=float(k))
    text = tell(play.history, "# title\n# second").to_markdown()
    lines = text.splitlines()
    assert lines[0] == "# Study \\# title; \\# second"
    [head] = [line for line in lines if line.startswith("| trial")]
    assert head == "| trial | value | a\\|b\\*c\\_\\[d\\](e)\\`&lt;i&gt;&amp; | seconds |"
    assert lines[lines.index(head) + 1] == "|---|---|---|---|"
    for heading in ("What was found", "What to do next", "The best trials", "How it was run"):
        assert f"## {heading}" in lines
