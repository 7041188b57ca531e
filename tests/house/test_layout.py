"""The shape of the code: names of files, size of packages, one version everywhere.

Size is a feature. Raising a budget below takes a line in an ADR that says what it buys.
"""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

import luthier

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "luthier"
TESTS = ROOT / "tests"
VAGUE = {"base", "common", "helper", "helpers", "misc", "tools", "util", "utils"}

# Lines of each package, docstrings and examples included.
BUDGETS = {
    "errors": 350,
    "space": 5400,
    "numerics": 6500,
    "core": 5080,
    "samplers": 7930,
    "schedulers": 3230,
    "storages": 3550,
    "executors": 3450,
    "study": 6960,
    "strategies": 480,
    "testing": 2470,
    "analysis": 5300,
    "plots": 3750,
    "catalog": 960,
    "gradient": 2540,
    "integrations": 7500,
    "optuna": 2340,
    "service": 3450,
    "report": 1520,
    "dashboard": 3300,
    "cli": 2460,
}
FILE_BUDGET = 700
MOST_FILES = 400


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def package_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def test_no_file_has_a_name_that_says_nothing() -> None:
    vague = [path for path in SOURCE.rglob("*") if path.stem.lstrip("_") in VAGUE]
    assert vague == []


def test_every_package_has_a_budget_and_every_budget_a_package() -> None:
    packages = {package_of(path) for path in SOURCE.rglob("*.py")} - {"__init__", "__main__"}
    assert packages == set(BUDGETS)


@pytest.mark.parametrize("package", BUDGETS)
def test_package_stays_within_its_budget(package: str) -> None:
    total = sum(lines(path) for path in SOURCE.rglob("*.py") if package_of(path) == package)
    assert total <= BUDGETS[package], f"{package} has {total} lines: simplify, or write an ADR"


def test_every_file_can_be_read_in_one_sitting() -> None:
    long = {str(path): lines(path) for path in SOURCE.rglob("*.py") if lines(path) > FILE_BUDGET}
    assert long == {}


def test_most_files_are_short() -> None:
    sizes = [lines(path) for path in SOURCE.rglob("*.py")]
    assert sum(size <= MOST_FILES for size in sizes) > 0.85 * len(sizes)


def test_every_file_starts_by_saying_its_idea() -> None:
    silent = [
        p for p in SOURCE.rglob("*.py") if not p.read_text("utf-8").startswith(('"""', 'r"""'))
    ]
    assert silent == []


def test_tests_mirror_the_source() -> None:
    known = {path.name for path in SOURCE.iterdir()} | {"house", "end_to_end", "benchmarks"}
    strays = [d.name for d in (ROOT / "tests").iterdir() if d.is_dir() and d.name not in known]
    assert [name for name in strays if name != "__pycache__"] == []


def hidden_tests(path: Path) -> list[str]:
    """Tests inside of functions, where pytest doesn't find them."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse(path.read_text("utf-8"))
    outer = [node for node in ast.walk(tree) if isinstance(node, functions)]
    inner = [node for one in outer for node in ast.walk(one) if node is not one]
    names = [node.name for node in inner if isinstance(node, functions)]
    return [f"{path.name}: {name}" for name in names if name.startswith("test_")]


def test_no_test_hides_in_a_function() -> None:
    assert [hidden for path in TESTS.rglob("*.py") for hidden in hidden_tests(path)] == []


def test_one_version_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    assert newest is not None
    assert luthier.__version__ == project["version"] == newest[1]


def test_lock_names_versions_and_no_places() -> None:
    pins = [
        line
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if not line.startswith("#")
    ]
    assert len(pins) > 40
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []


def test_architecture_stays_short() -> None:
    assert lines(ROOT / "ARCHITECTURE.md") < 200
