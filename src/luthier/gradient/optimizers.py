"""Optimisers of torch that adapt their own learning rate, weight decay and momentum.

A hyperparameter a of the last step, w = w' - lr u with u its direction, moves the loss by
g . dw/da, with g the gradient now. Only the angle between the two is used:

    a <- a (1 + rate cos(g, d))         d = the direction in which raising a has moved -w

    lr             d = u, the last direction
    weight decay   d = w', the parameters before the last step
    momentum       d = what momentum added to u; multiplied is 1 - momentum, by 1 - rate cos

So the rule doesn't depend on the scale of losses or parameters, and nothing changes its sign.
Baydin et al. 2018 (arXiv:1703.04782) add the product g . u instead, whose right size differs by
10^4 between SGD and Adam and whose learning rates may turn negative.

What schedulers set (``lr`` of a group) and what is learnt (``gain``) are kept apart and multiplied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, cast, final

import torch
from torch import Tensor
from torch.optim import Optimizer

from luthier.errors import ArgumentError

__all__ = ["HyperAdam", "HyperSGD"]

Learnt = Literal["lr", "weight_decay", "momentum"]
Loss = Callable[[], Tensor]
_GAINS = {"lr": "gain", "weight_decay": "decay_gain", "momentum": "slack_gain"}


class _Learning(Optimizer):
    """What both have in common: the rule, and how a step goes."""

    def __init__(
        self, params: Any, settings: dict[str, Any], learn: Sequence[Learnt], rate: float
    ) -> None:
        name = type(self).__name__
        if not 0 < rate < 1:
            raise ArgumentError(f"{name}: rate must lie in (0, 1), got {rate!r}.")
        if unknown := set(learn) - set(_GAINS):
            raise ArgumentError(
                f"{name}: learn must name {', '.join(_GAINS)}, got {sorted(unknown)[0]!r}."
            )
        for setting in ("lr", "max_lr"):
            if not settings[setting] > 0:
                raise ArgumentError(
                    f"{name}: {setting} must be positive, got {settings[setting]!r}."
                )
        if "weight_decay" in learn and not settings["weight_decay"] > 0:
            raise ArgumentError(
                f"{name}: a weight_decay that is learnt must start above 0, got "
                f"{settings['weight_decay']!r}. Start it at 1e-4, say."
            )
        gains = dict.fromkeys(_GAINS.values(), 1.0)
        super().__init__(params, {**settings, **gains, "learn": tuple(learn), "rate": rate})

    def learnt(self) -> list[dict[str, float]]:
        """What each group's settings have come to: lr, weight_decay and momentum.

        Returns:
            A mapping per parameter group.
        """
        return [
            {
                "lr": _lr(group),
                "weight_decay": group["weight_decay"] * group["decay_gain"],
                "momentum": _momentum(group),
            }
            for group in self.param_groups
        ]

    @torch.no_grad()
    def step(  # type: ignore[override]
        self, closure: Loss | None = None, *, validation: Loss | None = None
    ) -> Tensor | None:
        """Learn from the last step, and take the next.

        Args:
            closure: Computes the training loss and its gradients anew, as in torch.
            validation: Computes a loss on other data: then settings are learnt from its gradient
                instead of the training loss's. A weight decay is worth learning only so.

        Returns:
            The training loss, if there is a closure.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        groups = [[p for p in g["params"] if p.grad is not None] for g in self.param_groups]
        probes = self._probes(groups, validation)
        for group, params, probe in zip(self.param_groups, groups, probes, strict=True):
            for name in group["learn"]:
                self._learn(group, name, params, probe)
            for param in params:
                self._move(group, param, self.state[param])
        return loss

    def _probes(
        self, groups: list[list[Tensor]], validation: Loss | None
    ) -> list[list[Tensor | None]]:
        """The gradients that settings are learnt from, group by group."""
        if validation is None:
            return [[param.grad for param in params] for params in groups]
        flat = [param for params in groups for param in params]
        with torch.enable_grad():
            found = iter(torch.autograd.grad(validation(), flat, allow_unused=True))
        return [[next(found) for _ in params] for params in groups]

    def _learn(
        self, group: dict[str, Any], name: Learnt, params: list[Tensor], probe: list[Tensor | None]
    ) -> None:
        pairs = [
            (gradient, self._direction(name, group, param, self.state[param]))
            for param, gradient in zip(params, probe, strict=True)
            if gradient is not None and self.state[param]
        ]
        sign = -1.0 if name == "momentum" else 1.0
        group[_GAINS[name]] *= 1.0 + sign * group["rate"] * _cosine(pairs)

    def _direction(
        self, name: Learnt, group: dict[str, Any], param: Tensor, state: dict[str, Any]
    ) -> Tensor:
        """Where raising a setting has moved -w; its length doesn't matter."""
        if name == "momentum":
            return cast("Tensor", state["carried"])
        update: Tensor = state["update"]
        return update if name == "lr" else param + _lr(group) * update

    def _move(self, group: dict[str, Any], param: Tensor, state: dict[str, Any]) -> None:
        raise NotImplementedError

    def _descend(
        self, group: dict[str, Any], param: Tensor, state: dict[str, Any], update: Tensor
    ) -> None:
        lr = _lr(group)
        param.mul_(1 - lr * group["weight_decay"] * group["decay_gain"])
        param.sub_(update, alpha=lr)
        state["update"] = update


