"""Contests: which strategies some studies ran, on which problems, and what that says of them.

Strategies are told apart by the settings of their sampler and scheduler. What two studies have in
common is a run: the same problem, and the same seed if all have the same seeds, else the first,
second, ... of each. The problem is what the study's attribute "problem" says, else the words in its
name that studies of other strategies have too, without numbers ("digits-tpe-3": "digits").
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, final

from luthier.analysis import Comparison, compare
from luthier.analysis.studies import FEWEST
from luthier.analysis.wording import counted, listed
from luthier.core.history import History
from luthier.errors import LuthierError
from luthier.plots import Figure
from luthier.plots.labels import shown
from luthier.plots.theme import GREY, PALETTE

__all__ = ["Contest", "contest_of", "strategies_of"]

_MOST_TRIALS: Final = 200_000
_COUNTERS: Final = re.compile(r"(seed|run|rep|repeat)\d*|[sr]?\d+")


class Candidate(Protocol):
    """A study that takes part; see ``dashboard.comparing.Run``."""

    @property
    def facts(self) -> Mapping[str, Any]: ...
    @property
    def settings(self) -> Mapping[str, Mapping[str, Any]]: ...
    @property
    def seed(self) -> int | None: ...
    @property
    def problem(self) -> str | None: ...
    @property
    def history(self) -> History: ...


def strategies_of(runs: Sequence[Candidate]) -> list[str]:
    """Return what the strategy of each study is called, with the settings in which they differ.

    Args:
        runs: The studies.
    """
    plain = [_called(run) for run in runs]
    settings: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for name, run in zip(plain, runs, strict=True):
        settings[name].append(_flat(run))
    told = []
    for name, run in zip(plain, runs, strict=True):
        own, others = _flat(run), settings[name]
        differ = [key for key in own if any(other.get(key) != own[key] for other in others)]
        told.append(name + (f" ({', '.join(f'{k} {own[k]}' for k in differ)})" if differ else ""))
    return told


def _called(run: Candidate) -> str:
    names = [str(run.settings[part].get("name", "?")) for part in ("sampler", "scheduler")]
    return names[0] if names[1] in ("none", "?") else " + ".join(names)


def _flat(run: Candidate) -> dict[str, Any]:
    parts = run.settings.values()
    return {key: value for part in parts for key, value in part.items() if key != "name"}


@final
@dataclass(frozen=True, slots=True, eq=False)
class Contest:
    """What studies say of their strategies.

    Attributes:
        strategies: The strategy of each study.
        labels: Which run each study is; None where there is nothing to pair.
        found: How strategies compare; None where that can't be told.
        words: What that comes to, or why nothing can be told.
    """

    strategies: Sequence[str]
    labels: Sequence[str | None]
    found: Comparison | None
    words: Sequence[str]

    @property
    def looks(self) -> list[int]:
        """The place of each study's colour: its strategy's where these have several."""
        if self.found is None:
            return list(range(len(self.strategies)))
        order = [standing.name for standing in self.found.standings]
        return [order.index(name) for name in self.strategies]

    def to_json(self) -> dict[str, Any] | None:
        """The comparison as JSON data: standings, pairs, and who can't be told apart."""
        found = self.found
        if found is None:
            return None
        return {
            "metric": found.metric,
            "trials": found.budget,
            "runs": len(found.blocks),
            "p": _known(found.p),
            "standings": [
                {
                    "name": standing.name,
                    "rank": standing.rank,
                    "low": standing.low,
                    "high": standing.high,
                    "median": _known(standing.median),
                    "letters": _letters(standing.name, found.groups),
                }
                for standing in found.standings
            ],
            "pairs": [
                {
                    **{name: getattr(pair, name) for name in ("first", "second")},
                    **{name: getattr(pair, name) for name in ("wins", "ties", "losses")},
                    "p": _known(pair.p),
                    "differs": pair.differs,
                }
                for pair in found.pairs
            ],
            "groups": [list(group) for group in found.groups],
        }

    def figure(self) -> Figure | None:
        """Draw mean ranks with their intervals; bars join who can't be told apart."""
        return None if self.found is None else _ranks(self.found)


