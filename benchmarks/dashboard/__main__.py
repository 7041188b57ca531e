"""``python -m benchmarks.dashboard``: MINUTES of twenty clients (10), large studies opened."""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from pathlib import Path

from benchmarks.dashboard.clients import watched
from benchmarks.dashboard.first_chart import first_chart
from benchmarks.dashboard.opening import opening
from benchmarks.dashboard.server import dashboard
from benchmarks.dashboard.studies import made

RESULTS = Path(__file__).parents[1] / "results" / "dashboard.json"


def main() -> None:
    """Measure, print and keep the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("minutes", type=float, nargs="?", default=10.0)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000])
    minutes, sizes = parser.parse_args().minutes, parser.parse_args().sizes
    found: dict[str, object] = {"machine": platform.processor() or platform.machine()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.db"
        for n in sizes:
            made(path, f"trials-{n}", n)
        made(path, "curves", 1_000, steps=100)
        for name in (*(f"trials-{n}" for n in sizes), "curves"):
            with dashboard(path) as server:
                rows = opening(server, name)
                memory = server.memory
            print(f"\n{name}: {memory:.0f} MB")
            for row in rows:
                print(
                    "  {asked:<20} {seconds:7.3f} s ({cpu:6.3f} s CPU), again {again:7.3f} s "
                    "({again_cpu:6.3f} s CPU), {kB:8.0f} kB".format(**row)
                )
            chart = first_chart(path, name)
            print("  first chart in Chromium: {cold:.3f} s, again {warm:.3f} s".format(**chart))
            found[name] = {"memory": memory, "rows": rows, "first_chart": chart}
        if minutes > 0:
            with dashboard(path) as server:
                shown = watched(server, path, f"trials-{sizes[0]}", 20, minutes)
            print({key: value for key, value in shown.items() if key != "memory"})
            found["clients"] = shown
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
