"""The findings of a study, the most important first."""

from __future__ import annotations

import math
from typing import Final

from luthier.analysis import Importance
from luthier.analysis.wording import counted, duration, listed, percent
from luthier.report.facts import Facts
from luthier.report.finding import Finding, Strength, plain
from luthier.report.ranges import ranges
from luthier.report.winner import winner

__all__ = ["findings_of", "next_steps"]

_PRESSING: Final = (
    "failures",
    "constraints",
    "winner",
    "widen",
    "random",
    "convergence",
    "narrow",
    "fix",
    "stopping",
    "overtuning",
    "duplicates",
    "time",
)
_SHARE: Final = 0.05
_TOLD: Final = 5
_WELL: Final = 0.7
_WIDE: Final = 0.4
_LONG: Final = 60.0


def findings_of(facts: Facts) -> tuple[Finding, ...]:
    """Say what was found.

    Args:
        facts: What is known of a study; any, also an empty one.
    """
    if not len(facts.outcomes):
        return (winner(facts),)
    found = [winner(facts), *_importance(facts), *ranges(facts), _failures(facts)]
    found += [*_constraints(facts), *_random(facts), *_convergence(facts), *_stopping(facts)]
    return (*found, *_overtuning(facts), *_duplicates(facts), *_time(facts))


