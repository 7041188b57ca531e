"""The model of one history, and the configuration that it finds most promising."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, Protocol, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.asking import drawn_instead, is_new
from luthier.core.evidence import Evidence, evidence_of, log_costs_of, reports_of
from luthier.core.fronts import contenders
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.tried import Tried
from luthier.numerics.acquisition import ACQUISITIONS as NAMED
from luthier.numerics.aims import OF_A_FRONT, Volume
from luthier.numerics.kernels import Kernel
from luthier.numerics.paths import sample_path
from luthier.numerics.warp import Bend, Warp
from luthier.samplers.gp.belief import belief_of
from luthier.samplers.gp.branches import branches_of
from luthier.samplers.gp.columns import columns_of
from luthier.samplers.gp.edge import halfway
from luthier.samplers.gp.ensemble import Ensemble, ensemble_of
from luthier.samplers.gp.fitting import Data
from luthier.samplers.gp.front import Front, front_of
from luthier.samplers.gp.region import IN_BOX, box, side_length
from luthier.samplers.gp.search import Task, candidates, search
from luthier.samplers.gp.surrogate import Surrogate, model_of_all, recent, surrogate_of
from luthier.samplers.gp.terms import Believed, Cost, Term
from luthier.space import Space, sample
from luthier.space.relations import Check

__all__ = ["ACQUISITIONS", "Model", "Settings"]

Array = NDArray[np.float64]
ACQUISITIONS: Final[Mapping[str, str]] = {
    **NAMED,
    "thompson": "Thompson sampling",
}
"""Names of acquisition functions, and how they are called in reasons."""
_WEIGHTED: Final = "of a random weighting"
_FEW: Final = 512
_CONTENDERS: Final = 64
_SAME: Final = 1e-9
_SPARE: Final = 64
_FEWEST_COSTS: Final = 4
_NOISY: Final = 0.01  # of the variance of values
_OF_LOWER: Final = 200
_BLOCK: Final = 100
_KNOWN: Final = 0.1  # of the variance of noise


class Settings(Protocol):
    """What the model needs to know of the sampler's settings; ``GP`` says what they mean."""

    @property
    def acquisition(self) -> str: ...  # noqa: D102
    @property
    def kernel(self) -> Kernel: ...  # noqa: D102
    @property
    def warp(self) -> Warp: ...  # noqa: D102
    @property
    def input_warp(self) -> bool: ...  # noqa: D102
    @property
    def kappa(self) -> float: ...  # noqa: D102
    @property
    def fidelity(self) -> bool: ...  # noqa: D102
    @property
    def prior_weight(self) -> float: ...  # noqa: D102
    @property
    def cost_weight(self) -> float: ...  # noqa: D102
    @property
    def allow_duplicates(self) -> bool: ...  # noqa: D102


