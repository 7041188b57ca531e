"""Run the experiments, and print which targets are met: ``make bench-behaviour``.

    python -m benchmarks.behaviour [EXPERIMENT ...] [--strategies NAME ...] [--seeds N]

Experiments: crash, tiny, conditional, parallel, memory; all of them without. Results go to
``benchmarks/results/behaviour.json`` after each; what wasn't run stays there as it was.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import luthier
from benchmarks.behaviour import conditional, crash, memory, parallel, tiny
from benchmarks.peers import ROOT

Rows = list[dict[str, Any]]
RESULTS = ROOT / "benchmarks" / "results" / "behaviour.json"
STRATEGIES = ("auto", "gp", "tpe", "forest")
MORE = {"memory": memory.MODEL_FREE}  # which are measured as well, unless some are named
EXPERIMENTS: Mapping[str, tuple[str, Callable[[Sequence[str], int | None], Rows]]] = {
    "crash": ("crashes: <= 35 of 100 and regret <= 2 x that without", crash.measure),
    "tiny": ("48 configurations, 48 trials: all different, the best found", tiny.measure),
    "conditional": ("conditional spaces: better than Optuna's group=True", conditional.measure),
    "parallel": ("8 slots: regret <= 1.3 x that of one; 32 for comparison", parallel.measure),
    "memory": ("MB of an ask: bounded beside 100,000 trials", memory.measure),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiments asked for; return 0 if ours meet every target among them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.behaviour")
    parser.add_argument("experiments", nargs="*", choices=[*EXPERIMENTS, []])
    parser.add_argument("--strategies", nargs="+", help="instead of each experiment's own")
    parser.add_argument("--seeds", type=int, help="instead of each experiment's own number")
    given = parser.parse_args(arguments)
    missed = 0
    for name in given.experiments or EXPERIMENTS:
        title, measure = EXPERIMENTS[name]
        strategies = given.strategies or (*STRATEGIES, *MORE.get(name, ()))
        rows = measure(strategies, given.seeds)
        print(f"\n{title}\n{table(rows)}", flush=True)
        save(name, title, rows)
        missed += sum(row["met"] is False for row in rows if ":" not in row["sampler"])
    return 1 if missed else 0


def table(rows: Rows) -> str:
    """Rows as text, one column a key; a peer's row has no verdict."""
    if not rows:
        return "  nothing was run: the peer isn't installed"
    names = [key for key in rows[0] if key != "met"]
    cells = [names] + [[cell(row[name]) for name in names] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)) for line in cells]
    verdicts = ["", *(verdict(row) for row in rows)]
    return "\n".join(
        f"  {line}  {word}".rstrip() for line, word in zip(lines, verdicts, strict=True)
    )


def cell(value: Any) -> str:
    """A value as text."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def verdict(row: Mapping[str, Any]) -> str:
    """What a row says of the target."""
    return "MISSED" if row["met"] is False and ":" not in row["sampler"] else ""


def save(name: str, title: str, rows: Rows) -> None:
    """Keep an experiment's rows; those of other strategies stay."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    ran = {row["sampler"] for row in rows}
    old = [row for row in kept.get(name, {}).get("rows", []) if row["sampler"] not in ran]
    kept[name] = {"target": title, "luthier": luthier.__version__, "rows": [*old, *rows]}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
