"""The loop of PyTorch: continued runs do what uninterrupted ones do; clones keep what is theirs."""

from __future__ import annotations

import copy
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Subset, TensorDataset

import luthier
from luthier.errors import ArgumentError
from luthier.executors.process.resources import environment
from luthier.integrations.torch import Training, device, precision, seed_all

X = torch.linspace(-1, 1, 32).unsqueeze(1)
DATA = TensorDataset(X, X.sin())
SCRIPTS = Path(__file__).parent / "scripts"


def objective(trial: Any, epochs: int = 9, **settings: Any) -> Any:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.Dropout(0.3), torch.nn.Linear(8, 1))
    lr = trial.suggest_float("lr", 1e-3, 1e-1, log=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr)
    scheduler = StepLR(optimizer, step_size=2, gamma=0.5)
    run = Training(trial, model=model, optimizer=optimizer, scheduler=scheduler, **settings)
    for _ in run.epochs(epochs):
        for inputs, wanted in DataLoader(DATA, batch_size=8, shuffle=True):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(model(inputs), wanted).backward()
            optimizer.step()
        scheduler.step()
        run.report(torch.nn.functional.mse_loss(model(X), X.sin()).item())
    return run.last


def curves(study: luthier.Study) -> dict[float, list[float]]:
    return {
        trial.params["lr"]: [report["value"] for report in trial.reports.values()]
        for trial in study.trials
    }


def test_paused_and_continued_trials_train_as_uninterrupted_ones() -> None:
    paused = luthier.create_study(scheduler="asha:max_resource=9", seed=1)
    paused.optimize(objective, total_trials=6)
    whole = luthier.create_study(seed=1)
    for trial in paused.trials:  # the same numbers and settings
        whole.enqueue_trial(trial.params)
    whole.optimize(objective, n_trials=6)
    parts, full = curves(paused), curves(whole)
    assert {len(curve) for curve in parts.values()} > {1}
    assert any(trial.attempt > 1 for trial in paused.trials)
    for lr, curve in parts.items():
        assert curve == full[lr][: len(curve)]


def test_a_finished_training_says_its_last_metrics_when_it_is_run_again(tmp_path: Path) -> None:
    study = luthier.create_study(storage=tmp_path / "s.db", seed=0)

    def dies_at_first(trial: Any) -> Any:
        last = objective(trial, epochs=3)
        if trial.attempt == 1:
            raise OSError("the disk of the results is full")
        return last

    study.optimize(dies_at_first, n_trials=1, retries={OSError: 1})
    (trial,) = study.trials
    assert trial.attempt == 2
    assert trial.value == trial.reports[3]["value"]
    assert trial.last_step == 3


