"""The verdict of a search: who wins, with what expected score, and whether it beats the default.

It rests on the scores of the finalists on fresh splits where there was a confirm stage, and else on
the search's own, of which the winner's flatter it: there the expected score and the comparison are
corrected for having been chosen from so many (``luthier.analysis``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis import Difference, choose, difference, expected_score
from luthier.integrations.sklearn.confirm import Confirmed

__all__ = ["Field", "Verdict", "finalists_of", "judge"]


@final
@dataclass(frozen=True, slots=True)
class Field:
    """Who takes part in the choice.

    Attributes:
        rows: Places in ``cv_results_`` of all with scores that keep the constraints.
        winners: Those of them that may win by the scores of the search alone: who was raced out
            may not.
    """

    rows: list[int]
    winners: list[int]


@final
@dataclass(frozen=True, slots=True)
class Verdict:
    """What a search has come to. ``str`` says it in words.

    Attributes:
        winner: The place in ``cv_results_`` of the candidate that is taken.
        best: The place of the best candidate beside the default; None if there is none.
        candidates: How many it was chosen from.
        observed: The winner's mean score in the search.
        expected: What it can be expected to score on data to come.
        low: Lower end of the 95% interval of that.
        high: Upper end.
        default: What the default can be expected to score; None if it wasn't evaluated.
        lead: How much better the best candidate is than the default; None likewise.
        margin: With which probability it must be better to be called so.
        preferred: Whether the default was taken because it isn't.
        splits: On how many fresh splits the finalists were scored; 0 without a confirm stage.
        barred: Whether the default may not be taken: it breaks a constraint, or that isn't known.
    """

    winner: int
    best: int | None
    candidates: int
    observed: float
    expected: float
    low: float
    high: float
    default: float | None
    lead: Difference | None
    margin: float
    preferred: bool
    splits: int
    barred: bool = False

    def up_to(self, ceiling: float) -> Verdict:
        """The same of a score that can't be higher than so much."""
        expected, high = min(self.expected, ceiling), min(self.high, ceiling)
        return replace(self, expected=expected, high=high)

    @property
    def beats_default(self) -> bool | None:
        """Whether the best candidate is better than the default; None if that isn't known."""
        return None if self.lead is None else self.lead.probability > self.margin

    def __str__(self) -> str:
        return "\n".join([self._of_score(), *self._of_default()])

    def _of_score(self) -> str:
        basis = f"on {self.splits} fresh splits" if self.splits else "corrected for selection"
        known = f"{basis}, 95% interval {self.low:.4g} to {self.high:.4g}"
        if not np.isfinite(self.low):
            known = "on one split, from which luck can't be told"
        return (
            f"Expected score {self.expected:.4g} ({known}); in the search it had "
            f"{self.observed:.4g}, chosen from {self.candidates}."
        )

    def _of_default(self) -> list[str]:
        if self.default is None:
            return ["The default was not evaluated, or failed: what is gained is not known."]
        if self.lead is None:
            return [f"No candidate but the default ({self.default:.4g}) has got to the end."]
        lead, sure = self.lead, f"probability {self.lead.probability:.2f}"
        if self.beats_default:
            return [f"Better than the defaults ({self.default:.4g}) by {lead.mean:.2g}, {sure}."]
        ahead = "level"
        if lead.mean:
            ahead = f"{'ahead' if lead.mean > 0 else 'behind'} by {abs(lead.mean):.2g}"
        text = (
            f"No better than the defaults ({self.default:.4g}): the best candidate is {ahead}, "
            f"{sure} of being better, and {self.margin:g} is asked for."
        )
        if self.preferred:
            return [text, "So the defaults were taken."]
        barred = "The defaults can't be taken: they aren't known to keep the constraints."
        return [text, barred] if self.barred else [text]


