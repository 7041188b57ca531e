from __future__ import annotations

import numpy as np
import pytest

from luthier.numerics.gp import fit
from luthier.samplers.gp.belief import belief_of
from luthier.samplers.gp.terms import Believed, Cost, Success, Term
from luthier.space import Float, Normal, Space

RNG = np.random.default_rng(0)
X = RNG.random((20, 2))
MODEL = fit(X, np.sin(5 * X[:, 0]) - X[:, 1])
BELIEF = belief_of(Space(x=Float(0, 1, prior=Normal(0.3, 0.2)), y=Float(0, 1)))
TERMS = (Success(MODEL), Cost(MODEL, 0.7), Believed(BELIEF, 2.5))


@pytest.mark.parametrize("term", TERMS)
def test_gradients_are_those_of_finite_differences(term: Term) -> None:
    at, step = RNG.random((5, 2)), 1e-7
    value, gradient = term.slope(at)
    assert np.allclose(value, term.value(at))
    for j, e in enumerate(step * np.eye(2)):
        numeric = (term.value(at + e) - term.value(at - e)) / (2 * step)
        assert np.allclose(gradient[:, j], numeric, rtol=1e-3, atol=1e-4)


def test_cost_is_taken_off_by_its_share() -> None:
    at = RNG.random((3, 2))
    assert np.allclose(TERMS[1].value(at), -0.7 * MODEL.mean(at))


def test_success_is_surer_where_more_is_known() -> None:
    model = fit(X[:4], [1.0, -1.0, 0.5, -0.5])
    for at in RNG.random((5, 1, 2)):
        term = Success(model)
        waiting = term.awaiting(np.repeat(at, 5, axis=0))
        surer = bool(waiting.value(at)[0] > term.value(at)[0])
        assert surer == (model.mean(at)[0] < 0)
    assert TERMS[2].awaiting(at) is TERMS[2]
