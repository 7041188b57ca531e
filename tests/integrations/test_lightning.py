"""Lightning: the callback pauses, continues and clones with everything a trainer restores."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch.utils.data import DataLoader, TensorDataset

import luthier
from luthier.integrations.lightning import Report

X = torch.linspace(-1, 1, 16).unsqueeze(1)
DATA = TensorDataset(X, X.sin())
SCRIPTS = Path(__file__).parent / "scripts"
pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's advice on workers and devices


class Line(LightningModule):
    def __init__(self, lr: float) -> None:
        super().__init__()
        self.lr = lr
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(1, 4), torch.nn.Dropout(0.2), torch.nn.Linear(4, 1)
        )

    def training_step(self, batch: Any) -> torch.Tensor:
        return torch.nn.functional.mse_loss(self.layers(batch[0]), batch[1])

    def validation_step(self, batch: Any) -> None:
        self.log("val_loss", torch.nn.functional.mse_loss(self.layers(batch[0]), batch[1]))

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(self.parameters(), self.lr)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)]


def objective(trial: Any, monitor: str = "val_loss", epochs: int = 4) -> Any:
    torch.manual_seed(0)
    report = Report(trial, monitor)
    model = Line(trial.suggest_float("lr", 1e-3, 1e-1, log=True))
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        callbacks=[report],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(
            model,
            DataLoader(DATA, batch_size=8, shuffle=True),
            DataLoader(DATA, batch_size=16),
            ckpt_path=report.checkpoint,
            weights_only=True,
        )
    return report.last


def test_paused_and_continued_trials_train_as_uninterrupted_ones() -> None:
    paused = luthier.create_study(scheduler=luthier.schedulers.Asha(4, eta=2), seed=1)
    paused.optimize(objective, total_trials=4)
    assert any(trial.attempt > 1 for trial in paused.trials)
    whole = luthier.create_study(seed=1)
    for trial in paused.trials:
        whole.enqueue_trial(trial.params)
    whole.optimize(objective, n_trials=4)
    for part, full in zip(paused.trials, whole.trials, strict=True):
        assert list(full.reports) == [1, 2, 3, 4]
        assert dict(part.reports) == {step: full.reports[step] for step in part.reports}


def test_a_killed_run_goes_on_where_it_was_saved() -> None:
    begun: list[tuple[int, int]] = []

    class Dying(Line):
        def on_train_epoch_start(self) -> None:
            begun.append((run.attempt, self.current_epoch))
            if run.attempt == 1 and self.current_epoch == 2:
                raise ConnectionError

    def train(trial: Any) -> Any:
        nonlocal run
        run = trial
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(globals(), "Line", Dying)
            return objective(trial)

    run: Any = None
    killed, whole = (luthier.create_study(seed=1) for _ in range(2))
    for study in (killed, whole):
        study.enqueue_trial({"lr": 0.05})
    killed.optimize(train, n_trials=1, retries={ConnectionError: 1}, catch=())
    whole.optimize(objective, n_trials=1, catch=())
    assert begun == [(1, 0), (1, 1), (1, 2), (2, 2), (2, 3)]
    assert dict(killed.trials[0].reports) == dict(whole.trials[0].reports)
    assert killed.best_value == whole.best_value


def test_a_pruned_run_ends_its_fit() -> None:
    begun: list[int] = []

    class Watched(Line):
        def on_train_epoch_start(self) -> None:
            begun.append(self.current_epoch)

    def train(trial: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(globals(), "Line", Watched)
            return objective(trial)

    study = luthier.create_study(scheduler=luthier.schedulers.Threshold(upper=0.0), seed=1)
    study.optimize(train, n_trials=1, catch=())
    (trial,) = study.trials
    assert trial.state is luthier.TrialState.PRUNED
    assert trial.last_step == 1
    assert begun == [0]


def test_a_clone_keeps_its_own_learning_rate_as_far_as_it_has_come() -> None:
    rates: list[float] = []

    class Watched(Line):
        def training_step(self, batch: Any) -> torch.Tensor:
            rate = self.optimizers().param_groups[0]["lr"]  # type: ignore[union-attr]
            rates.append(rate / (self.lr * 0.5 ** (self.current_epoch // 2)))
            return super().training_step(batch)

    def train(trial: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(globals(), "Line", Watched)
            return objective(trial)

    scheduler = luthier.schedulers.PBT(4, population=3, ready_every=2)
    study = luthier.create_study(sampler="random", scheduler=scheduler, seed=0)
    study.optimize(train)
    assert any(trial.origin.parent is not None for trial in study.trials)
    assert rates == pytest.approx([1.0] * len(rates))


def test_a_metric_that_is_not_logged_is_named() -> None:
    study = luthier.create_study(seed=0)
    study.optimize(lambda trial: objective(trial, monitor="val_los"), n_trials=1)
    assert "the module logs no 'val_los'; it logs val_loss" in (study.trials[0].error or "")


@pytest.mark.slow
def test_two_ranks_take_the_same_turns(tmp_path: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*torchrun, str(SCRIPTS / "two_ranks_lightning.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ranks = [(tmp_path / name).read_text() for name in ("rank0.txt", "rank1.txt")]
    assert ranks[0] == ranks[1]
    study = luthier.load_study(storage=tmp_path / "ranks.db")
    reached = {trial.number: list(trial.reports) for trial in study.trials}
    assert len(reached) == 5
    told = re.findall(r"trial=(\d+) epochs=(\[.*\])", ranks[0])
    assert dict(told) == {str(number): str(steps) for number, steps in reached.items()}
    assert any(trial.attempt > 1 for trial in study.trials)
    assert any(trial.state is luthier.TrialState.PAUSED for trial in study.trials)
