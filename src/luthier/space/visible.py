"""Texts of anybody's making, such as names, made harmless: nothing in them acts unseen."""

from __future__ import annotations

import unicodedata
from typing import Final

__all__ = ["visible"]

_HIDDEN: Final = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_JOINERS: Final = "\u200c\u200d"  # they only join letters, and the parts of an emoji


def visible(text: str, longest: int | None = None) -> str:
    r"""Return a text on one line, cut to a length.

    Characters that don't print, steer a terminal or turn the direction of what follows stand as
    their escapes.

    Args:
        text: Any text.
        longest: The most characters of it, 1 or more; of longer ones the end is cut. None: all.

    Example:
        >>> print(visible("two\nlines \x1b[31m"), visible("x" * 100, 5))
        two\nlines \x1b[31m xxxx…
    """
    cut = text if longest is None or len(text) <= longest else text[: longest - 1] + "…"
    return cut if cut.isprintable() else "".join(map(_escaped, cut))


def _escaped(character: str) -> str:
    if character in _JOINERS or unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode()
