"""The model of one history, and the configuration that it finds most promising."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.asking import drawn_instead, is_new
from luthier.core.evidence import evidence_of
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.tried import Tried
from luthier.numerics.kernels import Kernel
from luthier.numerics.warp import Warp
from luthier.samplers.gp.columns import columns_of
from luthier.samplers.gp.region import IN_BOX, box, side_length
from luthier.samplers.gp.search import Task, candidates, search
from luthier.samplers.gp.surrogate import surrogate_of
from luthier.space import Space, sample
from luthier.space.relations import Check

__all__ = ["ACQUISITIONS", "Model"]

Array = NDArray[np.float64]
ACQUISITIONS: Final[Mapping[str, str]] = {
    "logei": "LogEI",
    "ei": "EI",
    "ucb": "UCB",
    "pi": "PI",
    "thompson": "Thompson sampling",
}
"""Names of acquisition functions, and how they are called in reasons."""
_FEW: Final = 512
_SAME: Final = 1e-9
_SPARE: Final = 64


@final
class Model:
    """What a history says, and what to try next.

    Args:
        space: The space.
        history: At least one trial has completed.
        rng: Weights several objectives, and draws candidates.
        kernel: The kernel of the objective's model.
        warp: How values are warped.
        kappa: How optimistic the confidence bound is.
        allow_duplicates: Whether a configuration may be proposed again.
    """

    def __init__(
        self,
        space: Space,
        history: History,
        rng: np.random.Generator,
        *,
        kernel: Kernel,
        warp: Warp,
        kappa: float,
        allow_duplicates: bool,
    ) -> None:
        self._space, self._history, self._rng, self._kappa = space, history, rng, kappa
        self._columns = columns_of(space)
        incomplete = self._columns.incomplete(history.X)
        self._evidence = evidence_of(history, incomplete, rng)
        self._surrogate = surrogate_of(
            self._evidence, self._columns.categories, kernel=kernel, warp=warp
        )
        self._known = np.concatenate([self._evidence.X, self._evidence.outcomes])
        self._allow_duplicates = allow_duplicates
        self._n_pending = 0

    def believe(self, pending: Sequence[Mapping[str, Any]]) -> None:
        """Count on trials that are running or were just proposed: all so far, in order."""
        X = self._space.encoding.encode(pending[self._n_pending :])
        self._surrogate = self._surrogate.believing(X)
        self._known = np.concatenate([self._known, X])
        self._n_pending = len(pending)

    def propose(self, acquisition: str, in_box: bool, tried: Tried | None) -> Proposal | None:
        """Return the most promising configuration that is allowed and new.

        Args:
            acquisition: A name of ``ACQUISITIONS``.
            in_box: Whether to stay in the trust region.
            tried: What mustn't be proposed again; None if it may.
        """
        rows = _every(self._space, self._space.checks) if self._space.is_finite else None
        in_box = in_box and rows is None
        task = self._task(acquisition, in_box)
        Z = candidates(task, self._rng, self._allowed()) if rows is None else rows
        if acquisition == "thompson":
            Z = Z[np.argsort(-self._drawn(self._columns.inputs(Z)), kind="stable")]
        elif rows is None:
            Z = search(task, Z)
        else:
            Z = Z[np.argsort(-task.score(self._columns.inputs(Z)), kind="stable")]
        for config in self._new(Z, tried):
            data = {IN_BOX: True} if in_box else {}
            return Proposal(config, self._reason(acquisition, in_box), data=data)
        reason = "drawn at random: all that the model looked at was tried before or isn't allowed"
        return drawn_instead(self._space, self._rng, tried, reason)

    def _task(self, acquisition: str, in_box: bool) -> Task:
        columns, surrogate, kappa = self._columns, self._surrogate, self._kappa
        place = columns.filled(surrogate.place[None], surrogate.place)[0]
        leaders = columns.snapped(columns.filled(surrogate.leaders, place))
        lengths = surrogate.objective.hyper.lengths
        lo, hi = np.zeros(len(place)), np.ones(len(place))
        if in_box:
            numbers, y = columns.numbers, self._evidence.y[: self._evidence.n_completed]
            side = side_length(self._history, y, len(place))
            lo[numbers], hi[numbers] = box(leaders[0][numbers], lengths[numbers], side)
        return Task(
            columns,
            lambda X: surrogate.acquire(X, acquisition, kappa),
            lambda X: surrogate.acquire_with_gradient(X, acquisition, kappa),
            lengths,
            leaders,
            lo,
            hi,
        )

    def _allowed(self) -> Array:
        """Some configurations that meet all relations, which may be hard to find."""
        n = _SPARE if self._space.checks else 0
        X = self._space.encoding.encode(sample(self._space, n, self._rng))
        return self._columns.filled(X, self._surrogate.place)

    def _drawn(self, X: Array) -> Array:
        """Minus the values of a function drawn from the model, less where failure is likely."""
        values = -self._surrogate.objective.sample(X, 1, self._rng)[0]
        return np.asarray(values) + self._surrogate.log_success(X)

    def _new(self, Z: Array, tried: Tried | None) -> Iterator[dict[str, Any]]:
        """The configurations that may be proposed, in order."""
        known = np.nan_to_num(self._known, nan=-1.0)
        for z in Z:
            config = self._space.encoding.decode(z[None])[0]
            if not is_new(self._space, config, tried):
                continue
            x = np.nan_to_num(self._columns.inputs(z[None]), nan=-1.0)
            may_repeat = self._allow_duplicates or self._space.is_finite
            if may_repeat or np.abs(known - x).max(axis=1).min() > _SAME:
                yield config

    def _reason(self, acquisition: str, in_box: bool) -> str:
        evidence, n_running = self._evidence, self._n_pending
        aim = f" of {evidence.aim}" if evidence.aim else ""
        parts = [f"{ACQUISITIONS[acquisition]} on GP{aim}, {len(evidence.X)} points"]
        parts += evidence.setbacks
        parts += [f"{n_running} running"] if n_running else []
        parts += ["near the best"] if in_box else []
        return ", ".join(parts)


@lru_cache(maxsize=16)
def _every(space: Space, checks: tuple[Check, ...]) -> Array | None:
    """All configurations of a finite space, encoded, without gaps; None if there are many."""
    configs = list(islice(space.enumerate(), _FEW + 1))
    if len(configs) > _FEW:
        return None
    columns = columns_of(space)
    return columns.filled(space.encoding.encode(configs), np.full(space.encoding.width, np.nan))
