"""Following hypergradients: to better losses, within bounds, watched by data they never see."""

from __future__ import annotations

import gc
import math
from typing import Any, final

import pytest
import torch

from luthier.errors import ArgumentError
from luthier.gradient import (
    CG,
    LBFGS,
    Bilevel,
    Holdout,
    Hyper,
    KFold,
    Neumann,
    Newton,
    Torch,
    Unrolled,
)
from tests.gradient.problems import halves, logistic, ridge


def test_a_scalar_penalty_is_found_as_by_a_fine_grid() -> None:
    problem = ridge(n=40)
    fitted = problem.fit(100, patience=None)

    def loss(l2: float) -> float:
        hyper = {"l2": torch.tensor(l2, dtype=torch.float64)}
        return problem.hypergrad(problem.train_inner(hyper), hyper).loss

    best = min(loss(10 ** (k / 50)) for k in range(-200, 100))
    assert fitted.loss == pytest.approx(best, rel=1e-3)


@pytest.mark.parametrize("outer", ["hoag", "adam", "sgd"])
def test_penalties_by_feature_beat_one_for_all(outer: str) -> None:
    problem = logistic(n=100)
    fitted = problem.fit(60, outer=outer, lr=3.0 if outer == "sgd" else 0.3)
    assert fitted.loss < problem.hypergrad(problem.train_inner()).loss - 0.01
    assert fitted.steps[fitted.best].loss == fitted.loss == min(s.loss for s in fitted.steps)


@pytest.mark.parametrize(
    "inner",
    [Newton(), LBFGS(), Torch(lambda tensors: torch.optim.SGD(tensors, lr=1.0), 300)],
    ids=["newton", "lbfgs", "sgd"],
)
def test_any_training_will_do(inner: Any) -> None:
    problem = logistic(d=5, n=100)
    reference = problem.train_inner(tol=1e-12)
    torch.testing.assert_close(
        problem.train_inner(inner=inner, tol=1e-9)["w"], reference["w"], rtol=1e-5, atol=1e-6
    )
    assert problem.fit(15, inner=inner).loss == pytest.approx(problem.fit(15).loss, rel=0.05)


def test_newton_leaves_a_maximum() -> None:
    def loss(w: torch.Tensor) -> torch.Tensor:
        return ((w**2 - 1) ** 2).sum()

    start = torch.full((3,), 0.01, dtype=torch.float64)
    found = Newton().solve(loss, start, 1e-10)
    torch.testing.assert_close(found.abs(), torch.ones(3, dtype=torch.float64))


def test_a_guard_returns_the_step_that_its_rows_liked_best() -> None:
    problem = logistic(d=60, n=80)
    fitted = problem.fit(60, guard=Holdout(0.3), patience=5)
    guarded = [step.guard for step in fitted.steps]
    assert fitted.best == guarded.index(min(guarded))
    assert fitted.guard_loss == min(guarded)
    assert fitted.guard_gap == fitted.guard_loss - fitted.loss
    assert len(fitted.steps) == fitted.best + 1 + 5
    assert fitted.reason == "no better step in 5"


def test_folds_agree_on_a_number_of_steps_that_all_data_then_take() -> None:
    problem = logistic(d=60, n=80)
    folds = problem.fit(40, guard=KFold(4))
    plain = problem.fit(folds.best + 1, patience=None)
    assert folds.loss == plain.steps[folds.best].loss
    assert folds.reason == f"{folds.best} steps were best on 4 folds"
    assert folds.guard_gap > 0


def test_guards_split_rows_without_loss() -> None:
    X, y = torch.arange(20.0).reshape(10, 2), torch.arange(10.0)
    for guard in (Holdout(0.3, seed=3), KFold(3, seed=1)):
        watched = []
        for seen, kept in guard.splits((X, y)):
            assert sorted([*seen[1].tolist(), *kept[1].tolist()]) == y.tolist()
            assert torch.equal(kept[0][:, 0], 2 * kept[1])
            watched += kept[1].tolist()
        expected = y.tolist() if isinstance(guard, KFold) else watched
        assert sorted(watched) == sorted(expected)
    assert len(Holdout(0.3).splits((X, y))[0][1][1]) == 3


