"""CMA-ES: a normal distribution that learns where better points lie, and in which directions.

Points are drawn, their values rank them, and the distribution moves towards the better half and
turns away from the worse one. Nothing but ranks counts: the search is the same for f, log f and
f cubed, and, once it has adapted, for an objective that was stretched or turned.

    name      meaning                                                    shape
    m         mean of the distribution                                   (d,)
    s         overall width, the "step size"                             ()
    C         its shape: points are drawn from N(m, s^2 C)               (d, d)
    B, D      C = B diag(D^2) B', not worked out anew after every tell   (d, d), (d,)
    W         C^-1/2 = B diag(1 / D) B'                                  (d, d)
    A         stretches coordinates that are kept wide on purpose        (d,)
    p_s, p_c  evolution paths: the way of the mean, fading               (d,)
    X, y      a generation and its values, lower is better               (k, d), (k,)
    Y, Z      its steps (X - m) / (s A), and Z = Y W, round ones         (k, d)
    w         weights of ranks; those of the worse half are negative     (k,)

Where the coordinates end at 0 and 1, points are evaluated on the edge instead of beyond it. What is
learnt from are steps that end at most a standard deviation outside, of which the mean follows the
first half. Without any of that the distribution would shrink where one coordinate has got to its
edge and others haven't; with all of it nothing would tell how far outside to be.

A state is a value, and ``tell`` returns another one: a search can be replayed from what it was
told, forked, or kept.

References:
    Hansen, The CMA evolution strategy: a tutorial, arXiv:1604.00772 (equations and constants).
    Wang, Emmerich and Baeck, Mirrored orthogonal sampling for covariance matrix adaptation
    evolution strategies, Evolutionary Computation 27 (2019).
    Nomura, Akimoto and Ono, CMA-ES with learning rate adaptation, arXiv:2304.03473.
    Nomura et al., Warm starting CMA-ES for hyperparameter optimization, arXiv:2012.06932.
    Hansen, Injecting external solutions into CMA-ES, arXiv:1110.4181.
    Hamano et al., CMA-ES with margin, arXiv:2205.13482.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import NormalDist
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.errors import ArgumentError

__all__ = [
    "Adaptation",
    "State",
    "ask",
    "draws",
    "flat_window",
    "rank_weights",
    "shortened",
    "start",
    "stopped",
    "tell",
    "warm_start",
    "with_margins",
]

Array = NDArray[np.float64]
_NORMAL: Final = NormalDist()
_LEAST_VARIANCE: Final = 1e-30
_LEAST_WIDTH: Final = 1e-12  # of a converged distribution
_MOST_CONDITION: Final = 1e7  # of D; 1e14 of C
_FLAT: Final = 1e-13  # relative range of values that are all the same
_OUTSIDE: Final = (1.0, 0.5)  # how far steps and means may go, in standard deviations
_ALPHA, _GAMMA, _MEMORY_M, _MEMORY_C = 1.4, 0.1, 0.1, 0.03  # of the learning rates; section 5


@final
@dataclass(frozen=True, slots=True, eq=False)
class Adaptation:
    """What learning rates are adapted by: how much of the last steps was signal.

    Attributes:
        rates: Learning rates of the mean and of the covariance, each at most 1.
        drifts: The steps of both, faded, in coordinates in which the distribution is round;
            shapes (d,) and (d, d).
        powers: Their squared lengths, faded.
    """

    rates: tuple[float, float]
    drifts: tuple[Array, Array]
    powers: tuple[float, float]


@final
@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A search as it stands; make one with ``start``.

    Attributes:
        mean: m, shape (d,).
        sigma: s, above 0.
        C: Shape (d, d), symmetric.
        B: Eigenvectors of C, as of the generation ``decomposed``, shape (d, d).
        D: Square roots of its eigenvalues, shape (d,).
        W: Its inverse square root, shape (d, d).
        A: Stretch of each coordinate, 1 unless margins need more, shape (d,).
        p_sigma: Path of the step size, shape (d,).
        p_c: Path of the covariance, shape (d,).
        generation: How many generations were told.
        decomposed: When B, D and W were worked out.
        adaptation: Of the learning rates; None if they stay as they are.
        bounded: Whether the coordinates end at 0 and 1.
    """

    mean: Array
    sigma: float
    C: Array
    B: Array
    D: Array
    W: Array
    A: Array
    p_sigma: Array
    p_c: Array
    generation: int = 0
    decomposed: int = 0
    adaptation: Adaptation | None = None
    bounded: bool = False

    @property
    def std(self) -> Array:
        """Standard deviation of each coordinate, shape (d,)."""
        return np.asarray(self.sigma * self.A * np.sqrt(np.diag(self.C)))


