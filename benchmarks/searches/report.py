"""Tables of the comparison, from what is recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from benchmarks.efficiency import recording
from benchmarks.peers import ROOT
from benchmarks.searches.protocol import (
    AIM,
    PAIRS,
    RECORDED,
    SEEDS,
    Verdict,
    name_of,
    standard_error,
    verdict,
)

RESULTS = ROOT / "benchmarks" / "results" / "searches.json"
PAGE = ROOT / "docs" / "benchmarks" / "searches.md"
LIMITS = ("fits", "time")
LEAST = 5
SIGNS = {-1: " −", 0: "", 1: " +"}


@final
@dataclass(frozen=True)
class Comparison:
    """One search of ours beside the peers.

    Attributes:
        label: Its label.
        scores: Limit -> pair -> median test score of ours.
        verdicts: Limit -> pair -> peer -> how it does.
        times: Search -> median CPU time of a run over all pairs, in units of ``pace``.
        seeds: Search -> how many seeds its figures are the medians of, at least.
    """

    label: str
    scores: Mapping[str, Mapping[str, float]]
    verdicts: Mapping[str, Mapping[str, Mapping[str, Verdict]]]
    times: Mapping[str, float]
    seeds: Mapping[str, int]

    def best_or_tied(self, limit: str) -> tuple[int, int]:
        """On how many pairs it loses to no peer, and of how many."""
        pairs = self.verdicts[limit].values()
        return sum(all(v.outcome >= 0 for v in found.values()) for found in pairs), len(pairs)


def compare(label: str, folder: Path, peers_in: Path = RECORDED) -> Comparison:
    """Compare a search of ours with all peers recorded.

    Args:
        label: Its label.
        folder: Where its runs are.
        peers_in: Where theirs are; those with fewer than ``LEAST`` seeds are left out.
    """
    free = recording.read(label, folder)
    names = [name_of(pair) for pair in PAIRS if name_of(pair) in free]
    recorded = {peer: recording.read(peer, peers_in) for peer in recording.labels(peers_in)}
    limited = {peer: recording.read(f"{label}@{peer}", folder) for peer in recorded}
    seeds = {
        search: min(len(runs.get(name, {})) for name in names)
        for search, runs in {
            label: free,
            **recorded,
            **{f"{label}@{peer}": runs for peer, runs in limited.items()},
        }.items()
    }
    peers = {peer: runs for peer, runs in recorded.items() if seeds[peer] >= LEAST}
    timed = {peer: limited[peer] for peer in peers if seeds[f"{label}@{peer}"] >= LEAST}
    verdicts: dict[str, dict[str, dict[str, Verdict]]] = {limit: {} for limit in LIMITS}
    for name in names:
        verdicts["fits"][name] = {p: _against(free[name], peers[p][name], name) for p in peers}
        if timed:
            beside = {p: _against(runs[name], peers[p][name], name) for p, runs in timed.items()}
            verdicts["time"][name] = beside
    scores = {
        "fits": {name: _median(free[name], "test") for name in names},
        "time": {
            name: float(np.median([_median(t[name], "test") for t in timed.values()]))
            for name in names
            if timed
        },
    }
    everyone = {label: free, **peers}
    times = {
        search: float(np.median([_median(runs[name], "seconds", "pace") for name in names]))
        for search, runs in everyone.items()
    }
    return Comparison(label, scores, verdicts, times, seeds)


def _against(ours: Mapping[str, Any], theirs: Mapping[str, Any], name: str) -> Verdict:
    seeds = [seed for seed in ours if seed in theirs]
    own, other = (_column(runs, seeds, "test") for runs in (ours, theirs))
    return verdict(own, other, standard_error(name.split("-")[0], other))


def _column(runs: Mapping[str, Any], seeds: list[str], what: str) -> NDArray[np.float64]:
    return np.array([runs[seed][what] for seed in seeds], dtype=np.float64)


def _median(runs: Mapping[str, Any], what: str, per: str | None = None) -> float:
    column = _column(runs, list(runs), what)
    return float(np.median(column if per is None else column / _column(runs, list(runs), per)))


def text(found: Comparison) -> str:
    """Return the tables: a search at equal fits, then at equal time."""
    return "\n\n".join("\n".join(_table(found, limit)) for limit in LIMITS if found.verdicts[limit])


def _table(found: Comparison, limit: str) -> Iterator[str]:
    peers = list(next(iter(found.verdicts[limit].values())))
    shown = {peer: peer if limit == "fits" else f"{found.label}@{peer}" for peer in peers}
    shown[found.label] = found.label
    heads = [f"{search} ({found.seeds[shown[search]]})" for search in (found.label, *peers)]
    yield f"| equal {limit} | " + " | ".join(heads) + " |"
    yield "|---" * (len(peers) + 2) + "|"
    for name, beside in found.verdicts[limit].items():
        cells = [_cell(beside[peer]) for peer in peers]
        yield (f"| {name} | {found.scores[limit][name]:.3f} | " + " | ".join(cells) + " |")
    counts = [_counts(found, limit, peer) for peer in peers]
    met, of = found.best_or_tied(limit)
    yield f"| wins, ties, losses | best or tied {met} of {of} | " + " | ".join(counts) + " |"
    times = [f"{found.times[search]:.0f}" for search in (found.label, *peers)]
    yield "| CPU time | " + " | ".join(times) + " |"


def _cell(found: Verdict) -> str:
    return f"{found.median:+.4f}{SIGNS[found.outcome]}"


def _counts(found: Comparison, limit: str, peer: str) -> str:
    of = [beside[peer].outcome for beside in found.verdicts[limit].values()]
    return ", ".join(str(of.count(outcome)) for outcome in (1, 0, -1))


def show(label: str, folder: Path, publish: bool) -> None:
    """Print the comparison; with ``publish`` write the page and the results, too."""
    found = compare(label, folder)
    print(text(found))
    counts = {limit: found.best_or_tied(limit) for limit in LIMITS}
    met = {limit: best >= AIM * of > 0 for limit, (best, of) in counts.items()}
    print(f"{found.seeds} seeds; best or tied: {counts}; {AIM:.0%} reached: {met}")
    if not publish:
        return
    PAGE.write_text(f"{text(found)}\n", encoding="utf-8")
    summary = {
        "label": label,
        "seeds": dict(found.seeds),
        "best_or_tied": {limit: list(pair) for limit, pair in counts.items()},
        "met": met,
        "complete": min(found.seeds.values()) >= SEEDS,
        "times": {search: round(time, 1) for search, time in found.times.items()},
        "median_test_scores": found.scores,
    }
    RESULTS.write_text(json.dumps(summary, indent=1) + "\n")
