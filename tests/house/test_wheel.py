"""What is installed: the wheel holds the whole package, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from email.parser import Parser
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

import luthier

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """Built as pip builds it, but in this environment: without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    [path] = folder.glob("*.whl")
    return ZipFile(path)


def installed(wheel: ZipFile) -> set[str]:
    """Files of the wheel but those that describe it."""
    return {name for name in wheel.namelist() if ".dist-info/" not in name}


def test_the_wheel_is_the_package(wheel: ZipFile) -> None:
    files = [p for p in (SOURCE / "luthier").rglob("*") if p.is_file()]
    kept = {p.relative_to(SOURCE).as_posix() for p in files if "__pycache__" not in p.parts}
    assert installed(wheel) == kept


def test_types_and_pages_are_in_the_wheel(wheel: ZipFile) -> None:
    names = installed(wheel)
    assert "luthier/py.typed" in names
    pages = {name for name in names if name.startswith("luthier/dashboard/static/")}
    assert "luthier/dashboard/static/index.html" in pages
    assert {PurePosixPath(name).suffix for name in pages} == {".css", ".html", ".js", ".svg"}
    for part in ("dashboard", "plots", "report"):
        static = list((SOURCE / "luthier" / part / "static").rglob("*.*"))
        assert static
        for path in static:
            assert wheel.read(path.relative_to(SOURCE).as_posix()) == path.read_bytes()


def test_no_tests_are_in_the_wheel(wheel: ZipFile) -> None:
    paths = [PurePosixPath(name) for name in wheel.namelist()]
    outside = {path.parts[0] for path in paths}
    assert outside == {"luthier", f"luthier-{luthier.__version__}.dist-info"}
    tests = [p for p in paths if "tests" in p.parts or p.name.startswith(("test_", "conftest"))]
    assert tests == []


def test_the_wheel_says_what_it_is(wheel: ZipFile) -> None:
    folder = f"luthier-{luthier.__version__}.dist-info"
    about = Parser().parsestr(wheel.read(f"{folder}/METADATA").decode())
    assert (about["Name"], about["Version"]) == ("luthier", luthier.__version__)
    assert "luthier = luthier.cli:main" in wheel.read(f"{folder}/entry_points.txt").decode()
    needed = [line for line in about.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert {line.split(">")[0] for line in needed} == {
        "click",
        "cloudpickle",
        "numpy",
        "psutil",
        "rich",
        "scipy",
    }