def test_values_stay_within_their_bounds() -> None:
    (X, y), validation = halves(0, 5, 30)
    problem = logistic(d=5, n=30)
    bounded = Bilevel(
        problem.inner_loss,
        problem.outer_loss,
        problem.params,
        {"l2": Hyper(0.5, shape=(5,), bounds=(0.4, 0.6))},
        (X, y),
        validation,
    )
    fitted = bounded.fit(50, lr=2.0, max_step=3.0, patience=None)
    values = fitted.hyper["l2"]
    assert bool(((values >= 0.4 - 1e-12) & (values <= 0.6 + 1e-12)).all())
    assert float((values - 0.4).abs().min()) < 1e-9


def test_a_step_into_infinity_is_taken_back() -> None:
    """Below a = 1 the outer loss is infinite; the best is close above."""

    def outer(params: Any, hyper: Any) -> torch.Tensor:
        return torch.where(hyper["a"] > 1, params["w"] ** 2, math.inf)

    problem = Bilevel(
        lambda p, h: (p["w"] - h["a"]) ** 2,
        outer,
        {"w": torch.tensor(0.0, dtype=torch.float64)},
        {"a": Hyper(5.0, transform="identity")},
    )
    fitted = problem.fit(80, outer="adam", lr=1.0, patience=None)
    assert 1 < float(fitted.hyper["a"]) < 1.5
    assert any(step.taken_back for step in fitted.steps)


def test_unrolled_training_goes_on_where_it_ended() -> None:
    warm = logistic(d=5).fit(20, via=Unrolled(5, lr=0.5))
    cold = logistic(d=5).fit(20, via=Unrolled(5, lr=0.5), warm_start=False)
    assert warm.loss < cold.loss


@final
class Watched:
    """Trains as Newton does, and writes the tolerances down."""

    def __init__(self) -> None:
        self.tols: list[float] = []

    def solve(self, loss: Any, w: torch.Tensor, tol: float) -> torch.Tensor:
        self.tols.append(tol)
        return Newton().solve(loss, w, tol)


@final
class Seen:
    """An estimator that writes down where it was asked."""

    def __init__(self) -> None:
        self.at: list[torch.Tensor] = []

    def __call__(self, flat: Any, w: torch.Tensor, h: torch.Tensor) -> Any:
        self.at.append(h.clone())
        return CG()(flat, w, h)


@pytest.mark.parametrize(
    ("tolerance", "expected"),
    [
        ("exponential", [0.1, 0.09, 0.081]),
        ("quadratic", [0.1, 0.1 / 4, 0.1 / 9]),
        ("cubic", [0.1, 0.1 / 8, 0.1 / 27]),
        (1e-3, [1e-3] * 3),
        (0.0, [1e-10] * 3),
        (lambda k: 2.0 ** -(k + 1), [0.5, 0.25, 0.125]),
    ],
    ids=["exponential", "quadratic", "cubic", "number", "below rounding", "function"],
)
def test_trainings_and_their_systems_go_as_far_as_the_schedule_says(
    tolerance: Any, expected: list[float]
) -> None:
    inner = Watched()
    fitted = logistic(d=8, n=40).fit(3, inner=inner, tolerance=tolerance, via=CG(50))
    assert inner.tols == pytest.approx(expected)
    for step, tol in zip(fitted.steps, expected, strict=True):
        assert step.diagnostics.residual <= tol
        assert step.diagnostics.gradient_norm <= tol
    finer = logistic(d=8, n=40).fit(3, tolerance=1e-9, via=CG(50))
    assert (fitted.products < finer.products) == (min(expected) > 1e-9)


