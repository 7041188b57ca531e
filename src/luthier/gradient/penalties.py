"""Penalties of linear models by the thousand, learnt from held-out data without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, final

import numpy as np
from numpy.typing import NDArray

from luthier.errors import ArgumentError
from luthier.gradient.linear import LinearModel, Penalties

__all__ = ["Criterion", "CrossVal", "HeldOut", "LearntPenalties", "learn_penalties"]

Array = NDArray[np.float64]


class Criterion(Protocol):
    """What penalties are judged by."""

    def evaluate(
        self, model: LinearModel, penalties: Penalties, starts: Sequence[Array] | None
    ) -> tuple[float, Array, Array, list[Array]]:
        """The loss, its derivatives by l1 and l2, shape (p,) each, and the fitted coefficients."""


@final
@dataclass(frozen=True, eq=False, slots=True)
class HeldOut:
    """The loss on rows that aren't trained on.

    Attributes:
        X: Training data, shape (n, p).
        y: Training targets, shape (n,).
        X_held_out: Other rows, shape (m, p).
        y_held_out: Their targets, shape (m,).
    """

    X: Array
    y: Array
    X_held_out: Array
    y_held_out: Array

    def evaluate(
        self, model: LinearModel, penalties: Penalties, starts: Sequence[Array] | None
    ) -> tuple[float, Array, Array, list[Array]]:
        """See ``Criterion``."""
        w = model.fit(self.X, self.y, penalties, starts[0] if starts else None)
        by_w = model.gradient(self.X_held_out, self.y_held_out, w)
        by_l1, by_l2 = model.hypergradient(self.X, self.y, w, penalties, by_w)
        return model.value(self.X_held_out, self.y_held_out, w), by_l1, by_l2, [w]


@final
@dataclass(frozen=True, eq=False, slots=True)
class CrossVal:
    """The mean loss over folds, in their order; shuffle the rows first where order matters.

    Attributes:
        X: Data, shape (n, p).
        y: Targets, shape (n,).
        k: How many folds.
    """

    X: Array
    y: Array
    k: int = 5

    def evaluate(
        self, model: LinearModel, penalties: Penalties, starts: Sequence[Array] | None
    ) -> tuple[float, Array, Array, list[Array]]:
        """See ``Criterion``."""
        fold = np.arange(len(self.y)) % self.k
        parts = []
        for i in range(self.k):
            seen, held = fold != i, fold == i
            part = HeldOut(self.X[seen], self.y[seen], self.X[held], self.y[held])
            parts.append(part.evaluate(model, penalties, [starts[i]] if starts else None))
        losses, by_l1, by_l2, fitted = zip(*parts, strict=True)
        return (
            float(np.mean(losses)),
            np.mean(by_l1, axis=0),
            np.mean(by_l2, axis=0),
            [w for ws in fitted for w in ws],
        )


@final
@dataclass(frozen=True, eq=False, slots=True)
class LearntPenalties:
    """Penalties that were learnt.

    Attributes:
        penalties: The best.
        loss: The criterion there.
        coefficients: What was fitted with them, a vector per fold.
        losses: The criterion after every step.
    """

    penalties: Penalties
    loss: float
    coefficients: list[Array]
    losses: list[float]


def learn_penalties(
    criterion: Criterion,
    start: Penalties,
    model: LinearModel | None = None,
    *,
    steps: int = 50,
    lr: float = 0.3,
    patience: int = 10,
) -> LearntPenalties:
    """Follow the gradient of a held-out loss by the logarithms of the penalties.

    A step that ends higher is taken back and halved; after a success the next is longer by 1 / .95
    (Pedregosa 2016, arXiv:1602.02355). Penalties that are 0 stay 0. A scalar stays one for all.

    Args:
        criterion: ``HeldOut`` or ``CrossVal``.
        start: Penalties to start from: shapes (p,) make one per feature.
        model: The model; None is squared loss.
        steps: The most steps.
        lr: How far the first step moves one logarithm at most.
        patience: How many steps without a better loss end it.

    Returns:
        The best that was seen. It fits the held-out rows as well: judge it on others.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X, noise = rng.normal(size=(60, 30)), rng.normal(size=60)
        >>> y = X[:, 0] - X[:, 1] + noise
        >>> data = HeldOut(X[:40], y[:40], X[40:], y[40:])
        >>> start = Penalties(l1=np.full(30, 0.1))
        >>> learnt = learn_penalties(data, start)
        >>> learnt.loss < learn_penalties(data, Penalties(l1=0.1)).loss
        True
    """
    if steps < 1 or not lr > 0:
        raise ArgumentError(
            f"learn_penalties: steps and lr must be positive, got steps={steps!r}, lr={lr!r}."
        )
    model = model or LinearModel()
    here = _Place(start, *criterion.evaluate(model, start, None))
    best = here
    losses, stride = [here.loss], lr / max(float(np.abs(here.slope).max(initial=0.0)), 1e-300)
    since = 0
    while len(losses) <= steps and since < patience:
        tried = here.moved(-stride * here.slope)
        there = _Place(tried, *criterion.evaluate(model, tried, here.coefficients))
        losses.append(there.loss)
        if there.loss > here.loss:
            stride /= 2
        else:
            here, stride = there, stride / 0.95
        since = 0 if there.loss < best.loss else since + 1
        best = there if there.loss < best.loss else best
    return LearntPenalties(best.penalties, best.loss, best.coefficients, losses)


@final
@dataclass(frozen=True, eq=False, slots=True)
class _Place:
    """Penalties, and the criterion with its derivatives there."""

    penalties: Penalties
    loss: float
    by_l1: Array
    by_l2: Array
    coefficients: list[Array]

    @property
    def slope(self) -> Array:
        """By the logarithm of every penalty: those of l1, then those of l2."""
        return np.concatenate(
            [_by_log(self.penalties.l1, self.by_l1), _by_log(self.penalties.l2, self.by_l2)]
        )

    def moved(self, logs: Array) -> Penalties:
        """The penalties, their logarithms moved by at most 1 each."""
        cut = np.size(self.penalties.l1)
        factors = np.exp(np.clip(logs, -1.0, 1.0))
        l1 = self.penalties.l1 * factors[:cut].reshape(np.shape(self.penalties.l1))
        l2 = self.penalties.l2 * factors[cut:].reshape(np.shape(self.penalties.l2))
        return replace(self.penalties, l1=l1, l2=l2)


def _by_log(penalty: float | Array, by: Array) -> Array:
    """dF/dlog of a penalty; of one for all features, the sum."""
    return np.atleast_1d(penalty * (by if np.ndim(penalty) else by.sum()))
