"""Run samplers on problems, each study in a process of its library's own environment."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.efficiency import recording
from benchmarks.efficiency.problems import load, size
from benchmarks.peers import environment, installed

HERE = Path(__file__).parent


class WorkerError(Exception):
    """A worker ended with an error; what it said is on the terminal."""


@dataclass(frozen=True)
class Sampler:
    """A library and its strategy, and the label that its runs are kept under."""

    library: str
    strategy: str
    label: str


def sampler_of(text: str, label: str | None = None) -> Sampler:
    """Read LIBRARY:STRATEGY, such as luthier:gp or optuna:tpe-group.

    Args:
        text: What to read.
        label: What to call it; made of the text if None.
    """
    library, _, strategy = text.partition(":")
    made = re.sub(r"[^\w.,=+-]+", "_", f"{library}-{strategy}").strip("_")
    return Sampler(library, strategy, label or made)


def record(
    sampler: Sampler,
    names: list[str],
    budget: int,
    seeds: int,
    *,
    again: bool = False,
    jobs: int = 1,
    folder: Path = recording.TRAJECTORIES,
) -> list[str]:
    """Run what isn't recorded yet, and keep it.

    A problem on which the worker fails doesn't keep it from the others.

    Args:
        sampler: Whose runs.
        names: Problems.
        budget: Trials of each study.
        seeds: How many studies of each problem; their seeds count from 0.
        again: Run also what is recorded.
        jobs: How many processes at a time.
        folder: Where to keep it.

    Returns:
        The problems on which it failed.

    Raises:
        SystemExit: The library isn't installed.
    """
    installed(sampler.library)
    kept = {} if again else recording.read(sampler.label, folder)
    finite = {name: size(problem.space) for name, problem in load(names).items()}
    missing = {
        name: [
            seed
            for seed in range(seeds)
            if len(kept.get(name, {}).get(str(seed), {"values": ()})["values"])
            < min(budget, finite[name])
        ]
        for name in names
    }

    def study(name: str) -> bool:
        try:
            for run in studies(sampler, name, budget, missing[name]):
                recording.append(sampler.label, folder, name, run)
        except WorkerError as error:
            print(error, file=sys.stderr, flush=True)
            return False
        print(f"{sampler.label} {name}: {len(missing[name])} seeds", file=sys.stderr, flush=True)
        return True

    wanted = [name for name in names if missing[name]]
    with ThreadPoolExecutor(jobs) as pool:
        done = list(pool.map(study, wanted))
    recording.fold(sampler.label, folder)
    return [name for name, good in zip(wanted, done, strict=True) if not good]


def studies(
    sampler: Sampler, name: str, budget: int, seeds: list[int], sides: Path = HERE
) -> Iterator[recording.Run]:
    """Yield the runs of some seeds on one problem as they finish.

    Args:
        sampler: Whose runs.
        name: The problem.
        budget: Trials of each study.
        seeds: Of the studies.
        sides: The folder of the workers.

    Raises:
        SystemExit: The library isn't installed.
        WorkerError: Its worker failed.
    """
    script = str(sides / f"{sampler.library}_side.py")
    command = [
        installed(sampler.library),
        script,
        sampler.strategy,
        name,
        str(budget),
        *map(str, seeds),
    ]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith('{"seed"'):
                yield json.loads(line)
    if process.returncode:
        raise WorkerError(f"{sampler.label} failed on {name} (exit code {process.returncode}).")
