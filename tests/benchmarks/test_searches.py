"""Tests of the comparison of searches: its rules, its budgets, its tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingRandomSearchCV

from benchmarks.efficiency import recording
from benchmarks.searches import data, libraries, protocol, report, spaces
from benchmarks.searches.options import setting
from luthier import Space

SHIPPED = [name for name in data.TRAIN if name not in ("sonar", "vehicle")]  # with scikit-learn


def outcome(differences: list[float], error: float = 1.0) -> int:
    return protocol.verdict(np.array(differences), np.zeros(len(differences)), error).outcome


def test_better_on_all_seeds_wins_and_worse_on_all_loses_however_little() -> None:
    little = [0.01 * k for k in range(1, 21)]
    assert outcome(little) == 1
    assert outcome([-d for d in little]) == -1


def test_a_median_beyond_half_a_standard_error_decides_without_significance() -> None:
    mixed = [-0.6, -0.6, -0.6, 0.5, 0.5]
    assert outcome(mixed) == -1
    assert outcome([-d for d in mixed]) == 1
    assert outcome(mixed, error=2.0) == 0


def test_what_the_test_calls_a_loss_is_one_even_with_a_good_median() -> None:
    # 21 small gains, 20 large losses: the median is above the margin, the ranks say the contrary.
    d = [0.01] * 21 + [-1.0 - k / 10 for k in range(20)]
    found = protocol.verdict(np.array(d), np.zeros(41), 0.01)
    assert found.median > protocol.MARGIN * found.error
    assert found.p < protocol.LEVEL
    assert found.outcome == -1


def test_equal_scores_tie() -> None:
    assert outcome([0.0] * 20) == 0


def test_standard_errors() -> None:
    n = data.ROWS["wine"] - data.TRAIN["wine"]
    assert protocol.standard_error("wine", np.array([0.7, 0.8, 0.9])) == pytest.approx(
        np.sqrt(0.8 * 0.2 / n)
    )
    assert protocol.standard_error("diabetes", np.array([0.4, 0.5, 0.6])) == pytest.approx(0.1)


@pytest.mark.parametrize(("samples", "classes"), [(200, 2), (89, 3), (300, 10), (221, 1)])
def test_halving_spends_its_fits_as_planned(samples: int, classes: int) -> None:
    factor, candidates = libraries.brackets(samples, classes)
    y = np.arange(samples) % classes
    search = HalvingRandomSearchCV(
        DummyClassifier(),
        {"random_state": range(10_000)},
        n_candidates=candidates,
        factor=factor,
        min_resources="exhaust",
        cv=data.FOLDS,
        random_state=0,
    ).fit(np.zeros((samples, 1)), y)
    planned = libraries.rungs(candidates, factor, samples, 2 * data.FOLDS * classes)
    assert search.n_candidates_ == planned
    assert 0.9 * libraries.FITS <= sum(planned) * data.FOLDS <= libraries.FITS


@pytest.mark.parametrize("name", SHIPPED)
def test_tables_are_split_anew_by_each_seed(name: str) -> None:
    first, again, other = data.Split(name, 0), data.Split(name, 0), data.Split(name, 1)
    assert len(first.train[0]) == data.TRAIN[name]
    assert len(first.train[0]) + len(first.test[0]) == data.ROWS[name]
    assert np.array_equal(first.train[0], again.train[0])
    assert not np.array_equal(first.train[0], other.train[0])


@pytest.mark.parametrize("regression", [False, True])
@pytest.mark.parametrize("name", spaces.SPACES)
def test_spaces_are_the_same_in_the_words_of_both(name: str, regression: bool) -> None:
    model, space = spaces.model_and_space(name, regression, 0)
    ours = Space.of(spaces.for_luthier(space))
    rng = np.random.RandomState(0)
    for _ in range(50):
        drawn = {
            param: values[rng.randint(len(values))]
            if isinstance(values, list)
            else values.rvs(random_state=rng)
            for param, values in spaces.for_sklearn(space).items()
        }
        assert ours.fits(drawn)
        model.set_params(**drawn)


def test_logarithms_of_integers_are_uniform() -> None:
    draws = spaces.LogIntegers(1, 20)
    rng = np.random.RandomState(0)
    values = np.array([draws.rvs(random_state=rng) for _ in range(4000)])
    assert {int(v) for v in values} == set(range(1, 21))
    width = np.log(20.5 / 0.5)
    assert np.mean(values == 1) == pytest.approx(np.log(1.5 / 0.5) / width, abs=0.03)
    assert np.mean(values <= 4) == pytest.approx(np.log(4.5 / 0.5) / width, abs=0.03)


def test_fits_are_counted_where_they_happen() -> None:
    fit = DummyClassifier.fit
    budget = libraries.Budget(fits=10)
    with libraries.counted(DummyClassifier(), budget):
        for _ in range(7):
            DummyClassifier().fit([[0], [0]], [0, 1])
    assert budget.fits == 7
    assert budget.allows(3)
    assert not budget.allows(4)
    assert not libraries.Budget(seconds=0).allows(1)
    assert DummyClassifier.fit is fit


@pytest.mark.filterwarnings("ignore")
def test_both_searches_keep_to_the_budget() -> None:
    task = libraries.Task("wine", "linear", 0)
    theirs = libraries.run(libraries.PEERS["RandomizedSearchCV"], task)
    ours = libraries.run(libraries.luthier_search(), task)
    assert theirs["fits"] == libraries.FITS
    assert libraries.FITS - data.FOLDS < ours["fits"] <= libraries.FITS
    hasty = libraries.run(libraries.luthier_search(), task, paces=0.1)
    assert hasty["fits"] < ours["fits"]


def record(folder: Path, label: str, score: float, rng: np.random.Generator) -> None:
    for pair in protocol.PAIRS[:3]:
        for seed in range(5):
            spent = {"fits": 150, "seconds": 1.0, "pace": 0.1}
            run = {"seed": seed, "test": score + rng.normal() / 1000, **spent}
            recording.append(label, folder, protocol.name_of(pair), run)


def test_the_report_counts_pairs_without_a_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    peers, ours = tmp_path / "peers", tmp_path / "ours"
    for label, score in (("Weak", 0.5), ("Equal", 0.8)):
        record(peers, label, score, rng)
        record(ours, f"Search@{label}", 0.8 if label == "Equal" else 0.4, rng)
    record(ours, "Search", 0.8, rng)
    found = report.compare("Search", ours, peers)
    assert found.best_or_tied("fits") == (3, 3)
    assert found.best_or_tied("time") == (0, 3)
    monkeypatch.setattr(report, "compare", lambda label, folder: found)
    monkeypatch.setattr(report, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results.json")
    report.show("Search", ours, publish=True)
    assert "| best or tied 3 of 3 | 0, 3, 0 | 3, 0, 0 |" in capsys.readouterr().out
    assert json.loads(report.RESULTS.read_text())["best_or_tied"] == {
        "fits": [3, 3],
        "time": [0, 3],
    }
    assert "+0.3" in report.PAGE.read_text()


@pytest.mark.parametrize(
    ("words", "value"), [("n_trials=5", 5), ("race=none", "none"), ("strategy='gp'", "gp")]
)
def test_settings_are_literals_or_text(words: str, value: Any) -> None:
    assert setting(words) == (words.split("=")[0], value)


def test_the_page_shows_what_is_recorded() -> None:
    kept = json.loads(report.RESULTS.read_text("utf-8"))
    page = report.PAGE.read_text("utf-8")
    for limit, (met, of) in kept["best_or_tied"].items():
        assert kept["met"][limit] == (of > 0 and met >= protocol.AIM * of)
        if of:
            table = page.split(f"| equal {limit} |")[1].split("\n\n")[0]
            assert f"best or tied {met} of {of}" in table
    for search in kept["times"]:
        assert f"{search} ({kept['seeds'][search]})" in page
