"""Strategies: names of samplers and schedulers, alone and in pairs."""

from __future__ import annotations

from luthier.strategies.combinations import bohb, dehb, mfes
from luthier.strategies.names import (
    known_samplers,
    known_schedulers,
    known_strategies,
    make_sampler,
    make_scheduler,
    strategy,
    strategy_parts,
)

__all__ = [
    "bohb",
    "dehb",
    "known_samplers",
    "known_schedulers",
    "known_strategies",
    "make_sampler",
    "make_scheduler",
    "mfes",
    "strategy",
    "strategy_parts",
]