def start(
    mean: ArrayLike,
    sigma: float,
    covariance: ArrayLike | None = None,
    *,
    bounded: bool = False,
    adapt: bool = False,
) -> State:
    """Begin a search.

    Args:
        mean: Where to look first, shape (d,).
        sigma: How far around, above 0; a fifth to a third of the range of the coordinates.
        covariance: Shape of the first distribution, shape (d, d), positive definite; the identity
            if None.
        bounded: Whether the points are evaluated in the unit cube, at ``np.clip(X, 0, 1)``; what
            is told are still the unclipped ones.
        adapt: Whether to adapt the learning rates: slower where values are noisy or there are
            many optima, as fast as usual elsewhere.

    Raises:
        ArgumentError: A shape doesn't fit, or ``sigma`` isn't above 0.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> state = start([0.5, 0.5], sigma=0.2)
        >>> for _ in range(60):
        ...     X = ask(state, draws(6, 2, rng))
        ...     state = tell(state, X, np.square(X - [0.2, 0.9]).sum(axis=1))
        >>> state.mean.round(4).tolist()
        [0.2, 0.9]
    """
    m = np.array(mean, dtype=np.float64)
    d = len(m) if m.ndim == 1 else 0
    C = np.eye(d) if covariance is None else np.array(covariance, dtype=np.float64)
    if m.ndim != 1 or C.shape != (d, d):
        raise ArgumentError(
            f"cma.start: mean must have shape (d,) and covariance (d, d), got {m.shape} and "
            f"{C.shape}.",
            mean=mean,
        )
    if not 0 < sigma < math.inf:
        raise ArgumentError(f"cma.start: sigma must be above 0, got {sigma!r}.", sigma=sigma)
    none = np.zeros(d)
    adaptation = Adaptation((1.0, 1.0), (none, np.zeros((d, d))), (0.0, 0.0)) if adapt else None
    B, D, W = _decomposed(C)
    return State(
        m, float(sigma), C, B, D, W, np.ones(d), none, none, adaptation=adaptation, bounded=bounded
    )


def warm_start(X: Array, doubt: Array) -> tuple[Array, Array]:
    """Return mean and covariance of points that are known to be good, widened by some doubt.

    Args:
        X: Good points, shape (n, d), n at least 1.
        doubt: Variance added along each coordinate, above 0, shape (d,).

    Returns:
        Shapes (d,) and (d, d): the moments of normal distributions around each of the points.

    Example:
        >>> mean, C = warm_start(np.array([[0.2, 0.4], [0.4, 0.4]]), np.full(2, 0.01))
        >>> mean.round(3).tolist(), C.round(3).tolist()
        ([0.3, 0.4], [[0.02, 0.0], [0.0, 0.01]])
    """
    mean = X.mean(axis=0)
    steps = X - mean
    return mean, steps.T @ steps / len(X) + np.diag(doubt)


