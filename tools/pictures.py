"""Draw the pictures of docs/plots.md: python tools/pictures.py, with Debian's Chromium.

The page's own code makes the studies, so that pictures show what readers get.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

DOCS = Path(__file__).parents[1] / "docs"
WIDTH, HEIGHT = 760, 480


def figures() -> dict[str, Any]:
    """The figures that the page shows, by name."""
    page = (DOCS / "plots.md").read_text("utf-8")
    made: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for code in re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
            exec(code, made)  # noqa: S102 -- our own page
        os.chdir(DOCS)
    study, two = made["study"], made["two"]
    return {
        "history": study.plot.history(),
        "importance": study.plot.importance(),
        "parallel": study.plot.parallel(params=["optimizer", "momentum", "lr", "layers"]),
        "dependence": study.plot.dependence(),
        "contour": study.plot.contour(params=["lr", "layers"]),
        "curves": study.plot.curves(),
        "pareto": two.plot.pareto(),
    }


def main() -> int:
    """Draw them all."""
    (DOCS / "images").mkdir(exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        tab = browser.new_page()
        page = Path(tempfile.mkdtemp()) / "figure.html"
        for name, figure in figures().items():
            height = figure.layout.get("height", HEIGHT)
            tab.set_viewport_size({"width": WIDTH, "height": height})
            tab.goto(figure.save(page, theme="light").as_uri())
            tab.wait_for_selector(".main-svg", state="attached")
            tab.wait_for_timeout(500)
            target = DOCS / "images" / f"plot-{name}.png"
            tab.screenshot(path=target)
            print(target, target.stat().st_size)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
