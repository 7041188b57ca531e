"""A study whose trials train on two ranks of Lightning; started by torchrun."""

import logging
import warnings

import torch
import torch.distributed as dist
from lightning.pytorch import LightningModule, Trainer
from torch.utils.data import DataLoader, TensorDataset

import luthier
from luthier.integrations.distributed import optimize
from luthier.integrations.lightning import Report

X = torch.linspace(-1, 1, 16).unsqueeze(1)
DATA = TensorDataset(X, X.sin())


class Line(LightningModule):
    def __init__(self, lr):
        super().__init__()
        self.lr, self.layer = lr, torch.nn.Linear(1, 1)

    def training_step(self, batch):
        return torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])

    def validation_step(self, batch):  # each rank has rows and a loss of its own
        self.log("val_loss", torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), self.lr)


def objective(trial):
    torch.manual_seed(trial.number)
    report = Report(trial, "val_loss")
    model = Line(trial.suggest_float("lr", 0.01, 0.3, log=True))
    trainer = Trainer(
        accelerator="cpu",
        devices=2,
        strategy="ddp",
        max_epochs=4,
        callbacks=[report],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    try:
        trainer.fit(
            model,
            DataLoader(DATA, batch_size=4, shuffle=True),
            DataLoader(DATA, batch_size=4),
            ckpt_path=report.checkpoint,
            weights_only=True,
        )
    finally:
        with open(f"rank{dist.get_rank()}.txt", "a") as file:
            epochs, weight = list(trial.reports), model.layer.weight.item()
            print(f"trial={trial.number} {epochs=} {weight=}", file=file)
    return report.last


if __name__ == "__main__":
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    study = None
    if dist.get_rank() == 0:
        scheduler = luthier.schedulers.Asha(4, eta=2)
        study = luthier.create_study(storage="ranks.db", scheduler=scheduler, seed=0)
    optimize(study, objective, total_trials=5)
    dist.destroy_process_group()
