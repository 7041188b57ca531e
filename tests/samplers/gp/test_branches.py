from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from luthier.samplers import GP
from luthier.samplers.gp.branches import Branches, branches_of
from luthier.space import AtLeast, Categorical, Float, Int, Space
from luthier.testing.rehearsal import Rehearsal

TREE = Space(
    root=Categorical(["l", "r"]),
    left=Categorical(["l", "r"], when={"root": "l"}),
    a=Float(0, 1, when={"left": "l"}),
    b=Float(0, 1, when={"left": "r"}),
    c=Float(0, 1, when={"root": "r"}),
)


def branches(n: int) -> Branches:
    return Branches(np.array([0]), np.arange(n, dtype=np.float64)[:, None])


def rival(of: list[int], y: list[float], n: int) -> int | None:
    return branches(n).rival(np.array(of, dtype=np.float64)[:, None], np.array(y))


def test_branches_are_the_combinations_that_occur() -> None:
    found = branches_of(TREE, TREE.checks)
    assert found is not None
    assert len(found) == 3  # left.l, left.r, right
    X = TREE.encoding.encode(
        [
            {"root": "l", "left": "l", "a": 0.1},
            {"root": "r", "c": 0.5},
            {"root": "l", "left": "r", "b": 0.5},
            {"root": "l", "left": "l", "a": 0.9},
        ]
    )
    of = found.of(X).tolist()
    assert of[0] == of[3]
    assert sorted({*of}) == [0, 1, 2]


def test_what_is_forbidden_is_no_branch() -> None:
    space = Space(
        loss=Categorical(["hinge", "squared"]),
        penalty=Categorical(["l1", "l2"]),
        ratio=Float(0, 1, when={"loss": "hinge", "penalty": "l2"}),
    ).forbid({"loss": "hinge", "penalty": "l1"})
    found = branches_of(space, space.checks)
    assert found is not None
    assert len(found) == 3


def test_a_branch_that_was_never_drawn_is_none_of_the_others() -> None:
    found = Branches(np.array([0]), np.array([[0.0], [2.0]]))
    assert found.of(np.array([[0.0], [1.0], [2.0], [np.nan]])).tolist() == [0, -1, 1, -1]
    assert found.rival(np.array([[0.0]] * 4 + [[1.0]]), np.array([1.0, 2.0, 2.0, 2.0, 0.5])) == 1


def test_numbers_and_many_choices_make_no_branches() -> None:
    layers = Space(layers=Int(1, 3), second=Float(0, 1, when={"layers": AtLeast(2)}))
    many = Categorical([f"k{i}" for i in range(100)])
    wide = Space(kind=many, x=Float(0, 1, when={"kind": "k0"}))
    plain = Space(kind=Categorical(["a", "b"]), x=Float(0, 1))
    assert [branches_of(space, space.checks) for space in (layers, wide, plain)] == [None] * 3


def test_who_was_never_seen_comes_first_then_who_is_near_the_best() -> None:
    of, y = [0] * 8 + [1, 2], [1.0, *[3.0] * 7, 1.2, 9.0]
    assert rival(of, y, 4) == 3
    assert rival([*of, 3], [*y, 8.0], 4) == 1


def test_a_rival_has_no_more_than_a_quarter_of_the_leaders_trials() -> None:
    y = [1.0, *[3.0] * 7]
    assert rival([0] * 8 + [1] * 2, [*y, 1.2, 5.0], 2) == 1
    assert rival([0] * 8 + [1] * 3, [*y, 1.2, 5.0, 5.0], 2) is None


def test_who_stays_far_behind_is_no_rival_any_more() -> None:
    y = [1.0] * 40
    assert rival([0] * 40 + [1] * 2, [*y, 5.0, 5.0], 2) == 1
    assert rival([0] * 40 + [1] * 3, [*y, 5.0, 5.0, 5.0], 2) is None
    assert rival([0] * 40 + [1] * 3, [*y, 2.0, 5.0, 5.0], 2) == 1  # has shown that it can do better


def test_crashes_count_as_trials_but_have_no_value() -> None:
    inf = float("inf")
    assert rival([0] * 40 + [1] * 3 + [2], [*[1.0] * 40, inf, inf, inf, 4.0], 3) == 2
    assert rival([0, 1], [inf, inf], 2) is None


@given(
    st.lists(st.tuples(st.integers(0, 4), st.floats(-1e6, 1e6)), min_size=1, max_size=60),
    st.floats(1e-3, 1e3),
    st.floats(-1e3, 1e3),
)
def test_the_leader_is_never_its_own_rival(
    trials: list[tuple[int, float]], scale: float, shift: float
) -> None:
    of, y = [k for k, _ in trials], [v for _, v in trials]
    found = rival(of, y, 5)
    unseen = {*range(5)} - {*of}
    assert (found in unseen) == bool(unseen)
    if found is not None and not unseen:
        leader = min(k for k, v in trials if v == min(y))
        assert found != leader
        assert of.count(found) <= of.count(leader) / 4


def test_every_fourth_trial_is_a_rivals_while_there_is_one() -> None:
    play = Rehearsal(TREE, seed=1)

    def objective(p: dict[str, Any]) -> float:
        if "a" in p:
            return float((p["a"] - 0.3) ** 2)
        return 0.2 + float((p["b"] - 0.3) ** 2) if "b" in p else 0.1 + float(p["c"])

    play.optimise(GP(), objective, 30)
    for trial in play.history.completed:
        if "in a rival branch" in trial.origin.reason:
            assert trial.number % 4 == 2
    numbers = [t.number for t in play.history.completed if "rival" in t.origin.reason]
    assert len(numbers) >= 3


def test_a_branch_that_is_used_up_gives_way() -> None:
    space = Space(
        kind=Categorical(["a", "b"]),
        x=Float(0, 1, when={"kind": "a"}),
        k=Int(1, 2, when={"kind": "b"}),
    )
    play = Rehearsal(space, seed=0)
    values = play.optimise(
        GP(), lambda p: p["x"] if "x" in p else 0.01 * p["k"], 40
    )  # b holds no more than two configurations
    assert len(values) == 40
    kinds = [trial.params["kind"] for trial in play.history.completed]
    assert kinds.count("b") == 2
