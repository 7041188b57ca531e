"""The command line: ``record`` the peers once, run ``ours``, ``report``.

It runs in ``.peers/searches``, where every library is, ours by PYTHONPATH (`make bench-searches`).
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from benchmarks.efficiency import recording
from benchmarks.peers import ROOT
from benchmarks.searches import report
from benchmarks.searches.libraries import PEERS, Search, Task, luthier_search, run
from benchmarks.searches.options import setting
from benchmarks.searches.protocol import PAIRS, RECORDED, SEEDS, name_of
from benchmarks.source import source_hash


def record(label: str, search: Search, folder: Path, seeds: int) -> None:
    """Run a search on every pair and seed that isn't recorded; all pairs, seed by seed."""
    kept = recording.read(label, folder)
    run(search, Task("wine", "linear", 0))  # what the first run imports isn't counted
    for seed in range(seeds):
        for pair in PAIRS:
            if str(seed) not in kept.get(name_of(pair), {}):
                done = run(search, Task(*pair, seed))
                recording.append(label, folder, name_of(pair), {"seed": seed, **done})
        print(f"{label} seed {seed}", flush=True)
    recording.fold(label, folder)


def ours(label: str, settings: dict[str, Any], folder: Path, seeds: int) -> None:
    """Run a search of ours at equal fits, and at equal time where that leaves it less."""
    search = luthier_search(**settings)
    record(label, search, folder, seeds)
    for peer in PEERS:
        within(label, peer, search, folder, seeds)


def within(label: str, peer: str, search: Search, folder: Path, seeds: int) -> None:
    """Run a search of ours again wherever it took longer than a peer, in the time of the peer."""
    free, limits = recording.read(label, folder), recording.read(peer, RECORDED)
    kept = recording.read(f"{label}@{peer}", folder)
    for seed in range(seeds):
        for pair in PAIRS:
            name = name_of(pair)
            limit, done = limits.get(name, {}).get(str(seed)), free[name][str(seed)]
            if limit is None or str(seed) in kept.get(name, {}):
                continue
            if done["seconds"] / done["pace"] > limit["seconds"] / limit["pace"]:
                done = run(search, Task(*pair, seed), paces=limit["seconds"] / limit["pace"])
            recording.append(f"{label}@{peer}", folder, name, {**done, "seed": seed})
    recording.fold(f"{label}@{peer}", folder)


def fresh() -> Path:
    """Where our runs are kept, so that they resume: another place for any other code."""
    return ROOT / ".peers" / "cache" / "searches" / source_hash()


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.searches", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--out", type=Path, help="where runs are kept")
    commands = parser.add_subparsers(dest="command", required=True)
    recorder = commands.add_parser("record", help="run peers on what isn't recorded yet")
    recorder.add_argument("peers", nargs="*", default=list(PEERS))
    runner = commands.add_parser("ours", help="run SearchCV with the settings given")
    runner.add_argument("--label", default="SearchCV")
    runner.add_argument("settings", nargs="*", type=setting, metavar="NAME=VALUE")
    shower = commands.add_parser("report", help="compare")
    shower.add_argument("labels", nargs="*", default=["SearchCV"])
    shower.add_argument("--publish", action="store_true", help="write docs and results, too")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of fits that don't converge, and points tried twice
    threadpool_limits(1)
    folder = options.out or (RECORDED if options.command == "record" else fresh())
    if options.command == "record":
        for peer in options.peers:
            record(peer, PEERS[peer], folder, options.seeds)
    elif options.command == "ours":
        ours(options.label, dict(options.settings), folder, options.seeds)
    else:
        for label in options.labels:
            report.show(label, folder, options.publish)


if __name__ == "__main__":
    main()
