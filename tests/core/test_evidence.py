from __future__ import annotations

import numpy as np

from luthier.core.evidence import best_and_others, evidence_of
from luthier.core.trial import TrialState
from luthier.space import Float, Space
from luthier.testing.rehearsal import Rehearsal


def test_of_many_trials_the_best_the_latest_and_some_others_are_evidence() -> None:
    rng = np.random.default_rng(0)
    play, values = Rehearsal(Space(x=Float(0, 1))), rng.random(9300)
    for value in values:
        play.end(play.add({"x": value}), value=value)
    for _ in range(3000):
        play.end(play.add({"x": 0.5}), TrialState.FAILED)
    found = evidence_of(play.history, np.zeros(9300, dtype=bool), rng)
    assert found.n_completed == len(found.X) == len(found.y) == 4096 + 9300 - 8 * 1024
    assert np.isin(np.sort(values)[:2000], found.y).all()
    assert np.array_equal(found.y[-1000:], values[-1000:])
    assert np.allclose(found.X[:, 0], found.y)
    assert 0.4 < np.median(found.y[:4096][found.y[:4096] > np.sort(values)[2500]]) < 0.8
    assert len(found.outcomes) == len(found.succeeded) <= 2048
    assert not found.succeeded.any()
    play.end(play.add({"x": 0.7}), value=0.7)
    more = evidence_of(play.history, np.zeros(9301, dtype=bool), rng)
    assert np.array_equal(more.y[:-1], found.y)


def test_the_best_and_others_are_different_places() -> None:
    order = np.random.default_rng(0).permutation(1000)
    kept = best_and_others(order, 250)
    assert len(set(kept.tolist())) == 250
    assert np.array_equal(kept[:100], order[:100])
    assert np.diff(kept[100:]).max() < 10
