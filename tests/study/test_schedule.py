from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import luthier
from luthier.core.objective import Objective
from luthier.errors import ArgumentError, TrialNotFoundError, UnknownParamError
from luthier.schedulers import PBT
from luthier.study.schedule import Phase, Schedule
from luthier.study.study import Study

END = 20


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    luthier.set_verbosity("error")
    yield
    luthier.set_verbosity("info")


def train(trial: Any) -> float:
    lr = trial.suggest_float("lr", 0.01, 1.0, log=True)
    saved = trial.load_checkpoint()
    step = 0 if saved is None else saved.step
    w = np.array([1.0, 2.0]) if saved is None else np.frombuffer(saved.read_bytes())
    for s in range(step + 1, END + 1):
        w = w * (1 - 0.2 * math.exp(-(math.log(lr / 0.3) ** 2))) + 0.01 * np.cos(s * w)
        trial.report({"value": float(w @ w), "norm": float(abs(w).sum())}, s)
        trial.save_checkpoint(w.tobytes())
        if trial.should_prune():
            raise luthier.TrialPruned
    return float(w @ w)


@pytest.fixture(scope="module", params=[True, False], ids=["synchronous", "asynchronous"])
def study(request: pytest.FixtureRequest) -> Study:
    luthier.set_verbosity("error")
    scheduler = PBT(END, 4, 4, synchronous=request.param)
    study = luthier.create_study(sampler="random", scheduler=scheduler, seed=2)
    study.optimize(train)
    return study


def test_a_replay_gives_the_winner_again(study: Study) -> None:
    schedule = study.schedule()
    assert len(schedule.phases) > 1
    assert schedule.replay(train) == {"value": pytest.approx(study.best_value, abs=1e-12)}


def test_every_trial_can_be_replayed(study: Study) -> None:
    for trial in study.trials:
        schedule = study.schedule(trial.number)
        replayed = schedule.replay(train)
        assert replayed["value"] == trial.reports[schedule.steps]["value"]
        assert schedule.lineage[-1] == trial.number or trial.last_step is None


def test_a_schedule_says_what_each_step_was_trained_with(study: Study) -> None:
    schedule = study.schedule(study.best_trial)
    assert schedule.steps == END
    for phase in schedule.phases:
        trained = study.trials[phase.trial]
        for step in range(phase.step_from + 1, phase.step_to + 1):
            assert schedule.value_at(step) == trained.params
            assert step in trained.reports
    assert schedule.value_at(END + 5) == schedule.value_at(END)


def test_a_trial_without_reports_has_no_schedule() -> None:
    study = luthier.create_study(sampler="random", seed=0)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with pytest.raises(ArgumentError, match="has reported no step"):
        study.schedule()


def test_a_trial_that_is_not_there_is_an_error(study: Study) -> None:
    with pytest.raises(TrialNotFoundError):
        study.schedule(999)


def test_what_saves_too_late_can_not_be_replayed(study: Study) -> None:
    def late(trial: Any) -> float:
        trial.suggest_float("lr", 0.01, 1.0, log=True)
        for step in range(1, END + 1):
            trial.report(1.0, step)
            if trial.should_prune():
                raise luthier.TrialPruned
            trial.save_checkpoint(b"")
        return 1.0

    with pytest.raises(ArgumentError, match="save a checkpoint at step"):
        study.schedule().replay(late)


def schedule_of(*values: Any) -> Schedule:
    phases = (Phase(10 * k, 10 * k + 10, {"lr": v}, k) for k, v in enumerate(values))
    return Schedule(tuple(phases), Objective(), complete=True)


def test_factors_for_torch_are_relative_to_the_first_rate() -> None:
    factor = schedule_of(0.4, 0.1, 0.2).to_torch_lr()
    assert [factor(done) for done in (0, 9, 10, 19, 20, 99)] == [1, 1, 0.25, 0.25, 0.5, 0.5]


def test_torch_takes_the_factors() -> None:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    schedule = schedule_of(0.4, 0.1).to_torch_lr()
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    rates = []
    for _ in range(12):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates == pytest.approx([0.4] * 10 + [0.1] * 2)


@pytest.mark.parametrize("values", [("fast",), (True,), (0.0, 0.1)])
def test_only_numbers_above_zero_make_factors(values: tuple[Any, ...]) -> None:
    with pytest.raises(ArgumentError, match="lr"):
        schedule_of(*values).to_torch_lr()


def test_an_unknown_rate_is_an_error() -> None:
    with pytest.raises(UnknownParamError, match="has no hyperparameter 'rate'"):
        schedule_of(0.1).to_torch_lr("rate")
