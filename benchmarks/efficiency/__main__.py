"""Run samplers on problems, and compare them.

    python -m benchmarks.efficiency run luthier:random optuna:tpe --seeds 5 --budget 100
    python -m benchmarks.efficiency report

Trajectories are kept in ``trajectories/LIBRARY-STRATEGY.json.gz``, one entry for each problem
and seed. Peers' are recorded once; delete the file, or pass --again, to record anew. Ours are
always recomputed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.efficiency import report
from benchmarks.efficiency.problems import load

HERE = Path(__file__).parent
TRAJECTORIES = HERE / "trajectories"
PEERS = HERE.parents[1] / ".peers"
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.efficiency")
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run")
    runner.add_argument("samplers", nargs="+", help="LIBRARY:STRATEGY, such as luthier:auto")
    runner.add_argument("--problems", nargs="*")
    runner.add_argument("--seeds", type=int, default=5)
    runner.add_argument("--budget", type=int, default=100)
    runner.add_argument("--again", action="store_true")
    shower = commands.add_parser("report")
    shower.add_argument("samplers", nargs="*")
    shower.add_argument("--seeds", type=int)
    arguments = parser.parse_args()
    if arguments.command == "report":
        kept = {p.name.removesuffix(".json.gz"): read(p) for p in sorted(TRAJECTORIES.glob("*.gz"))}
        wanted = {s.replace(":", "-") for s in arguments.samplers} or set(kept)
        report.show({n: t for n, t in kept.items() if n in wanted}, load(), arguments.seeds)
        return
    names = arguments.problems or list(load())
    for sampler in arguments.samplers:
        library, _, strategy = sampler.partition(":")
        record(library, strategy, names, arguments.budget, arguments.seeds, arguments.again)


def record(
    library: str, strategy: str, names: list[str], budget: int, seeds: int, again: bool
) -> None:
    """Run what isn't recorded yet, and keep it."""
    path = TRAJECTORIES / f"{library}-{strategy}.json.gz"
    again = again or library == "luthier"
    kept: dict[str, Any] = read(path)
    for name in names:
        old = kept.get(name, {})
        missing = [
            s
            for s in range(seeds)
            if again or len(old.get(str(s), {"values": ()})["values"]) < budget
        ]
        if not missing:
            continue
        for line in run(library, strategy, name, budget, missing):
            kept.setdefault(name, {})[str(line.pop("seed"))] = line
        write(path, kept)
        print(f"{library}:{strategy} {name}: {len(missing)} seeds", file=sys.stderr)


def run(library: str, strategy: str, name: str, budget: int, seeds: list[int]) -> list[Any]:
    """Run one problem in a process of the library's own environment."""
    ours = library == "luthier"
    python = sys.executable if ours else str(PEERS / library / "bin" / "python")
    command = [python, str(HERE / f"{library}_side.py"), strategy, name, str(budget)]
    done = subprocess.run(
        [*command, *map(str, seeds)],
        env={**os.environ, **ONE_THREAD},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def read(path: Path) -> dict[str, Any]:
    """Read recorded trajectories; none if there is no file."""
    if not path.exists():
        return {}
    with gzip.open(path, "rt") as file:
        return json.load(file)  # type: ignore[no-any-return]


def write(path: Path, kept: dict[str, Any]) -> None:
    """Keep trajectories."""
    path.parent.mkdir(exist_ok=True)
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        file.write(json.dumps(kept).encode())


if __name__ == "__main__":
    main()
