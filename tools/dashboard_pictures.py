"""Make the pictures of the dashboard in docs/images: studies in a made-up time, then a browser.

    python tools/dashboard_pictures.py [FOLDER]

The studies are real ones; only their training is a formula, and time passes as it says.
"""

from __future__ import annotations

import heapq
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

import luthier as lt

Run = Iterator[tuple[float, Any]]
Work = Callable[[lt.Trial, random.Random], Run]
REAL = time.time
MINUTES = 26  # what the last study takes, so that it ends about now
IMAGES = Path(__file__).parents[1] / "docs" / "images"


class Clock:
    """A time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = time.time() - 4 * 3600
        time.time = lambda: self.now

    def work(self, study: lt.Study, work: Work, workers: int, trials: int, left: int = 0) -> None:
        """Let workers run a study; ``left`` trials are still running at the end."""
        rng = random.Random(study.study_name)
        queue: list[tuple[float, int, lt.Trial, Run]] = []
        started = 0
        while True:
            while started < trials and len(queue) < workers:
                trial = study.ask()
                heapq.heappush(queue, (self.now, trial.number, trial, work(trial, rng)))
                started += 1
            if started == trials and len(queue) <= left:
                return
            self.now, _, trial, run = heapq.heappop(queue)
            try:
                seconds, _ = next(run)
            except StopIteration as end:
                study.tell(trial, end.value)
            except lt.TrialPruned:
                study.tell(trial, state=lt.TrialState.PRUNED)
            else:
                heapq.heappush(queue, (self.now + seconds, trial.number, trial, run))


def network(trial: lt.Trial, rng: random.Random) -> Run:
    """Train a network that isn't there."""
    optimizer = trial.suggest_categorical("optimizer", ["sgd", "adam"])
    lr = trial.suggest_float("lr", 1e-4, 1.0, log=True)
    momentum = trial.suggest_float("momentum", 0.0, 0.99) if optimizer == "sgd" else None
    depth = trial.suggest_int("depth", 2, 10)
    width = trial.suggest_int("width", 32, 512, log=True)
    dropout = trial.suggest_float("dropout", 0.0, 0.6)
    if lr > 0.05 and optimizer == "adam":
        yield 9.0, None
        return math.nan  # fails the trial
    best_lr = -1.0 if optimizer == "sgd" else -2.6
    if momentum is not None:
        best_lr -= 0.8 * momentum
    off = (math.log10(lr) - best_lr) ** 2 / 2
    floor = 0.21 + 0.18 * off + 0.006 * (depth - 7) ** 2 + 0.05 * (math.log2(width) - 8) ** 2 / 4
    floor += 0.9 * (dropout - 0.25) ** 2 + (0.02 if optimizer == "sgd" else 0.0)
    for epoch in range(1, 28):
        yield 0.9 + width * depth / 900, None
        speed = 0.28 / (1 + off)
        loss = floor + 1.9 * math.exp(-speed * epoch) + rng.gauss(0, 0.012)
        trial.report({"loss": loss, "accuracy": 1 - loss / 2.4}, step=epoch)
        if trial.should_prune():
            raise lt.TrialPruned(f"at step {epoch}")
    return loss


def boosting(trial: lt.Trial, rng: random.Random) -> Run:
    """Fit trees that aren't there."""
    rate = trial.suggest_float("learning_rate", 0.005, 0.4, log=True)
    leaves = trial.suggest_int("num_leaves", 8, 256, log=True)
    rows = trial.suggest_float("subsample", 0.4, 1.0)
    loss = 0.31 + 0.02 * (math.log10(rate) + 1.3) ** 2 + 0.01 * (math.log2(leaves) - 5) ** 2
    yield 20.0, None
    return loss + 0.05 * (rows - 0.8) ** 2 + rng.gauss(0, 0.002)


