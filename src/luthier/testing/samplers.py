"""What every sampler must keep, as checks that anybody can run on theirs.

    from luthier.testing.samplers import SAMPLER_CHECKS, check_sampler

    check_sampler(MySampler)                                   # all at once, or

    @pytest.mark.parametrize("check", SAMPLER_CHECKS)
    def test_my_sampler(check):
        check(MySampler)

A check takes a factory of samplers and raises AssertionError with what is wrong.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from luthier.core.jobs import Proposal
from luthier.core.objective import Objective
from luthier.core.protocols import Sampler
from luthier.core.rng import generator
from luthier.core.trial import TrialState
from luthier.space import (
    AtLeast,
    Categorical,
    Constant,
    Float,
    Int,
    Ordinal,
    Permutation,
    Space,
    sample,
    to_json_value,
)
from luthier.strategies import known_samplers, make_sampler
from luthier.testing.rehearsal import Rehearsal

__all__ = ["SAMPLER_CHECKS", "SPACES", "SamplerFactory", "check_sampler", "rehearse"]

SamplerFactory = Callable[[], Sampler]

_MIXED: Final = Space(
    lr=Float(1e-5, 1e-1, log=True),
    momentum=Float(0.0, 0.99, step=0.01),
    layers=Int(1, 8),
    width=Int(16, 1024, log=True),
    optimizer=Categorical(["adam", "sgd", None, ("a", 1)]),
    size=Ordinal(["small", "medium", "large"]),
)
_CONDITIONAL: Final = Space(
    model=Categorical(["tree", "net"]),
    depth=Int(1, 6, when={"model": "tree"}),
    layers=Int(1, 3, when={"model": "net"}),
    second=Float(0.0, 1.0, when={"layers": AtLeast(2)}),
)
SPACES: Final[Mapping[str, Space]] = {
    "one float": Space(x=Float(-1.0, 1.0)),
    "one choice": Space(c=Categorical([1, True, 1.0, "1"])),
    "mixed": _MIXED,
    "conditional": _CONDITIONAL,
    "constrained": Space(x=Float(0.0, 1.0), y=Float(0.0, 1.0), n=Int(1, 5))
    .require("x + y <= 1")
    .forbid({"n": 3}),
    "permutation": Space(order=Permutation(["a", "b", "c", "d"]), x=Float(0.0, 1.0)),
    "only an order": Space(tour=Permutation(list("abcde"))),
    "constant": Space(k=Constant(7), x=Float(0.0, 1.0)),
    "200 floats": Space({f"x{i}": Float(0.0, 1.0) for i in range(200)}),
    "tiny": Space(a=Categorical(["x", "y"]), b=Int(1, 3, when={"a": "x"})),
    "tiny constrained": Space(a=Int(1, 3), b=Int(1, 3)).require("a <= b"),
}
"""Spaces of every kind, on which the checks run."""


def rehearse(space: Space, *, seed: int = 0) -> Rehearsal:
    """Return a study with trials in every state: completed, pruned, failed, running, waiting.

    Args:
        space: The space; at most half of a finite one is tried.
        seed: The study's seed.
    """
    play = Rehearsal(space, seed=seed)
    size = space.cardinality
    configs = sample(space, 12 if size is None else min(12, size // 2), generator(seed, "trials"))
    for k, config in enumerate(configs):
        trial = play.add(config, TrialState.WAITING if k % 6 == 5 else TrialState.RUNNING)
        if k % 6 < 2:
            play.end(trial, value=float(k))
        elif k % 6 < 4:
            play.end(trial, TrialState.FAILED if k % 6 == 2 else TrialState.PRUNED)
    return play


def check_sampler(factory: SamplerFactory) -> None:
    """Run all checks on a sampler.

    Args:
        factory: Builds the sampler, the same one each time.

    Raises:
        AssertionError: It breaks a rule; the message says which.

    Example:
        >>> from luthier.samplers import Random
        >>> check_sampler(Random)
    """
    for check in SAMPLER_CHECKS:
        check(factory)


def check_spec(factory: SamplerFactory) -> None:
    """Its spec is JSON with a name, and builds an equal sampler if the name is registered."""
    sampler = factory()
    spec = json.loads(json.dumps(dict(sampler.spec), allow_nan=False))
    assert spec == dict(sampler.spec), f"spec must survive JSON unchanged, got {sampler.spec!r}"
    assert isinstance(spec.get("name"), str), f"spec must have a name, got {spec!r}"
    if spec["name"] in known_samplers():
        rebuilt = make_sampler(spec)
        assert rebuilt == sampler, f"make_sampler(spec) must build an equal one, got {rebuilt!r}"


def check_valid(factory: SamplerFactory) -> None:
    """It proposes allowed values of exactly the active parameters, in every kind of space."""
    for name, space in SPACES.items():
        for play in (Rehearsal(space), rehearse(space)):
            proposals = play.propose(factory(), 3)
            assert len(proposals) <= 3, f"{name}: at most n proposals, got {len(proposals)} of 3"
            assert proposals, f"{name}: there is something left to try, got no proposal"
            for proposal in proposals:
                _check_proposal(name, space, proposal)


def check_empty_space(factory: SamplerFactory) -> None:
    """Of a space that isn't known yet it proposes nothing in particular."""
    proposals = Rehearsal(Space()).propose(factory())
    assert [dict(p.params) for p in proposals] == [{}], (
        f"an empty space needs one proposal without values, got {proposals!r}"
    )
    assert proposals[0].reason, "a proposal needs a reason"


