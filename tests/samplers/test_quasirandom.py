from __future__ import annotations

import numpy as np
import pytest

from luthier.errors import ArgumentError, InfeasibleSpaceError
from luthier.samplers import QuasiRandom
from luthier.space import Categorical, Constant, Float, Int, Permutation, Space
from luthier.testing.rehearsal import Rehearsal

KINDS = [QuasiRandom("sobol"), QuasiRandom("halton"), QuasiRandom("lhs", n=16)]
SQUARE = Space(x=Float(0, 1), y=Float(0, 1))


def configs(sampler: QuasiRandom, space: Space, n: int, seed: int = 0) -> list[dict[str, object]]:
    return [dict(p.params) for p in Rehearsal(space, seed=seed).propose(sampler, n)]


def counts(values: list[float], cells: int) -> list[int]:
    return np.bincount((np.array(values) * cells).astype(int), minlength=cells).tolist()


@pytest.mark.parametrize("sampler", [KINDS[0], KINDS[2]])
def test_sixteen_points_lie_in_sixteen_slices(sampler: QuasiRandom) -> None:
    found = configs(sampler, SQUARE, 16)
    assert counts([c["x"] for c in found], 16) == [1] * 16  # type: ignore[misc]
    assert counts([c["y"] for c in found], 16) == [1] * 16  # type: ignore[misc]


def test_categories_are_balanced() -> None:
    found = configs(QuasiRandom(), Space(c=Categorical(list("abcd")), x=Float(0, 1)), 64)
    assert sorted([c["c"] for c in found].count(k) for k in "abcd") == [16] * 4


@pytest.mark.parametrize("sampler", KINDS, ids=lambda s: s.kind)
def test_the_number_of_the_trial_is_the_place_in_the_sequence(sampler: QuasiRandom) -> None:
    at_once = configs(sampler, SQUARE, 20)
    play = Rehearsal(SQUARE)
    one_by_one = [dict(play.start(sampler)[0].params) for _ in range(20)]
    assert one_by_one == at_once


@pytest.mark.parametrize("sampler", KINDS, ids=lambda s: s.kind)
def test_the_studys_seed_scrambles(sampler: QuasiRandom) -> None:
    assert configs(sampler, SQUARE, 4, seed=0) != configs(sampler, SQUARE, 4, seed=1)


@pytest.mark.parametrize("kind", ["sobol", "halton"])
def test_without_scrambling_all_studies_get_the_same_points(kind: str) -> None:
    plain = QuasiRandom(kind, scramble=False)  # type: ignore[arg-type]
    assert configs(plain, SQUARE, 4, seed=0) == configs(plain, SQUARE, 4, seed=1)
    assert configs(plain, SQUARE, 1) == [{"x": 0.0, "y": 0.0}]


def test_hypercubes_follow_one_another() -> None:
    found = configs(QuasiRandom("lhs", n=8), SQUARE, 24)
    for block in (found[:8], found[8:16], found[16:]):
        assert counts([c["x"] for c in block], 8) == [1] * 8  # type: ignore[misc]
    assert found[:8] != found[8:16]
    [proposal] = Rehearsal(SQUARE).propose(QuasiRandom("lhs", n=8))
    assert proposal.reason == "row 1 of 8 of Latin hypercube 1"


@pytest.mark.parametrize("sampler", KINDS, ids=lambda s: s.kind)
def test_the_nth_trial_gets_the_nth_allowed_point(sampler: QuasiRandom) -> None:
    triangle = SQUARE.require("x + y <= 1")
    everything = [c for c in configs(sampler, SQUARE, 200) if c["x"] + c["y"] <= 1]  # type: ignore[operator]
    assert configs(sampler, triangle, 30) == everything[:30]
    play = Rehearsal(triangle)
    play.add({"x": 0.1, "y": 0.1})
    assert [dict(p.params) for p in play.propose(sampler, 3)] == everything[1:4]


def test_narrow_spaces_fall_back_to_sampling_and_empty_ones_say_so() -> None:
    narrow = Space(n=Int(0, 99_999)).require("n == 77")
    assert configs(QuasiRandom(), narrow, 1) == [{"n": 77}]
    with pytest.raises(InfeasibleSpaceError):
        configs(QuasiRandom(), Space(x=Float(0, 1)).require("x > 2"), 1)


def test_every_value_of_a_finite_space_comes_once() -> None:
    space = Space(n=Int(1, 5), order=Permutation(["a", "b"]))
    found = configs(QuasiRandom(), space, 20)
    assert len(found) == len({space.key(c) for c in found}) == 10
    assert len(configs(QuasiRandom(allow_duplicates=True), space, 20)) == 20


def test_a_space_of_constants() -> None:
    assert configs(QuasiRandom(), Space(k=Constant(3)), 5) == [{"k": 3}]


def test_a_growing_space_keeps_its_first_columns() -> None:
    wider = SQUARE.with_params(z=Float(0, 1))
    for sampler in KINDS:
        narrow = configs(sampler, SQUARE, 5)
        grown = configs(sampler, wider, 5)
        assert [{"x": c["x"], "y": c["y"]} for c in grown] == narrow


def test_bad_settings() -> None:
    with pytest.raises(ArgumentError, match="kind must be one of 'sobol', .* got 'lds'"):
        QuasiRandom("lds")  # type: ignore[arg-type]
    for n in (0, -1, 1.5, True):
        with pytest.raises(ArgumentError, match="n must be a whole number of at least 1, got"):
            QuasiRandom("lhs", n=n)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sobol", "halton", "lhs"])
def test_spreads_trials_more_evenly_than_chance(kind: str) -> None:
    """Paired over 40 seeds: a lower centred discrepancy than random search's in at least 36."""
    from scipy.stats import qmc

    import luthier
    from luthier.samplers import Random

    def discrepancy(sampler: object, seed: int) -> float:
        space = {f"x{i}": Float(0, 1) for i in range(4)}
        study = luthier.create_study(space=space, sampler=sampler, seed=seed)  # type: ignore[arg-type]
        study.optimize(lambda trial: 0.0, n_trials=64)
        return float(qmc.discrepancy(np.array([list(t.params.values()) for t in study.trials])))

    wins = sum(
        discrepancy(QuasiRandom(kind, n=64), s) < discrepancy(Random(), s) for s in range(40)
    )  # type: ignore[arg-type]
    assert wins >= 36


@pytest.mark.slow
def test_finds_better_values_than_random_search_on_a_smooth_function() -> None:
    """Paired over 60 seeds, 4-d sphere, 64 trials: the better best value in at least 33."""
    import luthier

    def best(strategy: str, seed: int) -> float:
        space = {f"x{i}": Float(0, 1) for i in range(4)}
        study = luthier.create_study(space=space, strategy=strategy, seed=seed)
        study.optimize(
            lambda trial: sum((v - 0.37) ** 2 for v in trial.params.values()), n_trials=64
        )
        return study.best_value

    assert sum(best("sobol", s) < best("random", s) for s in range(60)) >= 33
