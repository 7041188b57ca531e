"""How much a wrong learning rate costs: Adam beside HyperAdam on scikit-learn's digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy

from luthier.gradient import HyperAdam

RATES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)


def digits(seed: int) -> dict[str, Any]:
    """Test accuracies of an MLP of 64 units after 15 epochs, by optimiser and learning rate."""
    return {
        f"{name} {rate:g}": _accuracy(make, rate, seed)
        for name, make in (("Adam", torch.optim.Adam), ("HyperAdam", HyperAdam))
        for rate in RATES
    }


def _accuracy(make: Callable[..., Any], rate: float, seed: int) -> float:
    X, y = load_digits(return_X_y=True)
    X, y = torch.tensor(X / 16, dtype=torch.float32), torch.tensor(y)
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(y), generator=generator)
    train, test = order[:1200], order[1200:]
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = make(model.parameters(), lr=rate)
    for _ in range(15):
        for batch in train[torch.randperm(1200, generator=generator)].split(32):
            optimizer.zero_grad()
            cross_entropy(model(X[batch]), y[batch]).backward()
            optimizer.step()
    return float((model(X[test]).argmax(1) == y[test]).float().mean())
