from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from luthier.numerics.mallows import draw_places, log_probabilities

ORDERS = np.array(list(permutations(range(4))))


@pytest.mark.parametrize("phi", [0.05, 0.5, 1.0])
def test_probabilities_add_up_and_fall_with_distance(phi: float) -> None:
    places = np.argsort(ORDERS, axis=1).astype(float)
    p = np.exp(log_probabilities(places, places[:1], np.array([phi])))[:, 0]
    distances = [sum(a > b for i, a in enumerate(o) for b in o[i:]) for o in ORDERS.tolist()]
    assert p.sum() == pytest.approx(1)
    np.testing.assert_allclose(p / p[0], np.power(phi, distances))


def test_draws_follow_the_probabilities() -> None:
    rng, centre = np.random.default_rng(0), np.array([2, 0, 3, 1])
    places = draw_places(np.tile(centre, (8000, 1)), np.full(8000, 0.6), rng)
    drawn = [tuple(order) for order in np.argsort(places, axis=1).tolist()]
    shares = [drawn.count(tuple(order)) / 8000 for order in ORDERS.tolist()]
    places, middle = np.argsort(ORDERS, axis=1), np.argsort(centre)[None]
    p = np.exp(log_probabilities(places.astype(float), middle.astype(float), np.array([0.6])))
    np.testing.assert_allclose(shares, p[:, 0], atol=0.015)
