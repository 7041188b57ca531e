"""Studies side by side: equal terms, what may be concluded, and what may not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from server_of_tests import Dashboard

from luthier import Categorical, Float, Space, Study, TrialState, create_study
from luthier.analysis import compare
from luthier.core.trial import FrozenTrial
from luthier.dashboard.comparing import compared, side_by_side
from luthier.dashboard.contests import contest_of
from luthier.dashboard.view import View
from luthier.storages import open_storage

SPACE = Space(x=Float(0, 1))


@pytest.fixture
def storage() -> Any:
    return open_storage("memory:")


def told(storage: Any, name: str, values: Sequence[float | None], **options: Any) -> Study:
    """A study whose trials had these values, None for a trial that failed, and took 2 s each."""
    options = {"space": SPACE, "sampler": "random", "seed": 0, **options}
    study = create_study(study_name=name, storage=storage, **options)
    for k, value in enumerate(values):
        ended = {"number": 0, "cost": 2.0, "started": 2.0 * k, "finished": 2.0 * k + 2}
        if value is None:
            study.add_trial(FrozenTrial(state=TrialState.FAILED, error="broke", **ended))
        else:
            names, results = study.objective.names, (value,)
            trial = FrozenTrial(
                state=TrialState.COMPLETE, metric_names=names, metric_values=results, **ended
            )
            study.add_trial(trial)
    return study


def laid(storage: Any, *names: str) -> dict[str, Any]:
    """What is answered; it must be JSON."""
    found = side_by_side([compared(View(storage, name)) for name in names])
    again: dict[str, Any] = json.loads(json.dumps(found, allow_nan=False))
    return again


def test_over_http(start: Callable[..., Dashboard], storage: Any) -> None:
    told(storage, "a", [3.0, 1.0])
    told(storage, "b", [2.0])
    told(storage, "max", [2.0], direction="maximize")
    dashboard = start(storage)
    status, found = dashboard.post("/api/compare", {"studies": ["a", "b"]})
    assert status == 200
    assert [study["best"]["number"] for study in found["studies"]] == [1, 0]
    assert len(found["figure"]["data"]) == len(found["by_time"]["data"]) == 2
    other = dashboard.post("/api/compare", {"studies": ["a", "max"]})[1]
    assert (other["comparable"], other["figure"], other["statistics"]) == (False, None, None)
    assert "different goals" in other["why_not"]
    assert dashboard.post("/api/compare", {"studies": ["a"]})[0] == 422
    assert dashboard.post("/api/compare", {"studies": ["a", "a"]})[0] == 422
    assert dashboard.post("/api/compare", {"studies": ["a", "nosuch"]})[0] == 404
    assert dashboard.post("/api/compare", {"studies": [f"s{k}" for k in range(61)]})[0] == 422


def test_one_run_of_each_is_compared_on_equal_terms_and_proves_nothing(storage: Any) -> None:
    told(storage, "a", [9.0, 5.0, 5.0, 1.0])
    told(storage, "b", [None, 4.0, 2.0], sampler="tpe")
    found = laid(storage, "a", "b")
    a, b = found["studies"]
    assert found["equal"] == {"trials": 3, "target": 2.0}
    assert (a["finished"], a["at_equal"], b["at_equal"]) == (4, 5.0, 2.0)
    assert a["reached"] == {"trials": 4, "seconds": 8.0}
    assert b["reached"] == {"trials": 3, "seconds": 6.0}
    assert a["curve"]["trials"] == [1, 2, 4]
    assert a["curve"]["values"] == [9.0, 5.0, 1.0]
    assert b["curve"]["trials"] == [2, 3]
    assert (a["strategy"], b["strategy"]) == ("random", "tpe")
    assert (found["statistics"], found["ranks"], a["run"]) == (None, None, None)
    first, second, last = found["words"]
    assert first == "After 3 finished trials of each, b is ahead with 2; a has 5."
    assert second.startswith("2, which all have reached, took b 3 trials")
    assert "allows no statistics" in last


def test_what_is_maximised(storage: Any) -> None:
    told(storage, "a", [1.0, 5.0], direction="maximize")
    told(storage, "b", [2.0, 3.0], direction="maximize")
    found = laid(storage, "a", "b")
    assert found["equal"] == {"trials": 2, "target": 3.0}
    assert [study["at_equal"] for study in found["studies"]] == [5.0, 3.0]
    assert found["words"][0].startswith("After 2 finished trials of each, a is ahead with 5")
    assert found["words"][-1].startswith("Both are runs of one strategy, random")


def test_studies_without_a_result(storage: Any) -> None:
    told(storage, "a", [1.0])
    told(storage, "none", [])
    told(storage, "failed", [None])
    assert laid(storage, "a", "none")["equal"] is None
    found = laid(storage, "a", "failed")
    assert found["equal"] == {"trials": 1, "target": None}
    assert found["studies"][1]["at_equal"] is None
    assert found["studies"][1]["curve"] == {"trials": [], "seconds": [], "values": []}
    assert found["words"][0] == "A study without a result can't be compared yet."


def test_several_objectives_are_compared_by_hypervolume(storage: Any) -> None:
    for name, off in (("near", 0.0), ("far", 1.0)):
        study = create_study(
            study_name=name, storage=storage, metrics={"a": "minimize", "b": "maximize"}, seed=0
        )
        for k in range(4):
            study.tell(study.ask(), {"a": k + off, "b": k - off})
    found = laid(storage, "near", "far")
    near, far = (study["at_equal"] for study in found["studies"])
    assert near > far > 0
    assert found["equal"]["target"] == pytest.approx(far)
    assert "hypervolume" in found["figure"]["layout"]["yaxis"]["title"]["text"]


def test_scores_of_folds_give_the_best_an_interval(storage: Any) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        study = create_study(study_name=name, storage=storage, space=SPACE, seed=1)
        for _ in range(20):
            trial, scores = study.ask(), 1.0 + 0.1 * rng.standard_normal(5)
            for fold, score in enumerate(scores):
                mean = float(scores[: fold + 1].mean())
                report = {"value": mean, "fold": float(fold), "fold_score": float(score)}
                trial.report(report, fold + 1)
            study.tell(trial, float(scores.mean()))
    for study in laid(storage, "a", "b")["studies"]:
        best, expected = study["best"]["metrics"]["value"], study["expected"]
        assert expected["low"] < expected["mean"] < expected["high"]
        assert best < expected["mean"]  # the best of many looks too good
    told(storage, "plain", [1.0, 2.0])
    assert laid(storage, "plain", "a")["studies"][0]["expected"] is None


# --- contests -----------------------------------------------------------------------------------


def replicates(
    storage: Any, seeds: Sequence[int], problems: Sequence[str] = ("digits",)
) -> list[str]:
    """Studies of two strategies, of which "tpe" is better in every run."""
    names = []
    for problem in problems:
        for strategy, off in (("random", 1.0), ("tpe", 0.0)):
            for seed in seeds:
                name = f"{problem}-{strategy}-{seed}"
                values = [off + 0.1 * seed + 1 / (k + 1) for k in range(6)]
                told(storage, name, values, sampler=strategy, seed=seed)
                names.append(name)
    return names


def test_several_seeds_are_tested_in_pairs(storage: Any) -> None:
    names = replicates(storage, range(6))
    found = laid(storage, *names)
    by_hand = compare(
        {
            kind: {seed: View(storage, f"digits-{kind}-{seed}").history for seed in range(6)}
            for kind in ("random", "tpe")
        }
    )
    statistics = found["statistics"]
    assert (statistics["trials"], statistics["runs"], statistics["p"]) == (6, 6, None)
    assert [s["name"] for s in statistics["standings"]] == ["tpe", "random"]
    assert [s["rank"] for s in statistics["standings"]] == [1.0, 2.0]
    assert [s["letters"] for s in statistics["standings"]] == ["a", "b"]
    (pair,) = statistics["pairs"]
    assert (pair["first"], pair["wins"], pair["losses"]) == ("tpe", 6, 0)
    assert (pair["p"], pair["differs"]) == (by_hand.pairs[0].p, True)
    assert statistics["groups"] == [["tpe"], ["random"]]
    assert found["words"][0].startswith(
        "On 6 common runs: tpe is better than the other (p = 0.031)"
    )
    assert "paired by their seeds" in found["words"][1]
    assert found["studies"][2]["run"] == "seed 2"
    assert len(found["figure"]["data"]) == 6  # two medians, each with a band
    colours = [trace["line"]["color"] for trace in found["by_time"]["data"]]
    assert len(set(colours[:6])) == len(set(colours[6:])) == 1
    assert colours[0] == found["figure"]["data"][5]["line"]["color"]


def test_a_strategy_that_is_no_better_is_not_called_better(storage: Any) -> None:
    for strategy in ("random", "sobol", "tpe"):
        for seed in range(5):
            told(storage, f"{strategy}-{seed}", [float(seed)], sampler=strategy, seed=seed)
    found = laid(storage, *(s.record.name for s in storage.studies()))
    assert found["words"][0] == "On 5 common runs, no strategy can be told from another."
    assert found["statistics"]["p"] == 1.0
    assert found["statistics"]["groups"] == [["random", "quasirandom", "tpe"]]
    assert len(found["ranks"]["data"]) == 2  # the ranks, and one bar that joins them


def test_few_runs_have_ranks_and_no_p(storage: Any) -> None:
    found = laid(storage, *replicates(storage, range(3)))
    assert found["statistics"]["pairs"][0]["p"] is None
    assert "can't be told from luck" in found["words"][0]


def test_other_seeds_are_paired_in_order(storage: Any) -> None:
    for strategy, first in (("random", 0), ("tpe", 100)):
        for seed in range(first, first + 5):
            told(storage, f"{strategy} {seed}", [1.0, float(seed)], sampler=strategy, seed=seed)
    told(storage, "tpe 200", [1.0], sampler="tpe", seed=200)
    found = laid(storage, *(s.record.name for s in storage.studies()))
    assert found["statistics"]["runs"] == 5
    assert "in the order in which they were created" in found["words"][-1]
    assert "1 study has no counterpart" in found["words"][-1]
    assert "taken to solve one problem" in found["words"][-1]
    assert found["studies"][0]["run"] == "run 1"


def test_problems_are_told_by_names_or_attributes(storage: Any) -> None:
    names = replicates(storage, range(3), ("digits", "wine"))
    found = laid(storage, *names)
    assert found["statistics"]["runs"] == 6
    assert found["studies"][0]["run"] == "digits, seed 0"
    other = open_storage("memory:")
    for k, strategy in enumerate(("tpe", "random") * 4):
        problem = "one" if k < 4 else "two"
        study = told(other, f"study {'abcdefgh'[k]}", [1.0, 2.0], sampler=strategy, seed=k)
        study.set_user_attr("problem", problem)
    found = laid(other, *(s.record.name for s in other.studies()))
    assert {s["run"] for s in found["studies"]} == {
        f"{p}, run {k}" for p in ("one", "two") for k in (1, 2)
    }


def test_different_problems_are_not_tested(storage: Any) -> None:
    other = Space(y=Categorical(["a", "b"]))
    for seed in range(2):
        told(storage, f"x-{seed}", [1.0], seed=seed)
        told(storage, f"y-{seed}", [1.0], seed=seed, space=other, sampler="tpe")
    found = laid(storage, "x-0", "x-1", "y-0", "y-1")
    assert found["statistics"] is None
    assert "no problem in common" in found["words"][-1]


def test_settings_tell_strategies_of_one_name_apart(storage: Any) -> None:
    from luthier.samplers import TPE

    for gamma in (0.1, 0.3):
        told(storage, f"g{gamma}", [1.0], sampler=TPE(gamma=gamma))
    told(storage, "r", [1.0], scheduler="median")
    found = laid(storage, "g0.1", "g0.3", "r")
    names = [study["strategy"] for study in found["studies"]]
    assert names == ["tpe (gamma 0.1)", "tpe (gamma 0.3)", "random + median"]


def test_too_many_trials_are_not_tested(storage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    names = replicates(storage, range(2))
    monkeypatch.setattr("luthier.dashboard.contests._MOST_TRIALS", 10)
    found = laid(storage, *names)
    assert found["statistics"] is None
    assert "too many" in found["words"][-1]


def test_infinite_values_are_no_numbers_of_json(storage: Any) -> None:
    told(storage, "a", [math.inf, 1.0])
    told(storage, "b", [math.inf])
    laid(storage, "a", "b")


def test_contests_are_of_studies_in_any_order(storage: Any) -> None:
    names = replicates(storage, range(5))
    runs = [compared(View(storage, name)) for name in [*names[5:], *names[:5]]]
    strategies = [run.settings["sampler"]["name"] for run in runs]
    found = contest_of(runs, strategies).found
    assert found is not None
    assert found.standings[0].name == "tpe"
