"""Proposals that know the incumbent."""

from __future__ import annotations

import pytest

from luthier.errors import ArgumentError
from luthier.samplers import Challenger, Random
from luthier.space import Float, Space
from luthier.testing.rehearsal import Rehearsal


def test_proposals_are_the_others_with_the_incumbents_scores() -> None:
    play = Rehearsal(Space(x=Float(0, 1)))
    for start in (0.3, 0.1):
        trial = play.add({"x": start})
        for fold in range(3):
            score = start + fold
            report = {"value": score, "fold": fold, "fold_score": score}
            trial = play.report(trial, fold + 1, report)
        play.end(trial, value=start + 1)
    plain, noted = play.propose(Random(), 2), play.propose(Challenger(Random()), 2)
    assert [p.params for p in noted] == [p.params for p in plain]
    assert noted[0].data == {"incumbent": {"trial": 1, "scores": [0.1, 1.1, 2.1]}}
    assert noted[0].data == noted[1].data


def test_without_an_incumbent_nothing_is_added() -> None:
    play = Rehearsal(Space(x=Float(0, 1)))
    assert play.propose(Challenger(Random())) == play.propose(Random())


def test_it_needs_a_sampler() -> None:
    with pytest.raises(ArgumentError, match="must be a sampler"):
        Challenger("tpe")  # type: ignore[arg-type]
