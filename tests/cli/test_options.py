"""How every command that looks at a study finds it, or says why not."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Luthier

LOOKING = ["status", "trials", "best", "export", "log", "replay"]


@pytest.mark.parametrize("command", [*LOOKING, "studies"])
def test_missing_file_is_told_and_not_made(luthier: Luthier, command: str) -> None:
    result = luthier(command, "--storage", "nosuch.db", exit_code=2)
    assert "There is no storage 'nosuch.db'" in result.stderr
    assert not Path("nosuch.db").exists()


@pytest.mark.parametrize("command", LOOKING)
def test_missing_study_lists_those_there_are(demo: Luthier, command: str) -> None:
    result = demo(command, "--study", "dmeo", exit_code=2)
    assert "There is no study 'dmeo' in this storage. It holds: 'demo'." in result.stderr


@pytest.mark.parametrize("command", LOOKING)
def test_study_must_be_named_where_there_are_two(demo: Luthier, command: str) -> None:
    demo("run", "work.py:objective", "--study", "other", "--trials", "1")
    result = demo(command, exit_code=2)
    assert "must hold one study to leave out --study, it holds 2: 'demo', 'other'" in result.stderr


def test_only_study_needs_no_name_and_any_spelling_of_the_storage_does(demo: Luthier) -> None:
    absolute = f"sqlite:///{Path('runs.db').resolve()}"
    for storage in ("runs.db", "sqlite:///runs.db", absolute):
        assert "demo in" in demo("status", "--storage", storage).output


def test_memory_cannot_be_looked_at(luthier: Luthier) -> None:
    result = luthier("status", "--storage", "memory:", exit_code=2)
    assert "memory ends with its process" in result.stderr


def test_a_server_is_a_storage_and_its_password_is_not_shown(
    luthier: Luthier, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = postgres_url.partition("postgres:")[2].partition("@")[0]
    monkeypatch.setenv("LUTHIER_STORAGE", postgres_url)
    result = luthier("status", exit_code=2)
    assert "There is no storage at postgresql://postgres@127.0.0.1" in result.stderr
    told = [result.output]
    run = ("run", "work.py:two", "--study", "demo", "--directions", "minimize,maximize")
    told.append(luthier(*run, "--trials", "3").output)
    for command in [*LOOKING, "studies"]:
        told.append(luthier(command).output)
    wrong = postgres_url.replace(secret, f"{secret}x")
    told.append(luthier("studies", "--storage", wrong, exit_code=2).stderr)
    assert "in postgresql://postgres:***@127.0.0.1" in "".join(told)
    assert "password authentication failed" in told[-1]
    assert not any(part in "".join(told) for part in (secret, "se/cret"))


def test_foreign_files(luthier: Luthier) -> None:
    Path("notes.txt").write_text("These are no studies." * 100)
    assert (
        "notes.txt is something else"
        in luthier("status", "--storage", "notes.txt", exit_code=2).stderr
    )
    with sqlite3.connect("other.db") as connection:
        connection.execute("CREATE TABLE birds (name TEXT)")
    connection.close()
    for command in (["status"], ["run", "work.py:objective", "--trials", "1"]):
        assert "other.db" in luthier(*command, "--storage", "other.db", exit_code=2).stderr


def test_looking_changes_nothing(demo: Luthier) -> None:
    before = demo("log", "--json").output
    for command in [*LOOKING, "studies"]:
        demo(command)
    assert demo("log", "--json").output == before
