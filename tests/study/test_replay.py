"""Tests of replay: every proposal recomputed from the history it was made from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier
from luthier import Categorical, Float, Int, Space
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.space import Space as AnySpace

SPACE = Space(
    kind=Categorical(["a", "b"]), x=Float(0, 1, when={"kind": "a"}), n=Int(1, 50)
).require("n != 7")


@pytest.mark.parametrize("strategy", luthier.known_strategies())
@pytest.mark.parametrize("declared", [True, False])
def test_every_strategy_replays(strategy: str, declared: bool, tmp_path: Path) -> None:
    def objective(trial: luthier.Trial) -> float:
        kind = trial.suggest_categorical("kind", ["a", "b"])
        x = trial.suggest_float("x", 0, 1) if kind == "a" else 0.5
        if trial.number % 5 == 3:
            raise ValueError("crash")
        trial.report(x, 1)
        return x * trial.suggest_int("n", 1, 50)

    space = SPACE if declared else None
    path = tmp_path / "s.db"
    study = luthier.create_study(space=space, strategy=strategy, seed=1, storage=path)
    study.optimize(objective, n_trials=12)
    study.enqueue_trial({"n": 3})
    study.invalidate(0)
    study.optimize(objective, n_trials=8)
    again = luthier.load_study(storage=path)
    replay = again.replay()
    assert replay.exact, str(replay)
    assert (replay.checked, replay.skipped) == (19, 1)
    assert str(replay) == "19 proposals recomputed, all the same, 1 not proposed by a sampler"


class Drifting:
    """A sampler that isn't a pure function of the history."""

    spec = {"name": "drifting"}  # noqa: RUF012
    calls = 0

    def suggest(
        self, space: AnySpace, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        self.calls += 1
        return [Proposal({"x": self.calls / 100}, "drifts")] * n


def test_a_sampler_that_breaks_the_promise_is_found_out() -> None:
    sampler: Any = Drifting()
    study = luthier.create_study(space=Space(x=Float(0, 1)), sampler=sampler)
    study.optimize(lambda trial: trial.params["x"], n_trials=3)
    replay = study.replay()
    assert not replay.exact
    first = replay.mismatches[0]
    assert (first.number, first.recorded, first.recomputed) == (0, {"x": 0.01}, {"x": 0.04})
    assert str(replay) == "3 proposals recomputed, 3 differ"


def test_samplers_nobody_can_rebuild_are_skipped() -> None:
    storage = luthier.open_storage(None)
    sampler: Any = Drifting()
    study = luthier.create_study(
        study_name="s", storage=storage, space=Space(x=Float(0, 1)), sampler=sampler
    )
    study.optimize(lambda trial: 0.0, n_trials=2)
    replay = luthier.load_study(storage=storage, sampler="random").replay()
    assert (replay.checked, replay.skipped) == (0, 2)
