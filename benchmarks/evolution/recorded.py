"""Runs that are kept: a line of JSON for each problem and side, and nothing is run twice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parents[1] / "results"


class Recorded:
    """The runs in results/NAME.jsonl."""

    def __init__(self, name: str) -> None:
        self._path = RESULTS / f"{name}.jsonl"
        lines = self._path.read_text("utf-8").splitlines() if self._path.exists() else []
        self._rows: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def median(
        self, what: Mapping[str, Any], evaluations: int, seeds: int, run: Callable[[int], float]
    ) -> float:
        """Return the median over the first seeds; those that aren't recorded are run now."""
        key = {**what, "evaluations": evaluations}
        found = [row for row in self._rows if key.items() <= row.items()]
        if not found or len(found[-1]["values"]) < seeds:
            start = time.process_time()
            values = [run(seed) for seed in range(seeds)]
            seconds = (time.process_time() - start) / seeds
            found = [{**key, "values": values, "seconds": round(seconds, 3)}]
            self._rows += found
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(found[0]) + "\n")
        return float(np.median(found[-1]["values"][:seeds]))
