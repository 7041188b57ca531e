"""The sampler: a Gaussian process of the objective, and an acquisition function to search it.

Trials 0 to 3 are the user's defaults or the middle of the space, and Sobol points. From then on
the model proposes: every fourth trial by the lower confidence bound, the others by expected
improvement; every second one only looks in a trust region around the best.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from luthier.core.asking import is_new, one_by_one
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.start import start_point
from luthier.core.tried import Tried
from luthier.errors import ArgumentError
from luthier.numerics.kernels import KERNELS, Kernel
from luthier.numerics.warp import WARPS, Warp
from luthier.samplers.gp.model import ACQUISITIONS, Model
from luthier.space import Space

__all__ = ["GP"]

Acquisition = Literal["logei", "ei", "ucb", "pi", "thompson"]


@final
@dataclass(frozen=True, slots=True)
class GP:
    """Fit a Gaussian process to the trials so far, and try where it promises most.

    The fewest trials to a good configuration, at some milliseconds each: right for anything that
    takes longer than that to evaluate. Handles every kind of parameter, conditions, constraints,
    crashes, noise and trials that run at the same time.

    Args:
        acquisition: What to maximise: "logei" or "ei" (expected improvement; the same points,
            since both are searched by the logarithm), "ucb" (confidence bound), "pi"
            (probability of improvement) or "thompson" (a random draw from the model).
        kappa: How optimistic the confidence bound is, at least 0.
        kernel: "matern52", or "matern32" for rougher functions, or "rbf" for smoother ones.
        warp: How values are transformed: "yeo-johnson", "half-rank" or "none".
        n_startup: How many trials come before the model, at least 1.
        explore_every: Every how many trials the confidence bound takes the place of the
            acquisition chosen, at least 1; 0 for never.
        trust_region: Whether every second trial stays in a box around the best.
        allow_duplicates: Whether the same configuration may be proposed twice.

    Raises:
        ArgumentError: A setting is out of its range.

    Example:
        >>> GP(acquisition="ucb", kappa=2.5).spec["kappa"]
        2.5

    References:
        Jones et al., Efficient global optimization, J. Global Optim. 13 (1998). Ament et al.,
        LogEI, arXiv:2310.20708. Eriksson et al., TuRBO, arXiv:1910.01739. Song et al., The Vizier
        Gaussian process bandit algorithm, arXiv:2408.11527. Hvarfner et al., arXiv:2402.02229.
    """

    acquisition: Acquisition = "logei"
    kappa: float = 1.8
    kernel: Kernel = "matern52"
    warp: Warp = "yeo-johnson"
    n_startup: int = 4
    explore_every: int = 4
    trust_region: bool = True
    allow_duplicates: bool = False

    def __post_init__(self) -> None:
        _check_choice("acquisition", self.acquisition, ACQUISITIONS)
        _check_choice("kernel", self.kernel, KERNELS)
        _check_choice("warp", self.warp, WARPS)
        _check_number("kappa", self.kappa, 0)
        _check_number("n_startup", self.n_startup, 1)
        _check_number("explore_every", self.explore_every, 0)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return {
            "name": "gp",
            "acquisition": self.acquisition,
            "kappa": self.kappa,
            "kernel": self.kernel,
            "warp": self.warp,
            "n_startup": self.n_startup,
            "explore_every": self.explore_every,
            "trust_region": self.trust_region,
            "allow_duplicates": self.allow_duplicates,
        }

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return n proposals, each aware of those before; fewer where a finite space ends."""
        model: Model | None = None

        def propose(
            number: int, pending: Sequence[Mapping[str, Any]], tried: Tried | None
        ) -> Proposal | None:
            nonlocal model
            if self._is_startup(space, history, number):
                return _start(space, history, number, rng, tried)
            model = model or self._model(space, history, rng)
            model.believe(pending)
            return self._propose(model, number, tried)

        return one_by_one(space, history, n, propose, allow_duplicates=self.allow_duplicates)

    def _model(self, space: Space, history: History, rng: np.random.Generator) -> Model:
        return Model(
            space,
            history,
            rng,
            kernel=self.kernel,
            warp=self.warp,
            kappa=self.kappa,
            allow_duplicates=self.allow_duplicates,
        )

    def _propose(self, model: Model, number: int, tried: Tried | None) -> Proposal | None:
        every = self.explore_every
        explore = every > 0 and number % every == every - 1
        in_box = self.trust_region and number % 2 == 1
        return model.propose("ucb" if explore else self.acquisition, in_box, tried)

    def _is_startup(self, space: Space, history: History, number: int) -> bool:
        return (
            number < self.n_startup
            or history.n_finished < self.n_startup
            or not len(history.completed)
            or not space.encoding.width
        )


def _start(
    space: Space,
    history: History,
    number: int,
    rng: np.random.Generator,
    tried: Tried | None,
) -> Proposal | None:
    """The user's defaults, or the middle of the space; then Sobol points."""
    if number == 0 and space.default() is None and space.encoding.width:
        middle = np.where([c.categories for c in space.encoding.columns], 0.0, 0.5)
        config = space.encoding.decode(middle[None])[0]
        if is_new(space, config, tried):
            return Proposal(config, "start: the middle of the space")
    return start_point(space, history, number, rng, tried)


def _check_choice(name: str, value: object, known: Collection[str]) -> None:
    if not isinstance(value, str) or value not in known:
        raise ArgumentError(
            f"GP: {name} must be one of {', '.join(map(repr, known))}, got {value!r}.",
            **{name: value},
        )


def _check_number(name: str, value: object, low: int) -> None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and value >= low
    if not good or (name != "kappa" and not isinstance(value, int)) or value == float("inf"):
        kind = "number" if name == "kappa" else "whole number"
        raise ArgumentError(
            f"GP: {name} must be a {kind} of at least {low}, got {value!r}.", **{name: value}
        )
