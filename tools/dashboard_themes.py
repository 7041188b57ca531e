"""Write the charts' themes for the dashboard: src/luthier/dashboard/static/themes.js."""

from __future__ import annotations

import json
from pathlib import Path

from luthier.plots.theme import THEMES

TARGET = Path(__file__).parents[1] / "src/luthier/dashboard/static/themes.js"


def text() -> str:
    """Return what the file must hold."""
    lines = [f"  {name}: {json.dumps(theme.template)}," for name, theme in THEMES.items()]
    head = "// The charts' themes, written by tools/dashboard_themes.py from plots/theme.py."
    return "\n".join([head, "export const THEMES = {", *lines, "};", ""])


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
