"""A study whose trials train on two ranks, with gradients averaged over gloo."""

from datetime import timedelta

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn.parallel import DistributedDataParallel

import luthier
from luthier.integrations.distributed import optimize
from luthier.integrations.torch import Training


def objective(trial):
    lr = trial.suggest_float("lr", 0.01, 0.3, log=True)
    model = DistributedDataParallel(torch.nn.Linear(1, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr)
    trial.set_user_attr("seen", [*trial.user_attrs.get("seen", []), trial.seed])
    run = Training(trial, model=model, optimizer=optimizer)
    for epoch in run.epochs(4):
        X = torch.rand(8, 1) + dist.get_rank()  # each rank has rows of its own
        optimizer.zero_grad()
        loss = (model(X) - X).square().mean()
        loss.backward()
        optimizer.step()
        weight = model.module.weight.item()
        with open(f"rank{dist.get_rank()}.txt", "a") as file:
            print(f"trial={trial.number} {epoch=} {lr=} {weight=}", file=file)
        run.report(loss.item())  # of rank 0
    return run.last


def work(rank):
    torch.set_num_threads(1)
    store = dist.FileStore("rendezvous", 2)
    dist.init_process_group(
        "gloo", store=store, rank=rank, world_size=2, timeout=timedelta(minutes=1)
    )
    study = None
    if rank == 0:
        scheduler = luthier.schedulers.Asha(4, eta=2)
        study = luthier.create_study(storage="ranks.db", scheduler=scheduler, seed=0)
    optimize(study, objective, total_trials=5)
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.start_processes(work, nprocs=2, start_method="fork")  # torch is imported once
