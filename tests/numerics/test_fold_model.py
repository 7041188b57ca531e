"""The model of candidates and folds, beside conditioning a normal distribution by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.numerics.fold_model import Variances, choose, standing, variances

SEEN = [[1, 1, 1], [1, 0, 0], [0, 1, 1], [0, 0, 0]]


def brute_force(Y: np.ndarray, v: Variances) -> tuple[np.ndarray, np.ndarray]:
    """Means over all folds and their covariance, from the joint normal of all scores.

    A prior variance of mu of 1e6 stands for a flat one.
    """
    n, k = Y.shape
    who, fold = np.divmod(np.arange(n * k), k)
    cov = (
        1e6
        + v.candidates * (who[:, None] == who)
        + v.folds * (fold[:, None] == fold)
        + v.noise * np.eye(n * k)
    )
    y = Y.ravel()
    seen = ~np.isnan(y)
    gain = cov[:, seen] @ np.linalg.inv(cov[np.ix_(seen, seen)])
    mean, after = gain @ y[seen], cov - gain @ cov[seen]
    over = np.kron(np.eye(n), np.full(k, 1 / k))
    return over @ mean, over @ after @ over.T


def test_standing_is_the_conditional_distribution() -> None:
    rng = np.random.default_rng(0)
    Y = np.where(np.array(SEEN) == 1, rng.normal(size=(4, 3)), np.nan)
    given_ = Variances(candidates=0.5, folds=0.3, noise=0.2)
    found = standing(Y, given_)
    mean, cov = brute_force(Y, given_)
    assert found.mean == pytest.approx(mean, abs=1e-3)
    own = np.diag(found.own) + found.loadings @ found.folds @ found.loadings.T
    assert own == pytest.approx(cov, abs=1e-3)
    apart = np.diag(cov) + cov[1, 1] - 2 * cov[1]
    assert found.spread(1) == pytest.approx(np.sqrt(np.maximum(apart, 0)), abs=1e-3)


def test_a_complete_candidate_is_known() -> None:
    Y = np.array([[1.0, 2.0], [3.0, np.nan]])
    found = standing(Y, Variances(1.0, 1.0, 1.0))
    assert found.mean[0] == pytest.approx(1.5)
    assert found.own[0] == 0
    assert found.loadings[0] == pytest.approx([0, 0])


def test_variances_of_a_complete_table_are_those_of_its_analysis() -> None:
    """Of a complete table restricted maximum likelihood is the analysis of variance.

    With mean squares of rows, columns and the rest MR, MC and ME, the estimates are (MR - ME) / k,
    (MC - ME) / n and ME, as long as none is negative.
    """
    rng = np.random.default_rng(3)
    n, k = 40, 20
    Y = rng.normal(size=(n, 1)) * 2 + rng.normal(size=(1, k)) + rng.normal(size=(n, k)) / 2
    rows, columns = Y.mean(axis=1) - Y.mean(), Y.mean(axis=0) - Y.mean()
    rest = Y - Y.mean() - rows[:, None] - columns
    error = (rest**2).sum() / ((n - 1) * (k - 1))
    found = variances(Y)
    assert found.noise == pytest.approx(error, rel=0.01)
    assert found.candidates == pytest.approx((rows**2).sum() / (n - 1) - error / k, rel=0.05)
    assert found.folds == pytest.approx((columns**2).sum() / (k - 1) - error / n, rel=0.05)


def test_an_unrun_fold_helps_nobody_that_met_an_easy_one() -> None:
    """All were better on fold 0; who was run there alone isn't ahead for that."""
    Y = np.array([[0.1, 0.5, 0.5], [0.1, 0.5, 0.5], [0.1, np.nan, np.nan], [np.nan, 0.4, np.nan]])
    mean = standing(Y, Variances(0.01, 0.1, 0.001)).mean
    assert mean[3] < mean[0]
    assert mean[2] == pytest.approx(mean[0], abs=0.02)


def test_the_next_fold_goes_to_the_less_known_of_the_first_two() -> None:
    Y = np.full((3, 4), np.nan)
    Y[0], Y[1, :2], Y[2, 0] = [0.20, 0.30, 0.25, 0.25], [0.21, 0.30], 0.9
    assert choose(Y, np.array([False, True, True])) == (1, True)
    assert choose(Y, np.array([False, False, True])) == (0, False)


@given(
    st.integers(1, 12),
    st.integers(2, 6),
    st.integers(0, 2**31),
    st.sampled_from([0.0, 1e-300, 1e-3, 1e6]),
)
def test_it_chooses_among_any_scores(n: int, k: int, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    Y = rng.normal(size=(n, k)).round(1) * scale
    Y[rng.uniform(size=Y.shape) < 0.6] = np.nan
    Y[np.isnan(Y).all(axis=1), 0] = 0.0
    free = rng.uniform(size=n) < 0.7
    row, worth = choose(Y, free)
    assert 0 <= row < n
    if worth:
        assert free[row]
        assert np.isnan(Y[row]).any()


def test_who_is_beaten_for_certain_neither_leads_nor_challenges() -> None:
    Y = np.array([[0.0, 0.4, 0.0], [np.nan, 0.4, np.nan], [np.nan, 0.3, np.nan]])
    free = np.array([False, True, True])
    assert choose(Y[:2], free[:2], least=0.0) == (0, False)
    assert choose(Y[:2], free[:2])[0] == 1
    assert choose(Y, free, least=0.0) == (2, True)
    assert choose(Y, free, least=0.1) == choose(Y, free)  # which isn't the least
