"""How long a person waits in a browser, from opening a study's address to its first chart."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.dashboard.server import dashboard

__all__ = ["first_chart"]

_CHROMIUM = "/usr/bin/chromium"


def first_chart(storage: Path, name: str, repeats: int = 5) -> dict[str, float]:
    """Open a study's page in headless Chromium, each time on a fresh server and in a fresh profile.

    Args:
        storage: The SQLite file.
        name: The study.
        repeats: How often.

    Returns:
        Median and maximum of the seconds to the first visible chart: of a study that the server
        hasn't opened yet, and once it has.
    """
    cold, warm = [], []
    for _ in range(repeats):
        with dashboard(storage) as server, sync_playwright() as play:
            browser = play.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
            for seconds in (cold, warm):
                page = browser.new_context().new_page()
                begun = time.perf_counter()
                page.goto(f"http://127.0.0.1:{server.port}/#/study/{name}", wait_until="commit")
                page.locator(".main-svg").first.wait_for(state="visible")
                seconds.append(time.perf_counter() - begun)
                page.context.close()
            browser.close()
    return {
        "cold": statistics.median(cold),
        "cold_max": max(cold),
        "warm": statistics.median(warm),
        "warm_max": max(warm),
    }