def tradeoff(trial: lt.Trial, rng: random.Random) -> Run:
    """Measure the speed of a network that isn't there."""
    width = trial.suggest_float("width", 0.25, 2.0, log=True)
    layers = trial.suggest_int("layers", 4, 40)
    bits = trial.suggest_categorical("bits", [4, 8, 16])
    share = trial.suggest_float("pruned", 0.0, 0.9)
    yield 45.0, None
    size = width**2 * layers * bits / 8 * (1 - share)
    error = 0.22 / (1 + 0.5 * size**0.6) + 0.05 * (share > 0.6) * (share - 0.6) + 0.03 * (bits == 4)
    error += 0.0004 * abs(layers - 18) + abs(rng.gauss(0, 0.004))
    return {"error": error + 0.04, "latency_ms": 2 + 0.8 * size * (1 + 0.3 * rng.random())}


def build(storage: str) -> None:
    """Make the studies."""
    clock = Clock()
    study = lt.create_study(study_name="churn-lightgbm", storage=storage, sampler="tpe", seed=2)
    clock.work(study, boosting, 4, 120)
    study = lt.create_study(study_name="churn-random", storage=storage, sampler="random", seed=2)
    clock.work(study, boosting, 4, 120)
    study = lt.create_study(
        study_name="edge-tradeoff",
        storage=storage,
        metrics={"error": "minimize", "latency_ms": "minimize"},
        constraints=["latency_ms <= 60"],
        seed=3,
    )
    clock.work(study, tradeoff, 6, 220)
    clock.now = REAL() - MINUTES * 60
    study = lt.create_study(
        study_name="cifar10-convnet",
        storage=storage,
        metrics={"loss": "minimize"},
        sampler="tpe",
        scheduler=lt.schedulers.Median(n_warmup_steps=3),
        seed=5,
    )
    clock.work(study, network, 6, 260, left=6)
    time.time = REAL


def shots(browser: Browser, address: str, folder: Path) -> None:
    """Take all pictures."""
    for name, path, size, scheme, wait in PICTURES:
        page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        page.goto(address + path)
        settle(page, wait)
        page.screenshot(path=folder / f"dashboard-{name}.png")
        page.close()


WAITING = """
() => [...document.querySelectorAll(".figure.waiting")]
  .filter((node) => node.getBoundingClientRect().top < innerHeight).length
"""


def settle(page: Page, wait: str) -> None:
    """Wait until what is to be seen is there."""
    page.wait_for_selector(wait, timeout=60_000)
    page.wait_for_timeout(2500)
    for _ in range(60):
        if not page.evaluate(WAITING):
            break
        page.wait_for_timeout(500)
    page.wait_for_timeout(800)


WIDE, NARROW = (1360, 900), (375, 1000)
STUDY = "#/study/cifar10-convnet"
PICTURES: list[tuple[str, str, tuple[int, int], Any, str]] = [
    ("studies", "#/", WIDE, "light", "tbody tr"),
    ("study", STUDY, WIDE, "light", ".main-svg"),
    ("dark", STUDY, WIDE, "dark", ".main-svg"),
    ("trials", STUDY + "/trials", WIDE, "light", "tbody tr"),
    ("trial", STUDY + "/trials/200", WIDE, "dark", ".main-svg"),
    ("front", "#/study/edge-tradeoff/front", WIDE, "light", ".main-svg"),
    ("compare", "#/compare/churn-lightgbm/churn-random", WIDE, "light", ".main-svg"),
    ("diagnosis", STUDY + "/diagnosis", WIDE, "light", ".findings li"),
    ("narrow", STUDY, NARROW, "light", ".main-svg"),
]


def main(arguments: list[str]) -> None:
    """Build, serve, look."""
    folder = Path(arguments[0]) if arguments else IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        storage = f"{place}/runs.db"
        build(storage)
        command = [sys.executable, "-m", "luthier.cli", "dashboard", "--storage", storage]
        server = subprocess.Popen([*command, "--port", "8799"], stderr=subprocess.DEVNULL)
        try:
            time.sleep(4)
            with sync_playwright() as play:
                browser = play.chromium.launch(
                    executable_path="/usr/bin/chromium", args=["--no-sandbox"]
                )
                shots(browser, "http://127.0.0.1:8799/", folder)
                browser.close()
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
