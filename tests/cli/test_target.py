"""Objectives by file and by module, and what goes wrong in users' files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from luthier import Float, Space
from luthier.cli.target import Target
from luthier.errors import ArgumentError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return tmp_path


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def test_function_in_a_file_with_a_sibling() -> None:
    write("deep/sibling_of_train.py", "FACTOR = 3")
    write("deep/train.py", "import sibling_of_train as s\ndef objective(t): return s.FACTOR * t")
    target = Target.load("deep/train.py:objective")
    assert target.function(2) == 6
    assert target.name == "train"


def test_function_in_a_module() -> None:
    write("package_of_test/__init__.py", "")
    write("package_of_test/train.py", "def objective(t): return 5")
    target = Target.load("package_of_test.train:objective")
    assert (target.function(None), target.name) == (5, "train")


def test_class_instance_and_attribute() -> None:
    write(
        "kinds.py",
        "class Work:\n"
        "    def __call__(self, t): return 1\n"
        "    @staticmethod\n"
        "    def other(t): return 2\n"
        "work = Work()\n",
    )
    names = ("Work", "work", "Work.other")
    assert [Target.load(f"kinds.py:{name}").function(None) for name in names] == [1, 1, 2]


def test_file_named_like_a_module_in_use() -> None:
    write("json.py", "def objective(t): return 4")
    import json

    assert Target.load("json.py:objective").function(None) == 4
    assert sys.modules["json"] is json


def test_space_beside_the_objective() -> None:
    code = "from luthier import *\nfrom luthier import Space, Float\ndef f(t): ...\n"
    write("with_space.py", code + "space = Space(x=Float(0, 1))\ngrid = {'x': Float(2, 3)}")
    write("without.py", "def f(t): ...\nspace = 'the final frontier'")
    target = Target.load("with_space.py:f")
    assert target.space(None) == Space(x=Float(0, 1))
    assert target.space("grid") == Space(x=Float(2, 3))
    assert Target.load("without.py:f").space(None) is None
    with pytest.raises(
        ArgumentError, match=r"There is no 'gird' in with_space. Did you mean 'grid'"
    ):
        target.space("gird")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train.py", "must be given as FILE.py:objective"),
        (":objective", "must be given as FILE.py:objective"),
        ("nosuch.py:objective", "There is no file 'nosuch.py'"),
        ("no/such:objective", "There is no file 'no/such'"),
        ("nosuch_module.train:objective", "There is no module 'nosuch_module.train'"),
        ("train.py:objectve", r"There is no 'objectve' in train.py. Did you mean 'objective'\?"),
        ("train.py:number", "must be callable with a trial, got int"),
        ("train.py:Picky", "Calling the class train.py:Picky without arguments failed:\nTypeError"),
        ("train.txt:objective", "There is no module 'train.txt'"),
        ("./train.txt:objective", "must be Python, ending in .py"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    code = "def objective(t): ...\nnumber = 3\nclass Picky:\n    def __init__(self, x): ..."
    write("train.py", code)
    write("train.txt", code)
    with pytest.raises(ArgumentError, match=message):
        Target.load(text)


def test_exception_in_the_users_file_shows_the_users_lines_only() -> None:
    write("broken.py", "def load():\n    return 1 / 0\nload()\n")
    with pytest.raises(ArgumentError) as caught:
        Target.load("broken.py:objective")
    lines = str(caught.value).splitlines()
    assert lines[:2] == ["Importing broken.py failed:", "Traceback (most recent call last):"]
    assert lines[2].endswith('broken.py", line 3, in <module>')
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert "luthier" not in "".join(lines)
    assert "broken" not in sys.modules


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def f(:\n", "SyntaxError"),
        ("import nosuch_package\n", "ModuleNotFoundError: No module named 'nosuch_package'"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
    ],
)
def test_file_and_module_that_cannot_be_imported(code: str, message: str) -> None:
    write("broken.py", code)
    for text in ("broken.py:f", "broken:f"):
        with pytest.raises(ArgumentError, match=message):
            Target.load(text)
