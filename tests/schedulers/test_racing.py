"""Races by hand: when each rule drops a trial."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import luthier
from luthier.core.jobs import Decision, Proposal
from luthier.core.objective import Objective
from luthier.errors import ArgumentError
from luthier.schedulers import Race
from luthier.space import Float, Int, Space
from luthier.study.folds import Folds
from luthier.testing.rehearsal import Rehearsal

FULL = [0.90, 0.80, 0.95, 0.85]  # its worst fold is 1


def dropped_after(
    rule: str, ours: dict[int, float], theirs: list[float] | None = None, **settings: Any
) -> int | None:
    """After how many folds a trial is dropped, higher being better; None if never."""
    scores = FULL if theirs is None else theirs
    play = Rehearsal(Space(x=Float(0, 1)), objective=Objective.of(direction="maximize"))
    noted = {"incumbent": {"trial": 0, "scores": scores}}
    trial = play.add({"x": 0.5}, proposal=Proposal({"x": 0.5}, "", data=noted))
    for step, (fold, score) in enumerate(ours.items(), 1):
        trial = play.report(trial, step, {"value": 0, "fold": fold, "fold_score": score})
        if Race(rule, **settings).decide(play.history, trial, step) is Decision.STOP:
            return step
    return None


def test_forgiving_is_about_the_incumbents_worst_fold() -> None:
    assert dropped_after("forgiving", {1: 0.79}) == 1
    assert dropped_after("forgiving", {1: 0.80, 3: 0.80, 0: 0.80}) is None
    assert dropped_after("forgiving", {1: 0.90, 3: 0.60}) == 2  # 0.75 on average


def test_aggressive_is_about_the_same_folds() -> None:
    assert dropped_after("aggressive", {1: 0.79}) == 1
    assert dropped_after("aggressive", {1: 0.80, 3: 0.85, 0: 0.90}) is None
    assert dropped_after("aggressive", {1: 0.82, 3: 0.82, 0: 0.90}) == 2  # -0.01 on two


def test_paired_weighs_the_expected_gain() -> None:
    """By hand: one fold of four, behind by 0.1; the incumbent's variance is 0.00416667.

    The spread is sqrt((0 + 2 * 0.00416667) / (1 - 1 + 2)) = 0.0645497, the error of the mean
    0.0645497 * sqrt(1 - 1/4) = 0.0559017, so z = -1.788854, and the gain is 0.0559017 *
    (z Phi(z) + phi(z)) = 0.0559017 * 0.0147313 = 0.0008235. A standard error is 0.0645497 / 2 =
    0.0322749, of which this is 0.0255.
    """
    assert dropped_after("paired", {1: 0.70}, margin=0.0256) == 1
    assert dropped_after("paired", {1: 0.70}, margin=0.0254) is None


def test_paired_is_sure_where_differences_agree() -> None:
    steady = {1: 0.78, 3: 0.83, 0: 0.88}
    assert dropped_after("paired", steady, margin=0.02) == 3
    erratic = {1: 0.74, 3: 0.91, 0: 0.82}  # the same mean
    assert dropped_after("paired", erratic, margin=0.02) is None


def test_paired_lets_what_leads_go_on_and_gives_up_ties_at_half_way() -> None:
    assert dropped_after("paired", {1: 0.81, 3: 0.86, 0: 0.91}) is None
    assert dropped_after("paired", {1: 0.80, 3: 0.85, 0: 0.90}, margin=0.4) == 2
    assert dropped_after("paired", {1: 0.80, 3: 0.85, 0: 0.90}) is None  # 0.1 of 0.2


@pytest.mark.parametrize("rule", ["paired", "forgiving", "aggressive"])
def test_what_the_best_possible_scores_cannot_save_is_dropped(rule: str) -> None:
    theirs = [1.0, 0.8, 1.0, 1.0]
    assert dropped_after(rule, {1: 0.8}, theirs, bound=1.0) == 1  # level at best
    assert dropped_after(rule, {1: 0.8}, theirs, bound=1.1) is None
    assert dropped_after(rule, {1: 0.9, 0: 1.0}, theirs, bound=1.0) is None  # leads yet
    assert dropped_after(rule, {1: 0.9, 0: 0.9}, theirs, bound=1.0, margin=0) == 2


def test_a_bound_that_was_exceeded_is_not_believed() -> None:
    assert dropped_after("forgiving", {1: 0.8}, [1.0, 0.8, 1.0, 1.0], bound=0.9) is None
    assert dropped_after("forgiving", {1: 0.8}, [0.8, 0.8, 0.8, 0.8], bound=0.7) is None


@pytest.mark.parametrize("rule", ["paired", "forgiving", "aggressive"])
def test_nothing_is_dropped_that_cannot_be_compared(rule: str) -> None:
    assert dropped_after(rule, {1: math.nan, 2: 0.1}) is None
    assert dropped_after(rule, {1: 0.1}, [math.inf, 0.5, 0.5]) is None
    assert dropped_after(rule, {7: 0.1}) is None  # other folds
    assert dropped_after(rule, {0: 0.1}, [0.9]) is None  # over


@pytest.mark.parametrize("rule", ["paired", "forgiving", "aggressive"])
def test_zeros_and_equal_scores_are_no_trouble(rule: str) -> None:
    assert dropped_after(rule, {0: 0.0}, [0.0] * 9) is None
    assert dropped_after(rule, {0: -1.0}, [0.0] * 9) == 1
    assert dropped_after(rule, {0: 0.1 + 0.2}, [0.3] * 9) is None


def test_trials_without_an_incumbent_run_to_their_end() -> None:
    play = Rehearsal(Space(x=Float(0, 1)))
    trial = play.report(play.add({"x": 0.5}), 1, {"value": 9, "fold": 0, "fold_score": 9})
    assert Race().decide(play.history, trial, 1) is Decision.CONTINUE


@pytest.mark.parametrize(
    "settings", [{"rule": "hoeffding"}, {"margin": -1}, {"margin": math.inf}, {"bound": math.inf}]
)
def test_settings(settings: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(settings))):
        Race(**settings)


rows = st.integers(2, 6).flatmap(
    lambda n: st.lists(
        st.lists(st.integers(0, 10).map(lambda v: v / 10), min_size=n, max_size=n),
        min_size=2,
        max_size=8,
    )
)


def run(table: list[list[float]], scheduler: Any, direction: str = "maximize") -> luthier.Study:
    study = luthier.create_study(
        space=Space(row=Int(0, len(table) - 1)),
        sampler={"name": "grid"},
        scheduler=scheduler,
        direction=direction,
    )

    def objective(trial: luthier.Trial) -> float:
        row = table[trial.suggest_int("row", 0, len(table) - 1)]
        folds = Folds(trial, len(row))
        for fold in folds:
            folds.report(row[fold])
        return folds.mean

    study.optimize(objective, n_trials=len(table))
    return study


@given(rows, st.sampled_from(["paired", "forgiving", "aggressive"]))
def test_some_trial_completes_and_the_winner_has_all_its_folds(
    table: list[list[float]], rule: str
) -> None:
    study = run(table, Race(rule))
    first, best = study.trials[0], study.best_trial
    assert first.state is luthier.TrialState.COMPLETE
    assert best.value == pytest.approx(np.mean(table[best.params["row"]]))
    assert len(best.reports) == len(table[0])
    assert best.value >= np.mean(table[first.params["row"]]) - 1e-9


@given(rows)
def test_who_is_best_on_every_fold_is_never_dropped(table: list[list[float]]) -> None:
    best = [max(column) + 0.05 for column in zip(*table, strict=True)]
    for rule in ("paired", "forgiving", "aggressive"):
        assert run([*table, best], Race(rule)).best_params["row"] == len(table)


@given(rows)
def test_signs_do_not_matter(table: list[list[float]]) -> None:
    losses = [[-v for v in row] for row in table]
    for rule in ("paired", "forgiving", "aggressive"):
        pair = run(table, Race(rule)), run(losses, Race(rule), "minimize")
        ended = [[(t.state, len(t.reports)) for t in study.trials] for study in pair]
        assert ended[0] == ended[1]


def test_folds_of_a_study_that_races_are_the_same_side_by_side() -> None:
    table = np.random.default_rng(0).uniform(size=(20, 5)).round(2).tolist()

    def raced(executor: str) -> list[tuple[str, int]]:
        study = luthier.create_study(
            space=Space(row=Int(0, 19)), sampler="random", scheduler="race", seed=4
        )
        objective: Callable[[luthier.Trial], float] = lambda trial: _score(trial, table)  # noqa: E731
        study.optimize(objective, n_trials=12, executor=executor, reproducible=3)
        return [(t.state.name, len(t.reports)) for t in study.trials]

    assert raced("thread:3") == raced("inline") == raced("thread:2")


def _score(trial: luthier.Trial, table: list[list[float]]) -> float:
    row, folds = table[trial.params["row"]], Folds(trial, 5)
    for fold in folds:
        folds.report(row[fold])
    return folds.mean


@given(rows)
@example([[0.4, 1.0, 0.0, 0.0, 0.9], [0.0, 1.0, 0.1, 1.0, 0.2]])  # equal means
def test_a_bound_never_changes_who_wins(table: list[list[float]]) -> None:
    """What it drops is certain: only fits are saved. Of equals, the first is enough."""
    plain = run(table, Race("aggressive"))
    bound = run(table, Race("aggressive", bound=1.0))
    assert bound.best_value == pytest.approx(plain.best_value)
    if len({round(sum(row), 6) for row in table}) == len(table):
        assert bound.best_params == plain.best_params
        assert _fits(bound) <= _fits(plain)


def _fits(study: luthier.Study) -> int:
    return sum(len(trial.reports) for trial in study.trials)
