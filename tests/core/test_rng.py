"""Tests of the random streams."""

import os
import subprocess
import sys

from luthier.core.rng import fresh_seed, generator


def test_streams_differ_by_every_part_of_the_key() -> None:
    keys = [(), (0,), (1,), (0, 0), ("x",), (0, "x"), (0, "y")]
    draws = {generator(1, *key).random() for key in keys} | {generator(2).random()}
    assert len(draws) == len(keys) + 1


def test_same_in_another_process_with_another_hash_seed() -> None:
    code = "from luthier.core.rng import generator; print(generator(5, 3, 'lr').random())"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {f"{generator(5, 3, 'lr').random()}\n"}


def test_fresh_seeds_fit_the_storage() -> None:
    assert all(0 <= fresh_seed() < 2**63 for _ in range(100))