@final
class Model:
    """What a history says, and what to try next.

    Args:
        space: The space.
        history: At least one trial has completed.
        rng: Weights several objectives, and draws candidates.
        settings: The sampler's.
        below: The same history as of lower rungs, the lowest first, each with a completed trial.
    """

    def __init__(
        self,
        space: Space,
        history: History,
        rng: np.random.Generator,
        settings: Settings,
        below: Sequence[History] = (),
    ) -> None:
        self._space, self._history, self._rng = space, history, rng
        self._settings = settings
        self._columns = columns_of(space)
        self._branches = branches_of(space, space.checks)
        incomplete = self._columns.incomplete(history.X)
        m = len(history.objective.names)
        self._idle: Surrogate | Front | Ensemble
        if settings.acquisition in OF_A_FRONT and m > 1 and (history.violations <= 0).any():
            evidences = [evidence_of(history, incomplete, rng, j) for j in range(m)]
            self._evidence = evidences[0]
            parts = tuple(self._fitted(evidence, bends=False) for evidence in evidences)
            places = contenders(history, _CONTENDERS)
            good = places[history.violations[places] <= 0]
            self._idle = front_of(parts, history.X[good], rng)
        else:
            self._evidence = evidence_of(history, incomplete, rng)
            self._idle = last = self._fitted(self._evidence, bends=settings.input_warp)
            evidences = [self._of_rung(rung) for rung in below if m == 1]
            lower = [e for e in evidences if e.aim == self._evidence.aim]
            if lower:
                parts = tuple(self._fitted(evidence, bends=False) for evidence in lower)
                self._idle = ensemble_of([*parts, last], self._evidence)
        self.believe(())

    def _fitted(self, evidence: Evidence, *, bends: bool) -> Surrogate:
        settings, alone = self._settings, not evidence.aim
        return surrogate_of(
            evidence,
            self._columns.categories,
            kernel=settings.kernel,
            warp=settings.warp,
            bends=bends,
            reports=reports_of(self._history) if settings.fidelity and alone else None,
            terms=(*self._believed(), *self._costs()),
        )

    def _of_rung(self, history: History) -> Evidence:
        incomplete = self._columns.incomplete(history.X)
        return _latest(evidence_of(history, incomplete, self._rng))

    def believe(self, pending: Sequence[Mapping[str, Any]]) -> None:
        """Count on trials that are running or were just proposed."""
        self._pending = self._space.encoding.encode(pending)
        self._surrogate = self._idle.awaiting(self._pending)

    def rival(self) -> int | None:
        """Return the branch that should be looked at beside the best trial's, if any."""
        evidence = self._evidence
        if self._branches is None or not isinstance(self._idle, Surrogate):
            return None
        y = np.where(evidence.feasible, evidence.y, np.inf)
        rows = np.concatenate([evidence.X, evidence.crashed, self._pending])
        return self._branches.rival(rows, np.append(y, np.full(len(rows) - len(y), np.inf)))

    def propose(
        self, acquisition: str, in_box: bool, tried: Tried | None, branch: int | None = None
    ) -> Proposal | None:
        """Return the most promising configuration that is allowed and new.

        Args:
            acquisition: A name of ``ACQUISITIONS``.
            in_box: Whether to stay in the trust region.
            tried: What mustn't be proposed again; None if it may.
            branch: Where to stay, and whose best to improve on; None for everywhere.

        Returns:
            None if a branch has no such configuration, or a finite space has no more.
        """
        if acquisition == "thompson" and isinstance(self._idle, Ensemble):
            acquisition = "logei"
        rows = _every(self._space, self._space.checks)
        in_box = in_box and rows is None and not isinstance(self._idle, Front)
        task = self._task(acquisition, in_box, branch)
        Z = candidates(task, self._rng, self._allowed()) if rows is None else rows
        if acquisition == "thompson" and isinstance(self._idle, Surrogate):
            path = sample_path(self._idle.objective, self._rng)
            drawn = self._idle.along(path, self._columns.inputs(Z))
            Z = Z[np.argsort(-drawn, kind="stable")]
        elif rows is None:
            Z = search(task, Z)
        else:
            Z = Z[np.argsort(-task.score(self._columns.inputs(Z)), kind="stable")]
        Z = Z[self._inside(self._columns.inputs(Z), branch)]
        data = {IN_BOX: True} if in_box else {}
        where = [("near the best", in_box), ("in a rival branch", branch is not None)]
        reason = self._reason(acquisition, *(words for words, so in where if so))
        for config in self._new(Z, tried):
            return Proposal(config, reason, data=data)
        if branch is not None:
            return None
        reason = "drawn at random: all that the model looked at was tried before or isn't allowed"
        return drawn_instead(self._space, self._rng, tried, reason)

    def propose_halfway(self, tried: Tried | None) -> Proposal | None:
        """Return what is halfway from the best trial to the nearest crash, if it promises more."""
        surrogate, columns = self._idle, self._columns
        if not isinstance(surrogate, Surrogate):
            return None
        place = surrogate.place
        lengths = surrogate.hyper.lengths[: len(place)]
        middle = halfway(place, self._evidence.crashed, lengths, columns.choices)
        if middle is None:
            return None
        z = columns.snapped(columns.filled(middle[None], place))
        rows = surrogate.whole(np.concatenate([columns.inputs(z), place[None]]))
        there, here = surrogate.unwarned.mean(rows)
        reason = f"halfway to the nearest crash, on GP, {len(self._evidence.X)} points"
        configs = self._new(z, tried) if there < here else iter(())
        return next((Proposal(config, reason) for config in configs), None)

    def propose_again(self, tried: Tried | None) -> Proposal | None:
        """Return the best configuration again, if there is noise and it isn't well known.

        That two trials of one configuration gave exactly the same value says there is no noise.
        """
        if not isinstance(self._idle, Surrogate):
            return None
        x, model = self._surrogate.place, self._idle.objective
        noise = model.hyper.noise
        deviation = model.predict(self._idle.whole(x[None]))[1][0] / model.unit
        if noise < _NOISY or deviation**2 < _KNOWN * noise or self._is_exact():
            return None
        config = self._space.encoding.decode(x[None])[0]
        if self._same(self._pending, x).any() or not is_new(self._space, config, tried):
            return None
        reason = f"the best again, since values are noisy: GP, {len(self._evidence.X)} points"
        return Proposal(config, reason)

    def _is_exact(self) -> bool:
        """Whether a configuration was tried twice and gave the same value."""
        n = self._evidence.n_completed
        rows = np.column_stack([self._evidence.X[:n], self._evidence.y[:n]])
        return len(np.unique(np.nan_to_num(rows, nan=-1.0), axis=0)) < n

    @staticmethod
    def _same(X: Array, x: Array) -> NDArray[np.bool_]:
        gap = np.abs(np.nan_to_num(X, nan=-1.0) - np.nan_to_num(x, nan=-1.0))
        return np.asarray(gap.max(axis=1, initial=0.0) <= _SAME)

    def _task(self, acquisition: str, in_box: bool, branch: int | None) -> Task:
        columns, kappa = self._columns, self._settings.kappa
        surrogate = self._surrogate if branch is None else self._within(branch)
        numbers = columns.numbers
        place = columns.filled(surrogate.place[None], surrogate.place)[0]
        leaders = columns.snapped(columns.filled(surrogate.leaders, place))
        hyper = surrogate.hyper
        lengths, bend = hyper.lengths[: len(place)], hyper.bend
        if bend is not None:
            bend = Bend(bend.a[: len(numbers)], bend.b[: len(numbers)])
        lo, hi = np.zeros(len(place)), np.ones(len(place))

        def score(X: Array) -> Array:
            value = surrogate.acquire(X, acquisition, kappa)
            return np.where(self._inside(X, branch), value, -np.inf)

        task = Task(
            columns,
            score,
            lambda X: surrogate.acquire_with_gradient(X, acquisition, kappa),
            lengths,
            leaders,
            lo,
            hi,
            bend,
        )
        if in_box:
            y = self._evidence.y[: self._evidence.n_completed]
            center = task.forward(leaders[:1])[0]
            side = side_length(self._history, y, len(place))
            lo[numbers], hi[numbers] = box(center[numbers], lengths[numbers], side)
            lo[:], hi[:] = task.inverse(np.stack([lo, hi]))
        return task

    def _inside(self, X: Array, branch: int | None) -> NDArray[np.bool_]:
        """Which rows are in a branch; all if it is None."""
        if branch is None or self._branches is None:
            return np.ones(len(X), dtype=bool)
        return np.asarray(self._branches.of(X) == branch)

    def _within(self, branch: int) -> Surrogate | Front | Ensemble:
        """The surrogate that looks for improvements on a branch's own best."""
        surrogate, X = self._surrogate, self._evidence.X[self._evidence.feasible]
        X = X[self._inside(X, branch)]
        if not len(X) or not isinstance(surrogate, Surrogate):
            return surrogate
        mean = surrogate.objective.mean(surrogate.whole(X))
        leaders = X[np.argsort(mean, kind="stable")[:5]]
        return replace(surrogate, best=float(mean.min()), place=leaders[0], leaders=leaders)

    def _believed(self) -> Iterator[Term]:
        belief, weight = belief_of(self._space), self._settings.prior_weight
        if belief and weight:
            yield Believed(belief, weight / len(self._history.completed))

    def _costs(self) -> Iterator[Term]:
        if self._settings.cost_weight:
            X, log_costs = log_costs_of(self._history)
            if len(X) >= _FEWEST_COSTS:
                last = recent(len(X))
                data = Data(
                    X[last], np.ascontiguousarray(log_costs[last]), self._columns.categories
                )
                yield Cost(model_of_all(data), self._settings.cost_weight)

    def _allowed(self) -> Array:
        """Some configurations as likely as the priors say that meet all relations."""
        n = _SPARE if self._space.checks or belief_of(self._space) else 0
        X = self._space.encoding.encode(sample(self._space, n, self._rng))
        return self._columns.filled(X, self._surrogate.place)

    def _new(self, Z: Array, tried: Tried | None) -> Iterator[dict[str, Any]]:
        """The configurations that may be proposed, in order."""
        known = np.concatenate([self._evidence.X, self._evidence.outcomes, self._pending])
        for z in Z:
            config = self._space.encoding.decode(z[None])[0]
            if not is_new(self._space, config, tried):
                continue
            may_repeat = self._settings.allow_duplicates or self._space.is_finite
            if may_repeat or not self._same(known, self._columns.inputs(z[None])).any():
                yield config

    def _reason(self, acquisition: str, *where: str) -> str:
        evidence, n_running = self._evidence, len(self._pending)
        aim = f" of {evidence.aim}" if evidence.aim else ""
        model = f"{ACQUISITIONS[acquisition]} on GP{aim}"
        if isinstance(self._idle, Front):
            by_volume = isinstance(self._idle.aim, Volume)
            plain = f"{ACQUISITIONS[acquisition]} {_WEIGHTED}"
            name = OF_A_FRONT[acquisition] if by_volume else plain
            model = f"{name} on {len(self._idle.parts)} GPs"
        if isinstance(self._idle, Ensemble):
            model += f" of {len(self._idle.parts)} rungs"
        parts = [f"{model}, {len(evidence.X)} points"]
        parts += evidence.setbacks
        parts += [f"{n_running} running"] if n_running else []
        return ", ".join([*parts, *where])


def _latest(evidence: Evidence) -> Evidence:
    """The latest values of a lower rung, which are enough beside those of the highest.

    Failures and constraints are the highest rung's to tell.
    """
    n = evidence.n_completed
    kept = slice(max(0, n - _OF_LOWER) // _BLOCK * _BLOCK, n)  # so that models are mostly extended
    return replace(
        evidence,
        X=evidence.X[kept],
        y=evidence.y[kept],
        noise=evidence.noise[kept],
        n_completed=n - kept.start,
        feasible=evidence.feasible[kept],
        outcomes=evidence.outcomes[:0],
        succeeded=evidence.succeeded[:0],
        excess=np.empty((n - kept.start, 0)),
    )


@lru_cache(maxsize=16)
def _every(space: Space, checks: tuple[Check, ...]) -> Array | None:
    """All configurations of a finite space, encoded, without gaps; None if there are many."""
    configs = space.every(_FEW)
    if configs is None:
        return None
    columns = columns_of(space)
    return columns.filled(space.encoding.encode(configs), np.full(space.encoding.width, np.nan))
