"""A synchronous population that is killed at random moments evolves as an unbroken one does.

Either the driver is killed, and with it all that it runs, or one of its two worker processes. Then
the trial that it ran is retried from its checkpoint, and the log has this more: that the trial was
released, and claimed again at its next attempt and with the budget that it had.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from luthier.storages import open_storage

KILLS_A_RUN = 10
WORK = """
import json
import os
import sys
import time

import luthier
from luthier.schedulers import PBT
from luthier.study import driver

STEPS = 12
storage, seed, jobs, pause = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
driver._FLUSH_SECONDS = 0.01  # so that killed trials leave reports behind, as long ones do
luthier.set_verbosity("error")
print("at work", flush=True)


def say(*words):
    with open(storage + ".steps", "a") as steps:
        print(*words, file=steps)


def objective(trial):
    lr = trial.suggest_float("lr", 0.01, 1.0, log=True)
    kind = trial.suggest_categorical("kind", ["a", "b", "c"])
    saved = trial.load_checkpoint()
    step, w = (0, 1.0) if saved is None else json.loads(saved.read_bytes())
    for step in range(step + 1, STEPS + 1):
        say(os.getpid(), "train", trial.number, step)
        time.sleep(pause)
        w = w * (1 - 0.3 * lr) + 0.01 * lr + 0.001 * "abc".index(kind)
        trial.report(w, step)
        trial.save_checkpoint(json.dumps([step, w]).encode())
        say(os.getpid(), "saved", trial.number, step)
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
study.optimize(objective, n_jobs=jobs, retries={luthier.errors.WorkerDiedError: 1000})
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


def check_steps(log: list[tuple[Any, ...]], path: Path) -> int:
    """No step is in the log twice, none that was saved was trained again; how many steps were."""
    saved = [(number, data[0]) for number, kind, data, *_ in log if kind == "saved"]
    assert len(saved) == len(set(saved)) == 4 * 12
    trained, done = 0, set()
    for line in Path(f"{path}.steps").read_text().splitlines():
        _, word, *trial_and_step = line.split()
        if word == "saved":
            done.add(tuple(trial_and_step))
        else:
            trained += 1
            assert tuple(trial_and_step) not in done
    return trained


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
        check_steps(got, broken)
        os.remove(broken)


def claims_and_losses(path: Path) -> tuple[list[tuple[int, int]], int]:
    """Trials and attempts as claimed after a release, and how many workers were lost.

    Nothing happens to a trial between the two.
    """
    storage = open_storage(path)
    released: set[int] = set()
    again, losses = [], 0
    for event in storage.events(storage.load_study("pbt").id):
        number = event.number or 0
        if event.kind == "released":
            assert event.data["state"] == "WAITING"
            assert "(SIGKILL)" in event.data["reason"]
            assert number not in released
            released.add(number)
            losses += 1
        elif event.kind == "claimed" and number in released:
            assert "budget" not in event.data  # the budget is the one that it had
            released.remove(number)
            again.append((number, event.data["attempt"]))
        elif event.number is not None:
            assert number not in released
    storage.close()
    assert not released
    return again, losses


def last_at_work(steps: Path, driver: int) -> int | None:
    """The process that wrote the last line; None if there is none yet."""
    lines = steps.read_text().splitlines() if steps.exists() else []
    pid = int(lines[-1].split()[0]) if lines else None
    assert pid != driver
    return pid


def kill_workers(process: subprocess.Popen[str], steps: Path, moments: random.Random) -> int:
    """Kill who is at work at random moments until the driver has ended; return how many."""
    killed: set[int] = set()
    while process.poll() is None:
        time.sleep(moments.uniform(0, 0.1))
        victim = last_at_work(steps, process.pid)
        if victim is not None and victim not in killed and len(killed) < KILLS_A_RUN:
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(victim, signal.SIGKILL)
                killed.add(victim)
    return len(killed)


def check_workers(folder: Path, kills: int) -> None:
    (folder / "work.py").write_text(WORK)
    moments, seed = random.Random(kills), 0
    while kills > 0:
        seed += 1
        whole, broken = folder / f"unbroken{seed}.db", folder / f"broken{seed}.db"
        finished(start(folder, whole.name, seed, 2, 0))
        process = start(folder, broken.name, seed, 2, 0.02)
        killed = kill_workers(process, Path(f"{broken}.steps"), moments)
        finished(process)
        kills -= killed
        got = log_of(broken)
        assert by_trial(got) == by_trial(log_of(whole))
        again, losses = claims_and_losses(broken)
        assert len(again) == losses <= killed  # less where a worker had just ended its trial
        assert check_steps(got, broken) <= 4 * 12 + losses  # the step that it was at, if any


def test_a_few_kills_change_nothing(tmp_path: Path) -> None:
    check(tmp_path, 4, jobs=1)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_many_kills_change_nothing(tmp_path: Path, jobs: int) -> None:
    check(tmp_path, 50, jobs)


def test_a_few_killed_workers_change_nothing(tmp_path: Path) -> None:
    check_workers(tmp_path, 4)


@pytest.mark.slow
def test_many_killed_workers_change_nothing(tmp_path: Path) -> None:
    check_workers(tmp_path, 50)
