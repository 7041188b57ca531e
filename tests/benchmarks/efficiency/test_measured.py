from __future__ import annotations

import json
from pathlib import Path

from benchmarks.efficiency.measured import asks, behaviour, throughput

ROW = {"what": "gp, n = 100", "luthier": 7.66, "peer": "optuna gp", "theirs": 188.0}


def test_asks_become_tables(tmp_path: Path) -> None:
    rows = [ROW | {"ratio": 24.5, "target": "<= 1/20 of it", "met": True}]
    content = {"rows": rows, "curve": {"gp": {"10": 6.3, "100": 7.0}}}
    (tmp_path / "asks.json").write_text(json.dumps(content))
    beside, curve = asks(tmp_path)
    assert beside.rows == (
        ("gp, n = 100", "7.66", "optuna gp", "188", "24.5", "<= 1/20 of it", "met"),
    )
    assert (curve.header, curve.rows) == (("sampler", "10", "100"), (("gp", "6.3", "7"),))


def test_each_experiment_becomes_a_table(tmp_path: Path) -> None:
    rows = [{"sampler": "gp", "crashes": 29.5, "met": False}, {"sampler": "auto", "met": None}]
    content = {"crash": {"target": "few crashes", "rows": rows}}
    (tmp_path / "behaviour.json").write_text(json.dumps(content))
    [table] = behaviour(tmp_path)
    assert table.title == "Few crashes"
    assert table.header == ("sampler", "crashes", "")
    assert table.rows == (("gp", "29.5", "missed"), ("auto", "", ""))


def test_throughput_becomes_tables(tmp_path: Path) -> None:
    row = {"what": "asha, memory", "luthier": 2.5, "optuna": 20.0, "ratio": 8.0, "at_least": 10}
    simulated = {"trials": 10_000, "workers": 64, "decisions_ms": {"99%": 2.5}, "met": False}
    simulated |= {
        "decisions_over_5_ms": 10,
        "full_collections_ms": [9.0, 210.0],
        "most_idle_share": 0.0155,
    }
    content = {"rows": [row | {"met": False}], "simulated": simulated}
    (tmp_path / "throughput.json").write_text(json.dumps(content))
    beside, decisions = throughput(tmp_path)
    assert beside.rows == (("asha, memory", "2.5", "20", "8", ">= 10", "missed"),)
    assert decisions.title == "Decisions of ASHA, 10,000 trials on 64 workers"
    assert decisions.rows == (
        ("99%", "2.5"),
        ("decisions over 5 ms", "10"),
        ("full garbage collections, longest", "210"),
        ("idlest worker, percent", "1.55"),
        ("all within 5 ms, idle <= 2%", "missed"),
    )


def test_nothing_measured_gives_no_rows(tmp_path: Path) -> None:
    assert [table.rows for table in asks(tmp_path)] == [()]
    assert list(behaviour(tmp_path)) == []