def check_pure(factory: SamplerFactory) -> None:
    """Same arguments, same proposals: from one sampler twice, and from another built alike."""
    for name, space in SPACES.items():
        play, sampler = rehearse(space), factory()
        first = _as_text(play.propose(sampler, 2))
        play.propose(sampler, 3)
        for again in (sampler, factory()):
            got = _as_text(play.propose(again, 2))
            assert got == first, f"{name}: same arguments must give {first}, got {got}"
        got = _as_text(rehearse(space).propose(factory(), 2))
        assert got == first, f"{name}: a history built anew must give {first}, got {got}"


def check_pure_in_another_process(factory: SamplerFactory) -> None:
    """Pickled to a process with another PYTHONHASHSEED, it proposes the same."""
    sampler = factory()
    here = proposals_everywhere(sampler)
    code = (
        "import pickle, sys; from luthier.testing.samplers import proposals_everywhere; "
        "sys.stdout.write(proposals_everywhere(pickle.load(sys.stdin.buffer)))"
    )
    path = os.pathsep.join(p for p in sys.path if p)
    hash_seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    there = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps(sampler),
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        check=False,
    )
    error = there.stderr.decode()
    assert there.returncode == 0, f"it must work in another process, which said: {error}"
    assert there.stdout.decode() == here, "another process must get the same proposals"


def check_seeds_matter_to_nobody_else(factory: SamplerFactory) -> None:
    """It draws from the generator it is given and leaves global random states alone."""
    before = repr(np.random.get_state())  # noqa: NPY002
    for space in SPACES.values():
        rehearse(space).propose(factory(), 2)
    after = repr(np.random.get_state())  # noqa: NPY002
    assert before == after, "NumPy's global random state must be left alone"


def check_arguments_stay(factory: SamplerFactory) -> None:
    """It changes neither the space nor the history."""
    for name, space in SPACES.items():
        play = rehearse(space)
        history, before = play.history, space.to_json()
        trials = [*history.completed, *history.pruned, *history.failed, *history.live]
        texts = list(map(repr, trials))
        play.propose(factory(), 3)
        assert space.to_json() == before, f"{name}: the space must stay as it was"
        assert play.history is history, f"{name}: the history must stay as it was"
        assert list(map(repr, trials)) == texts, f"{name}: trials must stay as they were"


def check_finite_spaces_end(factory: SamplerFactory) -> None:
    """In a finite space it proposes everything once, then nothing; unless it allows repeats."""
    if factory().spec.get("allow_duplicates"):
        return
    for name in ("one choice", "tiny", "tiny constrained"):
        for batch in (1, 2, 100):
            space = SPACES[name]
            play, sampler, keys = Rehearsal(space), factory(), []
            assert space.cardinality is not None
            for _ in range(space.cardinality + 1):
                for trial in play.start(sampler, batch):
                    keys.append(space.key(trial.params))
                    if trial.number % 2:  # the others stay running
                        play.end(trial, value=1.0)
            assert len(keys) == len(set(keys)), f"{name}: no configuration twice, got {keys}"
            assert len(keys) == space.cardinality, f"{name}: all must be tried, got {keys}"


