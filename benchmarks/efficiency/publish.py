"""The published report: tables and curves under ``docs/benchmarks``, from recorded trajectories.

Samplers that have run nearly the whole suite are compared on it; all others together with them on
the fixed subset that slow peers run, and one by one with ``auto`` on all that both have run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.efficiency import measured, problems, recording, report
from benchmarks.efficiency.comparison import geometric
from benchmarks.efficiency.curves import chart
from benchmarks.efficiency.report import BUDGETS, Results, Table
from benchmarks.efficiency.scales import scales
from benchmarks.source import PROPOSING, source_hash

DOCS: Final = Path(__file__).parents[2] / "docs" / "benchmarks"
NEARLY: Final = 0.9  # of the problems: who has run so many takes part
CURVE: Final = (5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200)
MAIN: Final = 100  # the budget of tables that show one only
DEFAULT: Final = "luthier-auto"


def recorded() -> Results:
    """Return all recorded runs on all problems."""
    runs = {label: recording.read(label) for label in recording.labels()}
    return Results(runs, problems.load(), scales())


def publish(results: Results, folder: Path = DOCS) -> list[Table]:
    """Write the report, and return its tables.

    Args:
        results: What to report on.
        folder: Where to write.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pages = dict(_pages(results))
    for name, tables in pages.items():
        text = "\n".join(table.markdown() for table in tables)
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    for name, drawing in _curves(results):
        (folder / f"{name}.svg").write_text(drawing, encoding="utf-8")
    return [table for tables in pages.values() for table in tables]


def taking_part(results: Results, budget: int) -> list[str]:
    """Return the samplers that have run nearly all problems for so many trials."""
    wanted = NEARLY * len(results.problems)
    return [x for x in results.runs if len(results.shared([x], budget)) >= wanted]


def subset(results: Results) -> Results:
    """Return results on the problems that slow peers run."""
    some = {n: p for n, p in results.problems.items() if n in problems.SUITES["slow"]}
    return replace(results, problems=some)


def _pages(results: Results) -> Iterator[tuple[str, list[Table]]]:
    fast = {budget: taking_part(results, budget) for budget in BUDGETS}
    some = subset(results)
    slow = {budget: taking_part(some, budget) for budget in BUDGETS}
    main = [label for label in results.runs if label in fast[MAIN]]
    yield "ranks", [report.overall(results, fast[b], b) for b in BUDGETS if len(fast[b]) > 1]
    yield "ranks-subset", [report.overall(some, slow[b], b) for b in BUDGETS if len(slow[b]) > 1]
    ours = [label for label in results.runs if label.startswith("luthier-")]
    tests = [report.duels(results, _pairs(results.runs), b) for b in BUDGETS]
    yield "pairs", [table for table in tests if table.rows]
    if main:
        yield "families", [report.by_family(results, main, MAIN)]
        yield "problems", [report.by_problem(results, main, MAIN)]
    few = [label for label in results.runs if label not in main and label != DEFAULT]
    if DEFAULT in results.runs and few:
        yield "families-beside", [report.beside(results, DEFAULT, label) for label in few]
    yield "coverage", [report.coverage(results, list(results.runs))]
    sources = report.sources(results, ours, source_hash(*PROPOSING))
    yield "cpu", [report.cpu(results, list(results.runs)), versions(results), sources]
    yield "asks", list(measured.asks())
    yield "throughput", list(measured.throughput())
    yield "behaviour", list(measured.behaviour())


def _pairs(labels: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each of ours beside each peer; the default beside the others of ours as well."""
    every = list(labels)
    for first in every:
        for second in every:
            peer = not second.startswith("luthier-")
            if first.startswith("luthier-") and first != second and (peer or first == DEFAULT):
                yield first, second


def versions(results: Results) -> Table:
    """Show the versions that were recorded with each sampler's runs."""
    rows = []
    for label, runs in results.runs.items():
        found = {
            f"{package} {number}"
            for seeds in runs.values()
            for run in seeds.values()
            for package, number in run["versions"].items()
        }
        rows.append((label, ", ".join(sorted(found))))
    return Table("Versions", ("sampler", "recorded with"), tuple(rows))


def _curves(results: Results) -> Iterator[tuple[str, str]]:
    whole = taking_part(results, max(BUDGETS)) or taking_part(results, MAIN)
    if whole:
        yield "regret", _curve(results, whole, "All problems")
    for family in problems.FAMILIES:
        some = {n: p for n, p in results.problems.items() if p.family == family}
        if whole and some:
            title = f"{family.capitalize()}: {len(some)} problems"
            yield f"regret-{family}", _curve(replace(results, problems=some), whole, title)
    few = subset(results)
    if slow := taking_part(few, MAIN):
        yield "regret-subset", _curve(few, slow, "The subset that slow samplers run")


def _curve(results: Results, labels: Sequence[str], title: str) -> str:
    longest = report.longest(results, labels)
    shared = results.shared(labels, longest)
    budgets = [budget for budget in CURVE if budget <= longest]
    lines = {
        label: [
            (float(b), geometric(np.concatenate(results.regrets(label, shared, b))))
            for b in budgets
        ]
        for label in labels
    }
    return chart(title, "trials", "regret (1: random search)", lines)
