"""Run samplers on problems, and compare them.

    python -m benchmarks.efficiency run luthier:gp --suite quick --seeds 5 --budget 100
    python -m benchmarks.efficiency run luthier:gp,trust_region=false --label no-region --out /tmp/x
    python -m benchmarks.efficiency report luthier-gp no-region optuna-tpe --out /tmp/x
    python -m benchmarks.efficiency slow smac:hpo
    python -m benchmarks.efficiency scales
    python -m benchmarks.efficiency publish

Trajectories are kept in ``trajectories/LABEL.json.gz`` or the folder that ``--out`` names. Peers'
are recorded once: what is there isn't run again, unless ``--again`` says so. Ours always are,
unless ``--keep`` says otherwise. ``slow`` runs what a slow peer ran once more, into a folder of its
own, and says so where that peer isn't installed. ``report`` without labels takes all there are;
``publish`` writes the tables and curves of ``docs/benchmarks``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.efficiency import problems, publish, recording, report, scales, slow
from benchmarks.efficiency.report import Results, Table
from benchmarks.efficiency.running import record, sampler_of
from benchmarks.peers import interpreter


def main() -> None:
    """Do what the command line says."""
    arguments = _parser().parse_args()
    commands = {"run": _run, "slow": _slow, "report": _report, "scales": _scales}
    (commands | {"publish": _publish})[arguments.command](arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.efficiency")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("samplers", nargs="+", help="LIBRARY:STRATEGY[,SETTING=VALUE...]")
    run.add_argument("--budget", type=int, default=100, help="trials of each study")
    run.add_argument("--label", help="what to call the runs of a single sampler")
    run.add_argument("--jobs", type=int, default=1, help="processes at a time")
    run.add_argument("--again", action="store_true", help="also what is recorded")
    run.add_argument("--keep", action="store_true", help="not what is recorded, even of ours")
    again = commands.add_parser("slow")
    again.add_argument("samplers", nargs="+", choices=slow.RECORDED, help="slow peers")
    again.add_argument("--jobs", type=int, default=1, help="processes at a time")
    again.add_argument("--out", type=Path, default=slow.AGAIN, help="folder of trajectories")
    report = commands.add_parser("report")
    report.add_argument("samplers", nargs="*", help="labels of recorded samplers")
    report.add_argument("--problem", action="store_true", help="also a line for each problem")
    commands.add_parser("scales").add_argument("--out", type=Path, help="a further folder")
    commands.add_parser("publish")
    for command, seeds in ((run, 5), (report, None)):
        command.add_argument("--problems", nargs="*", help="names, instead of a suite")
        command.add_argument("--suite", default="all", choices=("all", *problems.SUITES))
        command.add_argument("--seeds", type=int, default=seeds)
        command.add_argument("--out", type=Path, help="folder of trajectories")
    return parser


def _run(arguments: argparse.Namespace) -> None:
    if arguments.label and len(arguments.samplers) > 1:
        raise SystemExit("--label names the runs of one sampler.")
    names = arguments.problems or list(problems.suite(arguments.suite))
    failed = []
    for text in arguments.samplers:
        sampler = sampler_of(text, arguments.label)
        failed += record(
            sampler,
            names,
            arguments.budget,
            arguments.seeds,
            again=arguments.again or (sampler.library == "luthier" and not arguments.keep),
            jobs=arguments.jobs,
            folder=arguments.out or recording.TRAJECTORIES,
        )
    _check(failed)


def _slow(arguments: argparse.Namespace) -> None:
    failed = []
    for text in arguments.samplers:
        sampler = sampler_of(text)
        if interpreter(sampler.library) is None:
            missing = f"{sampler.library} isn't installed. Run tools/peers.sh {sampler.library}."
            print(f"Skipped {text}: {missing}", file=sys.stderr, flush=True)
            continue
        known = problems.names()
        for part in slow.RECORDED[text]:
            there = [name for name in part.problems if name in known]
            folder, jobs = arguments.out, arguments.jobs
            failed += record(sampler, there, part.budget, part.seeds, jobs=jobs, folder=folder)
    _check(failed)


def _check(failed: list[str]) -> None:
    if failed:
        raise SystemExit(f"{len(failed)} times a worker failed, on {sorted(set(failed))}.")


def _report(arguments: argparse.Namespace) -> None:
    names = arguments.problems or list(problems.suite(arguments.suite))
    found: dict[str, tuple[str, Path]] = {}
    for folder in (recording.TRAJECTORIES, arguments.out or recording.TRAJECTORIES):
        found |= {label: (label, folder) for label in recording.labels(folder)}
    labels = [text.replace(":", "-") for text in arguments.samplers] or list(found)
    if unknown := set(labels) - set(found):
        raise SystemExit(f"Nothing is recorded of {sorted(unknown)}. Known are {list(found)}.")
    runs = {label: recording.read(*found[label]) for label in labels}
    results = Results(runs, problems.load(names), scales.scales(), arguments.seeds)
    for table in _tables(results, labels, arguments.problem):
        print(table.text())


def _tables(results: Results, labels: list[str], each: bool) -> Iterator[Table]:
    budget = report.longest(results, labels)
    budgets = [b for b in report.BUDGETS if results.shared(labels, b)]
    if not budgets:
        raise SystemExit(f"{labels} have no problem, seed and number of trials in common.")
    yield from (report.overall(results, labels, b) for b in budgets)
    yield report.by_family(results, labels, budget)
    if each:
        yield report.by_problem(results, labels, budget)
    if len(labels) > 1:
        pairs = [(labels[0], other) for other in labels[1:]]
        yield from (report.duels(results, pairs, b) for b in budgets)
    yield report.cpu(results, labels)


def _publish(arguments: argparse.Namespace) -> None:
    for table in publish.publish(publish.recorded()):
        print(table.text())


def _scales(arguments: argparse.Namespace) -> None:
    folders = [recording.TRAJECTORIES, *([arguments.out] if arguments.out else [])]
    made = scales.make(folders)
    scales.write(made)
    print(f"{len(made)} scales in {scales.PATH}", file=sys.stderr)


if __name__ == "__main__":
    main()
