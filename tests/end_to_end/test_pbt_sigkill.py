"""A synchronous population that is killed at random moments evolves as an unbroken one does."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from luthier.storages import open_storage

WORK = """
import json
import sys
import time

import luthier
from luthier.schedulers import PBT
from luthier.study import driver

STEPS = 12
storage, seed, jobs, pause = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
driver._FLUSH_SECONDS = 0.01  # so that killed trials leave reports behind, as long ones do
luthier.set_verbosity("warning")
print("at work", flush=True)


def objective(trial):
    lr = trial.suggest_float("lr", 0.01, 1.0, log=True)
    kind = trial.suggest_categorical("kind", ["a", "b", "c"])
    saved = trial.load_checkpoint()
    step, w = (0, 1.0) if saved is None else json.loads(saved.read_bytes())
    for step in range(step + 1, STEPS + 1):
        time.sleep(pause)
        w = w * (1 - 0.3 * lr) + 0.01 * lr + 0.001 * "abc".index(kind)
        trial.report(w, step)
        trial.save_checkpoint(json.dumps([step, w]).encode())
        if trial.should_prune():
            raise luthier.TrialPruned()
    return w


study = luthier.create_study(
    storage=storage,
    study_name="pbt",
    load_if_exists=True,
    strategy="random",
    scheduler=PBT(STEPS, population=4, ready_every=3, synchronous=True),
    seed=seed,
    max_attempts=1000,
)
study.optimize(objective, n_jobs=jobs)
"""


def start(folder: Path, storage: str, seed: int, jobs: int, pause: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "work.py", storage, str(seed), str(jobs), str(pause)],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=400)
    assert process.returncode == 0


def log_of(path: Path) -> list[tuple[Any, ...]]:
    """The log without times, attempts, workers, and what a run that was killed did in vain."""
    storage = open_storage(path)
    study = storage.load_study("pbt").id
    origins = {t.number: t.origin for t in storage.changes_since(study, 0).trials}
    log: list[tuple[Any, ...]] = []
    for event in storage.events(study):
        data = event.data
        if event.kind == "claimed" and "budget" in data:
            log.append((event.number, "resumed", data["budget"]))
        elif event.kind == "checkpointed":
            log.append((event.number, "saved", data["checkpoint"]))
        elif event.kind in ("added", "paused", "finished"):
            kept = ("state", "params", "budget", "metrics", "reports", "error")
            origin = replace(origins[event.number or 0], history_version=0)
            log.append((event.number, event.kind, {k: data.get(k) for k in kept}, origin))
    storage.close()
    return log


def by_trial(log: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(log, key=lambda line: line[0])  # stable: a trial's own lines keep their order


def check(folder: Path, kills: int, jobs: int) -> None:
    (folder / "work.py").write_text(WORK)
    moments, seed = random.Random(jobs), 0
    while kills > 0:
        seed += 1
        finished(start(folder, f"unbroken{seed}.db", seed, jobs, 0))
        broken = folder / f"broken{seed}.db"
        while kills > 0:
            process = start(folder, broken.name, seed, jobs, 0.02)
            assert process.stdout is not None
            if moments.random() < 0.8:
                process.stdout.readline()
            time.sleep(moments.uniform(0, 0.6))
            over = process.poll() is not None
            process.kill()
            process.communicate()
            if over:
                break
            kills -= 1
        finished(start(folder, broken.name, seed, jobs, 0))
        expected, got = log_of(folder / f"unbroken{seed}.db"), log_of(broken)
        order = by_trial if jobs > 1 else list
        assert order(got) == order(expected)
        saved = [(number, data[0]) for number, kind, data, *_ in got if kind == "saved"]
        assert len(saved) == len(set(saved)) == 4 * 12
        os.remove(broken)


def test_a_few_kills_change_nothing(tmp_path: Path) -> None:
    check(tmp_path, 4, jobs=1)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_many_kills_change_nothing(tmp_path: Path, jobs: int) -> None:
    check(tmp_path, 50, jobs)
