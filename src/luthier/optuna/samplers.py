"""Optuna's samplers: each holds the sampler that answers it, and the seed of its study.

``_LEARNING`` says which sampler answers one that learns, and by which names it knows its settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, final

from luthier.core.protocols import Sampler
from luthier.errors import ArgumentError, UnsupportedError
from luthier.optuna.missing import missing
from luthier.samplers import Grid, PartialFixed, QuasiRandom, Random
from luthier.space import Categorical, Space
from luthier.strategies import make_sampler

__all__ = [
    "BaseSampler",
    "BruteForceSampler",
    "CmaEsSampler",
    "GPSampler",
    "GridSampler",
    "NSGAIIISampler",
    "NSGAIISampler",
    "PartialFixedSampler",
    "QMCSampler",
    "RandomSampler",
    "TPESampler",
    "sampler_of",
]

_GENETIC = (
    "population_size mutation mutation_prob crossover crossover_prob swapping_prob seed "
    "constraints_func elite_population_selection_strategy child_generation_strategy "
    "after_trial_strategy"
)
_GENETIC_NAMES = {"population_size": "population", "crossover_prob": "crossover_rate"}
# Which sampler answers, which arguments are known, and which of them it takes by what name.
_LEARNING: Final[Mapping[str, tuple[str, str, Mapping[str, str]]]] = {
    "TPESampler": (
        "tpe",
        "consider_prior prior_weight consider_magic_clip consider_endpoints n_startup_trials "
        "n_ei_candidates gamma weights seed multivariate group warn_independent_sampling "
        "constant_liar constraints_func categorical_distance_func",
        {
            "n_startup_trials": "n_startup",
            "n_ei_candidates": "n_candidates",
            "prior_weight": "prior_weight",
        },
    ),
    "GPSampler": (
        "gp",
        "seed independent_sampler n_startup_trials deterministic_objective constraints_func "
        "warn_independent_sampling",
        {"n_startup_trials": "n_startup"},
    ),
    "CmaEsSampler": (
        "cmaes",
        "x0 sigma0 n_startup_trials independent_sampler warn_independent_sampling seed "
        "consider_pruned_trials restart_strategy popsize inc_popsize use_separable_cma "
        "with_margin lr_adapt source_trials",
        {"popsize": "population", "lr_adapt": "adapt_rates"},
    ),
    "NSGAIISampler": ("nsga2", _GENETIC, _GENETIC_NAMES),
    "NSGAIIISampler": (
        "nsga3",
        f"{_GENETIC} reference_points dividing_parameter",
        _GENETIC_NAMES,
    ),
}
_ABSENT = {
    "BaseGASampler": "A sampler of your own fulfils luthier.core.protocols.Sampler.",
    "nsgaii": "Crossovers and mutations are settings of genetic samplers: luthier.samplers.NSGA2.",
    "IntersectionSearchSpace": "Use study.space.",
}


class BaseSampler:
    """What the samplers of this module share.

    Attributes:
        native: The sampler that proposes.
        seed: Becomes the seed of the study, or None.
        space: The values to try, if the sampler names them.
        constraints_func: Judges finished trials: values above 0 are violations.
    """

    native: Sampler
    seed: int | None = None
    space: Space | None = None
    constraints_func: Callable[[Any], Sequence[float]] | None = None

    def __init__(self, **settings: Any) -> None:
        name = type(self).__name__
        if name not in _LEARNING:
            raise UnsupportedError(
                f"{name} itself can't be constructed. Choose a sampler such as RandomSampler()."
            )
        answer, known, renamed = _LEARNING[name]
        unknown = sorted(set(settings) - set(known.split()))
        if unknown:
            raise TypeError(f"{name} has no argument {unknown[0]!r}; it has {known}.")
        own = {renamed[n]: v for n, v in settings.items() if n in renamed and v is not None}
        self.native = make_sampler({"name": answer, "allow_duplicates": True, **own})
        self.seed = settings.get("seed")
        self.constraints_func = settings.get("constraints_func")

    def __init_subclass__(cls) -> None:
        if cls.__module__ != __name__:
            raise UnsupportedError(
                f"{cls.__name__}: a sampler of your own can't be asked here, as Luthier's propose "
                "from a history. Write a luthier.core.protocols.Sampler instead."
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.native}>"


@final
class RandomSampler(BaseSampler):
    """Random search.

    Example:
        >>> RandomSampler(seed=1).native
        Random(allow_duplicates=True)
    """

    def __init__(self, seed: int | None = None) -> None:
        self.native, self.seed = Random(allow_duplicates=True), seed


@final
class GridSampler(BaseSampler):
    """All combinations of the values given, in random order; the study ends with the last.

    Args:
        search_space: Values by parameter name.
        seed: Becomes the seed of the study.

    Raises:
        ArgumentError: ``search_space`` isn't a mapping of names to sequences.

    Example:
        >>> GridSampler({"x": [-1, 0, 1]}).space.cardinality
        3
    """

    def __init__(self, search_space: Mapping[str, Sequence[Any]], seed: int | None = None) -> None:
        if not isinstance(search_space, Mapping) or not search_space:
            raise ArgumentError(
                "GridSampler: search_space must map names to values, such as {'x': [1, 2]}, got "
                f"{search_space!r}."
            )
        space = Space({name: Categorical(values) for name, values in search_space.items()})
        self.native, self.seed, self.space = Grid(shuffle=True), seed, space


@final
class BruteForceSampler(BaseSampler):
    """Every configuration that the objective can ask for, in random order."""

    def __init__(self, seed: int | None = None, avoid_premature_stop: bool = False) -> None:
        self.native, self.seed = Grid(shuffle=True), seed


@final
class QMCSampler(BaseSampler):
    """Quasi-random search; ``qmc_type`` is "sobol" or "halton"."""

    def __init__(
        self,
        *,
        qmc_type: str = "sobol",
        scramble: bool = False,
        seed: int | None = None,
        independent_sampler: BaseSampler | None = None,
        warn_asynchronous_seeding: bool = True,
        warn_independent_sampling: bool = True,
    ) -> None:
        self.native = QuasiRandom(qmc_type, scramble, allow_duplicates=True)  # type: ignore[arg-type]
        self.seed = seed


@final
class PartialFixedSampler(BaseSampler):
    """Another sampler, with some parameters kept at given values.

    Args:
        fixed_params: Their values.
        base_sampler: Proposes the others.

    Example:
        >>> PartialFixedSampler({"x": 0.5}, RandomSampler(seed=3)).seed
        3
    """

    def __init__(self, fixed_params: Mapping[str, Any], base_sampler: Any) -> None:
        base = sampler_of(base_sampler)
        self.native = PartialFixed(base.native, fixed_params)
        self.seed, self.space = base.seed, base.space
        self.constraints_func = base.constraints_func


@final
class TPESampler(BaseSampler):
    """Tree-structured Parzen estimators: Luthier's ``TPE``."""


