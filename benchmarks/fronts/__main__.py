"""The command line: ``record``, ``scales``, ``report``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.efficiency import recording, running
from benchmarks.fronts import problems, report

HERE = Path(__file__).parent
AT_A_TIME = 5


def record(texts: list[str], names: list[str], budget: int, seeds: int, folder: Path) -> None:
    """Run LIBRARY:STRATEGY on problems, what isn't recorded yet; all problems five seeds a time."""
    for sampler in map(running.sampler_of, texts):
        kept = recording.read(sampler.label, folder)
        for first in range(0, seeds, AT_A_TIME):
            for name in names:
                wanted = range(first, min(first + AT_A_TIME, seeds))
                missing = [seed for seed in wanted if str(seed) not in kept.get(name, {})]
                if not missing:
                    continue
                for run in running.studies(sampler, name, budget, missing, HERE):
                    recording.append(sampler.label, folder, name, run)
                print(f"{sampler.label} {name} seeds {missing}", flush=True)
        recording.fold(sampler.label, folder)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fronts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    recorder = commands.add_parser("record", help="run samplers on what isn't recorded yet")
    recorder.add_argument("samplers", nargs="+", metavar="LIBRARY:STRATEGY")
    recorder.add_argument("--problems", nargs="+", default=list(problems.names()))
    recorder.add_argument("--slow", action="store_true", help="only what slow peers have run")
    recorder.add_argument("--budget", type=int, default=100)
    recorder.add_argument("--seeds", type=int, default=15)
    recorder.add_argument("--out", type=Path, default=report.RECORDED)
    commands.add_parser("scales", help="fix the reference points anew")
    shower = commands.add_parser("report", help="compare what is recorded")
    shower.add_argument("samplers", nargs="*", help="labels; all if none")
    shower.add_argument("--folders", type=Path, nargs="+", default=[report.RECORDED])
    shower.add_argument("--publish", action="store_true", help="write docs/benchmarks/fronts.md")
    options = parser.parse_args()
    if options.command == "record":
        wanted = list(problems.SLOW) if options.slow else options.problems
        record(options.samplers, wanted, options.budget, options.seeds, options.out)
    elif options.command == "scales":
        report.SCALES.write_text(json.dumps(report.measured(), indent=1) + "\n")
    else:
        results = report.results(options.folders, options.samplers)
        print(report.text(results))
        if options.publish:
            report.publish(results)


if __name__ == "__main__":
    main()
