"""Every strategy in a study whose best point is forbidden by a constraint on an outcome."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

import luthier
from luthier import Float, Space
from luthier.strategies import known_strategies

SPACE = Space(x=Float(0, 1), y=Float(0, 1))
FEASIBLE = 0.18  # the share of the space in which x + y <= 0.6
ONE = {"loss": "minimize"}
TWO = {"loss": "minimize", "gain": "maximize"}
CANNOT_LEARN = {"random", "grid", "random_grid", "quasirandom", "sobol", "halton", "lhs"}
DEAR = {"auto", "forest", "gp"}  # models whose proposals take milliseconds
SEEDS = 2


def outcome(trial: luthier.Trial) -> dict[str, float]:
    """Loss is least at (0.9, 0.9) and gain largest at (0.6, 1), far from what is allowed."""
    x, y = trial.params["x"], trial.params["y"]
    loss, gain = (x - 0.9) ** 2 + (y - 0.9) ** 2, -((x - 0.6) ** 2) - (y - 1) ** 2
    return {"loss": loss, "gain": gain, "load": x + y}


def searched(strategy: str, metrics: Mapping[str, str], bound: float, seed: int) -> luthier.Study:
    study = luthier.create_study(
        space=SPACE,
        metrics=metrics,
        constraints=[f"load <= {bound}"],
        strategy=strategy,
        seed=seed,
    )
    study.optimize(outcome, n_trials=40 if strategy in DEAR else 200)
    return study


def second_half(study: luthier.Study) -> list[luthier.FrozenTrial]:
    return study.trials[len(study.trials) // 2 :]


@pytest.mark.parametrize("strategy", known_strategies())
@pytest.mark.parametrize("metrics", [ONE, TWO], ids=["one objective", "two objectives"])
def test_strategies_learn_what_is_feasible(strategy: str, metrics: Mapping[str, str]) -> None:
    shares = []
    for seed in range(SEEDS):
        study = searched(strategy, metrics, 0.6, seed)
        shares.append(np.mean([trial.metrics["load"] <= 0.6 for trial in second_half(study)]))
        chosen = [study.best_trial] if metrics is ONE else [study.knee(), *study.best_trials]
        assert max(trial.metrics["load"] for trial in chosen) <= 0.6
    if strategy not in CANNOT_LEARN:
        assert np.mean(shares) > 1.5 * FEASIBLE


@pytest.mark.parametrize("strategy", sorted({*known_strategies()} - CANNOT_LEARN))
def test_while_nothing_is_feasible_trials_come_nearer_to_it(strategy: str) -> None:
    study = searched(strategy, ONE, -1, seed=0)
    assert np.median([trial.metrics["load"] for trial in second_half(study)]) < 0.7  # random: 1
    loads = [trial.metrics["load"] for trial in study.trials]
    with pytest.raises(luthier.errors.NoTrialError) as caught:
        _ = study.best_trial
    assert caught.value.fields == {"least_infeasible": int(np.argmin(loads))}
