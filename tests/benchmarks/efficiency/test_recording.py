from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.efficiency import recording

RUN = {"values": [1.5, None, 0.25], "cpu_per_trial": 0.01, "versions": {"x": "1"}}


def test_nothing_recorded_reads_as_nothing(tmp_path: Path) -> None:
    assert recording.read("x-y", tmp_path) == {}
    assert recording.labels(tmp_path) == []


def test_lines_and_folded_runs_read_the_same(tmp_path: Path) -> None:
    recording.append("x-y", tmp_path, "b", {"seed": 10, **RUN})
    recording.append("x-y", tmp_path, "b", {"seed": 2, **RUN})
    recording.append("x-y", tmp_path, "a", {"seed": 0, **RUN})
    before = recording.read("x-y", tmp_path)
    assert before == {"a": {"0": RUN}, "b": {"2": RUN, "10": RUN}}
    recording.fold("x-y", tmp_path)
    assert recording.read("x-y", tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "x-y.json.gz"]


def test_folding_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    recording.append("x-y", tmp_path, "a", {"seed": 0, **RUN})
    recording.fold("x-y", tmp_path)
    first = (tmp_path / "x-y.json.gz").read_bytes()
    recording.fold("x-y", tmp_path)
    assert (tmp_path / "x-y.json.gz").read_bytes() == first


def test_a_line_cut_short_loses_that_run_alone(tmp_path: Path) -> None:
    recording.append("x-y", tmp_path, "a", {"seed": 0, **RUN})
    with (tmp_path / "x-y.part.jsonl").open("a") as file:
        file.write('{"problem": "a", "seed": 1, "val')
    recording.append("x-y", tmp_path, "a", {"seed": 2, **RUN})
    assert set(recording.read("x-y", tmp_path)["a"]) == {"0", "2"}


def test_a_later_run_takes_the_place_of_an_earlier(tmp_path: Path) -> None:
    recording.append("x-y", tmp_path, "a", {"seed": 0, **RUN})
    recording.fold("x-y", tmp_path)
    recording.append("x-y", tmp_path, "a", {"seed": 0, **RUN, "values": [0.0]})
    assert recording.read("x-y", tmp_path)["a"]["0"]["values"] == [0.0]
    assert recording.labels(tmp_path) == ["x-y"]


def test_true_values_are_the_values_where_there_is_no_noise() -> None:
    assert recording.true_values(RUN) == RUN["values"]
    assert recording.true_values({**RUN, "true": [2.0, None, 3.0]}) == [2.0, None, 3.0]


def test_nothing_is_lost_where_one_folds_while_another_writes(tmp_path: Path) -> None:
    def write(first: int) -> None:
        for seed in range(first, first + 40):
            recording.append("x-y", tmp_path, "a", {"seed": seed, **RUN})
            if seed % 5 == 0:
                recording.fold("x-y", tmp_path)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, [0, 100, 200]))
    assert len(recording.read("x-y", tmp_path)["a"]) == 120
