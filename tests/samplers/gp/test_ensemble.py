"""Models of all rungs joined: what each says, how far it is trusted, and what comes of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier
from luthier.core.evidence import Evidence, evidence_of
from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.errors import ArgumentError
from luthier.numerics.gp import fit
from luthier.samplers import GP, HighestRung
from luthier.samplers.gp.ensemble import Ensemble, ensemble_of
from luthier.samplers.gp.surrogate import surrogate_of
from luthier.space import Categorical, Float, Int, Space
from luthier.testing import Training, simulate
from luthier.testing.rehearsal import Rehearsal

SQUARE = Space(x=Float(0, 1), y=Float(0, 1))
GRID = np.stack(np.meshgrid(np.linspace(0.05, 0.95, 5), np.linspace(0.1, 0.9, 4)), -1).reshape(
    -1, 2
)


def of(values: np.ndarray) -> Evidence:
    stage = Rehearsal(SQUARE)
    for (x, y), value in zip(GRID, values, strict=True):
        stage.end(stage.add({"x": float(x), "y": float(y)}), value=float(value))
    none = np.zeros(len(values), dtype=bool)
    return evidence_of(stage.history, none, np.random.default_rng(0))


def joined(*rungs: np.ndarray) -> Ensemble:
    evidences = [of(values) for values in rungs]
    parts = [surrogate_of(e, (0, 0), kernel="matern52", warp="none") for e in evidences]
    return ensemble_of(parts, evidences[-1])


TRUE = np.square(GRID - 0.3).sum(axis=1)
ALIKE = TRUE + 0.05 * np.sin(9 * GRID[:, 0])


def test_a_rung_is_trusted_as_far_as_it_ranks_the_highest_ones_trials() -> None:
    chance = np.random.default_rng(1).random(len(TRUE))
    alike, random, opposite, own = joined(ALIKE, chance, -TRUE, TRUE).weights
    assert own > random > opposite
    assert alike > 1.5 * random
    assert opposite < 0.001
    assert alike + random + opposite + own == pytest.approx(1.0)


def test_equal_values_tell_nothing_of_trust() -> None:
    weights = joined(TRUE, np.ones(len(TRUE))).weights
    assert weights == pytest.approx([0.5, 0.5])


def test_it_is_the_product_of_its_experts() -> None:
    ensemble = joined(ALIKE, TRUE)
    X = np.random.default_rng(0).random((7, 2))
    mean, std = ensemble.predict(X)
    for k, x in enumerate(X):  # by hand: precisions add up, means are weighted by them
        told = [part.objective.predict(x[None]) for part in ensemble.parts]
        each = [w / s[0] ** 2 for w, (_, s) in zip(ensemble.weights, told, strict=True)]
        assert std[k] == pytest.approx(1 / math.sqrt(sum(each)))
        total = sum(p * m[0] for p, (m, _) in zip(each, told, strict=True))
        assert mean[k] == pytest.approx(total / sum(each))


@pytest.mark.parametrize("acquisition", ["logei", "ucb", "pi"])
def test_the_gradient_is_that_of_finite_differences(acquisition: str) -> None:
    ensemble = joined(ALIKE, TRUE).awaiting(np.array([[0.5, 0.5]]))
    X = np.random.default_rng(0).random((6, 2))
    value, gradient = ensemble.acquire_with_gradient(X, acquisition, 1.8)
    assert value == pytest.approx(ensemble.acquire(X, acquisition, 1.8))
    for j in range(2):
        step = 1e-6 * np.eye(2)[j]
        rise = ensemble.acquire(X + step, acquisition, 1.8)
        rise = rise - ensemble.acquire(X - step, acquisition, 1.8)
        assert gradient[:, j] == pytest.approx(rise / 2e-6, rel=1e-3, abs=1e-4)


def test_leaders_are_the_best_of_the_highest_rung() -> None:
    ensemble = joined(ALIKE, TRUE)
    assert ensemble.place.tolist() == ensemble.leaders[0].tolist()
    assert np.abs(ensemble.place - 0.3).max() < 0.15
    assert ensemble.best == pytest.approx(ensemble.predict(ensemble.leaders[:1])[0][0])


def staged(lowest: Mapping[int, float], *, failed: int = 0) -> Rehearsal:
    """20 trials on rung 1, of which 9 got to rung 3; some values on rung 1 may be given."""
    stage = Rehearsal(SQUARE)
    for k, (x, y) in enumerate(GRID.tolist()):
        trial = stage.add({"x": x, "y": y})
        if k < failed:
            stage.end(trial, TrialState.FAILED)
            continue
        value = (x - 0.3) ** 2 + (y - 0.3) ** 2
        trial = stage.report(trial, 1, {"value": lowest.get(k, value + 1)})
        if k % 2 == 0 and k < 18:
            trial = stage.report(trial, 3, {"value": value})
        stage.end(trial, TrialState.PAUSED if k % 3 else TrialState.PRUNED, cost=1.0)
    return stage


def test_values_on_low_rungs_change_the_proposal() -> None:
    one, other = staged({}), staged({19: -5.0, 17: -4.0, 15: -3.0})
    used = [stage.propose(GP(rungs=(1, 3)))[0] for stage in (one, other)]
    assert "LogEI on GP of 2 rungs, 9 points" in used[0].reason
    assert used[0].params != used[1].params
    ignored = [stage.propose(HighestRung(GP(), (1, 3)))[0] for stage in (one, other)]
    assert ignored[0].params == ignored[1].params


def test_thompson_sampling_on_several_rungs_is_expected_improvement() -> None:
    drawn, improved = (staged({}).propose(GP(a, rungs=(1, 3)))[0] for a in ("thompson", "logei"))
    assert drawn.params == improved.params
    assert "LogEI on GP of 2 rungs" in drawn.reason


def test_who_runs_and_was_seen_on_a_rung_is_not_awaited_there() -> None:
    X = np.random.default_rng(0).random((12, 2))
    model = fit(X, np.sin(5 * X).sum(axis=1))
    assert model.has_seen(np.vstack([X[3], X[5] + 1e-6, X[7]])).tolist() == [True, False, True]
    stage = staged({})
    running = stage.add({"x": 0.9, "y": 0.1})
    stage.report(running, 1, {"value": 2.0})
    stage.report(running, 3, {"value": 1.0})
    stage.add({"x": 0.1, "y": 0.9})
    assert "1 running" in stage.propose(GP(rungs=(1, 3)))[0].reason  # the other has a value


def test_rungs_with_other_aims_are_left_out() -> None:
    objective = Objective.of(constraints=["c <= 0"])
    stage = Rehearsal(SQUARE, objective=objective)
    for x, y in GRID.tolist():
        trial = stage.add({"x": x, "y": y})
        for step, c in ((1, -1.0), (3, 1.0)):
            trial = stage.report(trial, step, {"value": x, "c": c})
        stage.end(trial, TrialState.PRUNED)
    stage.add({"x": 0.5, "y": 0.5})
    stage.add({"x": 0.6, "y": 0.5})
    reason = stage.propose(GP(rungs=(1, 3)))[0].reason
    assert "violation" in reason
    assert "rungs" not in reason


@pytest.mark.parametrize("acquisition", ["pi", "thompson"])
def test_random_weightings_are_of_one_rung(acquisition: Any) -> None:
    study = luthier.create_study(
        space=SQUARE, directions=["minimize"] * 2, sampler=GP(acquisition, rungs=(1, 2)),
        scheduler=luthier.schedulers.Hyperband(4, eta=2), seed=0,
    )  # fmt: skip
    study.optimize(lambda t: (t.params["x"], 1 - t.params["x"] + 1 / t.budget), n_trials=20)
    weighted = [t.origin.reason for t in study.trials if "weighting" in t.origin.reason]
    assert weighted
    assert not any("rungs" in reason for reason in weighted)


def test_few_trials_on_a_rung_leave_it_out() -> None:
    stage = staged({})
    assert "of 2 rungs" not in stage.propose(GP(rungs=(1, 9)))[0].reason
    assert "start" in stage.propose(GP(rungs=(9,)))[0].reason
    assert stage.propose(GP(rungs=(1, 3), n_startup=30))[0].reason.startswith("start")


def test_every_third_trial_is_spread_over_the_space() -> None:
    stage = staged({})
    stage.add({"x": 0.5, "y": 0.5})
    proposal = stage.propose(GP(rungs=(1, 3)))[0]
    assert stage.history.next_number == 21
    assert proposal.reason == "every third trial: sobol point 21"


def test_proposals_are_determined_by_the_history() -> None:
    proposals = [staged({}, failed=2).propose(GP(rungs=(1, 3)))[0] for _ in range(2)]
    assert proposals[0] == proposals[1]
    assert "2 failures" in proposals[0].reason


def test_a_study_that_is_broken_off_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    def run(name: str, breaks_at: int) -> list[dict[str, Any]]:
        study = luthier.create_study(
            study_name="s",
            storage=f"sqlite:///{tmp_path / name}",
            strategy=luthier.mfes(4, eta=2),
            space=SQUARE,
            seed=3,
            load_if_exists=True,
        )

        def objective(trial: luthier.Trial) -> float:
            if trial.number == breaks_at:
                raise KeyboardInterrupt
            return float((trial.params["x"] - 0.3) ** 2 + 1 / (trial.budget or 4))

        study.optimize(objective, total_trials=30)
        return [trial.params for trial in study.trials]

    with pytest.raises(KeyboardInterrupt):
        run("broken.db", 17)
    assert run("broken.db", -1) == run("whole.db", -1)


@pytest.mark.parametrize("workers", [1, 4])
def test_mixed_and_conditional_spaces_in_parallel(workers: int) -> None:
    space = Space(
        model=Categorical(["a", "b", "c"]),
        x=Float(0, 1, when={"model": "b"}),
        n=Int(1, 50, log=True),
    )
    study = luthier.create_study(space=space, strategy=luthier.mfes(9), seed=1)

    def curve(params: Mapping[str, Any]) -> Training:
        end = (params["x"] if params["model"] == "b" else 0.9) + np.log(params["n"]) / 4
        return Training([end + 1 / step for step in range(1, 10)])

    simulate(study, curve, workers=workers, n_trials=36)
    assert any("rungs" in trial.origin.reason for trial in study.trials)
    assert study.best_value < 1.0
    if workers == 1:
        assert study.replay().exact


def test_several_objectives_are_learnt_from_the_highest_rung() -> None:
    study = luthier.create_study(
        space=SQUARE, directions=["minimize"] * 2, strategy=luthier.mfes(4, eta=2), seed=0
    )
    study.optimize(lambda t: (t.params["x"], 1 - t.params["x"] + 1 / t.budget), n_trials=20)
    assert any("2 GPs" in trial.origin.reason for trial in study.trials)


@pytest.mark.parametrize("rungs", [[-1], [0.5], "13", 3, [None]])
def test_what_makes_no_sense(rungs: Any) -> None:
    with pytest.raises(ArgumentError, match="GP: rungs must be steps"):
        GP(rungs=rungs)


def test_rungs_are_only_in_the_spec_where_there_are_some() -> None:
    assert "rungs" not in GP().spec
    assert GP(rungs=[9, 1, 1]).spec["rungs"] == [1, 9]
