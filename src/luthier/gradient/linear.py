"""Penalised linear models, and how functions of their coefficients move with every penalty.

    minimise over w   loss(X w, y) / n + sum_j l1_j |w_j| + 1/2 sum_j l2_j w_j^2

covers ridge (l1 = 0), the lasso and the weighted lasso (l2 = 0), the elastic net and, with the
logistic loss, sparse logistic regression. One penalty per feature or one for all.

    S   support, the features with w_j != 0       (s,)
    H   X_S' D X_S / n + diag(l2_S), D = loss''   (s, s)
    v   dF/dw_S, F the loss on held-out data      (s,)

On the support the optimum is smooth in the penalties, off it w stays 0; so with q = H^-1 v

    dF/dl1_j = -q_j sign(w_j)     dF/dl2_j = -q_j w_j     for j in S, and 0 for the others

which costs one system of the support's size, however many penalties there are.

References: Bertrand et al. 2020, arXiv:2002.08943 (support-restricted derivatives); Beck & Teboulle
2009 and O'Donoghue & Candes 2015, arXiv:1204.3982 (accelerated proximal gradient with restarts).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from luthier.errors import ArgumentError

__all__ = ["LinearModel", "Penalties"]

Array = NDArray[np.float64]
_MOST_SWEEPS = 50
_MOST_ITERATIONS = 2000


@final
@dataclass(frozen=True, slots=True)
class Penalties:
    """Penalties of a linear model.

    Attributes:
        l1: Of absolute values, at least 0: one for all features, or shape (p,).
        l2: Of half the squares, likewise.
    """

    l1: float | Array = 0.0
    l2: float | Array = 0.0

    def __post_init__(self) -> None:
        for name in ("l1", "l2"):
            value = np.asarray(getattr(self, name), dtype=np.float64)
            if not (np.isfinite(value).all() and (value >= 0).all()):
                raise ArgumentError(
                    f"Penalties: {name} must be finite and at least 0, got {value.min()}."
                )
            object.__setattr__(self, name, value)

    def of(self, p: int) -> tuple[Array, Array]:
        """Both for p features, each of shape (p,)."""
        return np.broadcast_to(self.l1, p), np.broadcast_to(self.l2, p)


@final
@dataclass(frozen=True, slots=True)
class LinearModel:
    """A penalised linear model without an intercept: centre the data, or add a column of ones.

    Args:
        loss: "squared" is half the mean square; "logistic" is for targets of -1 and 1.
        tol: How far the optimality conditions may be missed, relative to their size at w = 0.

    Example:
        >>> X, y = np.eye(4), np.array([4.0, 2.0, 1.0, 0.0])
        >>> LinearModel().fit(X, y, Penalties(l1=0.5)).tolist()
        [2.0, 0.0, 0.0, 0.0]
    """

    loss: Literal["squared", "logistic"] = "squared"
    tol: float = 1e-8

    def __post_init__(self) -> None:
        if self.loss not in ("squared", "logistic"):
            raise ArgumentError(
                f"LinearModel: loss must be squared or logistic, got {self.loss!r}."
            )

    def value(self, X: Array, y: Array, w: Array) -> float:
        """The mean loss of coefficients w, shape (p,); the squared one is the mean square."""
        if self.loss == "squared":
            return float(np.mean((X @ w - y) ** 2))
        return float(np.mean(np.logaddexp(0.0, -y * (X @ w))))

    def gradient(self, X: Array, y: Array, w: Array) -> Array:
        """The gradient of ``value`` by w, shape (p,)."""
        scale = 2.0 if self.loss == "squared" else 1.0
        return scale * self._gradient(X, y, w)

    def fit(self, X: Array, y: Array, penalties: Penalties, start: Array | None = None) -> Array:
        """The coefficients, shape (p,): exact zeros off the support.

        A working set of features grows until no feature outside it is missed; on it, accelerated
        proximal gradient finds the signs, and Newton steps on the support the values.

        Args:
            X: Shape (n, p).
            y: Shape (n,).
            penalties: The penalties.
            start: Coefficients to start from, shape (p,).
        """
        _check(X, y, self.loss)
        l1, l2 = penalties.of(X.shape[1])
        w = np.zeros(X.shape[1]) if start is None else start.copy()
        scale = max(float(np.abs(self._gradient(X, y, np.zeros_like(w))).max()), 1e-12)
        for _ in range(_MOST_SWEEPS):
            slope = self._gradient(X, y, w) + l2 * w
            missed = np.where(w != 0, np.abs(slope + l1 * np.sign(w)), np.abs(slope) - l1)
            if missed.max() <= self.tol * scale:
                break
            working = np.flatnonzero((w != 0) | (missed > self.tol * scale))
            w[working] = self._on(X[:, working], y, l1[working], l2[working], w[working], scale)
        return w

    def hypergradient(
        self, X: Array, y: Array, w: Array, penalties: Penalties, by_w: Array
    ) -> tuple[Array, Array]:
        """How a function of the coefficients moves with the penalties.

        Args:
            X: Training data, shape (n, p).
            y: Training targets, shape (n,).
            w: Fitted coefficients, shape (p,).
            penalties: The penalties they were fitted with.
            by_w: The function's gradient by w, shape (p,).

        Returns:
            Its derivatives by every l1 and every l2, each of shape (p,).
        """
        support = np.flatnonzero(w)
        by_l1, by_l2 = np.zeros_like(w), np.zeros_like(w)
        hessian = self._hessian(X[:, support], y, w[support], penalties.of(len(w))[1][support])
        q = np.linalg.lstsq(hessian, by_w[support], rcond=None)[0]
        by_l1[support] = -q * np.sign(w[support])
        by_l2[support] = -q * w[support]
        return by_l1, by_l2

    def _gradient(self, X: Array, y: Array, w: Array) -> Array:
        """Of loss / n, without penalties."""
        if self.loss == "squared":
            return X.T @ (X @ w - y) / len(y)
        return -X.T @ (y / (1.0 + np.exp(np.minimum(y * (X @ w), 700.0)))) / len(y)

    def _hessian(self, X: Array, y: Array, w: Array, l2: Array) -> Array:
        if self.loss == "squared":
            return X.T @ X / len(y) + np.diag(l2)
        chance = 1.0 / (1.0 + np.exp(-np.clip(X @ w, -700.0, 700.0)))
        return (X.T * (chance * (1 - chance))) @ X / len(y) + np.diag(l2)

    def _on(self, X: Array, y: Array, l1: Array, l2: Array, w: Array, scale: float) -> Array:
        """Minimise on a working set: momentum until the signs have settled, then Newton."""
        bend = 1.0 if self.loss == "squared" else 0.25
        step = 1.0 / (bend * np.linalg.norm(X, 2) ** 2 / len(y) + l2.max() + 1e-300)
        ahead, t = w.copy(), 1.0
        for iteration in range(_MOST_ITERATIONS):
            moved = ahead - step * (self._gradient(X, y, ahead) + l2 * ahead)
            moved = np.sign(moved) * np.maximum(np.abs(moved) - step * l1, 0.0)
            if (ahead - moved) @ (moved - w) > 0:  # the momentum points uphill
                t = 1.0
            t, last = (1 + math.sqrt(1 + 4 * t * t)) / 2, t
            ahead = moved + (last - 1) / t * (moved - w)
            change, w = float(np.abs(moved - w).max()), moved
            if iteration % 20 == 19 or change == 0.0:
                polished = self._polished(X, y, l1, l2, w)
                if polished is not None:
                    return polished
            if change <= 1e-3 * self.tol * scale * step:
                break
        return w

    def _polished(self, X: Array, y: Array, l1: Array, l2: Array, w: Array) -> Array | None:
        """Newton steps on the support; None where they change a sign or leave a feature out."""
        support = np.flatnonzero(w)
        signs, w = np.sign(w[support]), w.copy()
        for _ in range(1 if self.loss == "squared" else 15):
            part = X[:, support]
            slope = self._gradient(part, y, w[support]) + l2[support] * w[support]
            hessian = self._hessian(part, y, w[support], l2[support])
            w[support] -= np.linalg.lstsq(hessian, slope + l1[support] * signs, rcond=None)[0]
            if (np.sign(w[support]) != signs).any():
                return None
        slope = self._gradient(X, y, w) + l2 * w
        rest = np.abs(slope) - l1
        rest[support] = np.abs(slope + l1 * np.sign(w))[support]
        return w if rest.max(initial=0.0) <= 1e-9 * (1.0 + np.abs(slope).max()) else None


def _check(X: Array, y: Array, loss: str) -> None:
    if X.ndim != 2 or y.shape != (len(X),):
        raise ArgumentError(
            f"LinearModel: X must be of shape (n, p) and y of (n,), got {X.shape} and {y.shape}."
        )
    if loss == "logistic" and not np.isin(y, (-1.0, 1.0)).all():
        raise ArgumentError(
            f"LinearModel: targets of the logistic loss must be -1 and 1, got {np.unique(y)[:5]}."
        )
