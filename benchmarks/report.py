"""What a report of 1,000 trials of ten parameters costs, in seconds of CPU.

make bench-reports, or python -m benchmarks.report
"""

from __future__ import annotations

import math
import time
from typing import Any

import luthier
from luthier import Categorical, Float, Int, Space
from luthier.report import report

TARGET = 10.0
SPACE = Space(
    {f"x{i}": Float(0, 1) for i in range(8)}
    | {"kind": Categorical(["a", "b", "c"]), "n": Int(1, 64, scale="log")}
)


def objective(trial: Any) -> float:
    """A bowl in eight parameters with an interaction, reports, and a corner that crashes."""
    p = trial.params
    if p["x2"] > 0.9 and p["x3"] > 0.5:
        raise MemoryError("out of memory")
    value: float = sum((p[f"x{i}"] - 0.3) ** 2 / (i + 1) for i in range(8)) + p["x0"] * p["x1"]
    value += 0.2 * (p["kind"] == "b") + 0.05 * math.log(p["n"])
    for step in range(1, 11):
        trial.report(value + 1 / step, step)
    return value


def main() -> int:
    """Time it; return 0 if the target is met."""
    luthier.set_verbosity("error")
    study = luthier.create_study(space=SPACE, sampler="random", seed=0)
    study.optimize(objective, n_trials=1_000)
    begin = time.process_time()
    found = report(study)
    page = found.to_html()
    seconds = time.process_time() - begin
    print(
        f"{seconds:.1f} s of CPU for {len(found.findings)} findings and {len(found.figures)} "
        f"figures; the page has {len(page) / 1e6:.1f} MB. Target: {TARGET:.0f} s."
    )
    return int(seconds > TARGET)


if __name__ == "__main__":
    raise SystemExit(main())
