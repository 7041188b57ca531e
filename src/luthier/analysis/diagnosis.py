"""Diagnosis: all that can be said of a study, in words, with the figures behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

from luthier.analysis.chance import AgainstRandom, against_random
from luthier.analysis.convergence import Convergence, convergence
from luthier.analysis.duplicates import Duplicates, duplicates
from luthier.analysis.failures import Failures, failures
from luthier.analysis.held_out import HeldOut, held_out
from luthier.analysis.reasons import Reasons, reasons
from luthier.analysis.savings import Savings, savings
from luthier.analysis.surrogate import FEWEST, SurrogateQuality, surrogate_quality
from luthier.analysis.utilisation import Utilisation, utilisation
from luthier.analysis.wording import Worded
from luthier.core.history import History
from luthier.space import Space

__all__ = ["Diagnosis", "diagnose"]

_LONG: Final = 60.0  # seconds from which it matters where they went


@final
@dataclass(frozen=True, slots=True, eq=False)
class Diagnosis(Worded):
    """What is to be said of a study. ``print`` shows all of it.

    Attributes:
        convergence: How it came on, and whether going on pays.
        random: Whether random search would have done as well, for each objective.
        surrogate: Whether a model can foretell each objective.
        failures: Which trials failed, and where.
        infeasible: Which trials broke constraints, and where; None without constraints.
        duplicates: Which trials repeated others.
        savings: What stopping trials saved and may have cost.
        overtuning: Whether it followed noise; None of several objectives.
        reasons: What proposed the trials.
        utilisation: Where the time went.
    """

    convergence: Convergence
    random: tuple[AgainstRandom, ...]
    surrogate: tuple[SurrogateQuality, ...]
    failures: Failures
    infeasible: Failures | None
    duplicates: Duplicates
    savings: Savings
    overtuning: HeldOut | None
    reasons: Reasons
    utilisation: Utilisation

    @property
    def parts(self) -> Mapping[str, str]:
        """All that is to be said, by heading."""
        several = len(self.surrogate) > 1
        said = {
            "Convergence": str(self.convergence),
            "Against random search": "\n".join(_each(self.random, several)),
            "What a model knows": "\n".join(_each(self.surrogate, several)),
            "Failures": str(self.failures),
            "Constraints": "" if self.infeasible is None else str(self.infeasible),
            "Duplicates": str(self.duplicates),
            "Stopping": str(self.savings) if self.savings.stopped else "",
            "Overtuning": "" if self.overtuning is None else str(self.overtuning),
            "What proposed": str(self.reasons),
            "Time": str(self.utilisation),
        }
        return {heading: text for heading, text in said.items() if text}

    @property
    def concerns(self) -> tuple[str, ...]:
        """The headings under which something should be done, the most pressing first."""
        told = {
            "Failures": self.failures.rate > 0.1,
            "Constraints": self.infeasible is not None and self.infeasible.rate > 0.5,
            "What a model knows": any(
                s.n >= 3 * FEWEST and not s.knows_something for s in self.surrogate
            ),
            "Against random search": any(
                r.alone and r.n >= 30 and r.probability > 0.25 for r in self.random
            ),
            "Convergence": self.convergence.has_stalled,
            "Stopping": self.savings.chance > 0.5 and self.savings.low > 0.1,
            "Overtuning": self.overtuning is not None and self.overtuning.is_clear,
            "Duplicates": self.duplicates.noise == 0
            and self.duplicates.repeats > 0.1 * self.duplicates.n,
            "Time": self.utilisation.present > _LONG and self.utilisation.busy < 0.5,
        }
        return tuple(heading for heading, pressing in told.items() if pressing)

    def __str__(self) -> str:
        concerns = self.concerns
        first = f"Look at: {', '.join(concerns)}." if concerns else "Nothing calls for action."
        return "\n\n".join([first, *(f"{head}\n{text}" for head, text in self.parts.items())])


def diagnose(
    history: History, space: Space, *, test: str | None = None, seed: int = 0
) -> Diagnosis:
    """Say all that can be said of a study.

    Each part is a function of its own in ``luthier.analysis``, with options.

    Args:
        history: The study; any, also an empty one.
        space: Its space.
        test: A metric that trials recorded on data that the search didn't look at; None: as
            ``held_out`` finds it.
        seed: Of forests and draws: the same history and seed give the same diagnosis.

    Example:
        >>> from luthier import Float, create_study
        >>> study = create_study(space=Space(x=Float(0, 1)), strategy="tpe", seed=0)
        >>> study.optimize(lambda trial: (trial.suggest_float("x", 0, 1) - 0.3) ** 2, n_trials=60)
        >>> found = diagnose(study.history, study.space)
        >>> print(found.parts["Failures"])
        None of 60 trials failed.
    """
    names = history.objective.names
    bounded = bool(history.objective.constraints)
    return Diagnosis(
        convergence(history, space),
        tuple(against_random(history, space, metric=name, seed=seed) for name in names),
        tuple(surrogate_quality(history, space, metric=name, seed=seed) for name in names),
        failures(history, space),
        failures(history, space, what="infeasible") if bounded else None,
        duplicates(history, space),
        savings(history, space, seed=seed),
        held_out(history, space, test=test) if len(names) == 1 else None,
        reasons(history, space),
        utilisation(history, space),
    )


def _each(
    parts: tuple[AgainstRandom, ...] | tuple[SurrogateQuality, ...], several: bool
) -> list[str]:
    return [f"{part.metric}: {part}" if several else str(part) for part in parts]
