"""One driver of a chaotic study, whose clock can be set from outside.

    python -m benchmarks.chaos.driver URL STUDY KIND TRIALS SEED FOLDER INDEX

``time.time`` is wrong by the seconds in the file ``FOLDER/clock-INDEX``. Every fourth driver runs
its trials in its own process, the others in one or two worker processes.
"""

from __future__ import annotations

import faulthandler
import signal
import sys
import time
from pathlib import Path


def jump_with(file: Path) -> None:
    """Make ``time.time`` tell a time that is wrong by what a file says."""
    true = time.time
    time.time = lambda: true() + float(file.read_text())


def main(url: str, name: str, kind: str, trials: int, seed: int, folder: Path, index: int) -> None:
    """Take part until the study has all its trials."""
    import luthier
    from benchmarks.chaos.objective import Objective
    from luthier.core.worker import this_worker
    from luthier.errors import WorkerDiedError
    from luthier.executors import Inline, Processes

    inline = index % 4 == 3
    study = luthier.load_study(study_name=name, storage=url)
    study.optimize(
        Objective(kind, seed, this_worker(), folder / f"{name}.notes", inline),
        total_trials=trials,
        executor=Inline()
        if inline
        else Processes(1 + index % 2, time_limit=6, memory_limit="400MB", grace=0.5),
        retries={WorkerDiedError: 1},
        fail_fast=None,
    )


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1)  # where it hangs, if it does
    url, name, kind, trials, seed, folder, index = sys.argv[1:]
    jump_with(Path(folder, f"clock-{index}"))
    main(url, name, kind, int(trials), int(seed), Path(folder), int(index))
