"""Freeze-thaw in simulated time: what is trained, for how long, and what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import luthier
from luthier.errors import ArgumentError
from luthier.schedulers import FreezeThaw
from luthier.testing.simulate import Training

if TYPE_CHECKING:
    from conftest import Play


def table(params: Any) -> Training:
    """Below 5 curves fall like 1/s to x; from 5 on they lie flat."""
    x = params["x"]
    return Training([x + (10.0 / step if x < 5 else 0.0) for step in range(1, 11)])


def test_the_whole_of_one_trial_by_hand(play: Play) -> None:
    """Alone, with leave to train all: every four steps it pauses, and goes on to the tenth."""
    study, run = play(FreezeThaw(10, stride=4, share=1.0), (1.0,), table)
    assert run.when("started", "paused", "resumed", "complete") == [
        (0.0, 0, "started"),
        (4.0, 0, "paused"),
        (4.0, 0, "resumed"),
        (8.0, 0, "paused"),
        (8.0, 0, "resumed"),
        (10.0, 0, "complete"),
    ]
    assert study.trials[0].value == 2.0
    assert run.steps == 10


def test_where_all_is_spent_the_best_alone_is_finished(play: Play) -> None:
    """Two steps of each of five are a fifth of all: then the best goes to the end, by itself."""
    study, run = play(FreezeThaw(10, stride=2, share=0.2), (6.0, 4.0, 9.0, 8.0, 7.0), table)
    begun = [(2.0 * k, k, "started") for k in range(5)]
    assert run.when("started")[: len(begun)] == begun[: len(run.when("started"))]
    (complete,) = run.when("complete")
    assert study.trials[complete[1]].last_step == 10
    values = {t.number: t.reports[2]["value"] for t in study.trials}
    assert complete[1] == min(values, key=values.__getitem__)
    assert run.steps <= 0.2 * 10 * 5 + 2 + 10


def test_the_best_by_now_is_finished_though_another_has_been(play: Play) -> None:
    """The first comes to its end before anything is known; all is spent before the best has."""
    study, run = play(FreezeThaw(10, stride=1, share=0.5), (6.0, 1.0, 7.0, 8.0), table)
    trained = {trial.number: trial.last_step or 0 for trial in study.trials}
    assert trained[0] == trained[1] == 10
    assert max(trained[2], trained[3]) < 5  # flat, and above: left
    assert study.best_trial.number == 1
    assert 20 < run.steps < 30
    assert run.when("complete")[-1] == (float(run.steps), 1, "complete")


@pytest.mark.parametrize("workers", [1, 3])
def test_it_is_the_same_again(play: Play, workers: int) -> None:
    runs = [
        play(FreezeThaw(10, stride=3, share=0.4), (6.0, 1.0, 7.0, 2.0), table, workers=workers)
        for _ in range(2)
    ]
    first, second = (run.events for _, run in runs)
    assert first == second


def test_killed_studies_choose_alike(tmp_path: Any) -> None:
    """A study that is loaded anew before every trial goes on as one that never was."""

    def objective(trial: luthier.Trial) -> float:
        x = trial.suggest_float("x", 0, 10)
        saved = trial.load_checkpoint()
        for step in range(1 if saved is None else saved.step + 1, 7):
            trial.report(x + 1 / step, step)
            trial.save_checkpoint(b"state")
            if trial.should_prune():
                raise luthier.TrialPruned
        return x + 1 / 6

    def study(name: str) -> luthier.Study:
        return luthier.create_study(
            study_name=name,
            storage=tmp_path / "runs.db",
            strategy="random",
            scheduler=FreezeThaw(6, stride=2, share=0.6),
            seed=3,
            load_if_exists=True,
        )

    study("whole").optimize(objective, total_trials=5)
    for total in range(1, 6):
        study("parts").optimize(objective, total_trials=5, stop=luthier.MaxTrials(total))
    study("parts").optimize(objective, total_trials=5)
    whole, parts = (
        [(t.params, t.state, dict(t.reports)) for t in study(name).trials]
        for name in ("whole", "parts")
    )
    assert whole == parts


def test_strides_beyond_the_end_are_refused() -> None:
    with pytest.raises(ArgumentError, match="stride must be at most max_resource=5, got 6"):
        FreezeThaw(5, stride=6)
