from __future__ import annotations

import numpy as np

from luthier.core.evidence import Evidence, evidence_of, log_costs_of, reports_of
from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.numerics.gp import fit
from luthier.samplers.gp.columns import columns_of
from luthier.samplers.gp.surrogate import Surrogate, surrogate_of
from luthier.space import Float, Space
from luthier.testing.rehearsal import Rehearsal

SQUARE = Space(x=Float(0, 1), y=Float(0, 1))


def evidence(play: Rehearsal) -> Evidence:
    X = play.history.X
    return evidence_of(play.history, columns_of(SQUARE).incomplete(X), np.random.default_rng(0))


def surrogate(play: Rehearsal) -> Surrogate:
    return surrogate_of(evidence(play), (0, 0), kernel="matern52", warp="none")


def played(n: int, seed: int = 0, crash: float = -1.0, noise: float = 0.0) -> Rehearsal:
    play, rng = Rehearsal(SQUARE), np.random.default_rng(seed)
    for x, y in rng.random((n, 2)).tolist():
        trial = play.add({"x": x, "y": y})
        if x < crash:
            play.end(trial, TrialState.FAILED)
        else:
            play.end(trial, value=(x - 0.3) ** 2 + y + noise * rng.standard_normal())
    return play


def test_its_hyperparameters_are_about_as_good_as_a_thorough_search() -> None:
    play = played(45)
    found = surrogate(play).objective
    thorough = fit(play.history.X, play.history.Y[:, 0], max_steps=200)
    assert found.log_likelihood > thorough.log_likelihood - 2.0


def test_gradients_are_those_of_finite_differences() -> None:
    noisy = played(30, crash=0.2, noise=0.1)  # else the acquisition is too steep for differences
    model = surrogate(noisy).awaiting(np.array([[0.5, 0.5]]))
    at, step = np.random.default_rng(1).random((6, 2)), 1e-5
    for acquisition in ("logei", "ei", "ucb", "pi"):
        value, gradient = model.acquire_with_gradient(at, acquisition, 1.8)
        assert np.allclose(value, model.acquire(at, acquisition, 1.8))
        for j, e in enumerate(np.eye(2)):
            above = model.acquire(at + step * e, acquisition, 1.8)
            below = model.acquire(at - step * e, acquisition, 1.8)
            numeric = (above - below) / (2 * step)
            assert np.allclose(gradient[:, j], numeric, rtol=1e-3, atol=1e-4), acquisition


def test_constraints_are_modelled_by_how_much_they_are_broken() -> None:
    objective = Objective.of(constraints=["value <= 0.5"])
    play = Rehearsal(SQUARE, objective=objective)
    for x, y in np.random.default_rng(0).random((25, 2)).tolist():
        play.end(play.add({"x": x, "y": y}), value=x)
    found = evidence(play)
    assert found.excess.shape == (25, 1)
    assert ((found.excess[:, 0] > 0) == (found.X[:, 0] > 0.5)).all()
    assert found.setbacks == [f"{(found.X[:, 0] > 0.5).sum()} infeasible"]
    log_p = surrogate(play).bonus(np.array([[0.1, 0.5], [0.6, 0.5]]))
    assert log_p[0] > np.log(0.99)
    assert log_p[1] < np.log(0.01)


def test_success_is_unlikely_where_trials_failed() -> None:
    model = surrogate(played(60, crash=0.4))
    log_p = model.bonus(np.array([[0.1, 0.5], [0.8, 0.5]]))
    assert log_p[0] < np.log(0.05)
    assert log_p[1] > np.log(0.9)
    assert surrogate(played(20)).bonus(np.zeros((1, 2))).tolist() == [0.0]


def test_running_trials_are_worth_less_and_change_no_mean() -> None:
    model, at = surrogate(played(10)), np.array([[0.31, 0.05]])
    believed = model.awaiting(at)
    assert believed.acquire(at, "logei", 1.8)[0] < model.acquire(at, "logei", 1.8)[0] - 1.0
    grid = np.random.default_rng(2).random((5, 2))
    assert np.allclose(model.objective.predict(grid)[0], believed.objective.predict(grid)[0])
    assert model.awaiting(np.empty((0, 2))) is model


def test_pruned_trials_count_as_no_better_than_the_median() -> None:
    play = played(5)
    middle = float(np.median(play.history.Y[:, 0]))
    for last in (-100.0, 100.0, None):
        trial = play.add({"x": 0.5, "y": 0.5})
        if last is not None:
            play.report(trial, 1, {"value": last})
        play.end(trial, TrialState.PRUNED)
    found = evidence(play)
    assert found.y[5:].tolist() == [middle, 100.0, middle]
    assert (found.noise[5:] > 0).all()
    assert (found.n_completed, found.feasible[5:].any()) == (5, False)


def test_several_objectives_become_one() -> None:
    play = Rehearsal(SQUARE, objective=Objective.of(directions=["minimize", "minimize"]))
    for k in range(5):
        play.end(play.add({"x": k / 5, "y": 0.5}), value=float(k))
    found = evidence(play)
    assert found.aim == "a random weighting of the objectives"
    assert np.argsort(found.y).tolist() == [0, 1, 2, 3, 4]


def test_failures_are_sorted_in_by_when_they_happened() -> None:
    play = played(12, crash=0.5)
    found = evidence(play)
    states = (found.outcomes[:, 0] >= 0.5).tolist()
    assert found.succeeded.tolist() == states
    expected = np.random.default_rng(0).random((12, 2))
    assert np.allclose(found.outcomes, expected)
    assert found.setbacks == [f"{12 - found.n_completed} failures"]


def test_reports_are_final_values_early_ones_and_those_of_pruned_trials() -> None:
    play = Rehearsal(SQUARE)
    assert reports_of(played(5).history) is None
    for k in range(4):
        trial = play.add({"x": k / 4, "y": 0.0})
        for step in (1, 2, 4):
            play.report(trial, step, {"value": k + 4.0 - step})
        play.end(trial, value=float(k))
    for last in (1, 1, 2):
        trial = play.add({"x": 0.5, "y": 1.0})
        play.report(trial, last, {"value": 10.0})
        play.end(trial, TrialState.PRUNED)
    found = reports_of(play.history)
    assert found is not None
    assert found.share.tolist() == [0.25, 1.0] * 4 + [0.25, 0.25, 0.5]
    assert found.y.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 7, 7, 8]  # less what is gained from there
    assert found.feasible.tolist() == [False, True] * 4 + [False] * 3
    assert found.X[-1].tolist() == [0.5, 1.0]


def test_costs_are_those_of_trials_that_took_time() -> None:
    play = Rehearsal(SQUARE)
    for x, cost in ((0.25, 1.0), (0.5, None), (0.75, np.e)):
        play.end(play.add({"x": x, "y": 0.0}), value=x, cost=cost)
    X, log_costs = log_costs_of(play.history)
    assert X[:, 0].tolist() == [0.25, 0.75]
    assert log_costs.tolist() == [0.0, 1.0]
