from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.efficiency import recording, running
from benchmarks.efficiency.__main__ import main
from benchmarks.efficiency.running import Sampler, WorkerError, record, sampler_of
from benchmarks.source import PROPOSING, source_hash

TOY = Sampler("luthier", "random", "toy")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("luthier:gp", "luthier-gp"),
        ("optuna:tpe-group", "optuna-tpe-group"),
        ("luthier:gp,trust_region=false", "luthier-gp,trust_region=false"),
        ('luthier:{"name": "gp"}', "luthier-_name_gp"),
    ],
)
def test_labels_are_made_of_the_text(text: str, label: str) -> None:
    sampler = sampler_of(text)
    assert sampler.label == label
    assert sampler_of(text, "mine").label == "mine"


def test_only_what_is_missing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[str, list[int]]] = []

    def studies(sampler: Sampler, name: str, budget: int, seeds: list[int]) -> Iterator[Any]:
        asked.append((name, seeds))
        for seed in seeds:
            if (name, seed) == ("crash_region", 1):
                raise WorkerError("broken")
            yield {"seed": seed, "values": [1.0] * budget}

    monkeypatch.setattr(running, "studies", studies)
    names = ["crash_region", "cash_toy"]
    assert record(TOY, names, 3, 3, folder=tmp_path) == ["crash_region"]
    assert asked == [("crash_region", [0, 1, 2]), ("cash_toy", [0, 1, 2])]
    asked.clear()
    record(TOY, names, 3, 4, folder=tmp_path)
    assert asked == [("crash_region", [1, 2, 3]), ("cash_toy", [3])]
    asked.clear()
    record(TOY, ["cash_toy"], 5, 1, folder=tmp_path)
    record(TOY, ["cash_toy"], 5, 1, folder=tmp_path)
    record(TOY, ["cash_toy"], 5, 1, again=True, folder=tmp_path)
    assert asked == [("cash_toy", [0]), ("cash_toy", [0])]


def test_a_library_that_is_not_installed_is_named() -> None:
    with pytest.raises(SystemExit, match=r"tools/peers\.sh nothing"):
        record(Sampler("nothing", "x", "x"), ["cash_toy"], 1, 1)


def test_a_run_and_its_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def program(*words: str) -> str:
        monkeypatch.setattr("sys.argv", ["efficiency", *words, "--out", str(tmp_path)])
        main()
        return capsys.readouterr().out

    on = ("--problems", "cash_toy", "crash_region", "--seeds", "2")
    program("run", "luthier:random", "--budget", "25", *on)
    spec = '{"name": "sobol"}'
    program("run", f"luthier:{spec}", "--label", "even", "--budget", "25", *on)
    kept = recording.read("luthier-random", tmp_path)
    assert {name: set(seeds) for name, seeds in kept.items()} == {
        "cash_toy": {"0", "1"},
        "crash_region": {"0", "1"},
    }
    assert None in kept["crash_region"]["0"]["values"]
    assert set(kept["cash_toy"]["0"]["versions"]) == {"luthier", "numpy"}
    assert kept["cash_toy"]["0"]["source"] == source_hash(*PROPOSING)
    shown = program("report", "luthier-random", "even", *on)
    assert "After 25 trials, 2 problems, 4 studies each" in shown
    assert "luthier-random / even" in shown


def test_a_report_on_nothing_says_what_there_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["efficiency", "report", "nobody", "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"Nothing is recorded of \['nobody'\]"):
        main()