@final
class GPSampler(BaseSampler):
    """A Gaussian process of the objective: Luthier's ``GP``."""


@final
class CmaEsSampler(BaseSampler):
    """Covariance matrix adaptation: Luthier's ``CMAES``.

    It begins at the defaults of the parameters and at trials added before; ``x0`` and
    ``source_trials`` aren't looked at.
    """


@final
class NSGAIISampler(BaseSampler):
    """A genetic algorithm: Luthier's ``NSGA2``."""


@final
class NSGAIIISampler(BaseSampler):
    """A genetic algorithm for many objectives: Luthier's ``NSGA3``."""


@final
class _Native(BaseSampler):
    """A sampler of Luthier's own."""

    def __init__(self, native: Sampler) -> None:
        self.native = native


def sampler_of(sampler: Any) -> BaseSampler:
    """Return a sampler of this module; one of Luthier's own is wrapped.

    Args:
        sampler: What a script gave as a sampler.

    Raises:
        ArgumentError: Not a sampler.
    """
    if isinstance(sampler, BaseSampler):
        return sampler
    if isinstance(sampler, type) or not hasattr(sampler, "suggest"):
        raise ArgumentError(
            "A sampler must be one of luthier.optuna.samplers, such as RandomSampler(), got "
            f"{sampler!r}."
        )
    return _Native(sampler)


def __getattr__(name: str) -> Any:
    raise missing(__name__, name, _ABSENT)