def next_steps(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    """What to do next, the most pressing first."""
    place = {topic: k for k, topic in enumerate(_PRESSING)}
    told = sorted(findings, key=lambda finding: place.get(finding.topic, len(place)))
    return tuple(dict.fromkeys(finding.advice for finding in told if finding.advice))


def _importance(facts: Facts) -> list[Finding]:
    several = len(facts.names) > 1
    return [
        _mattered(found, f" for {plain(name, 60)}" if several else "")
        for name, found in facts.importances.items()
    ]


def _mattered(found: Importance, what: str) -> Finding:
    rows = found.rows()
    numbers = {
        "method": found.method,
        "shares": {row["parameter"]: [row["share"], row["low"], row["high"]] for row in rows},
        "rank_correlation": found.rank_correlation,
        "interactions": [[*pair.parameters, pair.fraction] for pair in found.interactions[:_TOLD]],
    }
    title = f"What mattered{what}"
    if found.is_meaningless:
        text = (
            f"That can't be told from {counted(found.n_trials, 'trial')}: a model of them "
            "foretells unseen ones hardly better than chance. Read nothing into such figures."
        )
        return Finding("importance", title, text, "unsure", numbers)
    top = [row for row in rows if row["share"] >= _SHARE][:_TOLD] or rows[:1]
    shown = [
        f"{plain(row['parameter'], 60)} {percent(row['share'])} "
        f"({percent(row['low'])} to {percent(row['high'])})"
        for row in top
    ]
    said = [f"Of what parameters explain one by one: {listed(shown)}."]
    little = [plain(row["parameter"], 40) for row in rows if row["high"] < _SHARE]
    if little:
        more = [f"{len(little) - _TOLD} more"] if len(little) > _TOLD else []
        said.append(f"Little or nothing: {listed([*little[:_TOLD], *more])}.")
    pairs = [pair for pair in found.interactions if pair.low > 0.01][:2]
    if pairs:
        both = [
            f"{listed([plain(p, 40) for p in pair.parameters])} ({percent(pair.fraction)})"
            for pair in pairs
        ]
        said.append(f"Together, beyond that: {listed(both)}.")
    trust = found.rank_correlation or 0.0
    said.append(f"The model behind this ranks unseen trials with a correlation of {trust:.2f}.")
    wide = any(row["high"] - row["low"] > _WIDE for row in top)
    strength: Strength = "sure" if trust > _WELL and not wide else "likely"
    return Finding("importance", title, " ".join(said), strength, numbers)


def _failures(facts: Facts) -> Finding:
    found = facts.diagnosis.failures
    numbers = {
        "failed": len(found.numbers),
        "finished": found.n,
        "kinds": {kind.text: len(kind.numbers) for kind in found.kinds[:_TOLD]},
        "region": None if found.region is None else list(found.region.conditions),
        "seconds": found.cost,
    }
    advice = ""
    if found.region is not None and found.region.precision > 0.5:
        advice = f"Keep trials out of where {found.region}, or mend what fails there."
    elif found.flaky:
        advice = "Some failures are a matter of luck: try optimize(retries=2)."
    elif found.rate > 0.1:
        advice = f"Look into the failures: {percent(found.rate)} of the trials are lost to them."
    strength: Strength = "sure" if found.region or found.rate < 0.1 else "likely"
    return Finding("failures", "What failed", str(found), strength, numbers, advice)


def _constraints(facts: Facts) -> list[Finding]:
    found = facts.diagnosis.infeasible
    if found is None or not found.n:
        return []
    numbers = {"infeasible": len(found.numbers), "completed": found.n}
    advice = ""
    if found.rate > 0.5:
        advice = "Most trials break the constraints: leave out of the space what can't keep them."
    return [Finding("constraints", "Constraints", str(found), "sure", numbers, advice)]


def _random(facts: Facts) -> list[Finding]:
    several, told = len(facts.names) > 1, []
    for found in facts.diagnosis.random:
        if not len(found.budgets):
            continue
        numbers = {
            "probability": found.probability,
            "random_median": float(found.median[-1]),
            "best": found.best,
            "needed": found.needed,
            "drawn": found.drawn,
        }
        advice = ""
        if found.n >= 30 and found.probability > 0.25:
            advice = "Random search would do as well: see whether the objective is mostly noise."
        strength: Strength = "sure" if found.drawn else "likely"
        strength = strength if found.n >= 30 else "unsure"
        what = f" for {plain(found.metric, 60)}" if several else ""
        title = f"Would random search have done as well{what}?"
        told.append(Finding("random", title, str(found), strength, numbers, advice))
    return told


def _convergence(facts: Facts) -> list[Finding]:
    found = facts.diagnosis.convergence
    if not found.improvements:
        return []
    numbers = {
        "improvements": len(found.improvements),
        "since": found.since,
        "chance": found.chance,
        "ahead": found.ahead,
        "remaining": found.remaining,
    }
    advice = ""
    if not found.has_stalled and found.chance > 0.5 and not found.is_out_of_reach:
        advice = f"Go on: an improvement is likely within the next {counted(found.ahead, 'trial')}."
    elif found.has_stalled:
        advice = "It has stalled: stop here, or change the space before going on."
    return [Finding("convergence", "Is it done?", str(found), "likely", numbers, advice)]


def _stopping(facts: Facts) -> list[Finding]:
    found = facts.diagnosis.savings
    if not found.stopped:
        return []
    numbers = {
        "stopped": len(found.stopped),
        "saved_steps": found.saved_steps,
        "saved_share": found.saved_share,
        "chance_lost": found.chance,
        "chance_lost_interval": [found.low, found.high],
    }
    likely = [s.number for s in found.stopped if s.chance > 0.1][:3]
    advice = f"Give stopped trials another look: {', '.join(map(str, likely))}." if likely else ""
    strength: Strength = "likely" if found.high - found.low < _WIDE else "unsure"
    return [Finding("stopping", "What stopping saved", str(found), strength, numbers, advice)]


def _overtuning(facts: Facts) -> list[Finding]:
    found = facts.diagnosis.overtuning
    if found is None:
        return []
    title, series = "Did it follow noise?", found.series
    if series is None:
        return [Finding("overtuning", title, str(found), "unsure")]
    numbers = {
        "source": found.source,
        "lost": series.final,
        "error": found.error,
        "relative": float(series.relative[-1]),
        "optimism": float(series.optimism[-1]),
    }
    advice = ""
    if found.is_clear:
        advice = "Choose among the best by scores on fresh data: the search followed noise."
    strength: Strength = "unsure" if math.isnan(found.error) else "likely"
    return [Finding("overtuning", title, str(found), strength, numbers, advice)]


def _duplicates(facts: Facts) -> list[Finding]:
    found = facts.diagnosis.duplicates
    if not found.repeats:
        return []
    wasted = found.noise == 0 and found.repeats > 0.1 * found.n
    advice = "Widen the space, or stop: it is all but used up." if wasted else ""
    numbers = {"repeats": found.repeats, "noise": found.noise}
    return [Finding("duplicates", "Repeated configurations", str(found), "sure", numbers, advice)]


def _time(facts: Facts) -> list[Finding]:
    found = facts.diagnosis.utilisation
    if not found.n:
        return []
    numbers = {
        "work": found.work,
        "wall": found.wall,
        "slots": found.slots,
        "busy": found.busy,
        "failed": found.failed,
        "pruned": found.pruned,
    }
    advice = ""
    if found.slots > 1 and found.present > _LONG and found.busy < 0.5:
        idle = duration((1 - found.busy) * found.slots * found.present)
        advice = f"Use fewer workers, or see what they wait for: {idle} were idle."
    return [Finding("time", "Where the time went", str(found), "sure", numbers, advice)]
