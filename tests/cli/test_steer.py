"""``luthier stop``, ``goal``, ``enqueue``, ``retry``, ``invalidate`` and ``annotate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import luthier as library
from luthier import Categorical, Float, Int, Space, TrialState

if TYPE_CHECKING:
    from conftest import Luthier

SPACE = Space(
    lr=Float(1e-4, 1, log=True),
    units=Int(1, 64),
    kind=Categorical(["1", "adam", "[2]", None]),
    shape=Categorical([(1, 2), (3,)]),
    on=Categorical([True, False]),
)


@pytest.fixture
def study(luthier: Luthier) -> library.Study:
    return library.create_study(study_name="s", storage="runs.db", space=SPACE, seed=0)


def test_stop_a_study(luthier: Luthier, study: library.Study) -> None:
    assert luthier("stop", "s").stdout == "Study 's' starts no more trials.\n"
    study.ask()
    assert "; 1 running one goes on to the end." in luthier("stop", "s").stdout
    study.ask()
    assert "; 2 running ones go on to the end." in luthier("stop", "s").stdout
    assert "stopped" in study.storage.get_state(1)


def test_stop_trials(luthier: Luthier, study: library.Study) -> None:
    study.ask()
    study.ask()
    told = luthier("stop", "s", "--trial", "1", "--trial", "0", "--reason", "\x1b[31mNaN").stdout
    assert told.splitlines() == [
        f"Trial {n} is PRUNED: stopped by the user: \\x1b[31mNaN." for n in (1, 0)
    ]
    assert {t.state for t in study.trials} == {TrialState.PRUNED}
    assert "stopped" not in study.storage.get_state(1)
    study.tell(study.ask(), 0.5)
    assert "trial 2 is COMPLETE" in luthier("stop", "s", "--trial", "2", exit_code=2).stderr


def test_goal(luthier: Luthier, study: library.Study) -> None:
    assert luthier("goal", "s").stdout == "Study 's' has no goal; it has 0.\n"
    assert luthier("goal", "s", "7").stdout == "Study 's' is to have 7 trials; it has 0.\n"
    assert study.goal == 7
    assert "has no goal" in luthier("goal", "s", "None").stdout
    assert study.goal is None
    for bad in ("-3", "2.5", "many"):
        assert "TRIALS must be a number" in luthier("goal", "s", "--", bad, exit_code=2).stderr


def test_a_worker_goes_by_the_goal(demo: Luthier) -> None:
    demo("goal", "demo", "8")
    demo("worker", "demo", "work.py:objective")
    assert "it has 8." in demo("goal", "demo").stdout


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("lr=0.5", 0.5),
        ("units=3", 3),
        ("kind=adam", "adam"),
        ("kind=1", "1"),
        ("kind=[2]", "[2]"),
        ("kind=null", None),
        ("shape=[1,2]", (1, 2)),
        ("on=true", True),
    ],
)
def test_enqueue_reads_values(
    luthier: Luthier, study: library.Study, text: str, value: object
) -> None:
    assert "Trial 0 waits to be run: lr=" in luthier("enqueue", "s", text).stdout
    [trial] = study.trials
    assert trial.params[text.partition("=")[0]] == value
    assert trial.origin.sampler == "enqueued"


def test_enqueue_with_a_note_and_not_twice(luthier: Luthier, study: library.Study) -> None:
    luthier("enqueue", "s", "units=3", "--note", "as in the paper")
    told = luthier("enqueue", "s", "units=3", "--skip-if-exists").stdout
    assert told == "Nothing to do: a trial has these values.\n"
    assert [t.user_attrs for t in study.trials] == [{"note": "as in the paper"}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["units=70"], "'units'"),
        (["nope=1"], "'nope'"),
        (["units"], "NAME=VALUE"),
        (["=3"], "NAME=VALUE"),
        (["units=3", "units=4"], "each name once"),
        (["lr=x"], "'lr'"),
    ],
)
def test_enqueue_refuses(
    luthier: Luthier, study: library.Study, arguments: list[str], message: str
) -> None:
    assert message in luthier("enqueue", "s", *arguments, exit_code=2).stderr
    assert study.trials == []


def test_enqueue_where_the_space_is_learnt(demo: Luthier) -> None:
    demo("enqueue", "demo", "x=0.25", "kind=b", "n=3")
    demo("run", "work.py:objective", "--study", "demo", "--trials", "7")
    trial = library.load_study(study_name="demo", storage="runs.db").trials[6]
    assert (trial.state, trial.params) == (TrialState.COMPLETE, {"x": 0.25, "kind": "b", "n": 3})


def test_retry_and_invalidate(luthier: Luthier) -> None:
    luthier(
        "run", "work.py:two", "--study", "t", "--trials", "2", "--directions", "minimize,minimize"
    )
    told = luthier("retry", "t", "1", "0").stdout.splitlines()
    assert [line.partition(": ")[0] for line in told] == [
        "Trial 2 waits to run what trial 1 ran",
        "Trial 3 waits to run what trial 0 ran",
    ]
    assert luthier("invalidate", "t", "1", "--reason", "bug").stdout == "Trial 1 counts no more.\n"
    assert "trial 2 is WAITING" in luthier("retry", "t", "2", exit_code=2).stderr
    assert "trial 2 is WAITING" in luthier("invalidate", "t", "2", exit_code=2).stderr
    study = library.load_study(study_name="t", storage="runs.db")
    assert study.trials[2].params == study.trials[1].params
    assert study.trials[1].invalid == "bug"


def test_annotate(luthier: Luthier, study: library.Study) -> None:
    study.tell(study.ask(), 1.0)
    assert luthier("annotate", "s").stdout == "Note\nTags\n"
    luthier("annotate", "s", "--note", "two\nlines", "--tag", "a", "--tag", "b")
    assert luthier("annotate", "s").stdout == "Note  two\\nlines\nTags  a, b\n"
    assert luthier("annotate", "s", "--no-tags").stdout == "Note  two\\nlines\nTags\n"
    luthier("annotate", "s", "--trial", "0", "--tag", "paper")
    assert luthier("annotate", "s", "--trial", "0").stdout == "Note\nTags  paper\n"
    assert study.trials[0].user_attrs == {"tags": ["paper"]}
    both = luthier("annotate", "s", "--tag", "a", "--no-tags", exit_code=2).stderr
    assert "got both" in both
    assert "no trial 4" in luthier("annotate", "s", "--trial", "4", exit_code=2).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["stop", "none"],
        ["goal", "none", "3"],
        ["enqueue", "none", "x=1"],
        ["retry", "none", "0"],
        ["invalidate", "none", "0"],
        ["annotate", "none"],
    ],
)
def test_a_study_that_is_not_there(
    luthier: Luthier, study: library.Study, arguments: list[str]
) -> None:
    assert "There is no study 'none'" in luthier(*arguments, exit_code=2).stderr
    luthier(*arguments, "--storage", "missing.db", exit_code=2)


def test_a_reason_without_a_trial(luthier: Luthier, study: library.Study) -> None:
    assert "--reason goes with --trial" in luthier("stop", "s", "--reason", "x", exit_code=2).stderr
