"""Tests of what a study says while it runs, and of its progress display."""

import io
import logging
from collections.abc import Iterator

import pytest

import luthier
from luthier.errors import ArgumentError
from luthier.study.narration import incumbent
from luthier.study.progress import progress, summary


@pytest.fixture(autouse=True)
def _logger_as_before() -> Iterator[None]:
    logger = logging.getLogger("luthier")
    level, handlers = logger.level, logger.handlers[:]
    yield
    logger.setLevel(level)
    logger.handlers[:] = handlers


def objective(trial: luthier.Trial) -> float:
    x = trial.suggest_float("x", 0, 1)
    if trial.number == 1:
        raise ValueError("no convergence")
    return x


def test_a_line_for_every_trial(capsys: pytest.CaptureFixture[str]) -> None:
    luthier.set_verbosity("info")
    study = luthier.create_study(seed=0)
    study.optimize(objective, n_trials=3)
    lines = capsys.readouterr().err.splitlines()
    assert "Trial 0 finished: value=" in lines[0]
    assert "Best so far: trial 0" in lines[0]
    assert "Trial 1 failed: ValueError: no convergence" in lines[1]
    assert f"Best so far: trial {study.best_trial.number}" in lines[2]


def test_failures_only(capsys: pytest.CaptureFixture[str]) -> None:
    luthier.set_verbosity("warning")
    luthier.create_study(seed=0).optimize(objective, n_trials=3)
    [line] = capsys.readouterr().err.splitlines()
    assert "Trial 1 failed" in line
    luthier.set_verbosity(logging.ERROR)
    luthier.create_study(seed=0).optimize(objective, n_trials=3)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("level", ["loud", None, True, 1.5])
def test_bad_levels(level: object) -> None:
    with pytest.raises(ArgumentError, match="level must be one of debug, info"):
        luthier.set_verbosity(level)  # type: ignore[arg-type]


def test_incumbent_needs_one_objective_and_feasibility() -> None:
    study = luthier.create_study(metrics={"a": "minimize"}, constraints=["b <= 1"])
    assert incumbent(study.history) is None
    study.tell(study.ask(), {"a": 0, "b": 2})
    assert incumbent(study.history) is None
    study.tell(study.ask(), {"a": 1, "b": 0})
    best = incumbent(study.history)
    assert best is not None
    assert best.number == 1
    several = luthier.create_study(directions=["minimize", "minimize"])
    several.tell(several.ask(), (0, 0))
    assert incumbent(several.history) is None


def test_plain_lines_without_a_terminal() -> None:
    study = luthier.create_study(study_name="plain", seed=0)
    out = io.StringIO()
    with progress(study._driver, 3, None, out):
        study.optimize(objective, n_trials=3)
    [line] = out.getvalue().splitlines()
    assert line.startswith("plain: 3/3 trials, 2 complete, 1 failed; best value=")


def test_a_bar_on_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    study = luthier.create_study(study_name="bar", seed=0)
    out = Terminal()
    with progress(study._driver, None, 4, out):
        study.optimize(objective, total_trials=4)
    assert "bar" in out.getvalue()
    assert "4/4" in out.getvalue()
    assert study._driver.listeners == []


def test_progress_through_optimize(capsys: pytest.CaptureFixture[str]) -> None:
    luthier.set_verbosity("error")
    study = luthier.create_study(study_name="shown", seed=0)
    study.optimize(objective, n_trials=2, show_progress_bar=True)
    assert "shown: 2/2 trials" in capsys.readouterr().err


def test_the_least_infeasible_is_told_until_something_is_feasible(
    capsys: pytest.CaptureFixture[str],
) -> None:
    luthier.set_verbosity("info")
    study = luthier.create_study(metrics={"a": "minimize"}, constraints=["b <= 1"], seed=0)
    results = iter([{"a": 0.0, "b": 3.0}, {"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 1.0}])
    texts = []
    study.optimize(
        lambda _: next(results), 3, callbacks=[lambda s, _: texts.append(summary(s.history))]
    )
    lines = capsys.readouterr().err.splitlines()
    assert "None is feasible so far, trial 0 is the least infeasible." in lines[0]
    assert "None is feasible so far, trial 1 is the least infeasible." in lines[1]
    assert "Best so far: trial 2 with 2." in lines[2]
    assert texts == [
        "1 complete; none feasible, trial 0 the least infeasible",
        "2 complete; none feasible, trial 1 the least infeasible",
        "3 complete; best a=2 (trial 2)",
    ]


def test_summary_of_an_empty_study() -> None:
    assert summary(luthier.create_study().history) == "no trials"


def test_names_never_command_the_terminal() -> None:
    study = luthier.create_study(study_name="\x1b[31mred", seed=0)
    out = io.StringIO()
    with progress(study._driver, 1, None, out):
        study.optimize(objective, n_trials=1)
    assert out.getvalue().startswith(r"\x1b[31mred: 1/1 trials")


def test_paused_trials_count_as_done_for_now(capsys: pytest.CaptureFixture[str]) -> None:
    study = luthier.create_study(scheduler=luthier.schedulers.Asha(9), seed=0)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2, show_progress_bar=True)
    paused = len(study.history.paused)
    assert paused
    assert f"{paused} paused" in summary(study.history)
    assert ": 2/2 trials" in capsys.readouterr().err