def draws(k: int, d: int, rng: np.random.Generator) -> Array:
    """Draw round directions that spread evenly: at right angles to each other, and both ways.

    Each row by itself is normally distributed; together they see more of the surroundings than
    independent ones do, which saves evaluations. The second half mirrors the first one, in which d
    at a time are at right angles.

    Args:
        k: How many, at least 1.
        d: Number of coordinates.
        rng: Source of randomness.

    Returns:
        Shape (k, d).

    Example:
        >>> Z = draws(4, 3, np.random.default_rng(0))
        >>> bool(abs(Z[0] @ Z[1]) < 1e-12), bool((Z[2:] == -Z[:2]).all())
        (True, True)

    References:
        Wang, Emmerich and Baeck, Evolutionary Computation 27 (2019).
    """
    Z = rng.standard_normal(((k + 1) // 2, d))
    lengths = np.sqrt(np.einsum("ij,ij->i", Z, Z))
    for first in range(0, len(Z), max(d, 1)):
        block = Z[first : first + d]
        values, V = np.linalg.eigh(block @ block.T)
        block[:] = (V / np.sqrt(np.maximum(values, _LEAST_VARIANCE))) @ (V.T @ block)
    Z *= lengths[:, None]
    return np.concatenate([Z, -Z])[:k]


def ask(state: State, Z: Array) -> Array:
    """Turn round directions into points of the distribution.

    Args:
        state: The search.
        Z: Standard normal numbers, as from ``draws``, shape (k, d).

    Returns:
        X, shape (k, d), unbounded.
    """
    return state.mean + (state.sigma * state.A) * ((Z * state.D) @ state.B.T)  # eq. 38 to 40


def tell(state: State, X: Array, y: Array, moved: Array | None = None) -> State:
    """Learn from a generation.

    Args:
        state: The search.
        X: Points, usually as ``ask`` gave them, shape (k, d), k at least 2.
        y: Their values, lower is better, shape (k,), without NaN. Equal ones share their weights.
        moved: Where the points may move the mean to, if that isn't X: a coordinate that had no
            effect on the value should be the mean's, which it then won't move. Shape (k, d).

    Returns:
        The search after it.

    Raises:
        ArgumentError: A shape doesn't fit, or there is NaN in y.
    """
    k, d = _checked(state, X, y)
    r = _rates(d, k)
    moved = X if moved is None else moved
    if state.bounded:
        far, near = (share * state.std for share in _OUTSIDE)
        X, moved = np.clip(X, -far, 1 + far), np.clip(moved, -near, 1 + near)
    order = np.argsort(y, kind="stable")
    positive, weights = _shared(r, y[order])
    Y = ((X - state.mean) / (state.sigma * state.A))[order]
    Z = Y @ state.W
    step = positive @ Y  # eq. 41
    mean = positive @ moved[order]
    p_sigma, p_c, sigma, keep = _paths(state, r, step, positive @ Z)
    keep += 1 - r.c_1 - r.c_mu * float(weights.sum())
    squares = np.einsum("ij,ij->i", Z, Z)
    w = np.where(weights >= 0, weights, weights * d / (squares + 1e-12))  # eq. 46
    C = keep * state.C + (Y.T * (r.c_mu * w)) @ Y + r.c_1 * np.outer(p_c, p_c)  # eq. 47
    generation = state.generation + 1
    told = replace(
        state, mean=mean, sigma=sigma, C=C, p_sigma=p_sigma, p_c=p_c, generation=generation
    )
    if state.adaptation is not None:
        return _slowed(state, told, state.adaptation)
    if generation - state.decomposed <= r.gap:
        return told
    B, D, W = _decomposed(C)
    return replace(told, B=B, D=D, W=W, decomposed=generation)


def _paths(
    state: State, r: _Rates, step: Array, round_: Array
) -> tuple[Array, Array, float, float]:
    """Both paths and the step size after a step of the mean, and what of C stays for a stalled one.

    ``round_`` is the step in coordinates in which the distribution is round.
    """
    p_sigma = (1 - r.c_sigma) * state.p_sigma + r.gain_sigma * round_  # eq. 43
    length = math.sqrt(p_sigma @ p_sigma)
    sigma = state.sigma * math.exp(min(1.0, r.c_sigma / r.d_sigma * (length / r.chi - 1)))  # 44
    usual = r.chi * math.sqrt(1 - (1 - r.c_sigma) ** (2 * (state.generation + 1)))
    p_c = (1 - r.c_c) * state.p_c
    if length < (1.4 + 2 / (len(step) + 1)) * usual:
        return p_sigma, p_c + r.gain_c * step, sigma, 0.0  # eq. 45
    return p_sigma, p_c, sigma, r.c_1 * r.c_c * (2 - r.c_c)


def shortened(state: State, X: Array) -> Array:
    """Return points drawn from elsewhere, those too far away moved nearer.

    Args:
        state: The search.
        X: Points, shape (k, d).

    Returns:
        Shape (k, d): the same directions, but nothing beyond what ``ask`` might just give.
    """
    d = len(state.mean)
    Y = (X - state.mean) / (state.sigma * state.A)
    lengths = np.sqrt(np.square(Y @ state.W).sum(axis=1))
    most = math.sqrt(d) + 2 * d / (d + 2)  # eq. 4, Hansen 2011
    shares = np.minimum(1.0, most / np.maximum(lengths, 1e-300))
    return np.asarray(state.mean + (X - state.mean) * shares[:, None])


def with_margins(state: State, edges: Sequence[Array | None], least: float) -> State:
    """Keep coordinates that stand for discrete values from ending at one of them.

    Where the next bin below or above would hardly be drawn any more, the mean moves towards the
    edge, or the coordinate is stretched, until each is drawn with half the least probability; at
    the first and last bin, the only neighbour with all of it.

    Args:
        state: The search.
        edges: Of each coordinate, where its bins meet, both ends included; None: continuous.
        least: Least probability, above 0 and below 1; usually 1 / (d k).

    Returns:
        The search with other ``mean`` and ``A``.
    """
    mean, A, std = state.mean.copy(), state.A.copy(), state.std
    for j, bins in enumerate(edges):
        inner = None if bins is None else bins[1:-1]
        if inner is None or not len(inner):
            continue
        place = int(np.searchsorted(inner, mean[j]))
        if 0 < place < len(inner):
            mean[j], stretch = _between(mean[j], std[j], inner[place - 1], inner[place], least)
            A[j] *= stretch
        else:
            edge = inner[min(place, len(inner) - 1)]
            reach = std[j] * _NORMAL.inv_cdf(1 - least)  # eq. 8, Hamano et al.
            mean[j] = edge + min(max(mean[j] - edge, -reach), reach)
    return replace(state, mean=mean, A=A)


def _between(
    mean: float, std: float, lower: float, upper: float, least: float
) -> tuple[float, float]:
    """Mean, and factor of the standard deviation, that leave room on both sides of a bin."""
    below = _NORMAL.cdf((lower - mean) / std)
    above = _NORMAL.cdf((mean - upper) / std)
    inside = 1 - below - above
    half = least / 2
    if below >= half and above >= half:
        return mean, 1.0
    low, high = max(below, half), max(above, half)
    excess = (1 - low - high - inside) / (low + high + inside - 3 * half)  # eq. 14 and 15
    low, high = low + excess * (low - half), high + excess * (high - half)
    a, b = _NORMAL.inv_cdf(1 - low), _NORMAL.inv_cdf(1 - high)
    return (lower * b + upper * a) / (a + b), (upper - lower) / (a + b) / std


def stopped(state: State, bests: Sequence[float], population: int) -> str:
    """Say why a search is over and should begin anew elsewhere.

    Args:
        state: The search.
        bests: The best value of each generation so far; the latest 10 + 30 d / k matter.
        population: k, the number of points of a generation.

    Returns:
        The reason in words; empty while there is something to be gained.
    """
    d = len(state.mean)
    if d and state.std.max() < _LEAST_WIDTH:
        return "converged"
    if d and state.D.max() > _MOST_CONDITION * state.D.min():
        return "degenerate"
    window = flat_window(d, population)
    recent = bests[-window:]
    if len(recent) == window:
        low, high = min(recent), max(recent)
        if high - low <= _FLAT * max(abs(low), abs(high)):
            return "flat"
    return ""


def rank_weights(y: Array) -> Array:
    """Return by how much each member of a generation counts in the mean.

    Args:
        y: Values, lower is better, shape (k,), k at least 2.

    Returns:
        Shape (k,): 0 for the worse half; they add up to 1.

    Example:
        >>> rank_weights(np.array([3.0, 1.0, 2.0, 4.0])).round(2).tolist()
        [0.0, 0.8, 0.2, 0.0]
    """
    order = np.argsort(y, kind="stable")
    weights = np.empty(len(y))
    weights[order] = _shared(_rates(1, len(y)), y[order])[0]
    return weights


def flat_window(d: int, population: int) -> int:
    """Return after how many generations without a change a search is over."""
    return 10 + math.ceil(30 * d / population)


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Rates:
    """What depends on dimension and population alone."""

    weights: Array
    positive: Array
    c_sigma: float
    d_sigma: float
    c_c: float
    c_1: float
    c_mu: float
    gain_sigma: float
    gain_c: float
    chi: float
    gap: float


@lru_cache(maxsize=64)
def _rates(d: int, k: int) -> _Rates:
    """Table 1 of Hansen's tutorial."""
    raw = math.log((k + 1) / 2) - np.log(np.arange(1, k + 1))  # eq. 49
    up, down = np.maximum(raw, 0.0), np.minimum(raw, 0.0)
    mu = float(up.sum() ** 2 / np.square(up).sum())
    mu_down = float(down.sum() ** 2 / np.square(down).sum())
    c_1 = 2 / ((d + 1.3) ** 2 + mu)  # eq. 57
    c_mu = min(1 - c_1, 2 * (0.25 + mu + 1 / mu - 2) / ((d + 2) ** 2 + mu))  # eq. 58
    down_sum = min(
        1 + c_1 / c_mu, 1 + 2 * mu_down / (mu + 2), (1 - c_1 - c_mu) / (d * c_mu)
    )  # eq. 50 to 52
    c_sigma = (mu + 2) / (d + mu + 5)  # eq. 55
    c_c = (4 + mu / d) / (d + 4 + 2 * mu / d)  # eq. 56
    return _Rates(
        weights=up / up.sum() + down / -down.sum() * down_sum,  # eq. 53
        positive=up / up.sum(),
        c_sigma=c_sigma,
        d_sigma=1 + 2 * max(0.0, math.sqrt((mu - 1) / (d + 1)) - 1) + c_sigma,
        c_c=c_c,
        c_1=c_1,
        c_mu=c_mu,
        gain_sigma=math.sqrt(c_sigma * (2 - c_sigma) * mu),
        gain_c=math.sqrt(c_c * (2 - c_c) * mu),
        chi=math.sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d * d)),
        gap=1 / (c_1 + c_mu) / d / 10,  # section B.2
    )