def contest_of(runs: Sequence[Candidate], strategies: Sequence[str]) -> Contest:
    """Compare the strategies of some studies, if they allow that.

    Args:
        runs: The studies, all of the same objectives.
        strategies: What ``strategies_of`` calls them.
    """
    nobody: list[str | None] = [None] * len(runs)
    names = list(dict.fromkeys(strategies))
    if len(names) < 2:
        every = "Both" if len(runs) == 2 else f"All {len(runs)}"
        many = f"{every} are runs of one strategy, {names[0]}: what differs is luck"
        return Contest(strategies, nobody, None, [f"{many}, or the problem."])
    if max(Counter(strategies).values()) < 2:
        return Contest(strategies, nobody, None, [_ALONE])
    n = sum(len(run.history.completed) for run in runs)
    if n > _MOST_TRIALS:
        return Contest(strategies, nobody, None, [f"{n:,} trials are too many to test here."])
    problems = _problems(runs, strategies)
    if problems is None:
        return Contest(strategies, nobody, None, [_NOTHING_SHARED])
    return _tested(runs, strategies, problems)


_ALONE: Final = (
    "One run of each allows no statistics: with another seed it might turn out the other way. "
    f"Run each strategy with {FEWEST} seeds or more and compare all of these studies."
)
_NOTHING_SHARED: Final = (
    "These strategies have no problem in common, so they can't be tested against each other. What "
    "problem a study solves is told from its name, or by study.set_user_attr('problem', ...)."
)


def _tested(
    runs: Sequence[Candidate], strategies: Sequence[str], problems: Sequence[str]
) -> Contest:
    labels, by_seed = _paired(runs, strategies, problems)
    table: defaultdict[str, dict[Any, History]] = defaultdict(dict)
    for run, strategy, problem, label in zip(runs, strategies, problems, labels, strict=True):
        table[strategy][problem, label] = run.history
    several = len(set(problems)) > 1
    told = [
        f"{problem}, {label}" if several and problem else label
        for problem, label in zip(problems, labels, strict=True)
    ]
    try:
        found = compare(table)
    except LuthierError:
        return Contest(strategies, told, None, ["No run has finished trials of all strategies."])
    return Contest(strategies, told, found, [_verdict(found), _pairing(found, runs, by_seed)])


def _verdict(found: Comparison) -> str:
    where = f"On {counted(len(found.blocks), 'common run')}"
    if len(found.blocks) >= FEWEST and not any(pair.differs for pair in found.pairs):
        return f"{where}, no strategy can be told from another."
    return f"{where}: {found.verdict}"


def _pairing(found: Comparison, runs: Sequence[Candidate], by_seed: bool) -> str:
    how = "by their seeds" if by_seed else "in the order in which they were created"
    used = len(found.blocks) * len(found.standings)
    left = len(runs) - used
    also = f" {left:,} studies have no counterpart and don't count." if left > 1 else ""
    also = " 1 study has no counterpart and doesn't count." if left == 1 else also
    after = counted(found.budget, "finished trial")
    one = len({block[0] for block in found.blocks if isinstance(block, tuple)}) < 2
    taken = " All are taken to solve one problem." if one else ""
    return f"Compared after {after} of each; runs are paired {how}.{also}{taken}"


