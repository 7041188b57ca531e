"""Gradient descent among trials, where objectives give derivatives of what they return.

Every start is a descent of its own: quasi-Newton steps in the unit cube over the continuous
parameters, whose derivatives come through their scales by the chain rule,

    dy/du = dy/dv dv/du        dv/du = v (ln high - ln low) on a logarithmic scale.

Choices, integers and the structure of a conditional space stay as they were drawn; new starts try
others. What trials gave is in their records, so the next step follows from the history alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.asking import Turn, drawn_instead, is_new, one_by_one
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.settings import Flag, Number, Rule, settle, spec_of
from luthier.core.suggest import GRADIENT
from luthier.core.trial import FrozenTrial, TrialState
from luthier.numerics.quasi_newton import Descent
from luthier.samplers.evolution import SPSA
from luthier.space import Float, Space
from luthier.space.numeric import unit_slope

__all__ = ["Gradient"]

Array = NDArray[np.float64]
_START: Final = "descent"  # of which start a trial is a step
_LATEST: Final = 256  # finished trials; what hasn't moved since is given up
_HALVINGS: Final = 6

_RULES: Final[Mapping[str, Rule]] = {
    "starts": Number(1, whole=True),
    "step": Number(0, 1, open="low"),
    "tol": Number(0, open="both"),
    "allow_duplicates": Flag(),
}


@final
@dataclass(frozen=True, slots=True)
class Gradient:
    """Follow the gradients that trials give: ``trial.set_gradient({"lr": 0.3})``.

    The first trials are starts; then the best descent goes on until it ends, then the next one,
    then new starts. Several workers follow several descents. Where trials give no gradients, or
    there are several objectives, it does what ``SPSA`` does, and says so.

    Args:
        starts: How many trials are drawn before the first descent, at least 1.
        step: How far the first step of a descent moves a parameter at most, as a share of its
            range, at most 1.
        tol: A descent ends where no parameter would move by as much of its range.
        allow_duplicates: Whether a finite space may be given the same configuration twice.

    Raises:
        ArgumentError: A setting is out of its range.

    Example:
        >>> import luthier
        >>> def objective(trial):
        ...     x = trial.suggest_float("x", -10, 10)
        ...     trial.set_gradient({"x": 2 * (x - 2)})
        ...     return (x - 2) ** 2
        >>> study = luthier.create_study(sampler=Gradient(), seed=0)
        >>> study.optimize(objective, n_trials=12)
        >>> study.best_value < 1e-9
        True
    """

    starts: int = 3
    step: float = 0.1
    tol: float = 1e-6
    allow_duplicates: bool = False

    def __post_init__(self) -> None:
        settle(self, _RULES)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("gradient", self)

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return n proposals; fewer where a finite space ends."""
        if why := self._no_gradients(history):
            instead = SPSA(allow_duplicates=self.allow_duplicates)
            proposals = instead.suggest(space, history, n, rng)
            return [replace(p, reason=f"{why}: {p.reason}") for p in proposals]
        descents = self._descents(space, history)
        pending = [trial.origin.data.get(_START) for trial in history.live]
        drawn = len(descents) + pending.count(None)

        def propose(turn: Turn) -> Proposal | None:
            nonlocal drawn
            if drawn >= self.starts:
                for start in sorted(descents, key=lambda k: (descents[k].f, k)):
                    if start in pending:
                        continue
                    params = self._ahead(space, history, start, descents[start], turn)
                    if params is not None:
                        pending.append(start)
                        reason = f"a step down the gradient, from the start of trial {start}"
                        return Proposal(params, reason, data={_START: start})
            drawn += 1
            default = space.default() if turn.number == 0 else None
            if default is not None and is_new(space, default, turn.tried):
                return Proposal(default, "the user's defaults")
            return drawn_instead(space, rng, turn.tried, "a start, drawn at random from the prior")

        return one_by_one(space, history, n, propose, allow_duplicates=self.allow_duplicates)

    def _no_gradients(self, history: History) -> str | None:
        """Why there is nothing to follow, if there isn't."""
        if len(history.objective.names) > 1:
            return "several objectives, so by SPSA"
        done = history.completed
        given = history.table(("gives a gradient",), done, lambda t: (GRADIENT in t.user_attrs,))
        if len(done) >= self.starts and not given.any():
            return "no trial has given a gradient, so by SPSA"
        return None

    def _descents(self, space: Space, history: History) -> dict[int, Descent]:
        """The descents that may go on, by the number of the trial where each started."""
        descents: dict[int, Descent] = {}
        for trial in _latest(history):
            start = trial.origin.data.get(_START)
            x, f, g = _found(space, history, trial)
            if start is None and np.isfinite(g).any() and math.isfinite(f):
                descents[trial.number] = Descent(x, f, g, self.step)
            elif start in descents:
                descents[start] = descents[start].told(x, f, g)
        return descents

    def _ahead(
        self, space: Space, history: History, start: int, descent: Descent, turn: Turn
    ) -> dict[str, Any] | None:
        """The next configuration of a descent: of the structure that it has, and allowed."""
        x = descent.ahead(self.tol)
        if x is None:
            return None
        began = next(t for t in _latest(history) if t.number == start)
        row = space.encoding.encode([began.params])
        for halving in range(_HALVINGS):
            row[0] = np.where(
                np.isfinite(descent.g), descent.x + (x - descent.x) / 2**halving, row[0]
            )
            params = space.encoding.decode(row)[0]
            if params.keys() == began.params.keys() and is_new(space, params, turn.tried):
                return params
        return None


def _latest(history: History) -> list[FrozenTrial]:
    """The latest finished trials that count, in the order in which they finished."""
    groups: Iterable[Any] = (history.completed, history.pruned, history.failed)
    trials = [group[k] for group in groups for k in range(max(0, len(group) - _LATEST), len(group))]
    return sorted(trials, key=lambda t: (t.finished_version or t.version, t.number))[-_LATEST:]


def _found(space: Space, history: History, trial: FrozenTrial) -> tuple[Array, float, Array]:
    """A trial as a point: where it is, its value (inf if it is no good), and its gradient."""
    x = space.encoding.encode([trial.params])[0]
    good = trial.state is TrialState.COMPLETE and history.objective.violation(trial.metrics) <= 0
    sign = 1.0 if history.objective.directions[0] == "minimize" else -1.0
    f = sign * trial.metric_values[0] if good else math.inf
    g = np.full(len(x), np.nan)
    given = trial.user_attrs.get(GRADIENT)
    if not isinstance(given, Mapping):
        return x, f, g
    for k, column in enumerate(space.encoding.columns):
        slope, param = given.get(column.name), space[column.name]
        moves = column.kind == "continuous" and math.isfinite(x[k])
        if isinstance(slope, int | float) and isinstance(param, Float) and moves:
            g[k] = sign * slope * unit_slope(param, trial.params[column.name])
    return x, f, g