def _checked(state: State, X: Array, y: Array) -> tuple[int, int]:
    if X.ndim != 2 or len(X) < 2 or X.shape[1] != len(state.mean) or y.shape != X.shape[:1]:
        raise ArgumentError(
            f"cma.tell: X must have shape (k, {len(state.mean)}) with k of at least 2, and y (k,), "
            f"got {X.shape} and {y.shape}.",
            shape=X.shape,
        )
    if np.isnan(y.min()):
        raise ArgumentError("cma.tell: y must be without NaN; a failure is inf.", y=y)
    return X.shape


def _shared(r: _Rates, ordered: Array) -> tuple[Array, Array]:
    """Positive and all weights of ordered values; equal values share theirs."""
    new = ordered[1:] != ordered[:-1]
    if new.all():
        return r.positive, r.weights
    group = np.concatenate([[0], np.cumsum(new)])
    sizes = np.bincount(group)
    shares = ((np.bincount(group, w) / sizes)[group] for w in (r.positive, r.weights))
    positive, weights = shares
    return positive, weights


def _decomposed(C: Array) -> tuple[Array, Array, Array]:
    """B, D and W; of C only the lower half is looked at, so that it needn't be quite symmetric."""
    values, B = np.linalg.eigh(C)
    D = np.sqrt(np.maximum(values, _LEAST_VARIANCE))
    return B, D, (B / D) @ B.T


