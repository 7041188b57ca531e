"""Hyperparameters learnt by gradient: an outer loss at the end of an inner training.

    minimise over h   F(w(h), h)   where   w(h) = argmin_w f(w, h)

with f the training loss, its penalties weighted by h, and F the loss on validation data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, final

import torch
from torch import Tensor

from luthier.core.trial import FrozenTrial
from luthier.errors import ArgumentError
from luthier.gradient.audit import Audit, audit
from luthier.gradient.descent import Descent, End, OuterStep, Schedule, Start, follow
from luthier.gradient.estimate import Diagnostics, Estimator
from luthier.gradient.flat import Flat, Layout, Loss, Tree
from luthier.gradient.guard import Holdout, KFold
from luthier.gradient.hyper import Free, Hyper
from luthier.gradient.implicit import CG
from luthier.gradient.inner import Inner, chosen_inner
from luthier.study.trial import Trial

__all__ = ["Bilevel", "Fitted", "Hypergradient"]


@final
@dataclass(frozen=True, slots=True)
class Hypergradient:
    """The derivative of the outer loss by every hyperparameter.

    Attributes:
        gradient: By name, in the hyperparameters' own units and shapes.
        loss: The outer loss.
        params: The parameters it is about, by name.
        diagnostics: What to know before trusting it.
    """

    gradient: dict[str, Tensor]
    loss: float
    params: dict[str, Tensor]
    diagnostics: Diagnostics


@final
@dataclass(frozen=True, slots=True)
class Fitted:
    """Hyperparameters that were learnt.

    Attributes:
        hyper: Their values by name, at the best step.
        params: The parameters trained with them.
        loss: The outer loss there, on the data that hypergradients saw.
        guard_loss: The outer loss there on the guard's rows (mean over folds); NaN without one.
        best: Index of the best step.
        steps: What each step saw.
        reason: Why it ended.
    """

    hyper: dict[str, Tensor]
    params: dict[str, Tensor]
    loss: float
    guard_loss: float
    best: int
    steps: tuple[OuterStep, ...]
    reason: str

    @property
    def guard_gap(self) -> float:
        """``guard_loss`` minus ``loss``: how much the seen loss flatters; NaN without a guard."""
        return self.guard_loss - self.loss

    @property
    def products(self) -> int:
        """Products with Hessians (or steps differentiated), in all."""
        return sum(step.diagnostics.products for step in self.steps)


@final
@dataclass(frozen=True, slots=True)
class Bilevel:
    """An inner and an outer loss, as pure functions of parameters and hyperparameters.

    Modules enter through ``torch.func.functional_call``: nothing is patched, nothing is global.

    Args:
        inner_loss: ``inner_loss(params, hyper, *train)``, a scalar: what training minimises.
        outer_loss: ``outer_loss(params, hyper, *validation)``, a scalar: what is to be small.
        params: Where training starts: tensors by name, such as
            ``dict(module.named_parameters())``.
        hyper: The hyperparameters by name.
        train: Tensors that are passed on to ``inner_loss``.
        validation: Tensors of equal length that are passed on to ``outer_loss``; a guard keeps rows
            of them back.

    Raises:
        ArgumentError: No parameters, no hyperparameters, or types that don't go together.

    Example:
        >>> draw = torch.Generator().manual_seed(0)
        >>> X = torch.randn(30, 2, generator=draw, dtype=torch.float64)
        >>> y = X[:, 0] + torch.randn(30, generator=draw, dtype=torch.float64)
        >>> def inner(params, hyper):
        ...     w = params["w"]
        ...     return ((X[:20] @ w - y[:20]) ** 2).mean() + hyper["l2"] * (w @ w)
        >>> def outer(params, hyper):
        ...     return ((X[20:] @ params["w"] - y[20:]) ** 2).mean()
        >>> start = {"w": torch.zeros(2, dtype=torch.float64)}
        >>> problem = Bilevel(inner, outer, start, {"l2": Hyper(0.1)})
        >>> fitted = problem.fit(steps=20)
        >>> fitted.loss < fitted.steps[0].loss
        True
    """

    inner_loss: Callable[..., Tensor]
    outer_loss: Callable[..., Tensor]
    params: Tree
    hyper: Mapping[str, Hyper]
    train: tuple[Tensor, ...] = ()
    validation: tuple[Tensor, ...] = ()

    def __post_init__(self) -> None:
        if not self.params or not self.hyper:
            empty = "params" if not self.params else "hyper"
            raise ArgumentError(f"Bilevel: {empty} must not be empty, got {{}}.")
        for name, tensor in self.params.items():
            if not (isinstance(tensor, Tensor) and tensor.is_floating_point()):
                raise ArgumentError(
                    f"Bilevel: params must be floating-point tensors, got {tensor!r} as {name!r}."
                )
        if len(kinds := {tensor.dtype for tensor in self.params.values()}) > 1:
            raise ArgumentError(
                "Bilevel: params must be of one type, got "
                f"{' and '.join(sorted(map(str, kinds)))}. Convert them with .to()."
            )
        for name, hyper in self.hyper.items():
            if not isinstance(hyper, Hyper):
                raise ArgumentError(
                    f"Bilevel: hyper must hold Hyper(...) by name, got {hyper!r} as {name!r}."
                )

    def hypergrad(
        self,
        params: Tree | None = None,
        hyper: Tree | None = None,
        via: Estimator | None = None,
    ) -> Hypergradient:
        """The hypergradient at given parameters and hyperparameters.

        Args:
            params: Trained parameters, as by ``train_inner``; a start, for ``Unrolled``. None is
                the problem's own.
            hyper: Hyperparameters in their own units; None is their ``init``.
            via: The estimator; None is ``CG()``.

        Raises:
            ArgumentError: A loss that isn't a scalar, or names that aren't the problem's.
        """
        flat, w, h = self._flat(), self._vector(params), self._start(hyper)
        estimate = (via or CG())(flat, w, h)
        norm = float(flat.inner_gradient(estimate.w, h).norm())
        return Hypergradient(
            {k: v.detach() for k, v in self._hypers.tree(estimate.gradient).items()},
            float(estimate.loss),
            {k: v.detach() for k, v in self._layout.tree(estimate.w).items()},
            replace(estimate.diagnostics, gradient_norm=norm),
        )

    def train_inner(
        self, hyper: Tree | None = None, inner: Inner | None = None, tol: float = 1e-8
    ) -> dict[str, Tensor]:
        """Train the parameters for given hyperparameters.

        Args:
            hyper: Hyperparameters in their own units; None is their ``init``.
            inner: How to train; None chooses by size.
            tol: The gradient's norm at which it is enough.
        """
        flat, w, h = self._flat(), self._vector(None), self._start(hyper)
        solver = inner or chosen_inner(len(w))
        return self._layout.tree(solver.solve(lambda v: flat.inner(v, h), w, tol))

    def fit(
        self,
        steps: int = 100,
        *,
        via: Estimator | None = None,
        inner: Inner | None = None,
        outer: str | Callable[[list[Tensor]], torch.optim.Optimizer] = "hoag",
        lr: float = 0.3,
        warm_start: bool = True,
        tolerance: Schedule = "exponential",
        guard: Holdout | KFold | None = None,
        patience: int | None = 10,
        max_step: float = 1.0,
    ) -> Fitted:
        """Follow hypergradients downhill, on the scale of each hyperparameter's transform.

        A step that ends at a loss that isn't finite is taken back and halved. With a guard, the
        result is that of the step at which the loss on the guard's rows was lowest.

        Args:
            steps: The most outer steps.
            via: The estimator; None is ``CG()``.
            inner: How to train; None chooses by size. ``Unrolled`` trains by itself.
            outer: "hoag" (plain gradient; its step shrinks where the loss rises and grows where it
                falls, Pedregosa 2016), "adam", "sgd", or a function that makes an optimiser of
                torch from a list of tensors.
            lr: Step of "adam" and "sgd", in free numbers; of "hoag", the farthest that its first
                step moves one: 0.3 changes a logarithmic hyperparameter by a third.
            warm_start: Whether training, and the linear system of ``CG``, go on from where they
                last ended.
            tolerance: How far each training goes, as the gradient's norm, and ``CG``, as its
                relative residual, at most .1: a number, a schedule of HOAG ("quadratic" .1 / k^2,
                "cubic" .1 / k^3, "exponential" .1 x .9^k), or a function of the step, from 0.
            guard: Which validation data to watch with instead of learning from it.
            patience: How many steps without a better loss (on the guard, if there is one) end it.
            max_step: The most that a free number moves in a step.

        Raises:
            ArgumentError: A setting that makes no sense, or a loss that isn't finite at the start.
        """
        descent = Descent(
            via or CG(), inner, outer, lr, warm_start, tolerance, patience, max_step, steps
        )
        if guard is None:
            return self._fitted(follow(self._posed(), descent))
        splits = guard.splits(self.validation)
        ends = [follow(self.on(seen)._posed(watch), descent) for seen, watch in splits]
        if len(ends) == 1:
            return self._fitted(ends[0])
        guarded = _mean_guard([end.steps for end in ends])
        best = min(range(len(guarded)), key=guarded.__getitem__)
        to_best = replace(descent, steps=best + 1, patience=None)
        fitted = self._fitted(follow(self._posed(), to_best, best))
        reason = f"{best} steps were best on {len(ends)} folds"
        return replace(fitted, guard_loss=guarded[best], reason=reason)

    def check(self, hyper: Tree | None = None, via: Mapping[str, Estimator] | None = None) -> Audit:
        """Audit hypergradients of this problem against central finite differences.

        Args:
            hyper: Where; None is their ``init``.
            via: The estimators to audit, by name; None is Exact, CG, Neumann and Unrolled.

        Returns:
            Relative errors by estimator, and what to think of them. In float64 an exact estimate
            is right to about 1e-8; in float32 differences themselves are not.
        """
        flat, w, h = self._flat(), self._vector(None), self._start(hyper)
        return audit(flat, w, h, via)

    def refine(self, trial: Trial | FrozenTrial, steps: int = 20, **settings: Any) -> Fitted:
        """Learn the hyperparameters inside a trial, as ``trial.refine(problem)``.

        The study searches what has no gradient; hypergradients do the rest. A hyperparameter that
        the trial has a parameter for, by name, starts at its value. What came of it is recorded
        as the user attribute "refined": where it started and ended, losses, steps and products.
        It is the same again when the trial is, as far as torch is.

        Args:
            trial: The trial.
            steps: The most outer steps; a trial with a smaller budget takes no more than that.
            **settings: Of ``fit``.

        Raises:
            ArgumentError: As by ``fit``.
        """
        budget = getattr(trial, "budget", None)
        allowed = steps if budget is None else min(steps, budget)
        params = trial.params
        started = {
            name: replace(hyper, init=float(params[name])) if name in params else hyper
            for name, hyper in self.hyper.items()
        }
        problem = replace(self, hyper=started)
        fitted = problem.fit(allowed, **settings)
        start = {name: hyper.start(torch.float64).tolist() for name, hyper in started.items()}
        told = {
            "start": start,
            "end": {name: value.tolist() for name, value in fitted.hyper.items()},
            "loss": _json(fitted.loss),
            "guard_loss": _json(fitted.guard_loss),
            "steps": len(fitted.steps),
            "products": fitted.products,
            "reason": fitted.reason,
        }
        trial.set_user_attr("refined", told)
        return fitted

    def on(self, validation: tuple[Tensor, ...]) -> Bilevel:
        """The same problem with other validation data."""
        return replace(self, validation=validation)

    def _posed(self, watching: tuple[Tensor, ...] = ()) -> Start:
        watch = self.on(watching)._flat().outer if watching else None
        free = Free(tuple(self.hyper.values()), self._start(None))
        return Start(self._flat(), self._vector(None), free, watch)

    def _fitted(self, end: End) -> Fitted:
        hyper, params = self._hypers.tree(end.h), self._layout.tree(end.w)
        at = end.steps[end.best]
        return Fitted(hyper, params, at.loss, at.guard, end.best, end.steps, end.reason)

    @property
    def _layout(self) -> Layout:
        return Layout.of(self.params)

    @property
    def _hypers(self) -> Layout:
        return Layout({name: tuple(hyper.shape) for name, hyper in self.hyper.items()})

    @property
    def _dtype(self) -> torch.dtype:
        return next(iter(self.params.values())).dtype

    def _flat(self) -> Flat:
        params, hypers = self._layout, self._hypers
        sizes = [torch.Size(shape).numel() for shape in hypers.shapes.values()]
        ends = list(accumulate(sizes))
        slices = {
            name: slice(end - size, end)
            for name, size, end in zip(hypers.shapes, sizes, ends, strict=True)
        }

        def loss(function: Callable[..., Tensor], data: tuple[Tensor, ...], what: str) -> Loss:
            def of_vectors(w: Tensor, h: Tensor) -> Tensor:
                return _scalar(function(params.tree(w), hypers.tree(h), *data), what)

            return of_vectors

        inner = loss(self.inner_loss, self.train, "inner_loss")
        outer = loss(self.outer_loss, self.validation, "outer_loss")
        return Flat(inner, outer, slices)

    def _vector(self, params: Tree | None) -> Tensor:
        return self._layout.flat(_known(params or self.params, self.params, "params")).detach()

    def _start(self, hyper: Tree | None) -> Tensor:
        start = {name: each.start(self._dtype) for name, each in self.hyper.items()}
        given = _known(hyper or start, self.hyper, "hyper")
        shaped = {k: torch.as_tensor(given[k]).to(self._dtype).expand_as(start[k]) for k in start}
        return self._hypers.flat(shaped).detach()


def _mean_guard(runs: Sequence[Sequence[OuterStep]]) -> list[float]:
    """The guards' mean loss by step, as far as all runs went."""
    length = min(map(len, runs))
    means = [math.fsum(run[k].guard for run in runs) / len(runs) for k in range(length)]
    return [mean if math.isfinite(mean) else math.inf for mean in means]


def _json(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _scalar(value: Any, what: str) -> Tensor:
    if not isinstance(value, Tensor) or value.dim() != 0:
        got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
        raise ArgumentError(
            f"Bilevel: {what} must return a scalar tensor, got {got}. Take its mean() or sum()."
        )
    return value


def _known(given: Tree, known: Mapping[str, object], what: str) -> Tree:
    if given.keys() != known.keys():
        raise ArgumentError(
            f"Bilevel: {what} must be named {', '.join(known)}, got {', '.join(given)}."
        )
    return given
