"""``luthier watch``: what it sees, how it is drawn, and how it ends."""

from __future__ import annotations

import codecs
import fcntl
import io
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

import luthier as library
from luthier import Categorical, Float, FrozenTrial, Space, Study, TrialState
from luthier.cli.glance import Glance, glance, sparkline
from luthier.cli.options import open_study
from luthier.cli.panel import panel
from luthier.errors import StorageBusyError

if TYPE_CHECKING:
    from conftest import Luthier

HOSTILE = "[red]x[/red] \x1b[31m<b>\u202e\n" + "long" * 2_500
SPACE = Space(x=Float(0, 1), kind=Categorical(["[bold]a", "[/]"]))


def new(storage: str = "runs.db", name: str = "s", **options: object) -> Study:
    options.setdefault("space", SPACE)
    return library.create_study(study_name=name, storage=storage, seed=0, **options)  # type: ignore[arg-type]


def drawn(
    seen: Glance, width: int = 100, height: int | None = None, encoding: str = "utf-8"
) -> str:
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")
    console = Console(file=out, width=width, height=height, color_system=None)
    console.print(panel(seen, console, height=height))
    out.flush()
    return out.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined, no-any-return]


@pytest.fixture
def lived(luthier: Luthier) -> Study:
    """A study in which everything has happened once."""
    study = new()
    study.tell(study.ask(), 0.5)
    study.tell(study.ask(), 0.25)
    study.tell(study.ask(), state=TrialState.FAILED)
    pruned = study.ask()
    pruned.report(0.75, 3)
    study.tell(pruned, state=TrialState.PRUNED)
    running = study.ask()
    running.report(0.125, 7)
    study._driver._flush()
    study.enqueue_trial({"x": 0.5})
    study.set_goal(10)
    return study


def test_a_glance_sees_all_of_it(lived: Study) -> None:
    seen = glance(lived)
    assert seen.counts == {"complete": 2, "pruned": 1, "failed": 1, "running": 1, "waiting": 1}
    assert (seen.finished, seen.goal, seen.goals) == (4, 10, "minimize value")
    assert seen.best["value"].number == 1
    assert seen.values.tolist() == [0.5, 0.25]
    assert [t.number for t in seen.ends] == [3, 2, 1, 0]
    assert [(w.trials, w.known) for w in seen.workers] == [((4,), "")]
    left = seen.seconds_left
    assert left == pytest.approx(60 * 6 / seen.per_minute)
    assert replace(seen, goal=4).seconds_left is None


def test_paused_trials_count_towards_the_goal(lived: Study) -> None:
    seen = replace(glance(lived), counts={"complete": 4, "paused": 6})
    assert (seen.done, seen.seconds_left) == (10, None)
    assert " 10 of 10 " in drawn(seen)
    assert replace(seen, goal=12).seconds_left is None  # a paused one may be resumed, or not


def test_a_glance_reads_only_what_changed(lived: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    looker = open_study("runs.db", "s")
    glance(looker)
    read: list[int] = []
    storage = looker._driver.storage
    since = storage.changes_since

    def counted(study: int, version: int) -> object:
        changes = since(study, version)
        read.append(len(changes.trials))
        return changes

    monkeypatch.setattr(storage, "changes_since", counted)
    glance(looker)
    lived.tell(4, 0.0625)
    assert glance(looker).best["value"].number == 4
    assert sum(read) == 1


def test_several_objectives_and_constraints(luthier: Luthier) -> None:
    ways = {"loss": "minimize", "acc": "maximize"}
    study = new(metrics=ways, constraints=["mb <= 1"])
    for loss, acc, mb in ((1.0, 0.5, 0), (2.0, 0.75, 0), (0.0, 1.0, 5)):
        study.tell(study.ask(), {"loss": loss, "acc": acc, "mb": mb})
    seen = glance(study)
    assert {name: t.number for name, t in seen.best.items()} == {"loss": 0, "acc": 1}
    text = drawn(seen)
    assert "minimize loss, maximize acc, mb <= 1" in text
    assert "Best    loss 1 by trial 0\n" in text
    assert "Best    acc 0.75 by trial 1\n" in text


def test_the_rate_is_that_of_the_last_minutes(luthier: Luthier) -> None:
    study, now = new(), time.time()
    study._driver.record = replace(study._driver.record, created=now - 10_000)
    made = [
        FrozenTrial(
            number=k,
            state=TrialState.COMPLETE if k % 2 else TrialState.FAILED,
            metric_names=("value",),
            metric_values=(1.0,),
            finished=now - age,
        )
        for k, age in enumerate((5000, 4000, 302, 250, 200, 1))
    ]
    study.storage.add_trials(1, made)
    assert glance(study).per_minute == pytest.approx(3 / 5)


def test_once_shows_it_and_ends(luthier: Luthier, lived: Study) -> None:
    text = luthier("watch", "s", "--once").stdout
    for expected in (
        "Study   s  minimize value",
        "Trials  2 complete, 1 pruned, 1 failed, 1 running, 1 waiting",
        "4 of 10",
        "Best    0.25 by trial 1: x=",
        "Values  █▁",
        "step 7  value=0.125",
        "process ",
        "3  pruned    value=0.75",
    ):
        assert expected in text
    assert luthier("watch", "s").stdout.splitlines()[0] == text.splitlines()[0]
    assert "Ctrl-C" not in text


def test_it_says_what_steps_count(luthier: Luthier) -> None:
    new(fidelity="epoch").ask().report(0.5, 3)
    assert "epoch 3" in luthier("watch", "s", "--once").stdout


def test_a_study_without_trials(luthier: Luthier) -> None:
    new(metrics={"loss": "minimize", "size": "minimize"})
    text = luthier("watch", "s", "--once").stdout
    assert "Trials  none yet" in text
    assert "Best    none yet" in text
    assert "Running" not in text


def test_hostile_texts_are_shown_and_never_obeyed(luthier: Luthier) -> None:
    study = new(name=HOSTILE, space=None)
    trial = study.ask()
    trial.suggest_categorical("[blink]k", ["[/]", "\x1b]0;title\x07"])
    study.tell(trial, 1.0)
    study.optimize(_fails, n_trials=1, fail_fast=None)
    for width in (30, 100):
        text = drawn(glance(study), width)
        assert "[red]x[/red] \\x1b[31m" in text
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert max(map(len, text.splitlines())) <= width
    assert "[blink]k=" in text
    assert "RuntimeError: [/red]" in text


def _fails(trial: library.Trial) -> float:
    raise RuntimeError("[/red] \x1b[2J")


@pytest.mark.parametrize("width", [20, 40, 59, 60, 200])
@pytest.mark.parametrize("height", [5, 12, 24, 60])
def test_it_fits_the_terminal(lived: Study, width: int, height: int) -> None:
    for _ in range(30):
        lived.tell(lived.ask(), 0.5)
        lived.ask()
    lines = drawn(glance(lived), width, height).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) <= max(height, 13)
    assert lines[-1].startswith("q or Ctrl-C")


