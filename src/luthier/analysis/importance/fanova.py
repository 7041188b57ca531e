"""Functional ANOVA: how much of the objective's variance each parameter explains, and each pair.

``numerics/fanova.py`` is exact for a forest. A parameter's main effect is the variance of the
objective along it, all else averaged out; a pair's interaction is what the two explain together and
neither alone. Of a conditional parameter it is the effect where it is active, times the share of
the space in which it is: on average over the space, what knowing its value explains. An interaction
with a parameter that decides about it is part of that, and isn't listed.

References:
    Hutter, Hoos, Leyton-Brown, An efficient approach for assessing hyperparameter importance, ICML
    2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.importance.domain import Domain
from luthier.analysis.importance.findings import Findings, Interaction, together
from luthier.analysis.importance.surrogate import Surrogate, interval
from luthier.numerics.fanova import Shares, leaves_of
from luthier.numerics.forest import Forest

__all__ = ["by_fanova", "fractions"]

Array = NDArray[np.float64]
_MOST_PAIRED: Final = 12


def by_fanova(model: Surrogate, rng: np.random.Generator, *, interactions: bool) -> Findings:
    """Return the main effects, and the interactions of the parameters that matter most."""
    domain, p = model.domain, len(model.domain.names)
    grown = _measured(model.grown(rng), domain)
    replicates = [_measured(forest, domain) for forest in model.replicates(rng)]
    mains = [(k,) for k in range(p)]
    effect = _fractions(grown, domain, mains)
    spread = np.array([_fractions(shares, domain, mains) for shares in replicates])
    found: tuple[Interaction, ...] = ()
    if interactions:
        leading = sorted(np.argsort(-effect, kind="stable")[:_MOST_PAIRED].tolist())
        pairs = _pairs(domain, leading)
        joint = _fractions(grown, domain, pairs)
        again = [_fractions(s, domain, pairs) for s in replicates[::2]]
        ends = interval(joint, np.array(again))
        found = together(domain.names, pairs, joint, ends)
    return Findings(effect, spread, found)


def fractions(forest: Forest, domain: Domain, effects: Sequence[tuple[int, ...]]) -> Array:
    """Return the share of variance that effects explain, on average over a forest's trees.

    Args:
        forest: Grown on points of the domain.
        domain: What it is a function of.
        effects: Places of a parameter, or of two, each.

    Returns:
        Shape (effects,), at least 0; all 0 if no tree has any variance.
    """
    return _fractions(_measured(forest, domain), domain, effects)


def _measured(forest: Forest, domain: Domain) -> Shares:
    return leaves_of(forest).under(domain.factors)


def _fractions(whole: Shares, domain: Domain, effects: Sequence[tuple[int, ...]]) -> Array:
    total = whole.total()
    some = total > 0
    found = np.zeros(len(effects))
    if not some.any():
        return found
    restricted: dict[frozenset[int], tuple[float, Shares]] = {}
    for k, effect in enumerate(effects):
        deciding = frozenset(place for place in effect if domain.ancestors[place])
        if deciding not in restricted:
            where = domain.where(deciding)
            restricted[deciding] = where.share, whole.restricted(where.measures)
        share, shares = restricted[deciding]
        if share > 0:
            explained = shares.main(*effect) if len(effect) == 1 else shares.pair(*effect)
            found[k] = share * float(np.mean(explained[some] / total[some]))
    return np.maximum(found, 0.0)


def _pairs(domain: Domain, leading: list[int]) -> list[tuple[int, int]]:
    """Pairs of single columns of which neither decides about the other."""
    single = [k for k in leading if domain.factors[k].atoms is None]
    return [
        (j, k)
        for j, k in combinations(single, 2)
        if j not in domain.ancestors[k] and k not in domain.ancestors[j]
    ]
