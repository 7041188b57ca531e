"""A finding: a sentence or two that a reader understands, how sure it is, and the numbers behind.

Names and values in it are anybody's: what doesn't print is shown as its escape, and what is too
long is cut. How it is marked up is for those who show it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, final

import numpy as np

from luthier.space.visible import visible

__all__ = ["Finding", "Strength", "json_value", "plain"]

Strength = Literal["sure", "likely", "unsure"]
_WORD: Final = re.compile(r"\S{49,}")
_LONGEST: Final = 1_000


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a study found.

    Attributes:
        topic: What it is about, such as "winner", "importance" or "failures".
        title: A few words.
        text: A sentence or a few.
        strength: "sure", "likely", or "unsure" where too little is known to rely on it.
        numbers: What it rests on; JSON values.
        advice: What to do about it; "" for nothing.

    Example:
        >>> Finding("note", "A  name", "x" * 60, numbers={"share": float("nan")}).numbers
        {'share': None}
    """

    topic: str
    title: str
    text: str
    strength: Strength = "sure"
    numbers: Mapping[str, Any] = field(default_factory=dict)
    advice: str = ""

    def __post_init__(self) -> None:
        for name in ("title", "text", "advice"):
            object.__setattr__(self, name, plain(getattr(self, name)))
        object.__setattr__(self, "numbers", json_value(self.numbers))

    def __str__(self) -> str:
        return f"{self.title}: {self.text}"


def plain(text: object, longest: int = _LONGEST) -> str:
    r"""Return a text that prints on one line, without endless words.

    Args:
        text: Anything; what isn't text is shown by ``str``.
        longest: The most characters.

    Example:
        >>> plain("a\x00b \u202e"), len(plain("x" * 10_000))
        ('a\\x00b \\u202e', 48)
    """
    raw = str(text)[: 20 * longest].replace("\n", "; ")
    cut = _WORD.sub(lambda word: word[0][:47] + "…", raw)
    return visible(cut, longest)


def json_value(value: Any) -> Any:
    """Return a value as JSON has it; numbers that it doesn't have are null, other things text."""
    if isinstance(value, Mapping):
        return {plain(key, 120): json_value(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return json_value(value.tolist())
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else plain(value)
