"""What to narrow, to widen and to fix, where the answer is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from luthier import Categorical, Float, Space
from luthier.core.objective import Objective
from luthier.report import Finding, tell
from luthier.samplers import Random
from luthier.testing.rehearsal import Rehearsal

SPACE = Space(
    a=Float(0, 1), lr=Float(1e-5, 1, scale="log"), idle=Float(0, 1), c=Categorical(list("pqr"))
)


def topics(value: Callable[[Mapping[str, Any]], float], n: int = 300) -> dict[str, Finding]:
    play = Rehearsal(SPACE)
    play.optimise(Random(), value, n)
    return {found.topic: found for found in tell(play.history, "known").findings}


def test_a_winner_at_an_edge_asks_for_a_wider_range() -> None:
    found = topics(lambda p: -p["a"] + 0.1 * (p["c"] == "p"))
    widen = found["widen"].numbers
    assert set(widen) == {"a"}
    assert widen["a"]["side"] == "high"
    assert "a above 1" in found["widen"].advice
    assert "a" not in found["narrow"].numbers if "narrow" in found else True


def test_good_trials_in_a_part_ask_for_a_smaller_range() -> None:
    found = topics(lambda p: abs(np.log10(p["lr"]) + 2.5) + 2 * (p["c"] != "q"))
    assert "widen" not in found
    narrow = found["narrow"].numbers
    assert set(narrow) == {"lr", "c"}
    assert narrow["lr"]["share"] <= 0.5
    assert narrow["c"]["range"] == "only q"
    assert "study.narrow()" in found["narrow"].advice


def test_what_makes_no_difference_is_to_be_fixed() -> None:
    found = topics(lambda p: (p["a"] - 0.5) ** 2 + 0.05 * abs(np.log10(p["lr"]) + 2.5))
    assert "idle" in found["fix"].numbers["parameters"]
    assert {"a", "lr"}.isdisjoint(found["fix"].numbers["parameters"])


def test_noise_asks_for_nothing() -> None:
    rng = np.random.default_rng(0)
    found = topics(lambda p: float(rng.normal()))
    assert {"widen", "narrow", "fix"}.isdisjoint(found)
    assert found["importance"].strength == "unsure"
    assert "Read nothing" in found["importance"].text
    assert "mostly noise" in found["random"].advice


def test_a_front_of_a_thousand_has_ranges() -> None:
    play = Rehearsal(SPACE, objective=Objective.of(directions=["minimize", "minimize"]))
    for k in range(1_200):
        x = k / 1_200
        trial = play.add({"a": 0.95 + x / 20, "lr": 0.1, "idle": x, "c": "p"})
        play.end(trial, metrics={"value_0": x, "value_1": -x})
    found = {finding.topic: finding for finding in tell(play.history, "long").findings}
    assert found["winner"].numbers["size"] == 1_200
    assert found["widen"].numbers["a"]["near"] == 1_200
    assert "study.narrow" not in "".join(f.advice for f in found.values())  # it refuses fronts


def test_a_front_in_a_part_is_not_narrowed_by_what_refuses_it() -> None:
    play = Rehearsal(SPACE, objective=Objective.of(directions=["minimize", "minimize"]))
    rng = np.random.default_rng(0)
    for u in rng.random((200, 2)).tolist():
        trial = play.add({"a": u[0], "lr": 0.1, "idle": u[1], "c": "p"})
        off = max(abs(u[0] - 0.5), 0.1)
        play.end(trial, metrics={"value_0": off + u[1] / 9, "value_1": off - u[1] / 9})
    found = {finding.topic: finding for finding in tell(play.history, "part").findings}
    assert "a" in found["narrow"].numbers
    assert "declare a smaller space" in found["narrow"].advice