def _paired(
    runs: Sequence[Candidate], strategies: Sequence[str], problems: Sequence[str]
) -> tuple[list[str], bool]:
    """A label for each study: its seed if all strategies have the same ones, else its place."""
    groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for k in sorted(range(len(runs)), key=lambda k: runs[k].facts["created"]):
        groups[problems[k], strategies[k]].append(k)
    seeds: defaultdict[str, set[tuple[int | None, ...]]] = defaultdict(set)
    for (problem, _), members in groups.items():
        seeds[problem].add(tuple(sorted({runs[k].seed for k in members}, key=str)))
    alone = all(len({runs[k].seed for k in members}) == len(members) for members in groups.values())
    by_seed = alone and all(len(found) == 1 for found in seeds.values())
    labels = [""] * len(runs)
    for members in groups.values():
        for place, k in enumerate(members, start=1):
            labels[k] = f"seed {runs[k].seed}" if by_seed else f"run {place}"
    return labels, by_seed


def _problems(runs: Sequence[Candidate], strategies: Sequence[str]) -> list[str] | None:
    """What each study solves; None if no problem was given to two strategies."""
    words = [_words(run.facts["name"]) for run in runs]
    tried = _tried(words, strategies)
    found = [
        " ".join(word for word in own if len(tried[word]) > 1 and not _COUNTERS.fullmatch(word))
        if run.problem is None
        else run.problem
        for run, own in zip(runs, words, strict=True)
    ]
    spaces = (
        (problem, *sorted(run.history.space)) for problem, run in zip(found, runs, strict=True)
    )
    shared = _tried([[space] for space in spaces], strategies)
    return found if any(len(some) > 1 for some in shared.values()) else None


def _tried(things: Sequence[Sequence[Any]], strategies: Sequence[str]) -> dict[Any, set[str]]:
    """Which strategies have each of the things that studies have."""
    found: defaultdict[Any, set[str]] = defaultdict(set)
    for own, strategy in zip(things, strategies, strict=True):
        for thing in own:
            found[thing].add(strategy)
    return found


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", text.casefold()) if word]


def _letters(name: str, groups: Sequence[Sequence[str]]) -> str:
    """Strategies that share a letter can't be told apart."""
    return "".join(chr(ord("a") + k % 26) for k, group in enumerate(groups) if name in group)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _ranks(found: Comparison) -> Figure:
    standings = found.standings
    rows = list(range(len(standings)))
    bars = {
        "type": "scatter",
        "mode": "markers",
        "x": [round(s.rank, 4) for s in standings],
        "y": rows,
        "marker": {"size": 10, "color": [PALETTE[k % len(PALETTE)] for k in rows]},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [round(s.high - s.rank, 4) for s in standings],
            "arrayminus": [round(s.rank - s.low, 4) for s in standings],
            "color": GREY,
            "thickness": 1.5,
        },
        "hovertemplate": "mean rank %{x:.2f}<extra></extra>",
        "showlegend": False,
    }
    layout = {
        "height": 150 + 30 * len(rows),
        "xaxis": {
            "title": {"text": "mean rank, 1 is best"},
            "type": "linear",
            "range": [0.8, len(rows) + 0.2 + 0.16 * len(found.groups)],
            "dtick": 1,
        },
        "yaxis": {
            "type": "linear",
            "tickmode": "array",
            "tickvals": rows,
            "ticktext": [shown(s.name, 40) for s in standings],
            "range": [len(rows) - 0.4, -0.6],
            "automargin": True,
            "showgrid": False,
        },
    }
    joints = _joints(found)
    note = "bars at the right join those that can't be told apart" if joints else ""
    return Figure("ranks", "Mean ranks", [bars, *joints], layout, note)


def _joints(found: Comparison) -> list[dict[str, Any]]:
    """A bar for each group, from its first row to its last, right of all ranks."""
    place = {standing.name: k for k, standing in enumerate(found.standings)}
    joined = [group for group in found.groups if len(group) > 1]
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [len(place) + 0.2 + 0.16 * k] * 2,
            "y": [place[group[0]] - 0.15, place[group[-1]] + 0.15],
            "line": {"width": 4, "color": GREY},
            "hovertemplate": f"not told apart: {shown(listed(list(group)), 200)}<extra></extra>",
            "showlegend": False,
        }
        for k, group in enumerate(joined)
    ]