def test_a_terminal_without_unicode(lived: Study) -> None:
    assert drawn(glance(lived), 100, encoding="ascii").isascii()
    assert "Values  #_" in drawn(glance(lived), encoding="ascii")


@pytest.mark.parametrize(
    ("values", "options", "line"),
    [
        ([], {}, ""),
        ([float("nan"), float("inf")], {}, ""),
        ([2.0, 2.0], {}, "▁▁"),
        ([2.0, 2.0], {"maximize": True}, "██"),
        ([0, 7, 3.5, float("nan"), 7], {}, "▁█▅█"),
        ([7, 0, 7, 7], {"maximize": True}, "█▁██"),
        ([*range(8), *(8 * [1e9])], {"width": 8}, "▁▁▁▁████"),
        ([0, 1], {"plain": True}, "_#"),
    ],
)
def test_sparklines(values: list[float], options: dict[str, object], line: str) -> None:
    assert sparkline(values, **{"width": 16, **options}) == line  # type: ignore[arg-type]


def test_trouble_with_the_storage_is_told(lived: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    from luthier.cli.watch import _next

    seen = glance(lived)

    def busy(*_: object) -> None:
        raise StorageBusyError("[red]locked")

    monkeypatch.setattr(lived._driver.storage, "changes_since", busy)
    later = _next(lived, seen)
    assert later.values is seen.values
    assert "Trying again: [red]locked" in drawn(later)


class Terminal:
    """A real terminal in which a study is watched."""

    def __init__(self, place: Path) -> None:
        pid, self.master = pty.fork()
        if not pid:
            os.chdir(place)
            os.environ["TERM"] = "xterm"
            os.execv(sys.executable, [sys.executable, "-m", "luthier.cli", *_WATCH])
        self.pid, self.shown = pid, ""
        self._decode = codecs.getincrementaldecoder("utf-8")().decode  # a read may split a letter
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 0, 0))

    def read_until(self, pattern: str) -> None:
        """Read what it shows anew until that matches."""
        until, self.shown = time.monotonic() + 60, ""
        while not re.search(pattern, self.shown):
            assert time.monotonic() < until, self.shown
            if select.select([self.master], [], [], 0.1)[0]:
                self.shown += self._decode(os.read(self.master, 65_536))

    def end(self) -> int:
        """Wait for its end; return the exit code."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    self.shown += self._decode(os.read(self.master, 65_536))
                except OSError:
                    break
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


_WATCH = ("watch", "s", "--storage", "runs.db", "--every", "0.1")


@pytest.mark.parametrize("way", ["q", "\x03"])
def test_a_terminal_shows_changes_until_somebody_has_had_enough(tmp_path: Path, way: str) -> None:
    study = new(f"{tmp_path}/runs.db")
    study.tell(study.ask(), 0.5)
    terminal = Terminal(tmp_path)
    try:
        terminal.read_until("1 complete")
        study.tell(study.ask(), 0.25)
        terminal.read_until("2 complete")
        os.write(terminal.master, b"x")
        study.tell(study.ask(), 0.125)
        terminal.read_until("3 complete")
        os.write(terminal.master, way.encode())
        assert terminal.end() == 0
        assert "\x1b[?1049l" in terminal.shown  # the screen from before is back
        assert "\x1b[?25h" in terminal.shown  # and the cursor
        assert "Traceback" not in terminal.shown
    finally:
        os.close(terminal.master)


def test_a_study_deleted_meanwhile_ends_the_watch(tmp_path: Path) -> None:
    study = new(f"{tmp_path}/runs.db")
    terminal = Terminal(tmp_path)
    try:
        terminal.read_until("none yet")
        study.storage.delete_study("s")
        assert terminal.end() == 2
        assert "was deleted" in terminal.shown
    finally:
        os.close(terminal.master)


def test_an_unknown_study(luthier: Luthier) -> None:
    new()
    assert "There is no study 'none'" in luthier("watch", "none", exit_code=2).stderr
