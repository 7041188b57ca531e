from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from luthier.numerics import asng


def test_draws_follow_the_probabilities() -> None:
    choices = asng.start([np.array([0.7, 0.3]), np.array([0.2, 0.2, 0.6])])
    codes = asng.draw(choices, np.random.default_rng(0).random((20_000, 2)))
    assert np.allclose((codes[:, 0] == 1).mean(), 0.3, atol=0.02)
    assert np.allclose((codes[:, 1] == 2).mean(), 0.6, atol=0.02)
    assert set(codes[:, 0]) == {0.0, 1.0}


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 10**6))
def test_probabilities_stay_probabilities(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    choices = asng.start([np.full(k, 1 / k) for k in sizes])
    for _ in range(20):
        codes = asng.draw(choices, rng.random((4, len(sizes))))
        assert (codes < sizes).all()
        codes[rng.random(codes.shape) < 0.2] = np.nan
        choices = asng.tell(choices, codes, rng.dirichlet(np.ones(4)))
        assert np.allclose(choices.q.sum(axis=1), 1)
        least = np.where(choices.q > 0, choices.least, 0)
        assert (choices.q >= least - 1e-12).all()


def test_a_choice_given_up_can_come_back() -> None:
    rng = np.random.default_rng(0)
    choices = asng.start([np.full(3, 1 / 3)] * 4)

    def search(choices: asng.Choices, target: int) -> asng.Choices:
        for _ in range(200):
            codes = asng.draw(choices, rng.random((8, 4)))
            wrong = (codes != target).sum(axis=1)
            best = np.argsort(wrong, kind="stable")[:4]
            choices = asng.tell(choices, codes[best], np.full(4, 0.25))
        return choices

    choices = search(choices, 0)
    assert (choices.q.argmax(axis=1) == 0).all()
    assert (search(choices, 2).q.argmax(axis=1) == 2).all()


def test_what_had_no_effect_teaches_nothing() -> None:
    choices = asng.start([np.full(2, 0.5), np.full(3, 1 / 3)])
    codes = np.array([[0.0, np.nan], [0.0, np.nan]])
    told = asng.tell(choices, codes, np.array([0.5, 0.5]))
    assert np.allclose(told.q[1, :3], 1 / 3)
    assert told.q[0, 0] > 0.5
    assert asng.tell(choices, np.full((2, 2), np.nan), np.array([0.5, 0.5])) is choices


def test_one_choice_alone() -> None:
    choices = asng.start([np.array([1.0])])
    codes = asng.draw(choices, np.array([[0.5], [0.999]]))
    assert codes.tolist() == [[0.0], [0.0]]
    assert asng.tell(choices, codes, np.array([0.5, 0.5])).q.tolist() == [[1.0]]


def test_certainty_is_not_for_ever() -> None:
    choices = asng.start([np.full(2, 0.5)])
    for _ in range(30):
        choices = asng.tell(choices, np.zeros((2, 1)), np.array([0.5, 0.5]))
        assert choices.q[0, 1] >= choices.least[0, 0] - 1e-12
    assert choices.delta <= 1
