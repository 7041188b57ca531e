"""Tables of recorded runs: ranks, regrets, wins, paired tests, families, problems, CPU, sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.efficiency.comparison import Matrix, best_alone, duel, geometric, ranks
from benchmarks.efficiency.problems import FAMILIES, Problem, size
from benchmarks.efficiency.recording import Run, Runs, true_values
from benchmarks.efficiency.scales import Scale, incumbents

BUDGETS: Final = (25, 50, 100, 200)
AHEAD: Final = 1.05  # a ratio of regrets above it is marked


@dataclass(frozen=True)
class Table:
    """A table to print or to publish.

    Args:
        title: What it shows, on how much.
        header: Names of its columns; the first holds labels.
        rows: Its cells.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def text(self) -> str:
        """Return it for a terminal."""
        every = [self.header, *self.rows]
        widths = [max(len(row[k]) for row in every) for k in range(len(self.header))]
        lines = [
            "  " + row[0].ljust(widths[0]) + "".join(f"  {c:>{w}}" for c, w in _cells(row, widths))
            for row in every
        ]
        return "\n".join([self.title, *lines, ""])

    def markdown(self) -> str:
        """Return it for a page."""
        rule = ("---", *("--:" for _ in self.header[1:]))
        lines = ["| " + " | ".join(row) + " |" for row in (self.header, rule, *self.rows)]
        return "\n".join([f"{self.title}:", "", *lines, ""])


@dataclass(frozen=True)
class Results:
    """Runs of several samplers, and what they are measured by.

    Args:
        runs: By label.
        problems: By name.
        scales: By name.
        seeds: How many seeds count at most; all if None.
    """

    runs: Mapping[str, Runs]
    problems: Mapping[str, Problem]
    scales: Mapping[str, Scale]
    seeds: int | None = None

    def shared(self, labels: Sequence[str], budget: int) -> dict[str, list[str]]:
        """Return the problems and seeds that all of some samplers have run long enough."""
        found = {}
        for name, problem in self.problems.items():
            if name not in self.scales:
                continue
            enough = min(budget, size(problem.space))
            sets = [
                {s for s, run in self.runs[x].get(name, {}).items() if len(run["values"]) >= enough}
                for x in labels
            ]
            if seeds := sorted(set.intersection(*sets), key=int)[: self.seeds]:
                found[name] = seeds
        return found

    def regrets(self, label: str, shared: Mapping[str, list[str]], budget: int) -> list[Matrix]:
        """Return a sampler's regrets, an array over seeds for each problem."""
        return [
            np.array([self._regret(name, self.runs[label][name][s], budget) for s in seeds])
            for name, seeds in shared.items()
        ]

    def _regret(self, name: str, run: Run, budget: int) -> float:
        observed = _floats(run["values"][:budget])
        true = _floats(true_values(run)[:budget])
        best = float(true[incumbents(observed[None])[0, -1]])
        return self.scales[name].regret(best, budget)


def overall(results: Results, labels: Sequence[str], budget: int) -> Table:
    """Rank all samplers on what all of them have run, the best first."""
    shared = results.shared(labels, budget)
    rows = [results.regrets(label, shared, budget) for label in labels]
    table = np.array([np.concatenate(row) for row in rows])
    mean, alone = ranks(table).mean(axis=1), best_alone(table)
    return Table(
        f"After {budget} trials, {len(shared)} problems, {table.shape[1]} studies each",
        ("sampler", "mean rank", "regret", "best alone"),
        tuple(
            (labels[k], f"{mean[k]:.2f}", f"{geometric(table[k]):.4f}", f"{alone[k]:.0%}")
            for k in np.argsort(mean)
        ),
    )


def duels(results: Results, pairs: Iterable[tuple[str, str]], budget: int) -> Table:
    """Test the first sampler of each pair against the second, on what both have run."""
    rows = []
    for first, second in pairs:
        shared = results.shared([first, second], budget)
        if len(shared) < 2:
            continue
        d = duel(*(results.regrets(x, shared, budget) for x in (first, second)))
        interval = f"{d.low:.2f} to {d.high:.2f}"
        counts = f"{d.wins} : {d.losses}"
        rows.append(
            (f"{first} / {second}", f"{d.ratio:.2f}", interval, counts, f"{d.p:.1g}",
             str(d.problems))
        )  # fmt: skip
    header = ("pair", "ratio of regrets", "95% interval", "won : lost", "p", "problems")
    return Table(f"After {budget} trials, pairs of samplers", header, tuple(rows))


def by_family(results: Results, labels: Sequence[str], budget: int) -> Table:
    """Show the geometric-mean regret in each family."""
    shared = results.shared(labels, budget)
    rows = []
    for family in FAMILIES:
        some = {n: s for n, s in shared.items() if results.problems[n].family == family}
        if some:
            means = (geometric(np.concatenate(results.regrets(x, some, budget))) for x in labels)
            rows.append((f"{family} ({len(some)})", *(f"{mean:.4f}" for mean in means)))
    title = f"Regret by family after {budget} trials (number of problems)"
    return Table(title, ("family", *labels), tuple(rows))