def check_failures_and_constraints(factory: SamplerFactory) -> None:
    """It goes on where a third of the space fails, and where hardly a trial is feasible."""
    space = Space(x=Float(0.0, 1.0), n=Int(1, 5), kind=Categorical(["a", "b", "c"]))
    for limit in (0.7, -1.0):  # -1: no trial is feasible
        objective = Objective.of(metrics={"loss": "minimize"}, constraints=[f"size <= {limit}"])
        play, sampler = Rehearsal(space, objective=objective), factory()
        for _ in range(15):
            for trial in play.start(sampler):
                params = trial.params
                assert space.check(params) == params, f"allowed values, got {params}"
                if params["kind"] == "c":
                    play.end(trial, TrialState.FAILED)
                else:
                    play.end(trial, metrics={"loss": params["n"], "size": params["x"]})
        ended = play.history
        assert ended.n_finished == 15 or not play.propose(sampler), "it must go on after failures"
        assert 3 * len(ended.completed) >= ended.n_finished, (
            f"it must look elsewhere, got {len(ended.failed)} failures of {ended.n_finished}"
        )


def check_several_objectives(factory: SamplerFactory) -> None:
    """With two objectives and with four it survives crashes and infinite values, and is pure."""
    for m in (2, 4):
        first, again = _played(m, [factory()] * 12), _played(m, [factory() for _ in range(12)])
        assert first == again, f"{m} objectives: the same history must give {first}, got {again}"


def _played(m: int, samplers: list[Sampler]) -> str:
    """What samplers propose by turns in a study of m objectives where a trial fails, as text."""
    objective = Objective.of(metrics={f"y{j}": ("minimize", "maximize")[j % 2] for j in range(m)})
    play, proposals = Rehearsal(_MIXED, objective=objective), []
    for k, sampler in enumerate(samplers):
        for proposal in play.propose(sampler):
            _check_proposal(f"{m} objectives", _MIXED, proposal)
            trial = play.add(proposal.params, proposal=proposal)
            values = {f"y{j}": (j + 1.0) ** trial.params["layers"] - k for j in range(m)}
            state = TrialState.FAILED if k == 4 else TrialState.COMPLETE
            play.end(trial, state, metrics={**values, "y0": math.inf} if k == 7 else values)
            proposals.append(proposal)
    asked, got = len(samplers), len(proposals)
    assert got == asked, f"{m} objectives: a proposal each time, got {got} of {asked}"
    return _as_text(proposals)


def check_batches(factory: SamplerFactory) -> None:
    """A batch of a continuous space holds as many different configurations as asked for."""
    proposals = Rehearsal(SPACES["mixed"]).propose(factory(), 8)
    keys = {SPACES["mixed"].key(p.params) for p in proposals}
    assert len(proposals) == len(keys) == 8, f"8 different proposals, got {proposals!r}"


SAMPLER_CHECKS: Final[tuple[Callable[[SamplerFactory], None], ...]] = (
    check_spec,
    check_valid,
    check_empty_space,
    check_pure,
    check_pure_in_another_process,
    check_seeds_matter_to_nobody_else,
    check_arguments_stay,
    check_finite_spaces_end,
    check_failures_and_constraints,
    check_several_objectives,
    check_batches,
)
"""All checks; each takes a factory of samplers."""


def proposals_everywhere(sampler: Sampler) -> str:
    """Return what a sampler proposes in all of SPACES, as text to be compared."""
    return "\n".join(
        f"{name}: {_as_text(rehearse(space).propose(sampler, 2))}" for name, space in SPACES.items()
    )


def _check_proposal(name: str, space: Space, proposal: Proposal) -> None:
    params = dict(proposal.params)
    checked = space.check(params)  # raises with what is wrong
    assert checked == params, f"{name}: values in standard form, got {params} for {checked}"
    assert isinstance(proposal.reason, str), f"{name}: a reason in words"
    assert proposal.reason, f"{name}: a reason in words"
    assert proposal.fill in ("prior", "first"), f"{name}: fill, got {proposal.fill!r}"
    json.dumps(dict(proposal.data), allow_nan=False)


def _as_text(proposals: list[Proposal]) -> str:
    def plain(p: Proposal) -> list[Any]:
        params = {name: to_json_value(value) for name, value in p.params.items()}
        return [params, p.reason, p.fill, p.parent, dict(p.data)]

    return json.dumps([plain(p) for p in proposals])
