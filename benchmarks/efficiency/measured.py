"""Tables of what else was measured: what asks and reports cost, and how samplers behave.

They are made from ``benchmarks/results``, which ``make bench-asks``, ``make bench-throughput`` and
``make bench-behaviour`` write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.efficiency.report import Table

__all__ = ["asks", "behaviour", "throughput"]

RESULTS: Final = Path(__file__).parents[1] / "results"
_VERDICTS: Final = {True: "met", False: "missed", None: ""}


def asks(folder: Path = RESULTS) -> Iterator[Table]:
    """Return what a proposal and its answer cost, beside peers and by the number of trials."""
    found = _read(folder / "asks.json")
    rows = tuple(
        (
            row["what"],
            f"{row['luthier']:.3g}",
            row["peer"],
            f"{row['theirs']:.4g}",
            f"{row['ratio']:.3g}",
            row["target"],
            _VERDICTS[row["met"]],
        )
        for row in found.get("rows", ())
    )
    header = ("what", "ours, ms", "beside", "theirs, ms", "theirs / ours", "target", "")
    yield Table("CPU of one thread", header, rows)
    if not (curve := found.get("curve", {})):
        return
    sizes = list(next(iter(curve.values()), {}))
    lines = tuple((name, *(f"{cost[n]:.2g}" for n in sizes)) for name, cost in curve.items())
    yield Table("Milliseconds a proposal after so many trials", ("sampler", *sizes), lines)


def behaviour(folder: Path = RESULTS) -> Iterator[Table]:
    """Return one table for each experiment on behaviour."""
    for experiment in _read(folder / "behaviour.json").values():
        rows = experiment["rows"]
        names = [name for name in rows[0] if name not in ("met", "sampler")]
        cells = tuple(
            (row["sampler"], *(_cell(row.get(name, "")) for name in names), _VERDICTS[row["met"]])
            for row in rows
        )
        target = experiment["target"]
        yield Table(target[:1].upper() + target[1:], ("sampler", *names, ""), cells)


def throughput(folder: Path = RESULTS) -> Iterator[Table]:
    """Return what a report and its decision cost beside a peer, and in a large simulated study."""
    found = _read(folder / "throughput.json")
    rows = tuple(
        (
            row["what"],
            f"{row['luthier']:.3g}",
            f"{row['optuna']:.4g}",
            f"{row['ratio']:.3g}",
            f">= {row['at_least']:g}",
            _VERDICTS[row["met"]],
        )
        for row in found.get("rows", ())
    )
    header = ("rule", "ours, µs", "Optuna's, µs", "Optuna's / ours", "target", "")
    yield Table("CPU of a report and its decision", header, rows)
    if simulated := found.get("simulated"):
        cells = [(what, f"{ms:.3g}") for what, ms in simulated["decisions_ms"].items()]
        cells.append(("decisions over 5 ms", str(simulated["decisions_over_5_ms"])))
        longest = max(simulated["full_collections_ms"], default=0.0)
        cells.append(("full garbage collections, longest", f"{longest:.3g}"))
        cells.append(("idlest worker, percent", f"{100 * simulated['most_idle_share']:.3g}"))
        cells.append(("all within 5 ms, idle <= 2%", _VERDICTS[simulated["met"]]))
        size = f"{simulated['trials']:,} trials on {simulated['workers']} workers"
        yield Table(f"Decisions of ASHA, {size}", ("what", "ms"), tuple(cells))


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
