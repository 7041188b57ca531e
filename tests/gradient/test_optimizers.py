"""Optimisers that adapt their own settings."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn.functional import cross_entropy

from luthier.errors import ArgumentError
from luthier.gradient import HyperAdam, HyperSGD


def quadratic(scale: float = 1.0) -> tuple[Tensor, Any]:
    w = torch.full((4,), 3.0, dtype=torch.float64, requires_grad=True)
    bends = torch.tensor([1.0, 2.0, 5.0, 10.0], dtype=torch.float64)
    return w, lambda: scale * (bends * w**2).sum()


def run(optimizer: Any, loss: Any, steps: int) -> float:
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    return float(loss().detach())


def test_without_learning_they_are_torchs_own() -> None:
    for ours, theirs in (
        (
            lambda w: HyperAdam([w], lr=0.1, weight_decay=0.01, learn=()),
            lambda w: torch.optim.AdamW([w], lr=0.1, weight_decay=0.01),
        ),
        (
            lambda w: HyperSGD([w], lr=0.01, momentum=0.9, learn=()),
            lambda w: torch.optim.SGD([w], lr=0.01, momentum=0.9),
        ),
    ):
        w, loss = quadratic()
        v, same = quadratic()
        run(ours(w), loss, 30)
        run(theirs(v), same, 30)
        torch.testing.assert_close(w, v, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("lr", [1e-5, 1e-3, 1e-1])
def test_learning_rates_that_are_wrong_recover(lr: float) -> None:
    w, loss = quadratic()
    assert run(HyperAdam([w], lr=lr), loss, 400) < 1e-2
    v, same = quadratic()
    assert run(HyperSGD([v], lr=lr, max_lr=0.09), same, 400) < 1e-2


def test_the_rule_worked_by_hand() -> None:
    """Two steps of SGD on w^2 / 2 from w = 1: the gradients agree, so lr grows by rate."""
    w = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
    optimizer = HyperSGD([w], lr=0.1, rate=0.05)
    run(optimizer, lambda: (w**2).sum() / 2, 1)
    assert optimizer.learnt()[0]["lr"] == 0.1
    run(optimizer, lambda: (w**2).sum() / 2, 1)
    assert optimizer.learnt()[0]["lr"] == pytest.approx(0.105)
    assert float(w.detach()) == pytest.approx(0.9 - 0.105 * 0.9)


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(1e-6, 1e6), lr=st.floats(1e-6, 1.0))
def test_what_adam_learns_does_not_depend_on_the_scale_of_the_loss(scale: float, lr: float) -> None:
    found = []
    for factor in (1.0, scale):
        w, loss = quadratic(factor)
        optimizer = HyperAdam([w], lr=lr, eps=0.0)
        run(optimizer, loss, 20)
        found.append(optimizer.learnt()[0]["lr"])
    assert found[1] == pytest.approx(found[0], rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), rate=st.floats(0.01, 0.9))
def test_nothing_ever_turns_negative(seed: int, rate: float) -> None:
    torch.manual_seed(seed)
    w = torch.zeros(3, requires_grad=True)
    names: Any = ("lr", "weight_decay", "momentum")
    for optimizer in (
        HyperAdam([w], lr=0.1, weight_decay=0.1, learn=names, rate=rate),
        HyperSGD([w], lr=0.1, momentum=0.5, weight_decay=0.1, learn=names, rate=rate),
    ):
        for _ in range(30):
            w.grad = torch.randn(3)
            optimizer.step()
        learnt = optimizer.learnt()[0]
        assert 0 < learnt["lr"] <= 10
        assert learnt["weight_decay"] > 0
        assert 0 <= learnt["momentum"] < 1


@pytest.mark.parametrize("make", [HyperAdam, HyperSGD])
@pytest.mark.parametrize(("wanted", "rises"), [(0.0, True), (4.0, False)])
def test_weight_decay_follows_other_data(make: Any, wanted: float, rises: bool) -> None:
    """Training holds w at 2; where the validation loss wants 0, decay rises, where 4, it falls."""
    w = torch.full((3,), 2.0, requires_grad=True)
    optimizer = make([w], lr=0.01, weight_decay=0.01, learn=("weight_decay",))

    def validation() -> Tensor:
        return ((w - wanted) ** 2).sum()

    for _ in range(50):
        optimizer.zero_grad()
        ((w - 2) ** 2).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step(validation=validation)
    decay = optimizer.learnt()[0]["weight_decay"]
    assert decay > 0.05 if rises else 0 < decay < 0.002
    assert optimizer.learnt()[0]["lr"] == 0.01


ADAM = lambda w: HyperAdam([w], lr=1e-3, betas=(0.5, 0.999), learn=("momentum",))  # noqa: E731
SGD = lambda w: HyperSGD([w], lr=1e-3, momentum=0.5, learn=("momentum",))  # noqa: E731


@pytest.mark.parametrize(
    ("make", "gradient", "rises"),
    [
        (SGD, lambda k: 1.0, True),  # the last direction is right again
        (SGD, lambda k: (1.0, 1.0, -1.0, -1.0)[k % 4], False),  # two steps later it is wrong
        (ADAM, lambda k: (-1.0) ** k, True),  # alternating noise is better averaged
        (ADAM, lambda k: 1.1**k, False),  # the mean lags behind what grows
    ],
    ids=["sgd, constant", "sgd, turning", "adam, noise", "adam, growing"],
)
def test_momentum_moves_to_where_it_would_have_helped(
    make: Any, gradient: Any, rises: bool
) -> None:
    w = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = make(w)
    for k in range(40):
        w.grad = torch.full((1,), gradient(k), dtype=torch.float64)
        optimizer.step()
    momentum = optimizer.learnt()[0]["momentum"]
    assert momentum > 0.7 if rises else 0 <= momentum < 0.3


@pytest.mark.parametrize("make", [HyperAdam, HyperSGD])
def test_they_go_on_from_their_state(make: Any) -> None:
    settings: dict[str, Any] = {"lr": 1e-3, "weight_decay": 1e-2}
    settings |= {"momentum": 0.5} if make is HyperSGD else {"betas": (0.5, 0.999)}

    def parts() -> Any:
        torch.manual_seed(0)
        module = torch.nn.Linear(3, 1)
        learn = ("lr", "weight_decay", "momentum")
        return module, make(module.parameters(), learn=learn, **settings)

    X, y = torch.randn(20, 3), torch.randn(20)

    def steps(module: Any, optimizer: Any, n: int) -> None:
        run(optimizer, lambda: (module(X)[:, 0] - y).square().mean(), n)

    whole, optimizer = parts()
    steps(whole, optimizer, 20)
    first, half = parts()
    steps(first, half, 10)
    second, other = parts()
    second.load_state_dict(first.state_dict())
    other.load_state_dict(half.state_dict())
    steps(second, other, 10)
    torch.testing.assert_close(second.weight, whole.weight, rtol=0, atol=0)
    assert other.learnt() == optimizer.learnt()
    learnt = optimizer.learnt()[0]
    started = {"lr": 1e-3, "weight_decay": 1e-2, "momentum": 0.5}
    assert all(learnt[name] != started[name] for name in started)


def test_groups_learn_apart_and_schedulers_multiply() -> None:
    a, b = (torch.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = HyperSGD([{"params": [a]}, {"params": [b], "lr": 0.5}], lr=0.01)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (a**2 - 3 * b).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        scheduler.step()
    first, second = optimizer.learnt()
    gain = optimizer.param_groups[0]["gain"]
    assert first["lr"] == pytest.approx(0.01 * 0.1 * gain)
    assert gain > 1
    assert second["lr"] == pytest.approx(0.5 * 0.1 * 1.05**2)


def test_closures_are_called_as_in_torch() -> None:
    w, loss = quadratic()
    optimizer = HyperAdam([w], lr=0.1)

    def closure() -> Tensor:
        optimizer.zero_grad()
        value: Tensor = loss()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    said = optimizer.step(closure)
    assert said is not None
    assert float(said.detach()) > float(loss().detach())


@pytest.mark.parametrize("lr", [1e-5, 1e-3, 1e-1])
def test_digits_are_learnt_from_any_learning_rate(lr: float) -> None:
    X, y = load_digits(return_X_y=True)
    X, y = torch.tensor(X / 16, dtype=torch.float32), torch.tensor(y)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    train, test = order[:1200], order[1200:]
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = HyperAdam(model.parameters(), lr=lr)
    for _ in range(15):
        for batch in train[torch.randperm(1200)].split(32):
            optimizer.zero_grad()
            cross_entropy(model(X[batch]), y[batch]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    accuracy = float((model(X[test]).argmax(1) == y[test]).float().mean())
    assert accuracy >= 0.92


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda p: HyperAdam(p, rate=1.0), r"rate must lie in \(0, 1\), got 1.0"),
        (lambda p: HyperAdam(p, lr=0.0), "lr must be positive, got 0.0"),
        (lambda p: HyperSGD(p, max_lr=-1.0), "max_lr must be positive, got -1.0"),
        (lambda p: HyperSGD(p, momentum=1.0), r"momentum must lie in \[0, 1\), got 1.0"),
        (lambda p: HyperSGD(p, learn=("eps",)), "learn must name lr, weight_decay, momentum"),
        (lambda p: HyperAdam(p, learn=("weight_decay",)), "must start above 0, got 0.0"),
    ],
)
def test_wrong_settings_are_refused(make: Any, what: str) -> None:
    with pytest.raises(ArgumentError, match=what):
        make([torch.zeros(1, requires_grad=True)])