@final
class HyperAdam(_Learning):
    """Adam with decoupled weight decay (AdamW) that adapts its own settings.

    It recovers from learning rates that are wrong by orders of magnitude; where the right one is
    known, plain Adam with a schedule is as good.

    Args:
        params: Tensors, or groups of them, as for every optimiser of torch.
        lr: Learning rate to start from.
        betas: Decay of the mean gradient (the momentum) and of the mean square.
        eps: Added to the root of the mean square.
        weight_decay: Decoupled decay, per step and learning rate.
        learn: Which of "lr", "weight_decay" and "momentum" are learnt.
        rate: The most by which a setting changes in a step, relative to itself.
        max_lr: The learning rate stays below.

    Raises:
        ArgumentError: A setting out of its range.

    Example:
        >>> w = torch.zeros(3, requires_grad=True)
        >>> optimizer = HyperAdam([w], lr=1e-5)
        >>> for _ in range(200):
        ...     optimizer.zero_grad()
        ...     ((w - 1) ** 2).sum().backward()
        ...     _ = optimizer.step()
        >>> optimizer.learnt()[0]["lr"] > 1e-3
        True

    References: Kingma & Ba 2015, arXiv:1412.6980; Loshchilov & Hutter 2019, arXiv:1711.05101.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        learn: Sequence[Learnt] = ("lr",),
        rate: float = 0.05,
        max_lr: float = 1.0,
    ) -> None:
        _check_momentum("HyperAdam", betas[0])
        settings = {"lr": lr, "momentum": betas[0], "beta2": betas[1], "eps": eps}
        settings |= {"weight_decay": weight_decay, "max_lr": max_lr}
        super().__init__(params, settings, learn, rate)

    def _move(self, group: dict[str, Any], param: Tensor, state: dict[str, Any]) -> None:
        gradient = cast("Tensor", param.grad)
        if not state:
            state |= {"step": 0, "mean": torch.zeros_like(param), "square": torch.zeros_like(param)}
            state["kept"] = 1.0  # product of all momenta, which may have changed
        beta1, beta2 = _momentum(group), group["beta2"]
        state["step"] += 1
        state["kept"] *= beta1
        carried = state["mean"] - gradient
        state["mean"].lerp_(gradient, 1 - beta1)
        state["square"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        root = (state["square"] / (1 - beta2 ** state["step"])).sqrt_().add_(group["eps"])
        if "momentum" in group["learn"]:
            state["carried"] = carried / root
        self._descend(group, param, state, state["mean"] / (1 - state["kept"]) / root)


@final
class HyperSGD(_Learning):
    """Stochastic gradient descent with momentum that adapts its own settings.

    Args:
        params: Tensors, or groups of them, as for every optimiser of torch.
        lr: Learning rate to start from.
        momentum: Heavy-ball momentum in [0, 1).
        weight_decay: Decoupled decay, per step and learning rate.
        learn: Which of "lr", "weight_decay" and "momentum" are learnt.
        rate: The most by which a setting changes in a step, relative to itself.
        max_lr: The learning rate stays below.

    Raises:
        ArgumentError: A setting out of its range.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        *,
        learn: Sequence[Learnt] = ("lr",),
        rate: float = 0.05,
        max_lr: float = 10.0,
    ) -> None:
        _check_momentum("HyperSGD", momentum)
        settings = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "max_lr": max_lr}
        super().__init__(params, settings, learn, rate)

    def _move(self, group: dict[str, Any], param: Tensor, state: dict[str, Any]) -> None:
        gradient = cast("Tensor", param.grad)
        before: Tensor = state.get("update", torch.zeros_like(param))
        if "momentum" in group["learn"]:
            state["carried"] = before
        self._descend(group, param, state, gradient + _momentum(group) * before)


def _lr(group: dict[str, Any]) -> float:
    return float(min(group["lr"] * group["gain"], group["max_lr"]))


def _momentum(group: dict[str, Any]) -> float:
    """What is learnt is how far it is from 1; a momentum of 0 stays."""
    if not group["momentum"]:
        return 0.0
    return float(max(1 - (1 - group["momentum"]) * group["slack_gain"], 0.0))


def _cosine(pairs: list[tuple[Tensor, Tensor]]) -> float:
    """The cosine of the angle between two lists of tensors; 0 where one has no length."""
    dot = sum(float((a * b).sum()) for a, b in pairs)
    norms = [sum(float(t.square().sum()) for t in side) ** 0.5 for side in zip(*pairs, strict=True)]
    length = norms[0] * norms[1] if norms else 0.0
    return max(-1.0, min(1.0, dot / length)) if 0 < length < float("inf") else 0.0


def _check_momentum(name: str, momentum: float) -> None:
    if not 0 <= momentum < 1:
        raise ArgumentError(f"{name}: momentum must lie in [0, 1), got {momentum!r}.")