def test_a_clone_trains_with_its_own_settings_as_far_as_they_have_come() -> None:
    seen: list[tuple[float, float, float]] = []

    def train(trial: Any) -> Any:
        model = torch.nn.Linear(1, 1)
        lr = trial.suggest_float("lr", 1e-3, 1e-1, log=True)
        decay = trial.suggest_float("decay", 0.0, 0.1)
        optimizer = torch.optim.SGD(model.parameters(), lr, momentum=0.9, weight_decay=decay)
        scheduler = StepLR(optimizer, step_size=2, gamma=0.5)
        run = Training(trial, model=model, optimizer=optimizer, scheduler=scheduler)
        group = optimizer.param_groups[0]
        for epoch in run.epochs(8):
            seen.append(
                (group["lr"] / (lr * 0.5 ** ((epoch - 1) // 2)), group["weight_decay"], decay)
            )
            model(X).square().mean().backward()
            optimizer.step()
            scheduler.step()
            run.report(model(X).square().mean().item())
        return run.last

    study = luthier.create_study(
        sampler="random",
        scheduler=luthier.schedulers.PBT(8, population=4, ready_every=2),
        seed=0,
    )
    study.optimize(train)
    assert any(trial.origin.parent is not None for trial in study.trials)
    ratios, decays, own = zip(*seen, strict=True)
    assert ratios == pytest.approx([1.0] * len(seen))
    assert decays == own


def test_a_checkpoint_of_other_parts_is_refused() -> None:
    study = luthier.create_study(scheduler="asha:max_resource=3", seed=0)

    def changing(trial: Any) -> Any:
        model = torch.nn.Linear(1, 1)
        lr = trial.suggest_float("lr", 0, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr)
        more = {} if trial.attempt == 1 else {"optimizer": optimizer}
        run = Training(trial, model=model, **more)
        for _ in run.epochs(3):
            run.report(lr)
        return run.last

    study.optimize(changing, total_trials=4)
    assert "holds model, and this trial trains model, optimizer" in "".join(
        trial.error or "" for trial in study.trials
    )
    with pytest.raises(ArgumentError, match="each with a state_dict, got none"):
        Training(study.ask())


def test_states_are_saved_as_often_as_wanted_and_where_the_run_ends() -> None:
    study = luthier.create_study(seed=0)
    study.optimize(lambda trial: objective(trial, epochs=5, save_every=2), n_trials=1)
    assert study.trials[0].checkpoint is not None
    assert study.trials[0].checkpoint.step == 4
    short = luthier.create_study(scheduler="asha:max_resource=9", seed=0)
    short.optimize(lambda trial: objective(trial, save_every=4), total_trials=4)
    assert {trial.last_step for trial in short.trials} >= {1, 9}
    for trial in short.trials:
        assert trial.checkpoint is not None
        assert trial.checkpoint.step == trial.last_step


def test_a_run_that_was_killed_goes_on_with_its_schedule_its_moments_and_its_draws() -> None:
    def observed(dies: bool) -> tuple[luthier.FrozenTrial, dict[int, Any]]:
        seen: dict[int, Any] = {}

        def train(trial: Any) -> Any:
            torch.manual_seed(trial.attempt)  # other first weights, which the checkpoint replaces
            parts = trained_parts(trial.suggest_float("lr", 1e-3, 1e-1, log=True))
            run = Training(trial, **parts)
            for epoch in run.epochs(6):
                draws = random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002
                states = {name: part.state_dict() for name, part in parts.items()}
                seen[epoch] = draws, copy.deepcopy(states)
                if dies and epoch == 4 and trial.attempt == 1:
                    raise ConnectionError
                run.report(train_epoch(**parts))
            return run.last

        study = luthier.create_study(seed=0)
        study.enqueue_trial({"lr": 0.05})
        study.optimize(train, n_trials=1, retries={ConnectionError: 1}, catch=())
        return study.trials[0], seen

    (killed, its), (whole, wanted) = observed(dies=True), observed(dies=False)
    assert (killed.attempt, whole.attempt) == (2, 1)
    assert list(its) == list(wanted) == [1, 2, 3, 4, 5, 6]
    torch.testing.assert_close(its, wanted, rtol=0, atol=0)
    assert dict(killed.reports) == dict(whole.reports)
    assert len({draws for draws, _ in its.values()}) == 6
    rates = [states["scheduler"]["_last_lr"][0] for _, states in its.values()]
    assert len(set(rates)) > 3


def trained_parts(lr: float) -> dict[str, Any]:
    model = torch.nn.Sequential(torch.nn.Linear(1, 4), torch.nn.BatchNorm1d(4), torch.nn.Dropout())
    optimizer = torch.optim.AdamW(model.parameters(), lr)
    warm = torch.optim.lr_scheduler.LinearLR(optimizer, total_iters=2)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 4)
    scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [warm, cosine], [2])
    average = torch.optim.swa_utils.AveragedModel(model)
    return {"model": model, "optimizer": optimizer, "scheduler": scheduler, "average": average}


def train_epoch(model: Any, optimizer: Any, scheduler: Any, average: Any) -> float:
    for inputs, _ in DataLoader(DATA, batch_size=8, shuffle=True):
        optimizer.zero_grad()
        (model(inputs) - 1).square().mean().backward()
        optimizer.step()
    average.update_parameters(model)
    scheduler.step()
    return float((model(X) - 1).square().mean().item())


def test_seeds_differ_by_key_and_reach_all_three_sources() -> None:
    draws = []
    for key in ((0, 1), (0, 1), (0, 2), (1, 1)):
        seed_all(7, *key)
        draws.append((random.random(), np.random.rand(), torch.rand(1).item()))  # noqa: NPY002
    assert draws[0] == draws[1]
    for column in zip(*draws[1:], strict=True):
        assert len({*column}) == 3


def test_share_of_the_data_and_precision_are_fidelities() -> None:
    rows = luthier.Subsets(len(DATA), max_resource=4)
    levels = luthier.Levels({1: "bfloat16", 4: "float32"})
    model = torch.nn.Linear(1, 1)
    seen: dict[int, tuple[int, torch.dtype]] = {}

    def train(trial: Any) -> float:
        x = trial.suggest_float("x", 0, 1)
        loader = DataLoader(Subset(DATA, rows.of(trial).tolist()), batch_size=4)
        with precision(levels.of(trial), device()):
            outputs = [model(inputs.to(device())) for inputs, _ in loader]
        seen[trial.budget] = (sum(map(len, outputs)), outputs[0].dtype)
        return float(x)

    scheduler = luthier.schedulers.Asha(4, eta=2)
    luthier.create_study(scheduler=scheduler, seed=0).optimize(train, total_trials=8)
    assert seen == {1: (8, torch.bfloat16), 2: (16, torch.bfloat16), 4: (32, torch.float32)}
    with pytest.raises(ArgumentError, match="float32, bfloat16, float16, got 'half'"):
        precision("half")


def test_shares_of_a_loader_are_nested_seeded_and_the_same_for_all_trials() -> None:
    def taken(seed: int) -> dict[int, set[frozenset[float]]]:
        rows = luthier.Subsets(len(DATA), max_resource=4, seed=seed)
        seen: dict[int, set[frozenset[float]]] = {}

        def train(trial: Any) -> float:
            x = trial.suggest_float("x", 0, 1)
            seed_all(trial.number)  # of what trials draw, the rows don't depend
            loader = DataLoader(Subset(DATA, rows.of(trial).tolist()), batch_size=4, shuffle=True)
            drawn = [value for inputs, _ in loader for value in inputs[:, 0].tolist()]
            assert len(drawn) == len(set(drawn))
            seen.setdefault(trial.budget, set()).add(frozenset(drawn))
            return float(x)

        study = luthier.create_study(scheduler=luthier.schedulers.Asha(4, eta=2), seed=0)
        study.optimize(train, total_trials=8, catch=())
        return seen

    first, again, other = taken(0), taken(0), taken(1)
    assert first == again
    assert [len(sets) for sets in first.values()] == [1, 1, 1]
    small, middle, large = ({*next(iter(first[budget]))} for budget in (1, 2, 4))
    assert small < middle < large == set(X[:, 0].tolist())
    assert first[1] != other[1]
    assert first[4] == other[4]


def test_low_precision_is_really_computed_in() -> None:
    torch.manual_seed(0)
    model = torch.nn.Linear(64, 64, bias=False)
    inputs = torch.randn(16, 64)
    with precision("float32"):
        exact = model(inputs)
    with precision("bfloat16"):
        rounded = model(inputs)
        rounded.float().square().mean().backward()
    halves = inputs.bfloat16() @ model.weight.bfloat16().T
    assert exact.dtype == torch.float32
    assert torch.equal(rounded, halves)
    assert 1e-4 < (rounded - exact).abs().max() < 1e-1  # 8 bits of mantissa
    assert model.weight.dtype == torch.float32
    assert model.weight.grad is not None
    assert torch.equal(model.weight.grad, model.weight.grad.bfloat16().float())  # from such a sum


def test_a_training_of_low_precision_gets_elsewhere_than_one_of_full() -> None:
    def reached(name: str) -> list[float]:
        study = luthier.create_study(seed=0)

        def train(trial: Any) -> Any:
            torch.manual_seed(0)
            model = torch.nn.Linear(1, 1)
            lr = trial.suggest_float("lr", 0.01, 0.1)
            optimizer = torch.optim.SGD(model.parameters(), lr)
            run = Training(trial, model=model, optimizer=optimizer)
            for _ in run.epochs(3):
                optimizer.zero_grad()
                with precision(name, device()):
                    outputs = model(X.to(device()))
                loss = (outputs.float() - X.sin()).square().mean()
                loss.backward()
                optimizer.step()
                run.report(loss.item())
            return run.last

        study.optimize(train, n_trials=1, catch=())
        return [report["value"] for report in study.trials[0].reports.values()]

    full, low = reached("float32"), reached("bfloat16")
    assert low == pytest.approx(full, rel=0.05)
    assert all(a != b for a, b in zip(full, low, strict=True))


@pytest.mark.parametrize(
    ("gpus", "share", "slots", "mps", "kind"),
    [
        ("5", 0.5, 2, False, "cuda"),
        ("5,7", 0.5, 4, False, "cuda"),
        ("5,7", 1, 2, True, "cuda"),
        ("5,7,8,9", 2, 2, True, "cuda"),
        ("5,7", 0, 2, False, "cpu"),
        ("5,7", 0, 2, True, "cpu"),  # hidden is hidden
        ("-1", None, 2, True, "cpu"),
        (None, None, 2, True, "mps"),
        (None, None, 2, False, "cpu"),
    ],
)
def test_the_device_is_that_of_the_slot(
    gpus: str | None,
    share: float | None,
    slots: int,
    mps: bool,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def visible() -> list[str]:  # as CUDA reads them
        return [gpu for gpu in os.environ.get("CUDA_VISIBLE_DEVICES", "-1").split(",") if gpu]

    monkeypatch.setattr(torch.cuda, "is_available", lambda: visible() not in ([], ["-1"]))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    shared: list[str] = []
    for slot in range(slots):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if gpus is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
        resources = {} if share is None else {"gpu": share}
        for name, value in environment(slot, slots, resources).items():
            monkeypatch.setenv(name, value)  # as the worker of a slot is started with
        assert device() == torch.device(kind)
        shared += visible() if kind == "cuda" else []
    if kind == "cuda":
        assert share is not None
        assert set(shared) == set(gpus.split(",")) if gpus else not shared
        assert len(shared) == slots * max(1, int(share))


def test_two_ranks_take_the_same_turns(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "two_ranks.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ranks = [
        re.findall(r"trial=(\d+) epoch=(\d+) lr=(\S+) weight=(\S+)", (tmp_path / name).read_text())
        for name in ("rank0.txt", "rank1.txt")
    ]
    assert ranks[0] == ranks[1]
    study = luthier.load_study(storage=tmp_path / "ranks.db")
    assert len(study.trials) == 5
    seeds = [trial.user_attrs["seen"] for trial in study.trials]
    assert seeds == [[study.seed] * trial.attempt for trial in study.trials]
    assert len(ranks[0]) == sum(trial.last_step or 0 for trial in study.trials)
    assert any(trial.attempt > 1 for trial in study.trials)
    assert any(trial.state is luthier.TrialState.PAUSED for trial in study.trials)
