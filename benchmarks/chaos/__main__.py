"""Let chaos reign over studies on PostgreSQL, and see whether anything is lost: ``make chaos``.

    python -m benchmarks.chaos [MINUTES] [--seed N] [--drivers N] [--trials N] [--no-record]

Eight drivers, most of them with worker processes, run one study after another for so long, each of
another kind (``studies.py``). Their objective fails in all ways (``objective.py``). Meanwhile a
monkey kills and stops them, their workers and the server's connections, restarts the server, and
sets clocks wrong (``plan.py``); the seed decides what it does and when. After each study the log is
audited (``audit.py``). The counts go to ``benchmarks/results/chaos.json``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import luthier
from benchmarks.chaos import studies
from benchmarks.chaos.audit import FAILURES, audit
from benchmarks.chaos.crew import Crew
from benchmarks.chaos.monkey import Monkey
from benchmarks.chaos.notes import Note, read_notes
from benchmarks.chaos.plan import actions
from benchmarks.peers import ROOT
from benchmarks.storages.postgres_server import postgres_server
from luthier.core.events import LogEvent
from luthier.core.trial import FrozenTrial, TrialState

__all__ = ["Chaos", "main", "run"]

RESULTS: Final = ROOT / "benchmarks" / "results" / "chaos.json"
_LOOK_SECONDS: Final = 0.05
_STUCK_SECONDS: Final = 180.0
_AFTERWARDS_SECONDS: Final = 30.0  # for processes to end whose driver is gone


@dataclass
class Chaos:
    """What was counted, and what was found wrong."""

    studies: int = 0
    trials: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    drivers: Counter[str] = field(default_factory=Counter)
    monkey: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def count(
        self, log: list[LogEvent], present: list[FrozenTrial], notes: list[Note], text: str
    ) -> None:
        """Count what happened in a study."""
        self.studies += 1
        self.trials.update(trial.state.name for trial in present)
        failed = [trial.error or "" for trial in present if trial.state is TrialState.FAILED]
        for kind in FAILURES:
            self.failures[kind] += sum(kind in error for error in failed)
        self.events.update(event.kind for event in log)
        self.events["lapses"] += sum("lapses" in e.data for e in log if e.kind == "claimed")
        self.runs.update(note.what for note in notes)
        self.runs["refused results"] += text.count("was refused")

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            name: dict(sorted(value.items())) if isinstance(value, Counter) else value
            for name, value in vars(self).items()
        }


def run(seconds: float, seed: int = 0, drivers: int = 8, trials: int = 400) -> Chaos:
    """Run studies one after another until the time is over, at least one.

    Args:
        seconds: When no further study is begun.
        seed: Of the studies, of what befalls their trials, and of the monkey's plan.
        drivers: How many processes work on each study.
        trials: How many trials each study is to have, exactly.
    """
    chaos, until = Chaos(), time.monotonic() + seconds
    with (
        tempfile.TemporaryDirectory(prefix="luthier-chaos-") as folder,
        postgres_server() as server,
    ):
        monkey = Monkey(actions(seed, drivers), server)
        for turn, kind in enumerate(itertools.cycle(studies.KINDS)):
            place = Path(folder, f"{turn}-{kind}")
            place.mkdir()
            setting = _Setting(kind, server.url(), trials, seed + turn, place)
            _run_study(chaos, monkey, setting, drivers)
            if chaos.findings or time.monotonic() >= until:
                break
        chaos.monkey = monkey.done
    return chaos


@dataclass(frozen=True)
class _Setting:
    """A study that is to be run; it is named after its folder."""

    kind: str
    url: str
    trials: int
    seed: int
    folder: Path

    @property
    def arguments(self) -> list[str]:
        """What a driver gets."""
        return [self.url, self.folder.name, self.kind, str(self.trials), str(self.seed)]


def _run_study(chaos: Chaos, monkey: Monkey, setting: _Setting, drivers: int) -> None:
    folder, name = setting.folder, setting.folder.name
    study = studies.create(setting.kind, name, setting.url, setting.trials, setting.seed, folder)
    notes_file = folder / f"{name}.notes"
    notes_file.touch()
    monkey.crew = crew = Crew(drivers, setting.arguments, folder)
    began = time.monotonic()
    try:
        while not crew.look_after():
            monkey.act()
            time.sleep(_LOOK_SECONDS)
            if time.monotonic() - began > _STUCK_SECONDS + setting.trials:
                chaos.findings.append(f"{name} is stuck:\n{crew.whereabouts()}")
                break
    finally:
        monkey.leave()
        crew.end()
    log, notes = study.storage.events(study._driver.record.id), read_notes(notes_file)
    chaos.count(log, study.trials, notes, "".join(map(crew.log, range(drivers))))
    chaos.drivers.update(crew.ends)
    chaos.findings += crew.surprises
    chaos.findings += audit(log, study.trials, notes, setting.trials, pausing=name.endswith("asha"))
    chaos.findings += _left_behind({note.pid for note in notes})
    chaos.findings += _undecided(study, name)
    print(f"{name:12} {time.monotonic() - began:6.1f} s  {len(log)} events", flush=True)


def _undecided(study: luthier.Study, name: str) -> list[str]:
    """What the study's own checks find: something left to run, proposals that come out anew."""
    again = study.replay()
    return [
        *([] if study._driver.start(new=False) is None else [f"{name}: there was more to run."]),
        *([] if again.exact else [f"{name}: {again}."]),
    ]


def _left_behind(pids: set[int]) -> list[str]:
    """Which of the processes that ran trials still live, some time later."""
    until = time.monotonic() + _AFTERWARDS_SECONDS
    while alive := [pid for pid in pids if _is_ours(pid)]:
        if time.monotonic() > until:
            return [f"Process {pid} outlives its driver." for pid in alive]
        time.sleep(_LOOK_SECONDS)
    return []


def _is_ours(pid: int) -> bool:
    try:
        return b"luthier" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def main(arguments: list[str] | None = None) -> int:
    """Run, print what was counted and found; return 0 if nothing is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos")
    parser.add_argument("minutes", nargs="?", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--drivers", type=int, default=8)
    parser.add_argument("--trials", type=int, default=400, help="of each study")
    parser.add_argument("--no-record", action="store_true", help="leave the recorded run alone")
    given = parser.parse_args(arguments)
    luthier.set_verbosity("error")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all it started is ended
    chaos = run(60 * given.minutes, given.seed, given.drivers, given.trials)
    machine = {"python": platform.python_version(), "cores": os.cpu_count()}
    asked = {name: getattr(given, name) for name in ("minutes", "seed")}
    result = {"machine": machine, **asked, **chaos.to_json()}
    text = json.dumps(result, indent=1)
    print(text)
    if not given.no_record and not chaos.findings:
        RESULTS.write_text(text + "\n")
    return 1 if chaos.findings else 0


if __name__ == "__main__":
    sys.exit(main())
