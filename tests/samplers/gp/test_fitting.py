from __future__ import annotations

import numpy as np
import pytest

from luthier.numerics.gp import GaussianProcess
from luthier.samplers.gp import fitting
from luthier.samplers.gp.fitting import Data, model_of


def data(n: int, d: int = 2, **settings: object) -> Data:
    X = np.random.default_rng(0).random((n, d))
    y = np.square(np.log10(X[:, 0] + 1e-4) + 2) + X[:, -1]
    return Data(X, y, (0,) * d, **settings)  # type: ignore[arg-type]


def model(found: Data, n: int | None = None) -> GaussianProcess:
    m = len(found)
    return model_of(found, np.zeros(m), np.ones(m, dtype=bool), n or m)[0]


@pytest.mark.parametrize("n", [1, 5, 16, 37, 70])
def test_growing_and_starting_anew_give_the_same(n: int) -> None:
    for k in range(1, n + 1):
        grown = model(data(n).first(k))
    fitting._settled.cache_clear()
    fitting._hyperparameters.cache_clear()
    at = np.random.default_rng(1).random((7, 2))
    assert np.array_equal(grown.predict(at), model(data(n)).predict(at))


def test_outcomes_become_margins_of_the_trials_seen_so_far() -> None:
    X, ok = np.array([[0.0], [0.25], [1.0], [0.75]]), np.array([True, True, False, False])
    found = Data.of_outcomes(X, ok, (0,))
    assert found.y.tolist() == [-0.75, -0.5, 0.75, 0.5]
    assert found.first(3).y.tolist() == [-1.0, -0.75, 0.75]
    assert found.first(2).y.tolist() == [-1.0, -1.0]
    assert found.first(3) == Data.of_outcomes(X[:3], ok[:3], (0,))


def test_trials_since_the_last_fit_are_seen() -> None:
    found = model(data(70))  # fitted to 68
    assert len(found.y) == 70
    assert np.allclose(found.predict(data(70).X[-2:])[0], found.smoothed[-2:])


def test_of_thousands_some_hundreds_are_seen_the_best_among_them() -> None:
    found = data(900)
    fitted, seen = model_of(found, np.zeros(900), np.ones(900, dtype=bool), 900)
    assert len(fitted.y) == len(seen) < 640
    assert np.argmin(found.y) in seen


def test_inputs_are_warped_only_where_that_explains_much_more() -> None:
    assert model(data(48, bends=True)).hyper.bend is not None
    assert model(data(48)).hyper.bend is None
    X = np.random.default_rng(0).random((48, 2))
    smooth = Data(X, np.sin(6 * X[:, 0]) + X[:, 1], (0, 0), bends=True)
    assert model(smooth).hyper.bend is None


def test_warps_are_left_out_where_noise_would_fill_the_room_they_make() -> None:
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.random((10, 3)), 0.5 + 0.02 * rng.standard_normal((50, 3))])
    noisy = np.square(X - 0.5).sum(axis=1) + 0.03 * rng.standard_normal(60)
    assert fitting._is_blurred(Data(X, noisy, (0, 0, 0), warp="yeo-johnson"))
    assert not fitting._is_blurred(data(60, warp="yeo-johnson"))
    found, plain = (model(Data(X, noisy, (0, 0, 0), warp=w)) for w in ("yeo-johnson", "none"))
    assert np.array_equal(found.predict(X), plain.predict(X))


def test_known_noise_is_smoothed_away() -> None:
    found = data(20)
    noise = np.full(20, 100.0)
    noisy = model_of(found, noise, np.ones(20, dtype=bool), 20)[0]
    assert np.ptp(noisy.smoothed) < 0.5 * np.ptp(model(found).smoothed)
