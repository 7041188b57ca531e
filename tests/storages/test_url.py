"""URLs and paths of storages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from luthier.errors import ArgumentError, MissingExtraError, StorageError
from luthier.storages import MemoryStorage, open_storage
from luthier.storages.url import without_password


@pytest.mark.parametrize(
    "url", [None, "memory:", "memory://", ":memory:", "sqlite://", "sqlite:///:memory:"]
)
def test_memory(url: str | None) -> None:
    assert isinstance(open_storage(url), MemoryStorage)


@pytest.mark.parametrize(
    ("form", "file"),
    [
        ("runs.db", "runs.db"),
        ("sqlite:///runs.db", "runs.db"),
        ("sqlite:///sub/runs.db", "sub/runs.db"),
        ("sqlite:////{here}/absolute.db", "absolute.db"),
        ("SQLite:///runs.db", "runs.db"),
        ("{here}/plain.db", "plain.db"),
        ("no suffix, 100% é #1 ?.db", "no suffix, 100% é #1 ?.db"),
    ],
)
def test_sqlite(form: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    storage = open_storage(form.format(here=str(tmp_path)))
    os.chdir("/")  # a storage stays where it was opened
    assert storage.studies() == []
    storage.close()
    assert (tmp_path / file).is_file()


def test_path_objects_and_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_storage(tmp_path / "a.db").close()
    monkeypatch.setenv("HOME", str(tmp_path))
    open_storage("~/b.db").close()
    assert sorted(os.listdir(tmp_path)) == ["a.db", "b.db"]


def test_a_storage_is_returned_as_it_is() -> None:
    storage = MemoryStorage()
    assert open_storage(storage) is storage


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("", ArgumentError, r"must have a name, got ''. Use 'memory:', 'sqlite:///relative.db'"),
        ("  ", ArgumentError, r"must have a name"),
        ("mysql://host/db", ArgumentError, r"must be one of 'memory:', .*got 'mysql://host/db'"),
        ("redis://host", ArgumentError, r"must be one of"),
        ("sqlite://runs.db", ArgumentError, r"must be one of"),
        ("sqlite:///", ArgumentError, r"must be one of"),
        ("sqlite:///a.db?timeout=5", ArgumentError, r"Settings go to .*sqlite_storage"),
        (7, ArgumentError, r"must be a URL, a path or a storage object, got 7 of type int"),
        ("/nowhere/at/all/a.db", StorageError, r"there is no /nowhere/at/all. Create it"),
    ],
)
def test_what_cannot_be_opened(url: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        open_storage(url)


def test_errors_do_not_tell_passwords() -> None:
    with pytest.raises(ArgumentError, match=r"got 'mysql://me:\*\*\*@host/db'") as caught:
        open_storage("mysql://me:se/cret@host/db")
    assert "cret" not in str(caught.value.fields)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:p@ss:w/o?rd@host/db", "postgresql://me:***@host/db"),
        (
            "postgresql://host/db?user=me&password=a%20b&x=1",
            "postgresql://host/db?user=me&password=***&x=1",
        ),
        ("postgresql://me@host:5432/db", "postgresql://me@host:5432/db"),
        ("postgresql:///db?sslpassword=p", "postgresql:///db?sslpassword=***"),
        ("runs.db", "runs.db"),
        ("what? pass=1", "what? pass=1"),
    ],
)
def test_urls_are_shown_without_passwords(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_postgresql_needs_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'luthier\[postgresql\]'"):
        open_storage("postgresql+psycopg://me:secret@host/db")


def test_looking_creates_no_tables(tmp_path: Path, postgres_url: str) -> None:
    (tmp_path / "empty.db").touch()
    for url in (tmp_path / "empty.db", postgres_url):
        for _ in range(2):
            with pytest.raises(StorageError, match=r"There is no storage at .*it holds no tables"):
                open_storage(url, create=False)
        open_storage(url).close()
        open_storage(url, create=False).close()


def test_memory_needs_no_database() -> None:
    code = (
        "import sys, luthier.storages as s; s.open_storage(None); "
        "sys.exit('sqlite3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
