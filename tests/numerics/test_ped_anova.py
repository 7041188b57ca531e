"""Densities on cells and their divergence, against loops over kernels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from luthier.numerics.ped_anova import (
    choice_kernels,
    densities,
    number_kernels,
    pearson_divergence,
)


def twin(counts: list[int]) -> list[float]:
    """A kernel for each observation and one for the prior, each written out."""
    cells = [g for g, count in enumerate(counts) for _ in range(count)]
    n, G = len(cells), len(counts)
    std = math.sqrt(sum((c - sum(cells) / n) ** 2 for c in cells) / max(n - 1, 1))
    first = next(c for k, c in enumerate(cells, 1) if k >= n / 4)
    third = next(c for k, c in enumerate(cells, 1) if k >= 3 * n / 4)
    width = max(1.059 * min(std, (third - first) / 1.34) * n**-0.2, 0.5 / 1.645)
    kernels = [(c, width) for c in cells] + [((G - 1) / 2, float(G))]
    density = []
    for g in range(G):
        masses = []
        for centre, spread in kernels:
            normal = norm(centre, spread)
            inside = normal.cdf(G - 0.5) - normal.cdf(-0.5)
            masses.append((normal.cdf(g + 0.5) - normal.cdf(g - 0.5)) / inside)
        density.append(sum(masses) / (n + 1))
    return density


@given(st.lists(st.integers(0, 5), min_size=2, max_size=12).filter(any))
def test_densities_are_mixtures_of_kernels(counts: list[int]) -> None:
    array = np.array(counts, dtype=float)
    found = densities(array, number_kernels(array))
    np.testing.assert_allclose(found, twin(counts), atol=1e-9)
    assert found.sum() == pytest.approx(1)


def test_choices_are_as_frequent_as_they_were_seen_but_for_the_prior() -> None:
    found = densities(np.array([7.0, 1.0, 0.0]), choice_kernels(3))
    np.testing.assert_allclose(found, [(7 + 1 / 3) / 9, (1 + 1 / 3) / 9, 1 / 27])


def test_blurred_choices_are_optunas() -> None:
    """Rows of prior_weight / kernels + 1 on the choice, normalised; kernels = choices + prior."""
    for K in (2, 3, 7):
        rows = np.full((K, K), 1 / (K + 1)) + np.eye(K)
        rows /= rows.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(choice_kernels(K, K / (2 * K + 1))[:K], rows)


def test_divergence_is_its_definition_and_0_between_equals() -> None:
    p, q = np.array([[0.2, 0.8], [0.5, 0.5]]), np.array([0.5, 0.5])
    np.testing.assert_allclose(pearson_divergence(p, q), [0.5 * 0.36 + 0.5 * 0.36, 0])
