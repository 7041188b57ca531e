from __future__ import annotations

import numpy as np
import pytest

from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.numerics.pareto import non_dominated
from luthier.samplers import GP
from luthier.samplers.gp.model import Model
from luthier.space import Float, Space
from luthier.testing.rehearsal import Rehearsal

SQUARE = Space(x=Float(0, 1), y=Float(0, 1))


def played(m: int, n: int, sampler: GP, seed: int = 0) -> Rehearsal:
    """Minimise the squared distances to m corners; what is best lies between them."""
    corners = np.array([[0.1, 0.2], [0.9, 0.3], [0.4, 0.9]])[:m]
    names = [f"f{j}" for j in range(m)]
    play = Rehearsal(
        SQUARE, seed=seed, objective=Objective.of(metrics=dict.fromkeys(names, "minimize"))
    )
    for _ in range(n):
        for trial in play.start(sampler):
            x = np.array([trial.params["x"], trial.params["y"]])
            play.end(
                trial,
                metrics=dict(zip(names, np.square(corners - x).sum(axis=1).tolist(), strict=True)),
            )
    return play


@pytest.mark.parametrize("m", [2, 3])
def test_the_front_is_filled_evenly(m: int) -> None:
    Y = played(m, 40, GP()).history.Y
    front = Y[non_dominated(Y)]
    assert len(front) > 20
    ends = [float(front[:, j].min()) for j in range(m)]
    assert max(ends) < 0.05
    order = np.sort(front[:, 0])
    assert np.diff(order).max() < 0.25


def test_the_volume_is_what_counts_and_the_reason_says_so() -> None:
    play = played(2, 12, GP())
    reasons = [t.origin.reason for t in play.history.completed]
    assert "LogEHVI on 2 GPs, 8 points" in reasons[8]
    assert any("UCB of volume" in reason for reason in reasons)
    weighted = played(2, 6, GP(acquisition="pi")).history.completed[5].origin.reason
    assert "PI on GP of a random weighting of the objectives" in weighted


@pytest.mark.parametrize("acquisition", ["logei", "ucb"])
def test_gradients_are_those_of_finite_differences(acquisition: str) -> None:
    play = played(2, 12, GP())
    play.end(play.add({"x": 0.9, "y": 0.9}), TrialState.FAILED)
    model = Model(SQUARE, play.history, np.random.default_rng(0), GP())
    surrogate, step = model._surrogate, 1e-5
    X = np.random.default_rng(1).random((6, 2))
    _, gradient = surrogate.acquire_with_gradient(X, acquisition, 1.8)
    for j in range(2):
        move = step * np.eye(2)[j]
        up, down = (surrogate.acquire(X + s * move, acquisition, 1.8) for s in (1, -1))
        assert gradient[:, j] == pytest.approx((up - down) / (2 * step), rel=1e-3, abs=1e-4)


def test_many_workers_spread_along_the_front() -> None:
    play = played(2, 16, GP())
    together = play.start(GP(), 8)
    points = np.array([[t.params["x"], t.params["y"]] for t in together])
    apart = np.linalg.norm(points[:, None] - points, axis=2) + np.eye(8)
    assert apart.min() > 1e-3


def test_constraints_come_before_the_front() -> None:
    objective = Objective.of(
        metrics={"a": "minimize", "b": "minimize"}, constraints=["size <= 0.5"]
    )
    play = Rehearsal(SQUARE, objective=objective)
    for _ in range(30):
        for trial in play.start(GP()):
            x, y = trial.params["x"], trial.params["y"]
            play.end(trial, metrics={"a": 1 - x, "b": (y - 0.5) ** 2 + x / 10, "size": x})
    x = np.array([t.params["x"] for t in play.history.completed])
    assert (x[-10:] <= 0.5).mean() > 0.6
    assert x[x <= 0.5].max() > 0.49


def many(n: int, sampler: GP) -> Rehearsal:
    """Minimise the squared distances to five corners."""
    corners = np.array([[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9], [0.5, 0.5]])
    names = [f"f{j}" for j in range(5)]
    play = Rehearsal(SQUARE, objective=Objective.of(metrics=dict.fromkeys(names, "minimize")))
    for _ in range(n):
        for trial in play.start(sampler):
            x = np.array([trial.params["x"], trial.params["y"]])
            found = np.square(corners - x).sum(axis=1).tolist()
            play.end(trial, metrics=dict(zip(names, found, strict=True)))
    return play


def test_many_objectives_are_weighted_anew_for_each_trial() -> None:
    history = many(30, GP()).history
    assert "LogEI of a random weighting on 5 GPs" in history.completed[8].origin.reason
    assert np.median(history.Y.min(axis=0)) < 0.05
    X = np.array([[t.params["x"], t.params["y"]] for t in history.completed])
    assert (np.ptp(X[10:], axis=0) > 0.6).all()


@pytest.mark.parametrize("acquisition", ["logei", "ucb"])
def test_gradients_of_a_weighting_are_those_of_finite_differences(acquisition: str) -> None:
    model = Model(SQUARE, many(12, GP()).history, np.random.default_rng(0), GP())
    surrogate, step = model._surrogate, 1e-5
    X = np.random.default_rng(1).random((6, 2))
    _, gradient = surrogate.acquire_with_gradient(X, acquisition, 1.8)
    for j in range(2):
        move = step * np.eye(2)[j]
        up, down = (surrogate.acquire(X + s * move, acquisition, 1.8) for s in (1, -1))
        assert gradient[:, j] == pytest.approx((up - down) / (2 * step), rel=0.03, abs=0.03)
