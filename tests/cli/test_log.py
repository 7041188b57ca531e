"""``luthier log`` and ``luthier replay``."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import luthier as library
from luthier import Float, Space, open_storage
from luthier.core.objective import Objective
from luthier.testing.life import life

if TYPE_CHECKING:
    from conftest import Luthier


def test_log_tells_every_kind_of_event(luthier: Luthier) -> None:
    study = library.create_study(
        study_name="all", storage="runs.db", space=Space(x=Float(0, 1)), seed=0
    )
    study.enqueue_trial({"x": 0.25}, user_attrs={"note": "mine"})
    trial = study.ask()
    trial.set_user_attr("colour", "red")
    for step in range(2):
        trial.report(0.5, step)
        study._driver._flushed_at = 0.0
    study.tell(trial, 0.75)
    study.tell(study.ask(), state=library.TrialState.FAILED)
    study.ask()
    study._driver.release(2, "left for later")
    study.invalidate(0, "wrong data")
    study.set_user_attr("owner", "us")
    text = luthier("log").output
    for expected in (
        "study      space       a new version of the declared space",
        "trial 0    added       WAITING x=0.25 (enqueued by the user)",
        "trial 0    claimed     attempt 1 by ",
        "trial 0    attrs       colour=red",
        "trial 0    reported    step ",
        "trial 0    finished    COMPLETE value=0.75",
        "trial 1    finished    FAILED",
        "trial 2    released    WAITING (left for later)",
        "trial 0    invalidated wrong data",
        "study      state       attr:owner=us",
    ):
        assert expected in text, text


def test_log_tells_every_step_of_a_life(luthier: Luthier) -> None:
    storage = open_storage("runs.db")
    study = storage.create_study("life", Objective(("loss",)), 0, {}).id
    for step in life(storage, study):
        step()
    lines = luthier("log").output.splitlines()
    assert len(lines) == len(storage.events(study))
    text = "\n".join(lines)
    assert "trial 3    checkpointed step 2 in 10 bytes; step 2: loss=2" in text
    assert "trial 3    paused      PAUSED" in text


def test_log_as_json_lines(demo: Luthier) -> None:
    events = [json.loads(line) for line in demo("log", "--json").output.splitlines()]
    assert [event["version"] for event in events] == list(range(1, len(events) + 1))
    assert [e["number"] for e in events if e["kind"] == "finished"] == list(range(6))


def test_replay_finds_all_the_same(demo: Luthier) -> None:
    assert demo("replay").output == "6 proposals recomputed, all the same\n"


def test_replay_tells_what_differs(demo: Luthier) -> None:
    demo("run", "work.py:objective", "--study", "demo", "--trials", "7", "--sampler", "random")
    with sqlite3.connect("runs.db") as connection:
        query = "UPDATE events SET data = replace(data, '\"x\":', '\"y\":') WHERE number = 6"
        assert connection.execute(query).rowcount > 0
    connection.close()
    result = demo("replay", exit_code=1)
    assert "trial 6: recorded y=" in result.output
    assert "; now x=" in result.output
    assert "7 proposals recomputed, 1 differ" in result.output


def test_control_characters_in_a_log_are_shown_not_obeyed(luthier: Luthier) -> None:
    Path("hostile.py").write_text("def f(t): raise ValueError('\\x1b[2J' + str(t.number))")
    luthier("run", "hostile.py:f", "--trials", "1", exit_code=1)
    for command in ("log", "status", "trials"):
        assert "\x1b" not in luthier(command).output
