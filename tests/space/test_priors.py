"""Priors: distributions in the parameter's own units."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import scipy.stats

from luthier.errors import SpaceError
from luthier.space import Beta, Categorical, Float, Int, LogNormal, Normal, Space, sample
from luthier.space.priors import ScipyPrior, as_prior, prior_from_json

PAIRS = [
    (Normal(0.3, 0.2), scipy.stats.norm(0.3, 0.2)),
    (LogNormal(-1.0, 0.5), scipy.stats.lognorm(0.5, scale=math.exp(-1.0))),
    (Beta(2, 5), scipy.stats.beta(2, 5)),
    (Beta(2, 5, -1, 3), scipy.stats.beta(2, 5, loc=-1, scale=4)),
    (ScipyPrior("gamma", (2.0,), (("scale", 0.1),)), scipy.stats.gamma(2, scale=0.1)),
]


@pytest.mark.parametrize(("prior", "reference"), PAIRS)
def test_agrees_with_scipy(prior, reference):
    x = np.linspace(-2, 4, 61)
    q = np.linspace(0.001, 0.999, 50)
    np.testing.assert_allclose(prior.cdf(x), reference.cdf(x), atol=1e-13)
    np.testing.assert_allclose(prior.ppf(q), reference.ppf(q), rtol=1e-9)


@pytest.mark.parametrize("prior", [prior for prior, _ in PAIRS])
def test_json_round_trip(prior):
    assert prior_from_json(json.loads(json.dumps(prior.to_json()))) == prior


def distance(values: np.ndarray, cdf) -> float:
    """The Kolmogorov-Smirnov distance of a sample from a distribution."""
    values = np.sort(values)
    steps = np.arange(1, len(values) + 1) / len(values)
    expected = cdf(values)
    return float(
        max(np.abs(steps - expected).max(), np.abs(steps - 1 / len(values) - expected).max())
    )


@pytest.mark.parametrize(
    "prior", [*(prior for prior, _ in PAIRS), scipy.stats.norm(0.5, 0.1), scipy.stats.expon()]
)
@pytest.mark.parametrize("options", [{}, {"log": True}, {"scale": "logit"}])
def test_draws_follow_the_prior_cut_off_at_the_range(prior, options):
    low, high = 0.1, 0.9
    param = Float(low, high, prior=prior, **options)
    x = np.array([c["x"] for c in sample(Space(x=param), 3000, np.random.default_rng(1))])
    kept = param.prior
    assert low <= x.min() <= x.max() <= high
    assert distance(x, lambda v: (kept.cdf(v) - kept.cdf(low)) / kept.mass(low, high)) < 0.03


def test_integers_get_the_probability_of_their_bin():
    param = Int(1, 9, prior=Normal(4, 1.5))
    n = np.array([c["n"] for c in sample(Space(n=param), 20_000, np.random.default_rng(0))])
    edges = Normal(4, 1.5).cdf(np.arange(0.5, 10))
    expected = np.diff(edges) / (edges[-1] - edges[0])
    np.testing.assert_allclose(np.bincount(n, minlength=10)[1:] / 20_000, expected, atol=0.012)


def test_weights_of_choices():
    space = Space(c=Categorical(["a", "b", "c"], prior=[1, 0, 3]))
    drawn = [c["c"] for c in sample(space, 4000, np.random.default_rng(0))]
    assert drawn.count("b") == 0
    assert abs(drawn.count("c") / 4000 - 0.75) < 0.03


def test_beta_spans_the_range_of_its_parameter():
    assert Float(2, 6, prior=Beta(2, 2)).prior == Beta(2, 2, 2, 6)
    assert Int(1, 4, prior=Beta(2, 2)).prior == Beta(2, 2, 0.5, 4.5)
    assert Float(2, 6, prior=Beta(2, 2, 0, 10)).prior == Beta(2, 2, 0, 10)


def test_scipy_distributions_are_kept_by_name():
    prior = Float(0, 1, prior=scipy.stats.gamma(2, scale=np.float64(0.1))).prior
    assert prior == ScipyPrior("gamma", (2,), (("scale", 0.1),))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Normal(0, 0), "Normal: sigma must be above 0, got sigma=0"),
        (lambda: Normal(math.nan, 1), "Normal: mu must be a finite number, got mu=nan"),
        (lambda: Normal("a", 1), "Normal: mu must be a finite number, got mu='a'"),
        (lambda: LogNormal(0, -1), "LogNormal: sigma must be above 0"),
        (lambda: Beta(0, 1), "Beta: a must be above 0"),
        (lambda: Beta(1, 1, 2, 2), "Beta: low must be below high"),
        (lambda: ScipyPrior("linalg"), "must be a distribution of scipy.stats, got 'linalg'"),
        (lambda: ScipyPrior("__class__"), "must be a distribution of scipy.stats"),
        (lambda: ScipyPrior("gamma"), r"scipy.stats.gamma can't be built from \(\)"),
        (lambda: ScipyPrior("gamma", (-1.0,)), "doesn't accept the arguments"),
        (lambda: ScipyPrior("norm", ("x",)), "must have plain numbers as arguments"),
        (lambda: as_prior(3, 0, 1, "Float"), "Float: prior must be Normal, LogNormal, Beta or"),
        (lambda: as_prior(Normal(9, 0.1), 0, 1, "Float"), "which has .nearly. none"),
        (lambda: prior_from_json({"cauchy": [0, 1]}), "A prior must be one of normal, log_normal"),
    ],
)
def test_bad_priors(make, message):
    with pytest.raises(SpaceError, match=message):
        make()
