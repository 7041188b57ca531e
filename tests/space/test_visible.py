"""Names of anybody's making act on nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from luthier.space.visible import visible


def test_what_steers_a_terminal_is_shown() -> None:
    assert visible("a\x1b]0;t\x07\r\nb") == r"a\x1b]0;t\x07\r\nb"
    assert visible("\u202egnp.exe") == r"\u202egnp.exe"
    assert visible("\ud800") == r"\ud800"


def test_what_only_looks_unusual_stays() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert visible(f"{family} é\u00a0名 اسم") == f"{family} é\u00a0名 اسم"


@given(st.text(max_size=40), st.integers(1, 20))
def test_any_text_is_cut_and_can_be_written(text: str, longest: int) -> None:
    found = visible(text, longest)
    assert not any(c in found for c in "\u202a\u202e\u2066\x00\x1b\x9b\n\u2028")
    found.encode("utf-8")
    assert text == found or len(found) >= min(len(text), longest)
    assert len(found) <= 10 * longest
