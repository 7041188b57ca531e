"""The sampler: a Gaussian process of the objective, and an acquisition function to search it.

Trials 0 to 3 are the user's defaults or the middle of the space, and Sobol points. From then on
the model proposes: every fourth trial by the lower confidence bound, the others by expected
improvement. Odd trials only look in a trust region around the best; the confidence bound does so
until trial 32, or 5 a column, and looks everywhere from then on: before, far corners would take all
its trials. So would the corners of branches in a conditional space, where it stays in the box, and
where every fourth trial belongs to a rival of the best trial's branch. Where trials crash, every
fourth halves the way from the best to the nearest crash, if the model promises more there.

With ``rungs`` the models of all rungs are joined (``ensemble.py``), and every third trial is a
Sobol point.

In a small space of choices and numbers, numbers also count within each choice by themselves, and
every fourth trial sees values without their warp: else the first choice that looks well would be
polished for long while others are hardly known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, final

import numpy as np

from luthier.core.asking import Turn, is_new, one_by_one
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.settings import Choice, Flag, Number, Rule, settle, spec_of
from luthier.core.start import start_point
from luthier.errors import ArgumentError
from luthier.numerics.kernels import KERNELS, Kernel
from luthier.numerics.warp import WARPS, Warp
from luthier.samplers.gp.belief import belief_of
from luthier.samplers.gp.columns import columns_of, splits
from luthier.samplers.gp.model import ACQUISITIONS, Model
from luthier.space import Space

__all__ = ["GP"]

_NOISE_SHOWS: Final = 30
_EARLY: Final = 32
_EARLY_EACH: Final = 5  # trials a column
_PLAIN_EVERY: Final = 4
_ASIDE_EVERY: Final = 4
_EDGES_SHOW: Final = 12
_FEWEST: Final = 8  # trials that a rung needs; two more than there are parameters
_SPREAD_EVERY: Final = 3  # of MFES-HB
Acquisition = Literal["logei", "ei", "ucb", "pi", "thompson"]
_RULES: Final[Mapping[str, Rule]] = {
    "acquisition": Choice(ACQUISITIONS),
    "kappa": Number(0),
    "kernel": Choice(KERNELS),
    "warp": Choice(WARPS),
    "n_startup": Number(1, whole=True),
    "explore_every": Number(0, whole=True),
    "trust_region": Flag(),
    "input_warp": Flag(),
    "repeat_every": Number(0, whole=True),
    "fidelity": Flag(),
    "prior_weight": Number(0),
    "cost_weight": Number(0, 1, open=""),
    "allow_duplicates": Flag(),
}


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
        input_warp: Whether numbers may be warped, which mends a forgotten ``log=True``; done from
            4 trials a number on, where it explains the values much better (by 3 nats).
        repeat_every: From trial 30 on, every how many trials the best is tried again if values
            are noisy and it isn't well known; 0 for never.
        fidelity: Whether the reports of pruned trials enter the model, with a column that says
            how far they got; if not, they count as no better than the median.
        prior_weight: How much the parameters' priors count: by their log density times this over
            the number of trials (piBO); at least 0, a tenth of the trials planned is good.
        rungs: Steps of a scheduler's rungs, as ``luthier.mfes`` gives them: then models of all
            rungs are joined, whatever has become of the trials, and every third trial is spread
            over the space. Thompson sampling is expected improvement then, and several objectives
            are learnt from the highest rung alone.
        cost_weight: How much of the logarithm of a trial's expected duration is taken off the
            logarithm of the acquisition; from 0 (cost doesn't matter) to 1 (improvement per
            second).
        allow_duplicates: Whether the same configuration may be proposed twice.

    Raises:
        ArgumentError: A setting is out of its range.

    Example:
        >>> GP(acquisition="ucb", kappa=2.5).spec["kappa"]
        2.5

    References:
        Jones et al., Efficient global optimization, J. Global Optim. 13 (1998). Ament et al.,
        LogEI, arXiv:2310.20708. Eriksson et al., TuRBO, arXiv:1910.01739. Song et al., The Vizier
        Gaussian process bandit algorithm, arXiv:2408.11527. Hvarfner et al., arXiv:2402.02229
        (priors of length scales), arXiv:2204.11051 (piBO). Snoek et al., arXiv:1402.0929 (input
        warping), arXiv:1206.2944 (cost).
    """

    acquisition: Acquisition = "logei"
    kappa: float = 1.8
    kernel: Kernel = "matern52"
    warp: Warp = "yeo-johnson"
    n_startup: int = 4
    explore_every: int = 4
    trust_region: bool = True
    input_warp: bool = True
    repeat_every: int = 10
    fidelity: bool = False
    prior_weight: float = 10.0
    cost_weight: float = 0.0
    allow_duplicates: bool = False
    rungs: Sequence[int] = ()

    def __post_init__(self) -> None:
        settle(self, _RULES)
        whole = Number(0, whole=True)
        given = self.rungs if isinstance(self.rungs, list | tuple) else (None,)
        rungs = [whole.read(step) for step in given]
        if None in rungs:
            raise ArgumentError(
                f"GP: rungs must be steps such as [1, 3, 9], or none, got {self.rungs!r}.",
                rungs=self.rungs,
            )
        object.__setattr__(self, "rungs", tuple(sorted({int(r) for r in rungs if r is not None})))

    @property
    def reads_rungs(self) -> bool:
        """Whether it reads the rungs of a history itself, and isn't to be shown only one."""
        return bool(self.rungs)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        spec = spec_of("gp", self)
        rungs = spec.pop("rungs")
        return {**spec, "rungs": list(rungs)} if rungs else spec

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return n proposals, each aware of those before; fewer where a finite space ends."""
        model: Model | None = None
        *below, seen = self._views(space, history)

        def propose(turn: Turn) -> Proposal | None:
            nonlocal model
            if self._is_startup(space, seen, turn.number):
                return _start(space, history, turn, rng)
            if self.rungs and turn.number % _SPREAD_EVERY == 0:
                return _spread(space, history, turn, rng)
            model = model or Model(space, seen, rng, self._for(space, turn.number), below)
            model.believe(turn.pending)
            return self._propose(space, model, turn)

        return one_by_one(space, seen, n, propose, allow_duplicates=self.allow_duplicates)

    def _views(self, space: Space, history: History) -> list[History]:
        """The history as of each rung that enough trials have reached; as it is without any."""
        enough = max(_FEWEST, len(space) + 2)
        found = [r for r in self.rungs if len(history.rung(r).numbers) >= enough]
        views = [view for r in found if len((view := history.reached(r)).completed) >= enough]
        return views or [history]

    def _propose(self, space: Space, model: Model, turn: Turn) -> Proposal | None:
        number, again = turn.number, self.repeat_every
        if again and number >= _NOISE_SHOWS and number % again == 0:
            proposal = model.propose_again(turn.tried)
            if proposal is not None:
                return proposal
        if number % _ASIDE_EVERY == 2:
            proposal = self._aside(model, turn)
            if proposal is not None:
                return proposal
        every = self.explore_every
        early = number < max(_EARLY, _EARLY_EACH * space.encoding.width)
        wide = not (early or space.activity.rules)
        explore = every > 0 and (number + 1 + wide) % every == 0
        in_box = self.trust_region and number % 2 == 1
        return model.propose("ucb" if explore else self.acquisition, in_box, turn.tried)

    def _aside(self, model: Model, turn: Turn) -> Proposal | None:
        """A trial of a rival branch, or at the edge of what works."""
        if (branch := model.rival()) is not None:
            proposal = model.propose(self.acquisition, False, turn.tried, branch)
            if proposal is not None:
                return proposal
        return model.propose_halfway(turn.tried) if turn.number >= _EDGES_SHOW else None

    def _for(self, space: Space, number: int) -> GP:
        """The settings for a trial: every so often without the warp, where there are choices.

        A warp makes much of small gains in the choice that is best so far.
        """
        plain = splits(columns_of(space).categories) and number % _PLAIN_EVERY == _PLAIN_EVERY - 1
        return replace(self, warp="none") if plain else self

    def _is_startup(self, space: Space, history: History, number: int) -> bool:
        return (
            number < self.n_startup
            or history.n_finished < self.n_startup
            or not len(history.completed)
            or not space.encoding.width
        )


def _start(space: Space, history: History, turn: Turn, rng: np.random.Generator) -> Proposal | None:
    """The user's defaults, or the middle of the space; then Sobol points."""
    if turn.number == 0 and space.default() is None and space.encoding.width:
        config = space.encoding.decode(belief_of(space).typical[None])[0]
        if is_new(space, config, turn.tried):
            return Proposal(config, "start: the middle of the space")
    return start_point(space, history, turn, rng)


def _spread(
    space: Space, history: History, turn: Turn, rng: np.random.Generator
) -> Proposal | None:
    """A Sobol point, so that whole regions aren't missed where short trials mislead."""
    found = start_point(space, history, turn, rng)
    if found is None:
        return None
    return replace(found, reason=f"every third trial: {found.reason.removeprefix('start: ')}")
