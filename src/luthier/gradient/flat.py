"""A bilevel problem as functions of two vectors.

w   parameters of the model, all in one vector    (p,)
h   hyperparameters in their own units            (q,)
f   inner loss, what training minimises           (p,), (q,) -> scalar
F   outer loss, what the hyperparameters are for  (p,), (q,) -> scalar
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, final

import torch
from torch import Tensor
from torch.func import grad, grad_and_value, vjp

__all__ = ["Flat", "Layout", "Loss", "Tree"]

Tree = Mapping[str, Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]


@final
@dataclass(frozen=True, slots=True)
class Layout:
    """Where the tensors of a mapping lie in one vector.

    Attributes:
        shapes: The tensors' shapes by name.

    Example:
        >>> layout = Layout.of({"w": torch.zeros(2, 2), "b": torch.ones(1)})
        >>> layout.flat(layout.tree(torch.arange(5.0)))
        tensor([0., 1., 2., 3., 4.])
    """

    shapes: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, tree: Tree) -> Self:
        """The layout of a mapping's tensors, in its order."""
        return cls({name: tuple(tensor.shape) for name, tensor in tree.items()})

    def flat(self, tree: Tree) -> Tensor:
        """All tensors in one vector."""
        return torch.cat([tree[name].reshape(-1) for name in self.shapes])

    def tree(self, vector: Tensor) -> dict[str, Tensor]:
        """The tensors of a vector, by name; views where that works."""
        sizes = [torch.Size(shape).numel() for shape in self.shapes.values()]
        parts = torch.split(vector, sizes)
        shaped = zip(self.shapes.items(), parts, strict=True)
        return {name: part.reshape(shape) for (name, shape), part in shaped}


@final
@dataclass(frozen=True, slots=True)
class Flat:
    """The two losses over vectors.

    Attributes:
        inner: f(w, h).
        outer: F(w, h).
        slices: Where each hyperparameter lies in h.
    """

    inner: Loss
    outer: Loss
    slices: dict[str, slice]

    def inner_gradient(self, w: Tensor, h: Tensor) -> Tensor:
        """Gradient of the inner loss by w, shape (p,)."""
        gradient: Tensor = grad(self.inner)(w, h)
        return gradient

    def outer_gradients(self, w: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The outer loss, and its gradients by w, shape (p,), and by h, shape (q,)."""
        (by_w, by_h), value = grad_and_value(self.outer, argnums=(0, 1))(w, h)
        return value, by_w, by_h

    def curvature(self, w: Tensor, h: Tensor) -> Callable[[Tensor], Tensor]:
        """Products with the Hessian of f by w: a function from (p,) to (p,).

        The Hessian is symmetric, so one backward pass through the gradient is a product; the
        gradient is computed once for all of them.
        """
        pull: Any = vjp(lambda at: self.inner_gradient(at, h), w)[1]
        return lambda v: pull(v)[0]

    def cross(self, w: Tensor, h: Tensor, v: Tensor) -> Tensor:
        """The mixed derivative of f times a vector, d/dh (df/dw . v), shape (q,)."""
        mixed: Tensor = grad(lambda at: self.inner_gradient(w, at) @ v)(h)
        return mixed
