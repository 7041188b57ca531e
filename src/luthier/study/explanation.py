"""The explanation of a strategy in words, for ``study.explain_strategy()``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import signature
from itertools import chain
from typing import Any

from luthier.core.history import History
from luthier.core.protocols import Sampler, Scheduler
from luthier.samplers import Challenger, HighestRung
from luthier.study.proposing import on_rungs

__all__ = ["explained"]


def explained(sampler: Sampler, scheduler: Scheduler, history: History) -> str:
    """Return what proposes trials, what stops them, and why, a sentence or more a line.

    A sampler that has a method ``explain(space, history)`` speaks for itself. Under a scheduler
    with rungs it is asked about what it sees: the trials that have reached one of them.
    """
    proposer, seen, why = on_rungs(sampler, scheduler), history, ""
    counted = history.objective.fidelity
    if isinstance(proposer, Challenger):
        proposer = proposer.sampler
    if isinstance(proposer, HighestRung):
        step, seen = proposer.seen(history.space, history)
        trials = "all trials, as too few have reached a rung"
        if step is not None:
            trials = f"the {len(seen.completed)} trials that have reached {counted} {step}"
        why = f"It learns from {trials}. "
    explain = getattr(sampler, "explain", None)
    why += explain(seen.space, seen) if callable(explain) else _latest(history)
    parts = [
        _called("Sampler", sampler, why),
        _called("Scheduler", scheduler, _rungs(scheduler, counted)),
    ]
    if scheduler.spec.get("name") == "none":
        parts[1] = "No scheduler: nothing stops a trial before its end."
    return "\n".join(parts)


def _called(what: str, plugin: Sampler | Scheduler, why: str) -> str:
    spec, usual = plugin.spec, _usual(plugin)
    own = {k: v for k, v in spec.items() if k != "name" and (k not in usual or usual[k] != v)}
    settings = ", ".join(f"{name}={value!r}" for name, value in own.items())
    name = f"{spec.get('name', '?')}" + (f" with {settings}" if settings else "")
    return f"{what} {name}. {why}".rstrip()


def _rungs(scheduler: Scheduler, counted: str) -> str:
    """Where it compares trials."""
    rungs = getattr(scheduler, "rungs", ())
    return f"It compares trials at {counted} {', '.join(map(str, rungs))}." if rungs else ""


def _usual(plugin: Sampler | Scheduler) -> Mapping[str, Any]:
    """The settings it has unless they are given."""
    return {name: given.default for name, given in signature(type(plugin)).parameters.items()}


def _latest(history: History) -> str:
    """The reason of the latest proposal."""
    trials: Iterator[Any] = chain(
        history.completed[-1:], history.pruned[-1:], history.failed[-1:], history.live[-1:]
    )
    latest = max(trials, key=lambda trial: trial.number, default=None)
    if latest is None:
        return "Nothing has been proposed yet."
    reason = latest.origin.reason or latest.origin.sampler
    return f'The latest trial, {latest.number}, was made by "{reason}".'
