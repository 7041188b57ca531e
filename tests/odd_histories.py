"""Spaces, objectives and ends of trials as odd as users' own, for tests of any history."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from luthier import Categorical, Constant, Float, Int, Permutation, Space
from luthier.core.objective import Objective
from luthier.core.trial import TrialState

SPACES = (
    Space(x=Float(0, 1)),
    Space(c=Categorical(["only"])),
    Space(k=Constant(3)),
    Space(),
    Space(p=Permutation(["a", "b", "c"]), n=Int(1, 2)),
    Space(
        kind=Categorical(["a", "b"]),
        depth=Int(1, 99, when={"kind": "a"}),
        lr=Float(1e-5, 1, scale="log", when={"kind": "b"}),
    ),
    Space(x=Float(0, 1), y=Float(0, 1)).require("x < y"),
)
OBJECTIVES = (
    Objective(),
    Objective.of(direction="maximize"),
    Objective.of(metrics={"loss": "minimize", "mb": "minimize"}, constraints=["mb <= 0.5"]),
    Objective.of(directions=["minimize", "maximize", "minimize"]),
    Objective.of(metrics={"a": "maximize"}, constraints=["b >= 2"]),
)
VALUES = st.one_of(
    st.sampled_from([0.0, 1.0, math.nan, math.inf, -math.inf, 1e308, -1e308, 1e-320]),
    st.floats(-1, 1),
)
ENDS = st.sampled_from(
    [TrialState.COMPLETE] * 6 + [TrialState.PRUNED] * 2 + [TrialState.FAILED, TrialState.RUNNING]
)
TRIALS = st.lists(st.tuples(ENDS, VALUES, st.integers(0, 6), st.integers(0, 3)), max_size=40)
