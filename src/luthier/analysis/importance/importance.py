"""Importance: which parameters mattered, how sure that is, and whether to believe it at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, final, get_args

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.importance.domain import Domain, domain_of
from luthier.analysis.importance.fanova import by_fanova
from luthier.analysis.importance.findings import Findings, Interaction
from luthier.analysis.importance.local import by_local
from luthier.analysis.importance.ped_anova import by_ped_anova
from luthier.analysis.importance.permutation import by_permutation
from luthier.analysis.importance.shapley import by_shapley
from luthier.analysis.importance.surrogate import Surrogate, interval, surrogate_of
from luthier.analysis.importance.trials import (
    SCALES,
    Counted,
    Metric,
    Scale,
    counted,
    rescaled,
    thinned,
)
from luthier.analysis.wording import Worded
from luthier.core.history import History
from luthier.core.rng import generator
from luthier.errors import ArgumentError
from luthier.space import Space
from luthier.space.visible import visible

__all__ = ["Importance", "Method", "importance", "importances"]

Array = NDArray[np.float64]
Method = Literal["auto", "fanova", "ped_anova", "permutation", "shapley", "local"]
METHODS: Final = get_args(Method)
_MOST: Final = 2_000
_NO_MODEL: Final = 0.3  # rank correlation below which shares say nothing
_ROUGH: Final = 0.7
_LONGEST: Final = 40  # characters of a name in a table
_WORDS: Final = {
    "fanova": "main effects by functional ANOVA of a random forest, over the whole space",
    "ped_anova": "how unlike the best tenth of trials is to all (PED-ANOVA)",
    "permutation": "how much worse a random forest predicts unseen trials without it",
    "shapley": "Shapley effects on a random forest, over the whole space",
    "local": "how a random forest's prediction varies around the best trial",
}
_SCALE_WORDS: Final = {
    "clipped": "; values far beyond the third quartile count as its outer fence",
    "raw": "",
    "ranks": "; of the values' ranks",
}


@final
@dataclass(frozen=True, slots=True, eq=False)
class Importance(Worded):
    """Which parameters mattered; made by ``importance``.

    Attributes:
        metric: For what.
        method: "fanova", "ped_anova", "permutation", "shapley" or "local".
        parameters: Their names, the most important first.
        shares: Their importances, adding up to 1 (or all 0), shape (p,).
        intervals: 90% intervals of the shares, by resampled trials, shape (p, 2).
        effects: Importances as the method has them: "fanova" and "shapley" in shares of the
            variance, "permutation" likewise of the error's growth, shape (p,).
        active: The share of trials in which each is active, shape (p,).
        interactions: What pairs explain together and neither alone, in shares of the variance,
            the strongest first; only "fanova" has them.
        n_trials: How many trials were looked at.
        r2: The share of variance that the model explains of trials it hasn't seen; None without
            a model, as are the next.
        rank_correlation: Of its predictions for them with their values.
        is_meaningless: Whether nothing should be read into the shares.
        found: In words, how they were found and what to make of them.
    """

    metric: str
    method: str
    parameters: tuple[str, ...]
    shares: Array
    intervals: Array
    effects: Array
    active: Array
    interactions: tuple[Interaction, ...]
    n_trials: int
    r2: float | None
    rank_correlation: float | None
    is_meaningless: bool
    found: str

    def rows(self) -> list[dict[str, Any]]:
        """Return the table: a row for each parameter, the most important first."""
        columns = zip(
            self.parameters, self.shares, self.intervals, self.effects, self.active, strict=True
        )
        return [
            {
                "parameter": name,
                "share": float(share),
                "low": float(low),
                "high": float(high),
                "effect": float(effect),
                "active": float(active),
            }
            for name, share, (low, high), effect, active in columns
        ]

    def share(self, parameter: str) -> float:
        """Return a parameter's share.

        Raises:
            ArgumentError: There is none of that name.
        """
        if parameter not in self.parameters:
            raise ArgumentError(
                f"share: parameter must be one of {', '.join(self.parameters)}, got {parameter!r}."
            )
        return float(self.shares[self.parameters.index(parameter)])

    def __str__(self) -> str:
        names = [visible(name, _LONGEST) for name in self.parameters]
        wide = max(9, *map(len, names))
        lines = [f"What mattered for {visible(self.metric, _LONGEST)}: {self.found}", ""]
        lines.append(f"{'parameter':{wide}}  share  90% interval")
        for name, row in zip(names, self.rows(), strict=True):
            ends = f"{row['low']:5.1%} to {row['high']:.1%}"
            seldom = "" if row["active"] == 1 else f"   active in {row['active']:.0%} of trials"
            lines.append(f"{name:{wide}}  {row['share']:5.1%}  {ends}{seldom}")
        strong = [pair for pair in self.interactions if pair.low > 0][:3]
        for pair in strong:
            both = " and ".join(visible(name, _LONGEST) for name in pair.parameters)
            lines.append(f"{both} explain {pair.fraction:.1%} of the variance only together")
        return "\n".join(lines)


def importance(
    history: History,
    space: Space,
    method: Method = "auto",
    metric: Metric = None,
    *,
    interactions: bool = True,
    scale: Scale = "clipped",
    seed: int = 0,
) -> Importance:
    """Tell which parameters mattered for a metric, how sure that is, and whether to believe it.

    Args:
        history: What happened.
        space: The space to see trials in.
        method: "fanova" (which "auto" is) for main effects and interactions over the whole space;
            "ped_anova" for getting among the best trials, in milliseconds; "permutation" for
            what predictions need; "shapley" for effects with interactions shared out; "local"
            for changes to the best trial.
        metric: An objective; another metric that trials recorded; or a function of a trial, lower
            is better. None: the single objective.
        interactions: Whether pairs are looked at, by "fanova" only, of at most 12 parameters.
        scale: What is explained: values, "clipped" where they are far worse than most; "raw"; or
            their "ranks". "ped_anova" looks only at ranks in any case.
        seed: Of the forests and of resampling: same seed, same answer.

    Returns:
        Shares, intervals and interactions. Models look at up to 2,000 trials, evenly over time.

    Raises:
        ArgumentError: An unknown method, metric or scale, several objectives and no metric,
            values that are all equal, or no parameter with more than one value.
        NoTrialError: Fewer than 10 trials count.

    Example:
        >>> import luthier
        >>> space = luthier.Space(x=luthier.Float(0, 1), y=luthier.Float(0, 1))
        >>> study = luthier.create_study(space=space, sampler="random", seed=1)
        >>> study.optimize(lambda trial: 3 * trial.params["x"] + trial.params["y"], n_trials=60)
        >>> found = importance(study.history, study.space)
        >>> found.parameters, found.share("x") > 0.8, found.is_meaningless
        (('x', 'y'), True, False)
    """
    _check(method, scale)
    if method == "auto":
        method = "fanova"
    trials = counted(history, space, metric)
    rng = generator(seed, "importance", method)
    domain = domain_of(space, rng, drawn=method == "fanova")
    if not domain.names:
        raise ArgumentError(
            "importance: some parameter must have more than one value, the space has "
            f"{', '.join(domain.constants) or 'none'}."
        )
    if method == "ped_anova":
        findings = by_ped_anova(domain, trials.X, trials.y, rng)
        return _told(trials, domain, method, findings, None, "")
    trials = thinned(trials, _MOST)
    model = surrogate_of(domain, trials.X, rescaled(trials.y, scale), rng)
    findings = _asked(method, model, trials, interactions, rng)
    return _told(trials, domain, method, findings, model, _SCALE_WORDS[scale])


def importances(
    history: History, space: Space, method: Method = "auto", **settings: Any
) -> dict[str, Importance]:
    """Tell which parameters mattered for each objective.

    Args:
        history: What happened.
        space: The space to see trials in.
        method: As for ``importance``.
        **settings: ``interactions``, ``scale`` and ``seed``, as for ``importance``.

    Returns:
        One table for each objective, by name.

    Raises:
        ArgumentError: As of ``importance``.
        NoTrialError: Fewer than 10 trials count.
    """
    names = history.objective.names
    return {name: importance(history, space, method, name, **settings) for name in names}


def _check(method: object, scale: object) -> None:
    for what, given, known in (("method", method, METHODS), ("scale", scale, SCALES)):
        if given not in known:
            raise ArgumentError(
                f"importance: {what} must be one of {', '.join(known)}, got {given!r}."
            )


def _asked(
    method: str, model: Surrogate, trials: Counted, interactions: bool, rng: np.random.Generator
) -> Findings:
    if method == "fanova":
        return by_fanova(model, rng, interactions=interactions)
    if method == "permutation":
        return by_permutation(model, _activity(model.domain, trials.X), rng)
    if method == "shapley":
        return by_shapley(model, rng)
    return by_local(model, trials.X[trials.best], rng)


def _activity(domain: Domain, X: Array) -> NDArray[np.bool_]:
    """Whether each parameter is active in each trial, shape (n, p)."""
    known = [~np.isnan(X[:, factor.columns]).any(axis=1) for factor in domain.factors]
    return np.column_stack(known)


def _told(
    trials: Counted,
    domain: Domain,
    method: str,
    findings: Findings,
    model: Surrogate | None,
    scale: str,
) -> Importance:
    effects, constants = findings.effects, len(domain.constants)
    shares = _normalised(effects)
    ends = np.minimum(interval(shares, _normalised(findings.replicates)), 1.0)
    active = _activity(domain, trials.X).mean(axis=0)
    order = np.argsort(-effects, kind="stable")
    verdict, is_meaningless = _verdict(model, findings, domain.names)
    words = f"{_WORDS[method]}{scale}; {_counts(trials)}.{verdict}"
    nothing = np.zeros(constants)
    return Importance(
        trials.metric,
        method,
        (*(domain.names[k] for k in order), *domain.constants),
        np.concatenate([shares[order], nothing]),
        np.concatenate([ends[order], np.zeros((constants, 2))]),
        np.concatenate([effects[order], nothing]),
        np.concatenate([active[order], np.ones(constants)]),
        findings.interactions,
        len(trials.y),
        None if model is None else model.r2,
        None if model is None else model.rank_correlation,
        is_meaningless,
        words,
    )


def _normalised(effects: Array) -> Array:
    total = effects.sum(axis=-1, keepdims=True)
    shares: Array = np.divide(effects, total, out=np.zeros_like(effects), where=total > 0)
    return shares


def _counts(trials: Counted) -> str:
    left_out = f", {trials.left_out} left out" if trials.left_out else ""
    return f"{len(trials.y)} trials{left_out}"


def _verdict(
    model: Surrogate | None, findings: Findings, names: tuple[str, ...]
) -> tuple[str, bool]:
    """What to make of it, in words, and whether it is nothing."""
    if model is None:
        return _verdict_by_chance(findings, names)
    rho, r2 = model.rank_correlation, model.r2
    how = f" For trials it hasn't seen, the model explains {max(r2, 0):.0%} of the variance (rank"
    how += f" correlation {rho:.2f})"
    if rho < _NO_MODEL:
        return f"{how}: it knows next to nothing, and these shares mean nothing.", True
    return f"{how}{': take shares as rough.' if rho < _ROUGH else '.'}", False


def _verdict_by_chance(findings: Findings, names: tuple[str, ...]) -> tuple[str, bool]:
    assert findings.chance is not None
    beyond = findings.effects > findings.chance
    if not beyond.any():
        return " None is beyond what chance would show: these shares mean nothing.", True
    within = [name for name, is_beyond in zip(names, beyond, strict=True) if not is_beyond]
    return f" No more than chance: {', '.join(within)}." if within else "", False
