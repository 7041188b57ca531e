"""What the browser tests share: studies to look at, and pages that notice what they shouldn't."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, final

from playwright.sync_api import Browser, BrowserContext, Page

import luthier as lt

CHROMIUM = Path("/usr/bin/chromium")

HOSTILE = "<img src=x onerror=alert(1)>\"'&amp;</script><script>alert(2)</script> \u202eabc 😀"
LONG = "<b>long</b> " * 900  # 10 kB

SPACE = lt.Space(
    optimizer=lt.Categorical(["sgd", "adam"]),
    lr=lt.Float(1e-4, 1.0, log=True),
    momentum=lt.Float(0.0, 0.99, when={"optimizer": "sgd"}),
    layers=lt.Int(1, 8),
    weight=lt.Categorical([1.0, 0.5]),
)


def make_tuned(storage: str, name: str = "tuned", trials: int = 60, seed: int = 1) -> None:
    """A study with completed, pruned and failed trials that reported something."""
    study = lt.create_study(
        study_name=name, storage=storage, space=SPACE, sampler="random", scheduler="none", seed=seed
    )
    rng = random.Random(seed)
    for n in range(trials):
        trial = study.ask()
        off = (math.log10(trial.params["lr"]) + 2) ** 2 + 0.01 * trial.params["layers"]
        for step in range(1, 6):
            trial.report({"value": off + 1 / step}, step=step)
        if n % 10 == 7:
            study.tell(trial, math.nan)
        elif n % 10 == 3:
            study.tell(trial, state=lt.TrialState.PRUNED)
        else:
            study.tell(trial, off + rng.random() / 10)


def make_front(storage: str) -> None:
    """A study with two objectives."""
    study = lt.create_study(
        study_name="front",
        storage=storage,
        space=lt.Space(x=lt.Float(0, 1), y=lt.Float(0, 1)),
        metrics={"error": "minimize", "size": "minimize"},
        sampler="random",
        seed=1,
    )
    for _ in range(40):
        trial = study.ask()
        x, y = trial.params["x"], trial.params["y"]
        study.tell(trial, {"error": 1 - x + y, "size": x + y})


def make_hostile(storage: str) -> None:
    """A study in which every word is an attack."""
    space = lt.Space(
        {
            HOSTILE: lt.Categorical([HOSTILE, LONG, "fine"]),
            "x\n<b>": lt.Float(0, 1),
            "a" * 500: lt.Int(1, 3),
        }
    )
    metric = "&lt;b&gt;'\"\u202e😀"
    study = lt.create_study(
        study_name=HOSTILE,
        storage=storage,
        space=space,
        metrics={metric: "minimize"},
        sampler="random",
        scheduler="none",
        seed=1,
    )
    study.set_note(HOSTILE + "\n" + LONG)
    study.set_tags([HOSTILE[:60], "\u202ertl"])
    for n in range(6):
        trial = study.ask()
        trial.set_user_attr(HOSTILE, LONG)
        trial.report({metric: 1.0 / (n + 1), HOSTILE[:9]: 2.0}, step=1)
        study.tell(trial, {metric: float(n), HOSTILE[:20]: 3.0})
        study.annotate(trial.number, note=HOSTILE, tags=[HOSTILE[:60]])
    study.ask()
    study.enqueue_trial({HOSTILE: HOSTILE})
    study.invalidate(2, HOSTILE)
    lt.create_study(study_name="a/b?c#d%20e", storage=storage, space=SPACE)
    lt.create_study(study_name=LONG, storage=storage, space=SPACE)


def from_another_process(storage: str, code: str) -> None:
    """Do something to a study from a process of its own."""
    start = f"import luthier as lt\nstorage = {storage!r}\n"
    subprocess.run([sys.executable, "-c", start + code], check=True, timeout=120)


@final
class Watch:
    """Opens pages and notes what mustn't happen: errors, dialogs, requests to elsewhere.

    One page serves test after test, as it would a user; whoever needs another asks for it.
    """

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser = browser
        self.url = url
        self.wrong: list[str] = []
        self.expected: list[str] = []
        self._kept: Page | None = None
        self._taken = False
        self._others: list[BrowserContext] = []

    def open(self, path: str = "#/", **options: Any) -> Page:
        """Go to an address behind the "#"; options make a page in a context of its own."""
        address = f"{self.url}/{path}"
        if options or self._taken:
            page = self._new(options)
            self._others.append(page.context)
        else:
            page = self._kept = self._kept or self._new({})
            self._taken = True
            if page.url == address:
                page.goto(f"{self.url}/#/")
        page.goto(address)
        return page

    def _new(self, options: dict[str, Any]) -> Page:
        size = {"width": 1280, "height": 900}
        page = self.browser.new_context(**{"viewport": size, **options}).new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda m: self._note(m.type in ("error", "warning"), m.text))
        page.on("pageerror", lambda e: self._note(True, f"page error: {e}"))
        page.on("dialog", lambda d: (self._note(True, f"dialog: {d.message}"), d.dismiss()))
        own = (self.url + "/", "blob:", "data:")
        page.on("request", lambda r: self._note(not r.url.startswith(own), f"foreign: {r.url}"))
        return page

    def _note(self, bad: bool, text: str) -> None:
        if bad and not any(known in text for known in self.expected):
            self.wrong.append(text)

    def finish(self) -> None:
        """End a test; fail if a page did what it mustn't."""
        for context in self._others:
            context.close()
        if self._kept and (self.wrong or self._kept.locator("dialog").count()):
            self._kept.context.close()
            self._kept = None
        wrong = list(self.wrong)
        self.wrong.clear()
        self.expected.clear()
        self._others.clear()
        self._taken = False
        assert not wrong, wrong
