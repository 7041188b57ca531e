"""The commands that a newcomer types first."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[2]
TARGETS = ["help", "demo", "test", "test-slow", "lint", "types", "imports", "docs", "bench"]
TARGETS += [
    "bench-asks",
    "bench-storages",
    "bench-throughput",
    "bench-behaviour",
    "bench-dashboard",
    "bench-trials",
    "bench-peers",
    "bench-evolution",
]
TARGETS += [
    "bench-executors",
    "bench-fidelity",
    "bench-folds",
    "bench-fronts",
    "bench-gradient",
    "bench-importance",
    "bench-report",
    "bench-reports",
    "bench-searches",
    "bench-selection",
    "bench-scaling",
    "chaos",
    "fmt",
    "lock",
    "clean",
]
SCRIPTS = [".ci/run", "tools/bootstrap.sh", "tools/lock.sh", "tools/peers.sh"]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_target_is_named_here_and_phony() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ")
    rules = re.findall(r"^([\w-]+):", makefile, re.MULTILINE)
    (phony,) = re.findall(r"^\.PHONY:(.*)", makefile, re.MULTILINE)
    assert sorted(rules) == sorted(phony.split()) == sorted(TARGETS)


def test_make_alone_lists_every_target() -> None:
    listed = run("make").stdout
    assert [target for target in TARGETS if f"make {target} " not in listed] == []


@pytest.mark.parametrize("target", TARGETS)
def test_target_exists(target: str) -> None:
    assert run("make", "--dry-run", target).returncode == 0


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_can_be_run(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    shell = "bash" if script == ".ci/run" else "sh"
    assert run(shell, "-n", script).stderr == ""


def test_examples_of_properties_are_the_same_but_in_the_slow_lane() -> None:
    assert settings.get_profile("same").derandomize
    assert not settings.get_profile("explore").derandomize
    assert "--hypothesis-profile explore" in run("make", "--dry-run", "test-slow").stdout
    assert "--hypothesis-profile" not in run("make", "--dry-run", "test").stdout


def test_bootstrap_refuses_an_unknown_profile() -> None:
    done = run("tools/bootstrap.sh", "everything")
    assert done.returncode == 2
    assert "must be demo, dev or bench, got 'everything'" in done.stderr


def test_readme_begins_with_what_a_newcomer_needs() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text("utf-8").splitlines()[:22])
    for needed in ("make demo", "make test", "luthier.create_study()", "study.best_params"):
        assert needed in first_screen
