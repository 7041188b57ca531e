"""An objective that fails in every way there is, and notes what it did.

Which run of which trial fails, and how, follows from the seed; values are random, no two alike.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import numpy as np

from benchmarks.chaos.notes import Note, write_note
from luthier import TrialPruned
from luthier.study.trial import Trial

__all__ = ["EXIT_CODE", "ON_PURPOSE", "STEPS", "Objective"]

STEPS: Final = 9
EXIT_CODE: Final = 99
ON_PURPOSE: Final = "failed on purpose"
_FATES: Final = {"raise": 0.05, "exit": 0.03, "crash": 0.02, "dawdle": 0.15}
_FATES_IN_PROCESSES: Final = {"hang": 0.03, "hang on": 0.02, "eat": 0.03}  # inline, who'd end them?


@final
@dataclass(frozen=True, slots=True)
class Objective:
    """Runs a trial of a study in which chaos reigns.

    Attributes:
        kind: Which study; see ``studies``.
        seed: Of the fates of runs.
        driver: Identity of the driver's process.
        notes: The file for notes.
        inline: Whether it runs in the driver's own process.
    """

    kind: str
    seed: int
    driver: str
    notes: Path
    inline: bool

    def __call__(self, trial: Trial) -> float:
        """Note the run, meet its fate, and return a value that no other run returns."""
        self._note(trial, "begun")
        if self.kind == "learnt":
            depth = trial.suggest_int("depth", 1, 9)
            trial.suggest_float("rate" if depth < 5 else "slope", 0.0, 1.0)
        else:
            trial.params  # noqa: B018  all of the declared space
        time.sleep(random.uniform(0, 0.3))
        self._meet_fate(trial)
        time.sleep(random.uniform(0, 0.3))
        value = self._trained(trial) if self.kind == "asha" else random.random()
        self._note(trial, "ended", value=value)
        return value

    def _trained(self, trial: Trial) -> float:
        saved = trial.load_checkpoint()
        done = 0 if saved is None else json.loads(saved.read_bytes())
        value = random.random()
        for step in range(done + 1, STEPS + 1):
            time.sleep(0.02)
            value = random.random()
            self._note(trial, "reported", step, value)
            trial.report(value, step)
            trial.save_checkpoint(json.dumps(step).encode())
            if trial.should_prune():
                raise TrialPruned
        return value

    def _meet_fate(self, trial: Trial) -> None:
        fates = _FATES if self.inline else _FATES | _FATES_IN_PROCESSES
        drawn = np.random.default_rng([self.seed, trial.number, trial.attempt]).random()
        ends = zip(fates, np.cumsum([*fates.values()]), strict=True)
        match next((fate for fate, end in ends if drawn < end), "live"):
            case "raise":
                raise ValueError(ON_PURPOSE)
            case "exit":
                os._exit(EXIT_CODE)
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "dawdle":  # others may take it up meanwhile
                time.sleep(random.uniform(1, 3.5))
            case "hang":
                time.sleep(3600)
            case "hang on":
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                time.sleep(3600)
            case "eat":
                eaten = []
                while True:
                    eaten.append(np.ones(4_000_000))
                    time.sleep(0.02)

    def _note(
        self, trial: Trial, what: str, step: int | None = None, value: float | None = None
    ) -> None:
        note = Note(what, trial.number, trial.attempt, self.driver, os.getpid(), step, value)
        write_note(self.notes, note)
