from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from benchmarks import peers
from benchmarks.asks import __main__ as program
from benchmarks.asks import comparison, task
from benchmarks.asks.comparison import ROWS, Case, Row, compare, cost

OURS = Case("luthier", "gp", 100, 2)
THEIRS = Case("optuna", "gp", 100, 2)


def compared(ours: float, theirs: float, share: float | None, least: float = 0.0) -> object:
    seen = {OURS: [[99.0, ours, ours]], THEIRS: [[999.0, theirs, theirs]]}
    return compare(Row("gp", OURS, THEIRS, share, least), seen)["met"]


def test_cost_is_the_median_over_repeats_of_the_mean_without_the_first_ask() -> None:
    assert cost([[50.0, 1.0, 3.0], [1.0, 10.0, 10.0], [2.0, 4.0, 4.0]]) == 4.0


def test_cost_of_a_whole_study_is_its_only_figure() -> None:
    assert cost([[700.0], [900.0], [800.0]]) == 800.0


@pytest.mark.parametrize(
    ("ours", "theirs", "share", "least", "met"),
    [
        (5.0, 100.0, 1 / 20, 0.0, True),
        (5.1, 100.0, 1 / 20, 0.0, False),
        (0.9, 10.0, 1 / 20, 1.0, True),
        (1.1, 10.0, 1 / 20, 1.0, False),
        (1.1, 40.0, 1 / 20, 1.0, True),
        (9.0, 1.0, None, 0.0, None),
    ],
)
def test_target_is_a_share_of_the_peers_cost_or_what_is_good_enough(
    ours: float, theirs: float, share: float | None, least: float, met: bool | None
) -> None:
    assert compared(ours, theirs, share, least) is met


def test_line_tells_the_ratio_and_the_first_ask() -> None:
    seen = {OURS: [[9.0, 2.0, 2.0]], THEIRS: [[9.0, 50.0, 50.0]]}
    line = compare(Row("gp", OURS, THEIRS, 1 / 20), seen)
    assert (line["ratio"], line["first"], line["limit"]) == (25.0, 9.0, 2.5)
    assert line["peer"] == "optuna gp, 100"


def test_rows_can_be_told_apart() -> None:
    keys = [program.compare_key(row) for row in ROWS]
    assert len(set(keys)) == len(keys)


def test_targets_of_the_issue_are_all_there() -> None:
    aims = [row for row in ROWS if row.share is not None]
    shares = {(r.ours.sampler, r.ours.n, r.theirs.library): r.share for r in aims}
    assert shares["gp", 100, "optuna"] == 1 / 20
    assert shares["gp", 1000, "optuna"] == pytest.approx(1 / 40)
    assert shares["tpe", 1000, "rustuna"] == 1.0
    assert shares["forest", 1000, "smac"] == 1 / 50


def test_words_choose_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "interpreter", lambda library: Path("python"))
    chosen = [row for row in ROWS if program.wanted(row, ["rustuna"])]
    assert [row.theirs.library for row in chosen] == ["rustuna"]


def test_row_of_a_missing_peer_is_left_out_aloud(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "interpreter", lambda library: None)
    assert not program.wanted(ROWS[0], [])
    assert "no .peers/optuna" in capsys.readouterr().err


def test_results_of_other_rows_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "RESULTS", tmp_path / "results" / "asks.json")
    (first, key), (second, other) = ((row, program.compare_key(row)) for row in ROWS[:2])
    lines = [{"what": what, "peer": peer, "luthier": 1.0} for what, peer in (other, key)]
    program.save(lines[:1], {"gp": {10: 1.0}})
    program.save(lines[1:], {})
    kept = json.loads(program.RESULTS.read_text())
    assert [line["what"] for line in kept["rows"]] == [first.label, second.label]
    assert kept["curve"] == {"gp": {"10": 1.0}}


def test_peer_is_looked_for_where_the_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "ROOT", tmp_path / "nowhere")
    monkeypatch.setenv("LUTHIER_PEERS", str(tmp_path))
    assert peers.interpreter("other") is None
    python = tmp_path / "other" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert peers.interpreter("other") == python


def test_missing_peer_is_refused_with_the_way_to_get_it() -> None:
    with pytest.raises(SystemExit, match=r"Run tools/peers.sh nobody"):
        peers.run("nobody", Path("worker.py"))


def test_worker_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text("raise ValueError('no such sampler')")
    with pytest.raises(SystemExit, match="no such sampler"):
        peers.run("luthier", worker)


def test_history_is_the_same_for_all_libraries() -> None:
    assert task.history(3, 1) == task.history(3, 1) != task.history(3, 2)
    for params, value in task.history(5, 0):
        assert all(task.LOW <= v <= task.HIGH for v in params.values())
        assert value == task.value([params[name] for name in task.NAMES])


def test_task_is_minimal_where_it_should_be() -> None:
    assert task.value([1.0] * task.D) == 0.0
    assert task.value([0.0] * task.D) == task.D - 1


def test_objective_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()
    monkeypatch.setattr(task.time, "process_time", lambda: float(next(ticks)))
    spent = task.timed(lambda: (None, [0.0, 0.0]), lambda trial, y: None, 3)
    assert spent == [2000.0] * 3  # of three seconds, one of which was the objective's


@pytest.mark.parametrize("case", [Case("luthier", "tpe", 20, 3), Case("luthier", "tpe", 20)])
def test_our_worker_gives_as_many_figures_as_asks(case: Case) -> None:
    cpu = program.milliseconds(case, seed=0)
    assert len(cpu) == (case.asks + 1 if case.asks else 1)
    assert all(ms > 0 for ms in cpu)


def test_table_says_what_is_missed(capsys: pytest.CaptureFixture[str]) -> None:
    seen = {OURS: [[9.0, 2.0]], THEIRS: [[9.0, 3.0]]}
    comparison.show([compare(Row("gp", OURS, THEIRS, 1 / 20), seen)])
    assert "<= 1/20 of it         MISSED" in capsys.readouterr().out
