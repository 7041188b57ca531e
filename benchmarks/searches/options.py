"""Settings of ``SearchCV`` as words of a command line."""

from __future__ import annotations

import ast
from typing import Any


def setting(text: str) -> tuple[str, Any]:
    """Read a setting of ``SearchCV``: NAME=VALUE, the value a literal or plain text."""
    name, _, value = text.partition("=")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
