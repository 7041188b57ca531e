"""Texts in figures are short and harmless."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from luthier.core.trial import FrozenTrial, Origin, TrialState
from luthier.plots.labels import shown, told


@given(st.text(max_size=60), st.integers(2, 40))
def test_any_text_is_cut_and_escaped(text: str, longest: int) -> None:
    found = shown(text, longest)
    assert "<" not in found
    assert ">" not in found
    plain = found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert len(plain) <= 10 * longest
    assert found.encode("utf-8").decode("utf-8") == found
    assert not any(c in found for c in "\u202a\u202e\u2066\x00\x1b\n")


def test_what_is_read_from_right_to_left_and_emoji_stay() -> None:
    assert shown("שלום") == "שלום"
    assert shown("👩‍🔬") == "👩‍🔬"


def test_a_trial_tells_the_most_important_first() -> None:
    trial = FrozenTrial(
        number=3,
        state=TrialState.FAILED,
        param_names=tuple(f"<p{k}>" for k in range(10)),
        param_values=tuple(range(10)),
        error="Boom <b>",
        origin=Origin(reason="because & so"),
    )
    lines = told(trial).split("<br>")
    assert lines[0] == "<b>trial 3</b> failed"
    assert lines[1] == "&lt;p0&gt;: 0"
    assert lines[-3:] == [
        "… and 2 more parameters",
        "<i>Boom &lt;b&gt;</i>",
        "<i>because &amp; so</i>",
    ]