def beside(results: Results, first: str, second: str) -> Table:
    """Compare two samplers in each family and at each budget, on what both have run.

    Regrets, and their ratio, are geometric means over all studies, as in ``by_family``. Where some
    problems have more seeds than others that says more about those; so a second ratio is of means
    in which each problem has the same say. The second sampler is ahead if either is above 1.05.
    """
    rows = []
    for family in ("all", *FAMILIES):
        for budget, shared in _shared_in(results, [first, second], family):
            regrets = [results.regrets(x, shared, budget) for x in (first, second)]
            ours, theirs = (geometric(np.concatenate(r)) for r in regrets)
            d, runs = duel(*regrets), sum(map(len, shared.values()))
            mark = max(ours / theirs, d.ratio) > AHEAD
            rows.append(
                (family, str(budget), f"{ours:.4f}", f"{theirs:.4f}", f"{ours / theirs:.2f}",
                 f"{d.ratio:.2f}", f"{d.wins} : {d.losses}", str(len(shared)), str(runs),
                 f"{second} ahead" if mark else "")
            )  # fmt: skip
    header = ("family", "trials", first, second, "ratio", "by problem", "won : lost", "problems",
              "runs", "")  # fmt: skip
    return Table(f"{first} beside {second}, regrets on what both ran", header, tuple(rows))


def _shared_in(
    results: Results, labels: Sequence[str], family: str
) -> Iterator[tuple[int, dict[str, list[str]]]]:
    """Yield the budgets at which samplers share some of a family, and what they share."""
    for budget in BUDGETS:
        some = {
            name: seeds
            for name, seeds in results.shared(labels, budget).items()
            if family in ("all", results.problems[name].family)
        }
        if some:
            yield budget, some


def by_problem(results: Results, labels: Sequence[str], budget: int) -> Table:
    """Show the median regret on each problem."""
    shared = results.shared(labels, budget)
    medians = [[float(np.median(r)) for r in results.regrets(x, shared, budget)] for x in labels]
    rows = [
        (f"{name} ({results.problems[name].family})", *(f"{cell:.3g}" for cell in cells))
        for name, *cells in zip(shared, *medians, strict=True)
    ]
    title = f"Median regret by problem after {budget} trials"
    return Table(title, ("problem", *labels), tuple(rows))


def cpu(results: Results, labels: Sequence[str]) -> Table:
    """Show the CPU time that a trial took beside its evaluation, as recorded."""
    rows = []
    for label in labels:
        every = [run for runs in results.runs[label].values() for run in runs.values()]
        spent = 1e3 * float(np.median([run["cpu_per_trial"] for run in every]))
        rows.append((label, f"{spent:.2f}", str(len(every))))
    title = "CPU milliseconds a trial as recorded, median over studies"
    return Table(title, ("sampler", "ms", "studies"), tuple(rows))


def coverage(results: Results, labels: Sequence[str]) -> Table:
    """Show on how many problems, with how many seeds and for how many trials samplers ran.

    Studies that have tried all of a finite space don't count for the number of trials.
    """
    rows = []
    for label in labels:
        found = {n: r for n, r in results.runs[label].items() if r and n in results.problems}
        seeds = [len(runs) for runs in found.values()]
        trials = [
            length
            for name, runs in found.items()
            for length in (len(run["values"]) for run in runs.values())
            if length < size(results.problems[name].space)
        ]
        if trials:
            rows.append((label, str(len(seeds)), _span(seeds), str(sum(seeds)), _span(trials)))
    header = ("sampler", "problems", "seeds", "studies", "trials")
    return Table(f"What each sampler ran, of {len(results.problems)} problems", header, tuple(rows))


def sources(results: Results, labels: Sequence[str], present: str) -> Table:
    """Show how many runs of our samplers were made with the present source.

    Args:
        results: The runs; those recorded before hashes were have none.
        labels: Our samplers.
        present: The hash of the source as it is now.
    """
    rows = []
    for label in labels:
        every = (run for seeds in results.runs[label].values() for run in seeds.values())
        found = [run.get("source") for run in every]
        same, none = found.count(present), found.count(None)
        rows.append((label, str(same), str(len(found) - same - none), str(none)))
    title = "Studies of ours by the source that they ran with, as of this page"
    return Table(title, ("sampler", "this one", "another", "not recorded"), tuple(rows))


def longest(results: Results, labels: Sequence[str]) -> int:
    """Return the largest budget that all samplers have run on some problem; 0 if none."""
    return max((b for b in BUDGETS if results.shared(labels, b)), default=0)


def _span(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def _cells(row: tuple[str, ...], widths: list[int]) -> zip[tuple[str, int]]:
    return zip(row[1:], widths[1:], strict=True)


def _floats(values: list[float | None]) -> Matrix:
    return np.array([np.inf if v is None else v for v in values], float)