def _slowed(before: State, after: State, adaptation: Adaptation) -> State:
    """Take shorter steps where the last ones contradict each other; Nomura et al., section 4.

    The steps of mean and covariance are those of ``tell``; by which share they are taken follows
    from how much of the last ones was signal.
    """
    d = len(before.mean)
    growth = (after.sigma / before.sigma) ** 2 * after.C - before.C
    m_step = before.W @ ((after.mean - before.mean) / (before.sigma * before.A))
    learnt = (
        _adapted(adaptation, 0, m_step, _MEMORY_M),
        _adapted(adaptation, 1, before.W @ growth @ before.W / math.sqrt(2), _MEMORY_C),
    )
    (eta_m, drift_m, power_m), (eta_c, drift_c, power_c) = learnt
    C = before.C + eta_c * growth
    unit = math.exp(float(np.linalg.slogdet(C)[1]) / d)
    sigma = before.sigma * math.sqrt(unit) * adaptation.rates[0] / eta_m
    B, D, W = _decomposed(C / unit)
    return replace(
        after,
        mean=before.mean + eta_m * (after.mean - before.mean),
        sigma=sigma,
        C=C / unit,
        B=B,
        D=D,
        W=W,
        decomposed=after.generation,
        adaptation=Adaptation((eta_m, eta_c), (drift_m, drift_c), (power_m, power_c)),
    )


def _adapted(
    adaptation: Adaptation, which: int, step: Array, memory: float
) -> tuple[float, Array, float]:
    """Return the next learning rate, faded step and faded squared length."""
    rate = adaptation.rates[which]
    drift = (1 - memory) * adaptation.drifts[which] + memory * step
    power = (1 - memory) * adaptation.powers[which] + memory * float(np.square(step).sum())
    signal = float(np.square(drift).sum())
    noise = max(power - signal, 1e-300)
    ratio = (signal - memory / (2 - memory) * power) / noise
    change = min(max(ratio / (_ALPHA * rate) - 1, -1.0), 1.0)
    return min(1.0, rate * math.exp(min(_GAMMA * rate, memory) * change)), drift, power