def test_rough_trainings_still_solve_their_systems() -> None:
    """Losses that are sums have long gradients; what CG leaves is a share of them."""

    class Thorough:
        def solve(self, loss: Any, w: torch.Tensor, tol: float) -> torch.Tensor:
            return Newton().solve(loss, w, tol / 1e6)

    fitted = logistic(d=8, n=40).fit(4, inner=Thorough(), tolerance=5.0, via=CG(50))
    assert all(step.diagnostics.residual <= 0.1 for step in fitted.steps)
    assert all(step.gradient_norm > 0 for step in fitted.steps)


def test_a_single_product_is_spent_on_a_step_not_on_the_last_solution() -> None:
    pairs: list[tuple[Any, Any]] = []

    def estimated(flat: Any, w: torch.Tensor, h: torch.Tensor) -> Any:
        alone = CG(1)(flat, w, h)
        pairs.append((alone.adjoint, CG(1)(flat, w, h, 0.9 * alone.adjoint).adjoint))
        return alone

    logistic(d=8, n=40).fit(2, via=estimated)
    for alone, after in pairs:
        torch.testing.assert_close(after, alone)


def test_warm_starts_spare_products_and_end_at_the_same() -> None:
    settings: Any = {"tolerance": 1e-4, "via": CG(100), "outer": "sgd", "patience": None}
    problem = logistic(d=40, n=80, l2=0.01)
    warm, cold = (problem.fit(10, warm_start=w, **settings) for w in (True, False))
    assert warm.products < 0.8 * cold.products
    assert warm.loss == pytest.approx(cold.loss, rel=1e-4)
    torch.testing.assert_close(warm.hyper["l2"], cold.hyper["l2"], rtol=1e-3, atol=0)


def test_an_optimiser_may_be_a_function_that_makes_it() -> None:
    given = []

    def make(tensors: list[torch.Tensor]) -> torch.optim.Optimizer:
        given.append([tuple(tensor.shape) for tensor in tensors])
        return torch.optim.Adam(tensors, lr=0.2)

    made = logistic(d=4, n=30).fit(6, outer=make)
    named = logistic(d=4, n=30).fit(6, outer="adam", lr=0.2)
    assert given == [[(4,)]]
    assert made.steps == named.steps
    other = logistic(d=4, n=30).fit(6, outer=lambda t: torch.optim.Adagrad(t, lr=0.2))
    assert other.loss != named.loss


@pytest.mark.parametrize("outer", ["hoag", "sgd", "adam"])
def test_no_step_is_longer_than_the_longest(outer: str) -> None:
    def longest(max_step: float) -> float:
        seen = Seen()
        logistic(d=4, n=30).fit(6, via=seen, outer=outer, lr=500.0, max_step=max_step)
        pairs = zip(seen.at, seen.at[1:], strict=False)
        return max(float((b.log() - a.log()).abs().max()) for a, b in pairs)

    assert longest(0.25) == pytest.approx(0.25)
    assert longest(3.0) > 1.0


def test_float32_works() -> None:
    (X, y), (X_val, y_val) = halves(0, 5, 100)
    problem = logistic(d=5, n=100)
    single = Bilevel(
        problem.inner_loss,
        problem.outer_loss,
        {"w": torch.zeros(5)},
        {"l2": Hyper(0.1, shape=(5,))},
        (X.float(), y.float()),
        (X_val.float(), y_val.float()),
    )
    fitted = single.fit(30)
    assert fitted.params["w"].dtype == torch.float32
    assert fitted.loss == pytest.approx(problem.fit(30).loss, rel=1e-2)


