"""The theme: what must be read can be read, in both themes and by all kinds of colour vision."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from luthier.plots.theme import MARKS, PALETTE, THEMES, fade, scale_at

# Machado, Oliveira and Fernandes 2009, severity 1: what is left of linear RGB.
VISION = {
    "usual": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def linear(colour: str) -> np.ndarray:
    c = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    light, dark = sorted(
        (float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear sRGB under D65."""
    to_xyz = [
        [0.4124, 0.3576, 0.1805],
        [0.2126, 0.7152, 0.0722],
        [0.0193, 0.1192, 0.9505],
    ]
    f = np.cbrt(np.clip(to_xyz @ rgb, 0, None) / [0.9505, 1.0, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("theme", THEMES)
def test_text_has_the_contrast_that_reading_needs(theme: str) -> None:
    t = THEMES[theme]
    assert contrast(t.ink, t.paper) >= 7
    assert contrast(t.faint, t.paper) >= 4.5
    assert contrast(t.ink, t.hover) >= 7


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("colour", sorted({*PALETTE, *(mark.colour for mark in MARKS.values())}))
def test_data_has_the_contrast_that_graphics_need(colour: str, theme: str) -> None:
    assert contrast(colour, THEMES[theme].paper) >= 3


@pytest.mark.parametrize("theme", THEMES)
def test_a_scale_leaves_the_page_step_by_step(theme: str) -> None:
    steps = [contrast(colour, THEMES[theme].paper) for colour in THEMES[theme].scale]
    assert steps == sorted(steps)


@pytest.mark.parametrize("vision", VISION)
def test_the_first_colours_differ_for_all_kinds_of_vision(vision: str) -> None:
    seen = [lab(np.asarray(VISION[vision]) @ linear(colour)) for colour in PALETTE[:3]]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 15


def test_states_differ_by_more_than_colour() -> None:
    assert len({mark.symbol for mark in MARKS.values()}) == len(MARKS)


def test_colours_can_fade_and_follow_ranks() -> None:
    assert fade("#ffffff", 0.5) == "rgba(255,255,255,0.5)"
    assert scale_at(0.0) != scale_at(1.0)
