"""Any study has a report: a valid page, valid JSON, Markdown; files and formats."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_histories import OBJECTIVES, SPACES, TRIALS

import luthier
from luthier import Categorical, Float, Space
from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.errors import ArgumentError
from luthier.report import Report, report, tell
from luthier.space.sample import sample
from luthier.testing.rehearsal import Rehearsal

NAMED = Space(
    {"<script>alert(1)</script>": Float(0, 1), "|`*": Categorical(["</td>", "\u202e\x00"])}
)
VOID = {"meta", "br", "link", "img", "hr"}


class Balanced(HTMLParser):
    """Checks that every element is closed where it should be."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.outside += [str(v) for k, v in attrs if k in ("src", "href") and "#" not in str(v)]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(text: str) -> Balanced:
    parser = Balanced()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    assert parser.outside == []
    return parser


def played(space: Space, objective: Objective, trials: list[Any], seed: int) -> Rehearsal:
    play, rng = Rehearsal(space, objective=objective), np.random.default_rng(seed)
    for state, value, n_reports, group in trials:
        drawn = np.random.default_rng(group) if group else rng  # some configurations again
        trial = play.add(sample(space, 1, drawn)[0])
        for step in range(n_reports):
            fold = {"fold": float(step), "fold_score": value} if group else {}
            play.report(trial, step, {objective.names[0]: value} | fold)
        if state is not TrialState.RUNNING:
            names = [*objective.names, *(c.metric for c in objective.constraints)]
            metrics = {name: value if k == 0 else rng.normal() for k, name in enumerate(names)}
            complete = state is TrialState.COMPLETE
            play.end(trial, state, metrics=metrics if complete else {}, cost=float(group))
    return play


@settings(deadline=None, max_examples=12, report_multiple_bugs=False)
@given(st.sampled_from((*SPACES, NAMED)), st.sampled_from(OBJECTIVES), TRIALS, st.integers(0, 3))
def test_any_history_has_a_report(
    space: Space, objective: Objective, trials: list[Any], seed: int
) -> None:
    found = tell(played(space, objective, trials, seed).history, "</title><script>")
    page = checked(found.to_html())
    assert page.seen.count("script") == 2 * bool(found.figures) + len(found.figures)
    document = json.loads(found.to_json())
    assert [f["topic"] for f in document["findings"]] == [f.topic for f in found.findings]
    assert "<script" not in found.to_markdown()
    assert found.findings[0].topic == "winner"
    assert found.findings[0].text


@pytest.mark.parametrize("extreme", [1e308, -1e308])
def test_values_at_the_end_of_floats_are_told_of(extreme: float) -> None:
    ends = [(TrialState.COMPLETE, value, 2, 0) for value in [0.0, extreme, 1.0] * 5]
    found = tell(played(SPACES[6], OBJECTIVES[0], ends, 0).history, "extreme")
    assert {"history", "importance", "dependence"} <= set(found.figures)
    json.loads(found.to_json())


def test_same_history_and_seed_give_the_same_findings() -> None:
    ends = [(TrialState.COMPLETE, k / 40, 3, 0) for k in range(40)]
    history = played(SPACES[6], OBJECTIVES[0], ends, 0).history
    assert tell(history, "a").findings == tell(history, "a").findings


def test_a_study_with_nothing_but_failures_says_so_first() -> None:
    ends = [(TrialState.FAILED, 0.0, 0, 0)] * 12
    found = tell(played(SPACES[0], OBJECTIVES[0], ends, 0).history, "broken")
    assert found.findings[0].title == "Nothing has won"
    assert found.rows == ()
    assert "Look at a failed trial first." in found.next_steps
    assert any("12 of 12 trials" in finding.text for finding in found.findings)


def test_running_trials_are_told_of_where_nothing_has_finished() -> None:
    ends = [(TrialState.RUNNING, 0.0, 2, 0)] * 3
    found = tell(played(SPACES[0], OBJECTIVES[0], ends, 0).history, "young")
    assert found.findings[0].text == "No trial has finished yet. 3 trials are running."
    assert "3 running" in found.run["Trials"]


@pytest.fixture(scope="module")
def parabola() -> Report:
    study = luthier.create_study(
        space=Space(x=Float(-1, 1), kind=Categorical(["a", "b"])),
        sampler="tpe:n_startup=5",
        scheduler="median",
        study_name="parabola",
        seed=3,
    )
    study.set_note("for the paper")
    study.set_tags(["baseline", "<b>"])
    study.optimize(lambda trial: trial.params["x"] ** 2, n_trials=30)
    return report(study)


def test_it_tells_how_the_study_was_run(parabola: Report) -> None:
    run = parabola.run
    assert run["Sampler"].startswith("tpe (")
    assert "n_startup=5" in run["Sampler"]
    assert run["Scheduler"].startswith("median")
    assert run["Seed"] == "3"
    assert run["Note"] == "for the paper"
    assert run["Tags"] == "baseline, <b>"
    assert luthier.__version__ in run["Luthier"]
    assert [row[0] for row in parabola.parameters] == ["x", "kind"]


def test_the_table_has_the_best_trials_first(parabola: Report) -> None:
    assert parabola.columns == ("trial", "value", "x", "kind", "seconds")
    values = [float(row[1]) for row in parabola.rows]
    assert len(values) == 20
    assert values == sorted(values)
    assert parabola.trials[0]["number"] == int(parabola.rows[0][0])


def test_a_notebook_shows_all_of_it(parabola: Report) -> None:
    text = parabola._repr_html_()
    assert "html" not in checked(text).seen
    assert all(f"<h3>{finding.title}</h3>" in text for finding in parabola.findings)


def test_a_page_shows_findings_before_figures_before_trials(parabola: Report) -> None:
    text = parabola.to_html()
    places = [text.index(f'<section id="{part}"') for part in ("found", "figures", "trials", "run")]
    assert places == sorted(places)
    assert set(parabola.figures) >= {"history", "importance", "slice", "parallel"}
    assert all(f'id="figure-{name}"' in text for name in parabola.figures)


@pytest.mark.parametrize(("ending", "start"), [("html", "<!doctype"), ("md", "# "), ("json", "{")])
def test_a_report_is_saved_by_its_ending(
    parabola: Report, tmp_path: Path, ending: str, start: str
) -> None:
    path = parabola.save(tmp_path / f"report.{ending}")
    assert path.read_text("utf-8").startswith(start)
    other = parabola.save(tmp_path / "report.txt", format=ending)  # type: ignore[arg-type]
    assert other.read_text("utf-8") == path.read_text("utf-8")


def test_an_ending_or_a_format_that_tells_nothing_is_refused(
    parabola: Report, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match=r"must end in \.html, \.md or \.json.*'report\.pdf'"):
        parabola.save(tmp_path / "report.pdf")
    with pytest.raises(ArgumentError, match="one of html, md, json, got 'pdf'"):
        parabola.to("pdf")  # type: ignore[arg-type]