def test_modules_enter_by_functional_call() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    (X, y), validation = halves(0, 3, 40)

    def outer(params: Any, hyper: Any, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        out = torch.func.functional_call(module, params, (X.float(),))
        return (out[:, 0] - y.float()).square().mean()

    def inner(params: Any, hyper: Any, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        decay = sum((hyper["decay"] * p.square().sum() for p in params.values()), torch.tensor(0.0))
        return outer(params, hyper, X, y) + decay

    problem = Bilevel(
        inner, outer, dict(module.named_parameters()), {"decay": Hyper(1e-3)}, (X, y), validation
    )
    fitted = problem.fit(10)
    assert fitted.loss <= problem.hypergrad(problem.train_inner()).loss + 1e-6
    assert all(torch.equal(before[k], v) for k, v in module.state_dict().items())


def test_no_tensors_are_left_behind_by_steps() -> None:
    problem = logistic(d=10, n=50)

    def left(steps: int) -> int:
        fitted = problem.fit(steps, patience=None, outer="adam", lr=0.01)
        gc.collect()
        tensors = sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())
        assert len(fitted.steps) == steps
        return tensors

    left(2)
    assert left(60) == left(5)


def test_an_audit_reads_well() -> None:
    text = str(logistic(d=4, n=30).check())
    assert "Exact" in text
    assert "good" in text
    assert "wrong" not in text


def test_an_audit_of_a_step_that_is_too_short_says_so() -> None:
    audit = logistic(d=4, n=30, l2=1e-4).check(via={"short": Neumann(2, lr=1e-3)})
    assert "wrong" in str(audit)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"params": {}}, "params must not be empty"),
        ({"hyper": {}}, "hyper must not be empty"),
        ({"params": {"w": [1.0]}}, "floating-point tensors, got"),
        ({"hyper": {"l2": 0.1}}, r"hyper must hold Hyper\(...\) by name, got 0.1 as 'l2'"),
        (
            {"params": {"w": torch.zeros(2), "v": torch.zeros(2, dtype=torch.float64)}},
            "of one type, got torch.float32 and torch.float64",
        ),
    ],
)
def test_wrong_problems_are_refused(change: dict[str, Any], what: str) -> None:
    problem = logistic(d=2, n=10)
    parts = {
        "inner_loss": problem.inner_loss,
        "outer_loss": problem.outer_loss,
        "params": problem.params,
        "hyper": problem.hyper,
    }
    with pytest.raises(ArgumentError, match=what):
        Bilevel(**{**parts, **change})


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"outer": "newton"}, "outer must be adam, sgd, hoag"),
        ({"tolerance": "slow"}, "tolerance must be a number"),
        ({"lr": 0.0}, "lr must be positive, got 0.0"),
        ({"steps": 0}, "steps must be positive, got 0"),
    ],
)
def test_wrong_fits_are_refused(settings: dict[str, Any], what: str) -> None:
    with pytest.raises(ArgumentError, match=what):
        logistic(d=2, n=10).fit(**settings)


def test_losses_must_be_scalars_and_finite() -> None:
    start = {"w": torch.zeros(2, dtype=torch.float64)}
    vector = Bilevel(lambda p, h: p["w"], lambda p, h: p["w"].sum(), start, {"a": Hyper(1.0)})
    with pytest.raises(ArgumentError, match=r"inner_loss must return a scalar tensor, got shape"):
        vector.hypergrad()
    endless = Bilevel(
        lambda p, h: (p["w"] - h["a"]).square().sum(),
        lambda p, h: p["w"].sum() / 0,
        start,
        {"a": Hyper(1.0)},
    )
    with pytest.raises(ArgumentError, match="must be finite at the start"):
        endless.fit()


def test_names_and_guards_are_checked() -> None:
    problem = logistic(d=2, n=10)
    with pytest.raises(ArgumentError, match="params must be named w, got v"):
        problem.hypergrad({"v": torch.zeros(2)})
    with pytest.raises(ArgumentError, match="A guard needs validation data"):
        problem.on(()).fit(guard=Holdout())
    with pytest.raises(ArgumentError, match=r"fraction must lie in \(0, 1\), got 1.0"):
        Holdout(1.0)
    with pytest.raises(ArgumentError, match="k must be at least 2, got 1"):
        KFold(1)
    with pytest.raises(ArgumentError, match="at least k=50 rows, got 10"):
        problem.fit(guard=KFold(50))
