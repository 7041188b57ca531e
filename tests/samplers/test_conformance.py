from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from luthier.core.protocols import Sampler
from luthier.errors import ArgumentError
from luthier.samplers import (
    CMAES,
    DE,
    ES,
    GA,
    GP,
    NSGA2,
    NSGA3,
    SPSA,
    TPE,
    Auto,
    Challenger,
    Forest,
    Gradient,
    Grid,
    HighestRung,
    PartialFixed,
    QuasiRandom,
    Random,
    RungDE,
)
from luthier.space import Categorical, Float, Int, Space
from luthier.strategies import known_samplers, make_sampler
from luthier.testing.rehearsal import Rehearsal
from luthier.testing.samplers import SAMPLER_CHECKS, SamplerFactory

SAMPLERS: list[SamplerFactory] = [
    Random,
    lambda: Random(allow_duplicates=True),
    Grid,
    lambda: Grid(points=3, shuffle=True, retries=0),
    lambda: Grid(points={"x": 4, "lr": 2}),
    lambda: Grid(allow_duplicates=True),
    QuasiRandom,
    lambda: QuasiRandom("halton"),
    lambda: QuasiRandom("lhs", n=5),
    lambda: QuasiRandom(scramble=False, allow_duplicates=True),
    Auto,
    Forest,
    lambda: Forest(n_trees=4, n_startup=2, explore=0),
    TPE,
    lambda: TPE(n_startup=0, multivariate=False),
    lambda: TPE(n_startup=3, allow_duplicates=True),
    GP,
    lambda: GP(acquisition="thompson", n_startup=1, trust_region=False),
    lambda: GP(rungs=[3, 1]),
    lambda: GP(kernel="matern32", warp="half-rank", allow_duplicates=True),
    GA,
    lambda: GA(population=2, replacement="steady", crossover="blx"),
    lambda: GA(population=3, replacement="ageing", crossover_rate=0, selection="truncation"),
    lambda: GA(population=3, replacement="generational", mutation="gaussian"),
    DE,
    lambda: DE(population=4, best_share=1, allow_duplicates=True),
    lambda: DE(population=5),
    CMAES,
    lambda: CMAES(population=4, sigma=1, restarts="none", adapt_rates=True),
    lambda: CMAES(population=5, sigma=0.01, allow_duplicates=True),
    NSGA2,
    lambda: NSGA2(population=3, crossover="uniform", allow_duplicates=True),
    NSGA3,
    lambda: NSGA3(population=3, crossover="blx", mutation="gaussian"),
    SPSA,
    lambda: SPSA(pairs=2, spread=0.5, step=3.0, allow_duplicates=True),
    ES,
    lambda: ES(pairs=1, spread=0.01),
    Gradient,
    lambda: PartialFixed(Auto(), {}),
    lambda: HighestRung(TPE(), [1, 3]),
    lambda: Challenger(TPE()),
    lambda: RungDE([(4, 1), (2, 3)]),
    lambda: RungDE([(1, 1)], allow_duplicates=True),
]


def name_of(value: object) -> str:
    return value.__name__ if hasattr(value, "__name__") and "<" not in value.__name__ else ""


@pytest.mark.parametrize("factory", SAMPLERS, ids=lambda f: repr(f()))
@pytest.mark.parametrize("check", SAMPLER_CHECKS, ids=name_of)
def test_conformance(
    check: Callable[[SamplerFactory], None], factory: Callable[[], Sampler]
) -> None:
    check(factory)


@pytest.mark.parametrize("name", [name for name in known_samplers() if name != "fixed"])
def test_flags_are_checked(name: str) -> None:
    with pytest.raises(ArgumentError, match="allow_duplicates must be True or False, got 'no'"):
        make_sampler({"name": name, "allow_duplicates": "no"})


@pytest.mark.parametrize("strategy", ["auto", "tpe", "forest", "gp", "ga", "de", "cmaes"])
def test_a_finite_branch_is_not_searched_twice(strategy: str) -> None:
    space = Space(
        kind=Categorical(["tree", "net"]),
        depth=Int(1, 4, when={"kind": "tree"}),
        leaf=Int(1, 3, when={"kind": "tree"}),
        lr=Float(1e-4, 1.0, log=True, when={"kind": "net"}),
    )
    seen: list[tuple[object, ...]] = []

    def objective(params: Mapping[str, Any]) -> float:
        if params["kind"] == "net":
            return 50.0 + params["lr"]
        seen.append((params["depth"], params["leaf"]))
        return float((params["depth"] - 3) ** 2 + params["leaf"])

    Rehearsal(space).optimise(make_sampler(strategy), objective, 40)
    assert len(seen) == len(set(seen)) > 4
