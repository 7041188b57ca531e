"""Hypergradients through the condition that training ends at a minimum.

At the minimum w(h) of f the gradient vanishes, whatever h is; so (implicit function theorem)

    dF/dh = F_h - f_hw q,     f_ww q = F_w

with subscripts for derivatives. The estimators differ in how they get q; p is the number of
parameters:

    Exact      q by factorising the Hessian                 p products, (p, p) memory
    CG         q by conjugate gradients                     k products
    Neumann    q = lr sum_{j<k} (1 - lr f_ww)^j F_w         k products, and some for lr
    T1T2       q = lr F_w, as if the Hessian were 1 / lr    none, and some for lr

All obey the chain rule in the hyperparameters. Rotated parameters change none (but lr="auto" a
little); stretched ones change what is unfinished: Neumann, T1T2, CG cut short, never Exact.

References: Pedregosa 2016, arXiv:1602.02355 (CG); Lorraine et al. 2020, arXiv:1911.02590 (Neumann);
Luketina et al. 2016, arXiv:1511.06727 (T1-T2); Grazzi et al. 2020, arXiv:2006.16218 (errors).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, final

import torch
from torch import Tensor
from torch.func import vmap

from luthier.errors import ArgumentError
from luthier.gradient.estimate import Diagnostics, Estimate
from luthier.gradient.flat import Flat

__all__ = ["CG", "T1T2", "Exact", "Neumann", "largest_curvature"]

_Product = Callable[[Tensor], Tensor]
_POWER_STEPS = 30


@final
@dataclass(frozen=True, slots=True)
class Exact:
    """Factorise the Hessian: for up to a few thousand parameters.

    Args:
        damping: Added to the Hessian's diagonal.
    """

    damping: float = 0.0

    def __call__(self, flat: Flat, w: Tensor, h: Tensor) -> Estimate:
        """Estimate the hypergradient at w, shape (p,), and h, shape (q,)."""

        def solve(product: _Product, b: Tensor) -> tuple[Tensor, Diagnostics]:
            hessian = vmap(product)(torch.eye(len(b), dtype=b.dtype, device=b.device))
            hessian = (hessian + hessian.T) / 2
            hessian.diagonal().add_(self.damping)
            factor, failed = torch.linalg.cholesky_ex(hessian)
            if failed:
                q = torch.linalg.lstsq(hessian, b[:, None]).solution[:, 0]
            else:
                q = torch.cholesky_solve(b[:, None], factor)[:, 0]
            residual = float((hessian @ q - b).norm() / b.norm().clamp_min(1e-300))
            return q, Diagnostics(len(b), residual, bool(failed))

        return _implicit(flat, w, h, solve)


@final
@dataclass(frozen=True, slots=True)
class CG:
    """Conjugate gradients: the best choice where the Hessian is positive and too large for Exact.

    Args:
        k: The most products with the Hessian.
        tol: It stops where the residual is so much smaller than F_w. ``Bilevel.fit`` asks for no
            more than its schedule of tolerances does.
        damping: Added to the Hessian's diagonal, for flat directions.
    """

    k: int = 20
    tol: float = 1e-10
    damping: float = 0.0

    def __post_init__(self) -> None:
        _check_count("CG", "k", self.k)

    def __call__(self, flat: Flat, w: Tensor, h: Tensor, start: Tensor | None = None) -> Estimate:
        """Estimate the hypergradient at w, shape (p,), and h, shape (q,).

        Args:
            flat: The losses.
            w: Trained parameters.
            h: Hyperparameters.
            start: The ``adjoint`` of an estimate near by, shape (p,), to go on from where that is
                better than nothing; it takes one of the k products to see.
        """

        def solve(product: _Product, b: Tensor) -> tuple[Tensor, Diagnostics]:
            return self._solve(lambda v: product(v) + self.damping * v, b, start)

        return _implicit(flat, w, h, solve)

    def _solve(
        self, product: _Product, b: Tensor, start: Tensor | None
    ) -> tuple[Tensor, Diagnostics]:
        """Hestenes & Stiefel 1952; along a direction of negative curvature it goes no further."""
        q, residual, products, negative = torch.zeros_like(b), b.clone(), 0, False
        goal = b @ b * self.tol**2
        if start is not None and self.k > 1:
            left, products = b - product(start), 1
            if left.norm() < b.norm():
                q, residual = start, left
        direction, rr = residual.clone(), residual @ residual
        while products < self.k and rr > goal:
            image = product(direction)
            products += 1
            bend = direction @ image
            if bend <= 0:
                negative = True
                break
            step = rr / bend
            q = q + step * direction
            residual = residual - step * image
            previous, rr = rr, residual @ residual
            direction = residual + rr / previous * direction
        return q, Diagnostics(products, _relative(rr.sqrt(), b), negative)


@final
@dataclass(frozen=True, slots=True)
class Neumann:
    """A truncated Neumann series: as if training had gone k steps of gradient descent.

    Args:
        k: Terms of the series.
        lr: Its step, which must be below 2 / (largest curvature); "auto" is 1 / that, from 30
            power iterations.
    """

    k: int = 20
    lr: float | Literal["auto"] = "auto"

    def __post_init__(self) -> None:
        _check_count("Neumann", "k", self.k)
        _check_lr("Neumann", self.lr)

    def __call__(self, flat: Flat, w: Tensor, h: Tensor) -> Estimate:
        """Estimate the hypergradient at w, shape (p,), and h, shape (q,)."""

        def solve(product: _Product, b: Tensor) -> tuple[Tensor, Diagnostics]:
            lr, products, negative = _step(product, b, self.lr)
            term, q = b, b
            for _ in range(self.k):
                term = term - lr * product(term)
                q = q + term
            return lr * q, Diagnostics(products + self.k, _relative(term.norm(), b), negative)

        return _implicit(flat, w, h, solve)


@final
@dataclass(frozen=True, slots=True)
class T1T2:
    """One step back: the cheapest estimate, often of the right sign, rarely of the right length.

    Args:
        lr: Step of the training it stands for; "auto" is 1 / (largest curvature).
    """

    lr: float | Literal["auto"] = "auto"

    def __post_init__(self) -> None:
        _check_lr("T1T2", self.lr)

    def __call__(self, flat: Flat, w: Tensor, h: Tensor) -> Estimate:
        """Estimate the hypergradient at w, shape (p,), and h, shape (q,)."""

        def solve(product: _Product, b: Tensor) -> tuple[Tensor, Diagnostics]:
            lr, products, negative = _step(product, b, self.lr)
            q = lr * b
            return q, Diagnostics(products + 1, _relative((b - product(q)).norm(), b), negative)

        return _implicit(flat, w, h, solve)


def largest_curvature(product: _Product, like: Tensor, steps: int = _POWER_STEPS) -> float:
    """The eigenvalue of the Hessian that is largest in size, by power iteration.

    Args:
        product: Products with the Hessian, (p,) to (p,).
        like: A vector of its size and type.
        steps: Products spent.

    Returns:
        An estimate from below, with the sign of the eigenvalue.
    """
    angles = torch.arange(1, len(like) + 1, dtype=like.dtype, device=like.device)
    vector = torch.cos(angles * angles)  # a fixed start that is orthogonal to nothing in particular
    value = 0.0
    for _ in range(steps):
        vector = vector / vector.norm().clamp_min(1e-30)
        image = product(vector)
        value = float(vector @ image)
        vector = image
    return value


def _implicit(
    flat: Flat,
    w: Tensor,
    h: Tensor,
    solve: Callable[[_Product, Tensor], tuple[Tensor, Diagnostics]],
) -> Estimate:
    loss, by_w, by_h = flat.outer_gradients(w, h)
    if not bool(by_w.any()):
        return Estimate(loss, by_h, w, Diagnostics(0, 0.0, False))
    q, diagnostics = solve(flat.curvature(w, h), by_w)
    return Estimate(loss, by_h - flat.cross(w, h, q), w, diagnostics, q)


def _step(product: _Product, b: Tensor, lr: float | Literal["auto"]) -> tuple[float, int, bool]:
    """The step of a series, what it cost, and whether curvature was found to be negative."""
    if not isinstance(lr, str):
        return lr, 0, False
    curvature = largest_curvature(product, b)
    return 1.0 / max(abs(curvature), 1e-30), _POWER_STEPS, curvature < 0


def _relative(norm: Tensor, b: Tensor) -> float:
    return float(norm / b.norm().clamp_min(1e-300))


def _check_count(what: str, name: str, value: object) -> None:
    if not isinstance(value, int) or value < 1:
        raise ArgumentError(f"{what}: {name} must be an integer of at least 1, got {value!r}.")


def _check_lr(what: str, lr: object) -> None:
    if lr != "auto" and not (isinstance(lr, (int, float)) and lr > 0):
        raise ArgumentError(f"{what}: lr must be positive or 'auto', got {lr!r}.")
