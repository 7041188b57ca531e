"""Time asks beside peers, and print which targets are met: ``make bench-asks``.

    python -m benchmarks.asks [WORD ...] [--repeats N] [--no-curve]

Words choose rows whose label or peer has one of them, such as ``gp`` or ``rustuna``. Ours and
theirs run by turns, each in a fresh process, so that a busy machine slows both alike. Results go to
``benchmarks/results/asks.json``; rows that weren't run stay there as they were.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.asks.comparison import (
    ROWS,
    SIZES,
    STRATEGIES,
    Case,
    Row,
    compare,
    cost,
    show,
    show_curve,
)
from benchmarks.peers import ROOT, interpreter, run

HERE = Path(__file__).parent
RESULTS = ROOT / "benchmarks" / "results" / "asks.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows asked for; return 0 if every target among them is met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.asks")
    parser.add_argument("words", nargs="*", help="rows to run; all of them without")
    parser.add_argument("--repeats", type=int, help="instead of each row's own number")
    parser.add_argument("--no-curve", action="store_true", help="leave out the cost by trials")
    given = parser.parse_args(arguments)
    table = []
    for row in ROWS:
        if wanted(row, given.words):
            table.append(timed_row(row, given.repeats))
            save(table, {})
    show(table)
    if not (given.no_curve or given.words):
        curve = timed_curve()
        show_curve(curve)
        save(table, curve)
    return 0 if all(line["met"] is not False for line in table) else 1


def wanted(row: Row, words: Sequence[str]) -> bool:
    """Whether a row is asked for; rows whose peer isn't installed are left out, and said."""
    text = f"{row.label} {row.theirs.library}"
    if words and not any(word in text for word in words):
        return False
    if interpreter(row.theirs.library) is None:
        print(f"left out, no .peers/{row.theirs.library}: {row.label}", file=sys.stderr)
        return False
    return True


_versions: dict[str, str] = {}


def timed_row(row: Row, repeats: int | None) -> dict[str, Any]:
    """Run both sides of a row by turns."""
    seen: dict[Case, list[list[float]]] = {row.ours: [], row.theirs: []}
    for seed in range(repeats or row.repeats):
        for case, runs in seen.items():
            runs.append(milliseconds(case, seed))
    line = compare(row, seen)
    print(f"{line['what']}: {line['luthier']:.4g} ms, {line['ratio']:.3g} x", file=sys.stderr)
    return line


def milliseconds(case: Case, seed: int) -> list[float]:
    """Run a case in a process of its own."""
    worker = HERE / f"{case.library}_side.py"
    [result] = run(case.library, worker, *case.arguments, seed)
    _versions[case.library] = result["version"]
    cpu: list[float] = result["cpu"]
    return cpu


def timed_curve() -> dict[str, dict[int, float]]:
    """What our asks cost, by strategy and number of trials."""
    return {
        strategy: {n: cost([milliseconds(Case("luthier", strategy, n, 12), 0)]) for n in SIZES}
        for strategy in STRATEGIES
    }


def save(table: Sequence[dict[str, Any]], curve: dict[str, dict[int, float]]) -> None:
    """Keep what was measured, beside older measurements of other rows."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"rows": []}
    machine = {"python": platform.python_version(), "cores": os.cpu_count()}
    versions = kept.get("versions", {}) | _versions
    rows = {(line["what"], line["peer"]): line for line in [*kept["rows"], *table]}
    order = [compare_key(row) for row in ROWS]
    ordered = [rows[key] for key in order if key in rows]
    content = {"machine": machine, "versions": versions, "rows": ordered}
    content["curve"] = curve or kept.get("curve", {})
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(content, indent=1) + "\n")


def compare_key(row: Row) -> tuple[str, str]:
    """What tells the lines of a table apart."""
    theirs = row.theirs
    return row.label.strip(), f"{theirs.library} {theirs.sampler}, {theirs.n:,}"


if __name__ == "__main__":
    sys.exit(main())
