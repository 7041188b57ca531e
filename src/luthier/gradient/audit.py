"""Is my hypergradient right? Estimators beside finite differences, on the user's own problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from torch import Tensor

from luthier.gradient.estimate import Diagnostics, Estimator
from luthier.gradient.finite import FiniteDiff
from luthier.gradient.flat import Flat
from luthier.gradient.implicit import CG, Exact, Neumann
from luthier.gradient.inner import chosen_inner
from luthier.gradient.unrolled import Unrolled

__all__ = ["Audit", "audit"]

_EXACT_LIMIT = 2000


@final
@dataclass(frozen=True, slots=True)
class Audit:
    """How far estimators are from finite differences.

    Attributes:
        reference: The gradient by finite differences, shape (q,), in the order of hyperparameters.
        errors: By estimator, the norm of its difference relative to that of the reference.
        diagnostics: By estimator, how its estimate came about.
    """

    reference: Tensor
    errors: dict[str, float]
    diagnostics: dict[str, Diagnostics]

    def __str__(self) -> str:
        lines = ["estimator        error    products  verdict"]
        for name, error in self.errors.items():
            seen = self.diagnostics[name]
            verdict = "good" if error < 1e-3 else "rough" if error < 0.1 else "wrong"
            if seen.negative_curvature:
                verdict += ", negative curvature: the inner loss isn't at a minimum"
            lines.append(f"{name:<14} {error:8.1e} {seen.products:10d}  {verdict}")
        return "\n".join(lines)


def audit(flat: Flat, w: Tensor, h: Tensor, via: Mapping[str, Estimator] | None) -> Audit:
    """Compare estimators with finite differences at hyperparameters h, shape (q,).

    Args:
        flat: The losses.
        w: Where training starts, shape (p,).
        h: Hyperparameters, shape (q,).
        via: Estimators by name; None is a choice of ours.
    """
    eps = 1e-12 if w.element_size() == 8 else 1e-6
    step = 1e-4 if w.element_size() == 8 else 1e-2
    trained = chosen_inner(len(w)).solve(lambda v: flat.inner(v, h), w, eps)
    truth = FiniteDiff(step, chosen_inner(len(w)), eps)(flat, trained, h).gradient
    estimates = {k: each(flat, trained, h) for k, each in (via or _ours(len(w))).items()}
    scale = truth.norm().clamp_min(1e-300)
    errors = {k: float((e.gradient - truth).norm() / scale) for k, e in estimates.items()}
    return Audit(truth, errors, {k: e.diagnostics for k, e in estimates.items()})


def _ours(size: int) -> dict[str, Estimator]:
    chosen: dict[str, Estimator] = {
        "CG(20)": CG(20),
        "Neumann(100)": Neumann(100),
        "Unrolled(200)": Unrolled(200),
    }
    return {"Exact": Exact(), **chosen} if size <= _EXACT_LIMIT else chosen
