"""PASHA, one worker, beside what comes out by hand; rungs at 1, 3, 9 and 27."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luthier.schedulers import Pasha
from luthier.testing.simulate import Training

if TYPE_CHECKING:
    from conftest import Play

NINE = (5, 3, 8, 1, 7, 2, 6, 4, 9)


def test_a_ranking_that_stays_needs_two_rungs(play: Play) -> None:
    study, run = play(Pasha(27), NINE)
    assert Pasha(27).present(study.history) == (1, 3)
    assert run.when("resumed", "complete") == [
        (3.0, 1, "resumed"),
        (6.0, 3, "resumed"),
        (10.0, 5, "resumed"),
        (15.0, 3, "resumed"),  # all have been started: the best goes to the end
        (39.0, 3, "complete"),
    ]
    assert run.steps == 9 * 1 + 3 * 2 + 24


def test_a_ranking_that_turns_needs_another(play: Play) -> None:
    # From step 3 on the last are the first: 3 and 1 change places there, so rung 9 comes into use;
    # when 5 has come, 1 is the best of three on rung 3.
    def table(params: Any) -> Training:
        return Training([params["x"]] * 2 + [10 - params["x"]] * 25)

    study, run = play(Pasha(27), NINE, table)
    assert Pasha(27).present(study.history) == (1, 3, 9)
    assert run.when("resumed", "complete") == [
        (3.0, 1, "resumed"),
        (6.0, 3, "resumed"),
        (10.0, 5, "resumed"),
        (12.0, 1, "resumed"),
        (21.0, 1, "resumed"),
        (39.0, 1, "complete"),
    ]


def test_small_differences_count_as_none(play: Play) -> None:
    # On rung 3 trials 3, 5, 1 have 1.01, 1.00 and 2: within 2.5% of the range 3 and 5 are equal.
    def table(params: Any) -> Training:
        late = {1: 1.01, 2: 1.0, 3: 2.0}.get(params["x"], params["x"])
        return Training([params["x"]] * 2 + [late] * 25)

    study, _ = play(Pasha(27), NINE, table)
    assert Pasha(27).present(study.history) == (1, 3)
    assert Pasha(27, tolerance=0.0).present(study.history) == (1, 3, 9)


def test_trials_that_break_constraints_do_not_unsettle_the_ranking(play: Play) -> None:
    # On rung 3, trial 1 is the best by far but breaks the constraint, as it did on rung 1.
    def table(params: Any) -> Training:
        value = -50.0 if params["x"] == 3 else params["x"]
        return Training([{"value": value, "mb": 20.0 * (params["x"] == 3)}] * 27)

    study, _ = play(Pasha(27), NINE, table, more={"constraints": ["mb <= 10"]})
    assert Pasha(27).present(study.history) == (1, 3)
    assert study.best_trial.number == 3
