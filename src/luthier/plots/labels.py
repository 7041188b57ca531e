"""Texts in figures: names and values of anybody's making, made harmless and short.

plotly reads text as a little HTML, so ``<`` and ``&`` are escaped; characters that don't print, or
that turn the direction of what follows, are shown as their escapes; long texts are cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from luthier.core.trial import FrozenTrial
from luthier.space.visible import visible

__all__ = ["LONGEST", "counted", "number", "shown", "told", "value_text"]

LONGEST: Final = 28
_MOST_PARAMS: Final = 8
_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def shown(text: object, longest: int = LONGEST) -> str:
    """Return a text as plotly may show it.

    Args:
        text: Anything; what isn't text is shown by ``str``.
        longest: The most characters; of longer ones the end is cut.

    Example:
        >>> shown("<b>a & b</b>"), shown("x" * 100, 5)
        ('&lt;b&gt;a &amp; b&lt;/b&gt;', 'xxxx…')
    """
    return visible(str(text), longest).translate(_ENTITIES)


def number(value: float) -> str:
    """Return a number in a few digits.

    Example:
        >>> number(0.123456789), number(3.0), number(1e-7)
        ('0.12346', '3', '1e-07')
    """
    return f"{value:.5g}"


def value_text(value: Any, longest: int = LONGEST) -> str:
    """Return a parameter's value as a figure shows it.

    Example:
        >>> value_text(0.25), value_text("adam"), value_text(None), value_text(True)
        ('0.25', 'adam', 'None', 'True')
    """
    return number(value) if type(value) is float else shown(value, longest)


def told(trial: FrozenTrial, names: Mapping[str, str] | None = None) -> str:
    """Return what a figure tells of a trial under the pointer: number, metrics, parameters, reason.

    Args:
        trial: The trial.
        names: Its parameters' names as they are shown, if they are at hand.
    """
    known = {} if names is None else names
    lines = [f"<b>trial {trial.number}</b> {trial.state.name.lower()}"]
    measured = zip(trial.metric_names, trial.metric_values, strict=True)
    lines += [f"{shown(name)} = {number(value)}" for name, value in list(measured)[:4]]
    for name, value in list(zip(trial.param_names, trial.param_values, strict=True))[:_MOST_PARAMS]:
        lines.append(f"{known.get(name) or shown(name, 24)}: {value_text(value, 24)}")
    if len(trial.param_names) > _MOST_PARAMS:
        lines.append(f"… and {len(trial.param_names) - _MOST_PARAMS} more parameters")
    if trial.error:
        lines.append(f"<i>{shown(trial.error, 80)}</i>")
    if trial.origin.reason:
        lines.append(f"<i>{shown(trial.origin.reason, 60)}</i>")
    return "<br>".join(lines)


def counted(k: int, n: int, what: str = "trials") -> str:
    """Say that only some are shown; "" if all are.

    Example:
        >>> counted(2000, 10000), counted(5, 5)
        ('showing 2,000 of 10,000 trials', '')
    """
    return "" if k >= n else f"showing {k:,} of {n:,} {what}"
