from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from benchmarks.efficiency import __main__ as program
from benchmarks.efficiency import recording, slow
from benchmarks.efficiency.problems import load, names, size
from benchmarks.efficiency.running import Sampler, sampler_of

MAKEFILE = Path(__file__).parents[3] / "Makefile"


@pytest.mark.parametrize("sampler", slow.RECORDED)
def test_the_table_says_what_is_recorded(sampler: str) -> None:
    said: dict[tuple[str, str], int] = {}
    for part in slow.RECORDED[sampler]:
        for name in part.problems:
            for seed in map(str, range(part.seeds)):
                said[name, seed] = max(part.budget, said.get((name, seed), 0))
    runs = recording.read(sampler_of(sampler).label)
    kept = {(n, s): len(run["values"]) for n, seeds in runs.items() for s, run in seeds.items()}
    assert said == kept


@pytest.mark.skipif(find_spec("cocoex") is None, reason="needs cocoex (tools/bootstrap.sh bench)")
@pytest.mark.parametrize("sampler", slow.RECORDED)
def test_finite_spaces_are_not_run_beyond_their_end(sampler: str) -> None:
    runs = recording.read(sampler_of(sampler).label)
    for name, problem in load([name for name in names() if name in runs]).items():
        finite = size(problem.space)
        assert all(len(run["values"]) <= finite for run in runs[name].values())


def test_make_has_a_command_for_each() -> None:
    commands = re.findall(r"benchmarks\.efficiency slow (\S+)", MAKEFILE.read_text("utf-8"))
    assert commands == list(slow.RECORDED)


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", ["efficiency", "slow", *words])
    program.main()


def test_it_is_run_again_beside_what_is_published(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []

    def record(
        sampler: Sampler, names: list[str], budget: int, seeds: int, **more: Any
    ) -> list[str]:
        asked.append((sampler.label, len(names), budget, seeds, more["folder"]))
        return []

    monkeypatch.setattr(program, "record", record)
    monkeypatch.setattr(program, "interpreter", lambda library: Path("python"))
    run(monkeypatch, "optuna:gp")
    run(monkeypatch, "hebo:default", "--out", str(tmp_path))
    there = set(names())  # the public tasks may not be
    sizes = [
        len(there.intersection(part.problems))
        for sampler in ("optuna:gp", "hebo:default")
        for part in slow.RECORDED[sampler]
    ]
    assert asked == [
        ("optuna-gp", sizes[0], 200, 5, slow.AGAIN),
        ("optuna-gp", sizes[1], 100, 3, slow.AGAIN),
        ("hebo-default", sizes[2], 25, 1, tmp_path),
    ]
    assert all(sizes)
    assert recording.TRAJECTORIES != slow.AGAIN


def test_who_is_not_installed_is_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "interpreter", lambda library: None)
    run(monkeypatch, "ax:default")
    assert (
        "Skipped ax:default: ax isn't installed. Run tools/peers.sh ax." in capsys.readouterr().err
    )


def test_others_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch, "optuna:tpe")
    assert "invalid choice: 'optuna:tpe'" in capsys.readouterr().err
