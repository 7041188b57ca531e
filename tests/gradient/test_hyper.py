"""Transforms and bounds of hyperparameters."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from luthier.errors import ArgumentError
from luthier.gradient import Hyper

HYPERS = [
    Hyper(0.1),
    Hyper(0.1, transform="softplus"),
    Hyper(0.3, transform="sigmoid"),
    Hyper(0.3, transform="sigmoid", bounds=(-1.0, 2.0)),
    Hyper(-0.3, transform="identity"),
]


@pytest.mark.parametrize("hyper", HYPERS, ids=repr)
@given(free=st.floats(-8, 8))
def test_free_numbers_and_values_are_inverse(hyper: Hyper, free: float) -> None:
    u = torch.tensor(free, dtype=torch.float64)
    assert float(hyper.free(hyper.value(u))) == pytest.approx(free, abs=1e-6)


@pytest.mark.parametrize("hyper", HYPERS, ids=repr)
@given(free=st.floats(-8, 8))
def test_slopes_are_derivatives(hyper: Hyper, free: float) -> None:
    u = torch.tensor(free, dtype=torch.float64, requires_grad=True)
    hyper.value(u).backward()  # type: ignore[no-untyped-call]
    assert u.grad is not None
    assert float(hyper.slope(u.detach())) == pytest.approx(float(u.grad), rel=1e-9)


@given(free=st.floats(-50, 50))
def test_bounds_hold(free: float) -> None:
    for hyper in (
        Hyper(0.5, bounds=(0.1, 2.0)),
        Hyper(0.5, transform="softplus", bounds=(0.1, 2.0)),
        Hyper(0.5, transform="sigmoid", bounds=(0.1, 2.0)),
        Hyper(0.5, transform="identity", bounds=(0.1, 2.0)),
    ):
        value = float(hyper.value(hyper.within(torch.tensor(free, dtype=torch.float64))))
        assert 0.1 - 1e-12 <= value <= 2.0 + 1e-12


def test_a_tensor_brings_its_shape() -> None:
    hyper = Hyper(torch.tensor([0.1, 0.2]))
    assert hyper.shape == (2,)
    assert hyper.start(torch.float64).tolist() == pytest.approx([0.1, 0.2])


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"init": 1.0, "transform": "square"}, "transform must be one of log"),
        ({"init": 0.0}, r"init must lie within its bounds \(0, inf\) under 'log', got 0"),
        ({"init": 1.0, "transform": "sigmoid"}, r"bounds \(0, 1\) under 'sigmoid', got 1"),
        ({"init": 3.0, "bounds": (0.1, 2.0)}, r"bounds \(0.1, 2\) under 'log', got 3"),
        ({"init": 1.0, "bounds": (2.0, 0.1)}, r"bounds must be \(low, high\)"),
        ({"init": 1.0, "bounds": (-1.0, 2.0)}, "under 'log' values are positive"),
        ({"init": float("nan"), "transform": "identity"}, "got nan"),
    ],
)
def test_wrong_starts_are_refused(settings: dict[str, Any], what: str) -> None:
    with pytest.raises(ArgumentError, match=what):
        Hyper(**settings)
