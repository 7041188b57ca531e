"""Hyperparameters by the thousand: gradients of a validation loss through training.

What rests on torch needs the extra ``torch``; linear models and their penalties need NumPy alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luthier.gradient.audit import Audit
    from luthier.gradient.bilevel import Bilevel, Fitted, Hypergradient
    from luthier.gradient.descent import OuterStep
    from luthier.gradient.estimate import Diagnostics
    from luthier.gradient.finite import FiniteDiff
    from luthier.gradient.guard import Holdout, KFold
    from luthier.gradient.hyper import Hyper
    from luthier.gradient.implicit import CG, T1T2, Exact, Neumann
    from luthier.gradient.inner import LBFGS, Newton, Torch
    from luthier.gradient.linear import LinearModel, Penalties
    from luthier.gradient.optimizers import HyperAdam, HyperSGD
    from luthier.gradient.penalties import CrossVal, HeldOut, LearntPenalties, learn_penalties
    from luthier.gradient.unrolled import Unrolled

__all__ = [
    "CG",
    "LBFGS",
    "T1T2",
    "Audit",
    "Bilevel",
    "CrossVal",
    "Diagnostics",
    "Exact",
    "FiniteDiff",
    "Fitted",
    "HeldOut",
    "Holdout",
    "Hyper",
    "HyperAdam",
    "HyperSGD",
    "Hypergradient",
    "KFold",
    "LearntPenalties",
    "LinearModel",
    "Neumann",
    "Newton",
    "OuterStep",
    "Penalties",
    "Torch",
    "Unrolled",
    "learn_penalties",
]

_NUMPY = {
    "linear": "LinearModel Penalties",
    "penalties": "CrossVal HeldOut LearntPenalties learn_penalties",
}
_TORCH = {
    "audit": "Audit",
    "bilevel": "Bilevel Fitted Hypergradient",
    "descent": "OuterStep",
    "estimate": "Diagnostics",
    "finite": "FiniteDiff",
    "guard": "Holdout KFold",
    "hyper": "Hyper",
    "implicit": "CG T1T2 Exact Neumann",
    "inner": "LBFGS Newton Torch",
    "optimizers": "HyperAdam HyperSGD",
    "unrolled": "Unrolled",
}
_HOME_OF = {name: home for home, names in (_NUMPY | _TORCH).items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'luthier.gradient' has no attribute {name!r}")
    if _HOME_OF[name] in _TORCH:
        from luthier.errors import require_extra

        require_extra("torch", "torch", f"luthier.gradient.{name}")
    value = getattr(importlib.import_module(f"luthier.gradient.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