def finalists_of(
    table: Mapping[str, Any], metric: str, default: int | None, top: int, field: Field
) -> dict[int, Mapping[str, Any]]:
    """Return who is scored again: the default, and the best others, equal ones once.

    Who was raced out comes after all others, but may be a finalist: fresh splits judge it anew.

    Args:
        table: ``cv_results_``.
        metric: The column that decides, such as "test_score".
        default: The default's place, if it has one.
        top: How many others.
        field: Who takes part.

    Returns:
        Parameters by place, in order of places.
    """
    ranked = sorted(field.rows, key=lambda i: int(table[f"rank_{metric}"][i]))
    chosen = {} if default is None else {repr(table["params"][default]): default}
    limit = top + len(chosen)
    for i in ranked:
        if len(chosen) < limit:
            chosen.setdefault(repr(table["params"][i]), i)
    return {i: table["params"][i] for i in sorted(chosen.values())}


def judge(
    table: Mapping[str, Any],
    metric: str,
    *,
    rule: str,
    cost: NDArray[np.float64],
    ratio: float,
    default: int | None,
    field: Field,
    prefer_default: bool,
    confirmed: Confirmed | None = None,
    margin: float = 0.95,
) -> Verdict:
    """Choose a candidate, and tell what it is worth.

    Args:
        table: ``cv_results_``.
        metric: The column that decides.
        rule: One of ``luthier.analysis.RULES``.
        cost: Of each row, for the rule of one standard error.
        ratio: Samples in a test set over samples in its training set, of the search.
        default: The default's place, if it has one.
        field: Who takes part.
        prefer_default: Whether the default is taken if no other is better by the margin.
        confirmed: What came of the finalists on fresh splits.
        margin: See ``Verdict``.
    """
    rows, scores, winners = field.rows, _scores(table, metric)[field.rows], field.winners
    if confirmed is not None and not set(confirmed.rows) & set(field.rows):
        confirmed = None  # all finalists but a default that may not win have failed
    if confirmed is not None:
        rows, scores, ratio = confirmed.rows, confirmed.scores, confirmed.ratio
        winners = [row for row in rows if row in field.rows]
    able = [k for k, row in enumerate(rows) if row in winners]
    place = rows.index(default) if default in rows else None

    def chosen_from(places: list[int]) -> int:
        rule_cost = cost[[rows[k] for k in places]]
        return places[choose(scores[places], rule, ratio=ratio, cost=rule_cost).index]

    winner = chosen_from(able)
    others = [k for k in able if k != place]
    best = (chosen_from(others) if winner == place else winner) if others else None
    lead, expectation = None, expected_score(scores, ratio, winner=winner if best is None else best)
    if place is not None and best is not None:
        common = np.isfinite(scores[[best, place]]).all(axis=0)
        lead = difference(
            scores[best, common], scores[place, common], ratio, optimism=expectation.optimism
        )
    preferred = place in able and prefer_default and lead is not None
    preferred = preferred and lead is not None and lead.probability <= margin
    winner = place if preferred and place is not None else winner
    if winner == place:  # it wasn't chosen for its luck
        expectation = expected_score(scores, ratio, winner=winner, method="none")
    return Verdict(
        winner=rows[winner],
        best=None if best is None else rows[best],
        candidates=len(field.rows),
        observed=float(table[f"mean_{metric}"][rows[winner]]),
        expected=expectation.mean,
        low=expectation.low,
        high=expectation.high,
        default=None if place is None else float(np.nanmean(scores[place])),
        lead=lead,
        margin=margin,
        preferred=preferred,
        splits=0 if confirmed is None else confirmed.scores.shape[1],
        barred=place is not None and place not in able and default not in field.winners,
    )


def _scores(table: Mapping[str, Any], metric: str) -> NDArray[np.float64]:
    """The scores of all rows by split, shape (rows, splits)."""
    n = sum(name.startswith("split") and name.endswith(f"_{metric}") for name in table)
    return np.array([table[f"split{j}_{metric}"] for j in range(n)]).T
