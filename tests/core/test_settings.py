from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from luthier.errors import ArgumentError
from luthier.samplers import GP, TPE, Forest


@pytest.mark.parametrize(
    ("kind", "name", "value", "rule"),
    [
        (TPE, "gamma", "x", "a number above 0 and below 1"),
        (TPE, "gamma", 1.0, "a number above 0 and below 1"),
        (TPE, "n_candidates", 2.5, "a whole number of at least 1"),
        (TPE, "n_startup", float("inf"), "a whole number of at least 0"),
        (TPE, "prior_weight", 0, "a number above 0"),
        (TPE, "multivariate", "no", "True or False"),
        (Forest, "n_trees", None, "a whole number of at least 1"),
        (Forest, "n_trees", True, "a whole number of at least 1"),
        (Forest, "explore", 1.0, "a number of at least 0 and below 1"),
        (Forest, "explore", float("nan"), "a number of at least 0 and below 1"),
        (GP, "trust_region", "no", "True or False"),
        (GP, "cost_weight", 7, "a number of at least 0 and at most 1"),
        (GP, "kappa", float("inf"), "a number of at least 0"),
        (GP, "acquisition", "best", "one of 'logei', 'ei', 'ucb', 'pi', 'thompson'"),
        (GP, "warp", None, "one of 'yeo-johnson', 'half-rank', 'none'"),
        (GP, "prior_weight", -0.5, "a number of at least 0"),
        (GP, "repeat_every", 0.5, "a whole number of at least 0"),
        (TPE, "most_good", 0, "a whole number of at least 1"),
        (TPE, "n_startup", -1, "a whole number of at least 0"),
        (Forest, "min_leaf", 0, "a whole number of at least 1"),
        (Forest, "acquisition", "thompson", "one of 'logei', 'ei', 'ucb', 'pi'"),
        (Forest, "kappa", -1, "a number of at least 0"),
        (Forest, "n_startup", 0, "a whole number of at least 1"),
        (GP, "kernel", "cubic", "one of 'matern52', 'matern32', 'rbf'"),
        (GP, "kernel", ["rbf"], "one of 'matern52', 'matern32', 'rbf'"),
    ],
)
def test_a_bad_setting_is_named_with_its_rule(kind: Any, name: str, value: Any, rule: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        kind(**{name: value})
    assert str(caught.value) == f"{kind.__name__}: {name} must be {rule}, got {value!r}."


def test_numbers_of_numpy_become_plain_ones() -> None:
    sampler = GP(n_startup=np.int64(4), kappa=np.float32(2))  # type: ignore[arg-type]
    assert type(sampler.spec["n_startup"]) is int
    assert type(sampler.spec["kappa"]) is float
