"""How long pages of large studies wait for the server: at first, and once the study is open."""

from __future__ import annotations

from typing import Any

from benchmarks.dashboard.server import Dashboard

__all__ = ["opening"]


def opening(server: Dashboard, name: str) -> list[dict[str, Any]]:
    """Ask for what a study's pages show, twice each.

    Returns:
        For each what was asked, seconds and the server's CPU seconds at first and again, kB.
    """
    study = f"/api/studies/{name}"
    table = {"sort": "metric:value", "limit": 50}
    asked: list[tuple[str, str, Any]] = [
        ("study page", study, None),
        ("history figure", f"{study}/figures/history", None),
        ("table by value", f"{study}/table", table),
        ("table, words sought", f"{study}/table", {**table, "text": "adam"}),
        ("parallel figure", f"{study}/figures/parallel", None),
        ("timeline figure", f"{study}/figures/timeline", None),
        ("curves figure", f"{study}/figures/curves", None),
        ("one trial", f"{study}/trials/7", None),
        ("CSV", f"{study}/export.csv", None),
    ]
    rows = []
    for what, path, body in asked:
        try:
            first = server.ask(path, body)
        except RuntimeError:  # nothing to draw
            continue
        again = server.ask(path, body)
        row = {"asked": what, "seconds": first[0], "cpu": first[1]}
        rows.append({**row, "again": again[0], "again_cpu": again[1], "kB": first[2] / 1e3})
    return rows
