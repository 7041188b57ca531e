"""Every estimator against closed forms, finite differences, the others, and its own laws."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.errors import ArgumentError
from luthier.gradient import CG, T1T2, Bilevel, Exact, FiniteDiff, Hyper, Neumann, Unrolled
from luthier.gradient.estimate import Estimator
from tests.gradient.problems import logistic, ridge, ridge_hypergradient

ESTIMATORS = {
    "exact": Exact(),
    "cg": CG(10),
    "neumann": Neumann(100),
    "unrolled": Unrolled(500),
    "forward": Unrolled(500, mode="forward"),
    "momentum": Unrolled(300, momentum=0.5),
    "finite": FiniteDiff(),
}
TOLERANCES = {"exact": 1e-7, "cg": 1e-5, "neumann": 1e-3, "unrolled": 1e-4, "momentum": 1e-4}


@pytest.mark.parametrize("name", TOLERANCES)
@pytest.mark.parametrize("problem", [logistic(), ridge()], ids=["logistic", "ridge"])
def test_estimates_agree_with_finite_differences(name: str, problem: Bilevel) -> None:
    audit = problem.check(via={name: ESTIMATORS[name]})
    assert audit.errors[name] <= TOLERANCES[name]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimates_agree_with_the_closed_form_of_ridge(name: str) -> None:
    problem = ridge(seed=1)
    trained = problem.train_inner(tol=1e-12)
    found = problem.hypergrad(trained, via=ESTIMATORS[name]).gradient["l2"]
    assert float(found) == pytest.approx(ridge_hypergradient(problem), rel=1e-5)


def test_unrolled_from_the_start_is_close_to_implicit() -> None:
    problem = logistic()
    implicit = problem.hypergrad(problem.train_inner(tol=1e-12), via=Exact()).gradient["l2"]
    unrolled = problem.hypergrad(via=Unrolled(500)).gradient["l2"]
    assert float((unrolled - implicit).norm() / implicit.norm()) <= 1e-4


def test_one_step_back_is_one_step_unrolled_where_training_has_ended() -> None:
    problem = ridge(seed=1)
    trained = problem.train_inner(tol=1e-12)
    ways = T1T2(lr=0.1), Unrolled(1, lr=0.1)
    back, unrolled = (float(problem.hypergrad(trained, via=way).gradient["l2"]) for way in ways)
    assert back == pytest.approx(unrolled, rel=1e-6)
    assert back != 0


@pytest.mark.parametrize("steps", [1, 7, 30])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_forward_equals_reverse_equals_checkpointed(steps: int, momentum: float) -> None:
    problem = logistic()
    ways = [
        Unrolled(steps, lr=0.5, momentum=momentum, checkpoint=False),
        Unrolled(steps, lr=0.5, momentum=momentum, mode="forward"),
        Unrolled(steps, lr=0.5, momentum=momentum),
    ]
    reverse, forward, checkpointed = (problem.hypergrad(via=via) for via in ways)
    scale = float(reverse.gradient["l2"].norm())
    for other in (forward, checkpointed):
        difference = other.gradient["l2"] - reverse.gradient["l2"]
        assert float(difference.norm()) <= 1e-8 * scale
        assert other.loss == pytest.approx(reverse.loss, rel=1e-12)


def test_a_few_steps_are_differentiated_as_they_are() -> None:
    """Three steps of gradient descent, written out and left to autograd."""
    problem = logistic(d=4, n=30)
    l2 = torch.full((4,), 0.1, dtype=torch.float64, requires_grad=True)
    w = problem.params["w"].clone().requires_grad_()
    at = w
    for _ in range(3):
        loss = problem.inner_loss({"w": at}, {"l2": l2}, *problem.train)
        at = at - 0.5 * torch.autograd.grad(loss, at, create_graph=True)[0]
    outer = problem.outer_loss({"w": at}, {"l2": l2}, *problem.validation)
    expected = torch.autograd.grad(outer, l2)[0]
    found = problem.hypergrad(via=Unrolled(3, lr=0.5)).gradient["l2"]
    torch.testing.assert_close(found, expected)


def test_a_learning_rate_can_be_learnt() -> None:
    problem = logistic(lr=Hyper(0.2))
    via = Unrolled(5, lr="lr")
    found = float(problem.hypergrad(via=via).gradient["lr"])

    def loss(lr: float) -> float:
        at = {**start, "lr": torch.tensor(lr, dtype=torch.float64)}
        return problem.hypergrad(hyper=at, via=via).loss

    start = {k: v.start(torch.float64) for k, v in problem.hyper.items()}
    assert found == pytest.approx((loss(0.2001) - loss(0.1999)) / 0.0002, rel=1e-5)
    learnt = problem.fit(30, via=via, warm_start=False)
    assert float(learnt.hyper["lr"]) > 0.4  # five steps want to be long


def test_truncation_forgets_only_the_oldest_steps() -> None:
    problem = logistic()
    whole = problem.hypergrad(via=Unrolled(60, lr=0.5)).gradient["l2"]
    errors = [
        float(
            (problem.hypergrad(via=Unrolled(60, lr=0.5, truncate=k)).gradient["l2"] - whole).norm()
        )
        for k in (5, 20, 40, 60)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == 0.0


LINEAR = [
    Exact(),
    CG(),
    Neumann(),
    T1T2(),
    Unrolled(20),
    Unrolled(20, mode="forward"),
    FiniteDiff(),
]


@pytest.mark.parametrize("via", LINEAR, ids=repr)
@settings(max_examples=10, deadline=None)
@given(scale=st.floats(0.1, 10), seed=st.integers(0, 100))
def test_estimates_are_linear_in_the_outer_loss(via: object, scale: float, seed: int) -> None:
    one, many = (ridge(seed, d=5, n=30, scale=s).hypergrad(via=via) for s in (1.0, scale))  # type: ignore[arg-type]
    assert float(many.gradient["l2"]) == pytest.approx(
        scale * float(one.gradient["l2"]), rel=1e-5 if isinstance(via, FiniteDiff) else 1e-9
    )


@pytest.mark.parametrize("via", LINEAR, ids=repr)
def test_estimates_of_a_sum_are_the_sum_of_estimates(via: Estimator) -> None:
    problem = ridge(d=5, n=30)

    def other(params: Any, hyper: Any, *data: torch.Tensor) -> torch.Tensor:
        return params["w"].sum() + hyper["l2"] ** 2

    def both(params: Any, hyper: Any, *data: torch.Tensor) -> torch.Tensor:
        return problem.outer_loss(params, hyper, *data) + other(params, hyper)

    trained = problem.train_inner(tol=1e-12)
    parts = [
        float(replace(problem, outer_loss=loss).hypergrad(trained, via=via).gradient["l2"])
        for loss in (problem.outer_loss, other, both)
    ]
    assert parts[1] != 0
    assert parts[2] == pytest.approx(
        parts[0] + parts[1], rel=1e-5 if isinstance(via, FiniteDiff) else 1e-8
    )


ALL = [*LINEAR, CG(2), Unrolled(20, lr=0.1, momentum=0.5), Unrolled(20, truncate=5)]


@pytest.mark.parametrize("via", ALL, ids=repr)
@settings(max_examples=3, deadline=None)
@given(l2=st.floats(0.01, 2.0), seed=st.integers(0, 100))
def test_hyperparameters_may_be_written_on_any_scale(via: Estimator, l2: float, seed: int) -> None:
    """With l2 = exp(u), dF/du = dF/dl2 l2: the chain rule, which holds for every estimator."""
    problem = ridge(seed, d=5, n=30)
    rewritten = replace(
        problem,
        inner_loss=lambda p, h, *data: problem.inner_loss(p, {"l2": h["u"].exp()}, *data),
        hyper={"u": Hyper(math.log(l2), transform="identity")},
    )
    at = {"l2": torch.tensor(l2, dtype=torch.float64)}
    first = problem.hypergrad(problem.train_inner(at, tol=1e-12), at, via=via).gradient["l2"]
    second = rewritten.hypergrad(rewritten.train_inner(tol=1e-12), via=via).gradient["u"]
    rough = isinstance(via, FiniteDiff)
    assert float(second) == pytest.approx(l2 * float(first), rel=1e-4 if rough else 1e-7, abs=1e-9)


ROTATED = [
    *(CG(k) for k in (2, 30)),
    *(Exact(), FiniteDiff(), Neumann(20, lr=0.1), T1T2(lr=0.1)),
    *(Unrolled(20, lr=0.1, mode=mode) for mode in ("reverse", "forward")),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("via", ROTATED, ids=repr)
def test_parameters_may_be_rotated(via: Estimator) -> None:
    """Lengths and gradients turn along, so even unfinished solutions are the same."""
    problem = ridge(d=5, n=30)
    draw = torch.Generator().manual_seed(1)
    turn = torch.linalg.qr(torch.randn(5, 5, generator=draw, dtype=torch.float64))[0]
    assert _difference(problem, turn, via) < 1e-5


@pytest.mark.parametrize("via", [Neumann(5), T1T2(), Unrolled(5), CG(1)], ids=repr)
def test_unfinished_solutions_depend_on_how_parameters_are_stretched(via: Estimator) -> None:
    """Their steps are as long as gradients are, which a stretch changes: no invariance there."""
    stretch = torch.diag(torch.tensor([0.3, 3.0, 1.0, 2.0, 0.5], dtype=torch.float64))
    assert _difference(ridge(d=5, n=30), stretch, via) > 1e-3


def _difference(problem: Bilevel, change: torch.Tensor, via: Estimator) -> float:
    """Relative, of hypergradients with w and with v, where w = change v."""
    rewritten = replace(
        problem,
        inner_loss=lambda p, h, *data: problem.inner_loss({"w": change @ p["w"]}, h, *data),
        outer_loss=lambda p, h, *data: problem.outer_loss({"w": change @ p["w"]}, h, *data),
    )
    first, second = (
        float(each.hypergrad(each.train_inner(tol=1e-12), via=via).gradient["l2"])
        for each in (problem, rewritten)
    )
    return abs(second / first - 1)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1000), d=st.integers(2, 8), l2=st.floats(0.1, 1.0))
def test_estimators_agree(seed: int, d: int, l2: float) -> None:
    """With products enough, at a minimum, all of them are the same derivative."""
    problem = logistic(seed, d=d, n=60, l2=l2)
    trained = problem.train_inner(tol=1e-12)
    ways = (Exact(), CG(2 * d), Neumann(300), Unrolled(300), FiniteDiff())
    exact, *others = (problem.hypergrad(trained, via=way).gradient["l2"] for way in ways)
    for way, other in zip(ways[1:], others, strict=True):
        assert float((other - exact).norm()) <= 1e-4 * float(exact.norm()), way


@pytest.mark.parametrize("via", [Exact(damping=0.7), CG(20, damping=0.7)], ids=repr)
def test_damping_is_added_to_the_hessian(via: Estimator) -> None:
    problem = ridge(seed=1)
    found = problem.hypergrad(problem.train_inner(tol=1e-12), via=via)
    damped = ridge_hypergradient(problem, damping=0.7)
    assert float(found.gradient["l2"]) == pytest.approx(damped, rel=1e-8)
    assert abs(damped / ridge_hypergradient(problem) - 1) > 0.1
    assert found.diagnostics.residual < 1e-8


def test_damping_bends_flat_directions_upwards() -> None:
    """The loss ignores the second parameter, whose share of q is then F_w / damping."""
    problem = Bilevel(
        lambda p, h: (p["w"][0] - h["a"]).square(),
        lambda p, h: p["w"].sum(),
        {"w": torch.ones(2, dtype=torch.float64)},
        {"a": Hyper(1.0)},
    )
    assert problem.hypergrad(via=CG(5)).diagnostics.negative_curvature
    damped = problem.hypergrad(via=CG(5, damping=1e-3))
    assert not damped.diagnostics.negative_curvature
    assert float(damped.gradient["a"]) == pytest.approx(2 / (2 + 1e-3))


def test_cg_stops_at_its_tolerance() -> None:
    problem = logistic(l2=1e-3)
    trained = problem.train_inner(tol=1e-12)
    tols = (1e-1, 1e-3, 1e-6)
    found = [problem.hypergrad(trained, via=CG(100, tol=tol)).diagnostics for tol in tols]
    assert all(each.residual <= tol for each, tol in zip(found, tols, strict=True))
    products = [each.products for each in found]
    assert products == sorted(set(products))
    # one product less was not enough
    short = problem.hypergrad(trained, via=CG(products[1] - 1, tol=tols[1])).diagnostics
    assert short.residual > tols[1]


def test_cg_goes_on_from_a_solution_near_by() -> None:
    problem = logistic(l2=1e-3)
    flat, h = problem._flat(), problem._start(None)
    w = problem._layout.flat(problem.train_inner(tol=1e-12))
    via = CG(100, tol=1e-6)
    cold = via(flat, w, h)
    assert cold.adjoint is not None
    near = via(flat, w, 1.05 * h)
    warm = via(flat, w, 1.05 * h, cold.adjoint)
    assert warm.diagnostics.products < near.diagnostics.products
    torch.testing.assert_close(warm.gradient, near.gradient, rtol=1e-4, atol=1e-8)
    misled = via(flat, w, h, 1e6 * torch.ones_like(w))
    torch.testing.assert_close(misled.gradient, cold.gradient, rtol=1e-12, atol=0)
    assert misled.diagnostics.products == cold.diagnostics.products + 1


@pytest.mark.parametrize("via", [Exact(), CG(30), FiniteDiff()], ids=repr)
@settings(max_examples=10, deadline=None)
@given(stretch=st.lists(st.floats(0.3, 3), min_size=5, max_size=5), seed=st.integers(0, 100))
def test_estimates_do_not_depend_on_how_parameters_are_written(
    via: Estimator, stretch: list[float], seed: int
) -> None:
    """With w = s v, training v finds the same model: so dF/dh is the same, if it is solved for."""
    change = torch.diag(torch.tensor(stretch, dtype=torch.float64))
    assert _difference(ridge(seed, d=5, n=30), change, via) < 1e-5


def test_cg_says_how_far_it_came() -> None:
    problem = logistic(l2=1e-4)
    trained = problem.train_inner()
    residuals = [problem.hypergrad(trained, via=CG(k)).diagnostics.residual for k in (2, 10, 60)]
    assert residuals == sorted(residuals, reverse=True)
    assert residuals[-1] < 1e-8 < residuals[0]
    assert problem.hypergrad(trained, via=CG(2)).diagnostics.products == 2


@pytest.mark.parametrize("via", [Exact(), CG(), Neumann()], ids=repr)
def test_negative_curvature_is_noticed(via: object) -> None:
    """At w = 0, f = -w.w has a maximum."""
    problem = Bilevel(
        lambda p, h: -(p["w"] ** 2).sum() + h["a"] * p["w"].sum(),
        lambda p, h: (p["w"] - 1).square().sum(),
        {"w": torch.zeros(3, dtype=torch.float64)},
        {"a": Hyper(0.5)},
    )
    found = problem.hypergrad(via=via).diagnostics  # type: ignore[arg-type]
    assert found.negative_curvature
    assert found.gradient_norm == pytest.approx(0.5 * math.sqrt(3))


def test_neumann_takes_the_longest_step_that_converges() -> None:
    problem = logistic(l2=1e-3)
    trained = problem.train_inner(tol=1e-12)
    truth = problem.hypergrad(trained, via=Exact()).gradient["l2"]

    def error(via: Neumann) -> float:
        found = problem.hypergrad(trained, via=via).gradient["l2"]
        return float((found - truth).norm() / truth.norm())

    assert error(Neumann(100)) < error(Neumann(100, lr=1.0)) / 2


def test_an_outer_loss_that_ignores_training_has_only_its_direct_part() -> None:
    problem = Bilevel(
        lambda p, h: (p["w"] - h["a"]).square().sum(),
        lambda p, h: h["a"] ** 2,
        {"w": torch.zeros(2, dtype=torch.float64)},
        {"a": Hyper(3.0)},
    )
    assert float(problem.hypergrad().gradient["a"]) == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: CG(0), "k must be an integer of at least 1, got 0"),
        (lambda: Neumann(10, lr=-1.0), "lr must be positive or 'auto', got -1"),
        (lambda: Unrolled(0), "steps must be at least 1, got 0"),
        (lambda: Unrolled(5, mode="sideways"), "reverse or forward, got 'sideways'"),  # type: ignore[arg-type]
        (lambda: Unrolled(5, truncate=2, mode="forward"), "works in reverse mode"),
        (lambda: Unrolled(5, momentum=1.0), r"momentum must lie in \[0, 1\), got 1.0"),
        (lambda: logistic().hypergrad(via=Unrolled(5, lr="l2")), "name of a scalar"),
    ],
)
def test_wrong_settings_are_refused(make: object, what: str) -> None:
    with pytest.raises(ArgumentError, match=what):
        make()  # type: ignore[operator]
