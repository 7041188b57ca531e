"""PED-ANOVA of one parameter: how unlike the values of the best trials are to those of all.

    name      meaning                                               shape
    G         number of cells: values of a parameter, or parts of its range
    n         how many trials have a value in each cell             (..., G)
    p, q      densities of the best trials and of the region        (..., G)

    D(p || q) = sum_g q_g (p_g / q_g - 1)^2        Pearson's divergence

The variance of the share of best trials along a parameter is proportional to it (Watanabe, Bansal,
Hutter 2023, theorem 1), so it is an importance for getting among the best, and needs no model.

Densities are mixtures of discrete normal kernels on the cells, with the width of Scott's rule, and
of one observation of the prior. They are linear in the counts: resampled trials cost a product of
matrices.

References:
    Watanabe, Bansal, Hutter, PED-ANOVA, IJCAI 2023, arXiv:2304.10255.
    Scott, Multivariate Density Estimation (1992), section 6.3: 1.059 min(s, IQR / 1.34) n^(-1/5).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["choice_kernels", "densities", "number_kernels", "pearson_divergence"]

Array = NDArray[np.float64]
_LEAST_WIDTH: Final = 0.5 / 1.645  # of a cell: nine tenths of a kernel lie inside its own
_LEAST: Final = 1e-12


def number_kernels(counts: Array) -> Array:
    """Return the kernel of an observation in each cell, and of the prior, by cell.

    Args:
        counts: Trials with a value in each cell, some, shape (G,): they give the width.

    Returns:
        Shape (G + 1, G), the prior's last; rows add up to 1.
    """
    from scipy.special import ndtr

    G, n = len(counts), counts.sum()
    cells = np.arange(G, dtype=np.float64)
    mean = counts @ cells / n
    std = np.sqrt(counts @ (cells - mean) ** 2 / max(n - 1, 1))
    first, third = np.searchsorted(np.cumsum(counts), [n / 4, 3 * n / 4])
    width = max(1.059 * min(std, (third - first) / 1.34) * n**-0.2, _LEAST_WIDTH)
    centres = np.append(cells, (G - 1) / 2)
    widths = np.append(np.full(G, width), float(G))
    edges = np.arange(G + 1) - 0.5
    cdf = ndtr((edges - centres[:, None]) / widths[:, None])
    mass = np.diff(cdf, axis=1)
    kernels: Array = mass / mass.sum(axis=1, keepdims=True)
    return kernels


def choice_kernels(size: int, blur: float = 0.0) -> Array:
    """Return the kernel of an observation of each choice, and of the prior, by choice.

    Args:
        size: Number of choices, K.
        blur: The share of an observation that says nothing, from 0 to 1. Optuna 5's is
            K / (2 K + 1), however many observations there are; 0 tells how often each was seen.

    Returns:
        Shape (K + 1, K), the prior's last; rows add up to 1.
    """
    even = np.full((size + 1, size), 1 / size)
    even[:size] *= blur
    even[:size] += (1 - blur) * np.eye(size)
    return even


def densities(counts: Array, kernels: Array) -> Array:
    """Return densities by cell.

    Args:
        counts: Shape (..., G).
        kernels: Shape (G + 1, G).

    Returns:
        Shape (..., G), each at least 1e-12.
    """
    total = counts.sum(axis=-1, keepdims=True)
    p: Array = (counts @ kernels[:-1] + kernels[-1]) / (total + 1)
    return p + _LEAST


def pearson_divergence(p: Array, q: Array) -> Array:
    """Return D(p || q) of densities by cell, shape (...).

    Example:
        >>> float(pearson_divergence(np.array([0.75, 0.25]), np.array([0.5, 0.5])))
        0.25
    """
    divergence: Array = (q * (p / q - 1) ** 2).sum(axis=-1)
    return divergence
