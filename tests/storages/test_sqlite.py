"""SQLite files: what is wrong with them is said; processes share them; nothing recorded is lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from luthier.core.events import evolve
from luthier.core.objective import Objective
from luthier.core.protocols import Storage
from luthier.core.trial import FrozenTrial, Reports, TrialState
from luthier.errors import (
    ArgumentError,
    LuthierError,
    StorageBusyError,
    StorageCorruptError,
    StorageError,
    StorageForeignError,
    StorageFullError,
    StorageReadOnlyError,
    StorageVersionError,
)
from luthier.storages.sql import SqlStorage
from luthier.storages.sqlite import SqliteDatabase, sqlite_storage

forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


def filled(path: Path, n: int = 3) -> None:
    storage = sqlite_storage(path)
    study = storage.create_study("s", Objective(), 0, {}).id
    trial = FrozenTrial(number=0, state=TrialState.RUNNING, attempt=1, error="x" * 500)
    storage.add_trials(study, [trial])
    more = [FrozenTrial(number=i, param_names=("x",), param_values=(i,)) for i in range(1, n)]
    storage.add_trials(study, more)
    storage.close()


def assert_log_is_state(storage: Storage, study: int) -> int:
    trials = sorted(storage.changes_since(study, 0).trials, key=lambda t: t.number)
    folded: dict[int, FrozenTrial] = {}
    for event in storage.events(study):
        if event.number is not None:
            folded[event.number] = evolve(folded.get(event.number), event)
    assert repr(trials) == repr(list(folded.values()))
    assert [t.number for t in trials] == list(range(len(trials)))
    return len(trials)


# --- what can be wrong with a file ------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"synchronous": "off"}, r"synchronous must be 'normal' or 'full', got 'off'"),
        ({"patience": -1}, r"patience must be a number of seconds >= 0, got -1"),
        ({"patience": float("nan")}, r"patience must be .* got nan"),
    ],
)
def test_bad_arguments_are_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        sqlite_storage(tmp_path / "a.db", **options)
    assert not (tmp_path / "a.db").exists()


def test_a_directory_is_no_storage(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"must be a file, .* is a directory. Name a file in it"):
        sqlite_storage(tmp_path)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"there is no .*nowhere. Create it"):
        sqlite_storage(tmp_path / "nowhere" / "a.db")


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"these are my notes\n" * 500)
    with pytest.raises(StorageForeignError, match=r"notes.txt is something else.*left as it is"):
        sqlite_storage(path)
    assert path.read_bytes() == b"these are my notes\n" * 500
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE films (title TEXT)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(StorageForeignError, match=r"holds the tables films of another program"):
        sqlite_storage(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["other.db"]


def test_an_empty_file_becomes_a_storage(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch()
    assert sqlite_storage(tmp_path / "a.db").studies() == []


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    filled(tmp_path / "a.db")
    other = sqlite3.connect(tmp_path / "a.db")
    other.execute("UPDATE luthier SET version = 99")
    other.commit()
    other.close()
    with pytest.raises(StorageVersionError, match=r"has version 99, this Luthier knows up to 3"):
        sqlite_storage(tmp_path / "a.db")


def test_damaged_pages_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    filled(path, n=500)
    data = bytearray(path.read_bytes())
    for page in range(4096, len(data), 4096):
        data[page : page + 200] = b"\xff" * 200
    path.write_bytes(data)
    with pytest.raises(StorageCorruptError, match=r"a\.db is damaged. Restore a copy"):
        sqlite_storage(path).changes_since(1, 0)


def test_a_truncated_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    filled(path, n=500)
    os.truncate(path, 5 * 4096)
    with pytest.raises(StorageCorruptError, match=r"damaged"):
        sqlite_storage(path).changes_since(1, 0)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("UPDATE trials SET params = '{\"x\": ' WHERE number = 1", r"Trial 1 can't be read"),
        ("UPDATE trials SET params = '[1]' WHERE number = 1", r"Trial 1 can't be read"),
        ("UPDATE trials SET state = 77 WHERE number = 2", r"Trial 2 can't be read"),
        ("UPDATE trials SET origin = '[1]' WHERE number = 2", r"Trial 2 can't be read"),
        ("UPDATE events SET data = '{' WHERE version = 2", r"must be JSON, got '{'"),
        ("UPDATE studies SET settings = 'x'", r"must be JSON, got 'x'"),
    ],
)
def test_damaged_rows_are_told(tmp_path: Path, damage: str, message: str) -> None:
    filled(tmp_path / "a.db")
    other = sqlite3.connect(tmp_path / "a.db")
    other.execute(damage)
    other.commit()
    other.close()
    storage = sqlite_storage(tmp_path / "a.db")
    with pytest.raises(StorageCorruptError, match=message):  # noqa: PT012 - whichever reads it
        storage.changes_since(1, 0)
        storage.events(1)
        storage.studies()


def test_a_full_disk_loses_nothing_and_can_go_on(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "a.db")
    storage = SqlStorage(database)
    study = storage.create_study("s", Objective(), 0, {}).id
    storage.add_trials(study, [FrozenTrial(number=0, state=TrialState.RUNNING, attempt=1)])
    before = storage.changes_since(study, 0)
    used = database.read(lambda execute: execute("PRAGMA page_count", ()).fetchone()[0])
    database.read(lambda execute: execute(f"PRAGMA max_page_count = {used + 2}", ()).fetchone())
    long = Reports([(i, {"loss": 0.5}) for i in range(10_000)])
    with pytest.raises(StorageFullError, match=r"is full. What was recorded so far is safe"):
        storage.report(study, 0, 1, long)
    assert repr(storage.changes_since(study, 0)) == repr(before)
    database.read(lambda execute: execute("PRAGMA max_page_count = 100000", ()).fetchone())
    assert len(storage.report(study, 0, 1, long).reports) == 10_000
    assert_log_is_state(storage, study)


def as_nobody(work: Callable[[], None]) -> None:
    """Run work in a child that may not write everywhere, as root may."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.getuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            work()
            status = 0
        except BaseException as error:  # noqa: BLE001 - told by the exit status
            os.write(2, repr(error).encode())
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory that other users can reach, read-only at the test's wish."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o755)
    yield directory
    directory.chmod(0o755)
    shutil.rmtree(directory)


@forking
@pytest.mark.parametrize("mode", [0o555, 0o777])
def test_a_read_only_file_can_be_read(shared: Path, mode: int) -> None:
    filled(shared / "a.db")
    (shared / "a.db").chmod(0o444)
    shared.chmod(mode)

    def work() -> None:
        storage = sqlite_storage(shared / "a.db", patience=0)
        study = storage.load_study("s").id
        assert len(storage.changes_since(study, 0).trials) == 3
        with pytest.raises(StorageReadOnlyError, match=r"must be .* writable, .*a\.db isn't"):
            storage.add_trials(study, [FrozenTrial(number=3)])
        with pytest.raises(StorageReadOnlyError, match=r"copy it to a place"):
            storage.create_study("t", Objective(), 0, {})
        assert storage.studies()[0].n_trials == 3

    as_nobody(work)


@forking
@pytest.mark.parametrize("mode", [0o555, 0o777])
def test_a_file_that_may_not_be_read_is_told(shared: Path, mode: int) -> None:
    filled(shared / "a.db")
    (shared / "a.db").chmod(0)
    shared.chmod(mode)

    def work() -> None:
        with pytest.raises(StorageReadOnlyError, match=r"must be readable and writable"):
            sqlite_storage(shared / "a.db")

    as_nobody(work)


@forking
def test_a_new_file_in_a_read_only_directory_is_refused(shared: Path) -> None:
    shared.chmod(0o555)

    def work() -> None:
        with pytest.raises(StorageReadOnlyError, match=r"must be readable and writable"):
            sqlite_storage(shared / "a.db")

    as_nobody(work)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_was_removed_while_open_is_told(tmp_path: Path, replaced: bool) -> None:
    filled(tmp_path / "a.db")
    storage = sqlite_storage(tmp_path / "a.db")
    (tmp_path / "a.db").rename(tmp_path / "moved.db")
    if replaced:
        (tmp_path / "a.db").write_bytes(b"")
    with pytest.raises(StorageError, match=r"a\.db was removed or replaced"):
        storage.add_trials(1, [FrozenTrial(number=3)])
    (tmp_path / "moved.db").rename(tmp_path / "a.db")
    assert len(storage.add_trials(1, [FrozenTrial(number=3)])) == 1
    storage.close()


# --- locks and transactions -------------------------------------------------------------------


def test_a_lock_held_for_too_long_is_told(tmp_path: Path) -> None:
    filled(tmp_path / "a.db")
    storage = sqlite_storage(tmp_path / "a.db", patience=0.02)
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert len(storage.changes_since(1, 0).trials) == 3  # readers don't wait
    with pytest.raises(StorageBusyError, match=r"stayed locked by other processes for 0.02 s"):
        storage.put_state(1, "k", 1)
    other.execute("COMMIT")
    assert storage.put_state(1, "k", 1) == 4
    other.close()


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    filled(tmp_path / "a.db")
    storage = sqlite_storage(tmp_path / "a.db")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.1, lambda: other.execute("COMMIT")).start()
    assert storage.put_state(1, "k", 1) == 4
    other.close()


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError])
def test_work_that_raises_leaves_no_trace(tmp_path: Path, failure: type[BaseException]) -> None:
    filled(tmp_path / "a.db")
    database = SqliteDatabase(tmp_path / "a.db")

    def work(execute: Callable[..., Any]) -> None:
        execute("DELETE FROM trials", ())
        raise failure

    with pytest.raises(failure):
        database.write(work)
    assert database.read(lambda execute: execute("SELECT COUNT(*) FROM trials", ()).fetchone()) == (
        3,
    )


def test_text_that_is_no_unicode_is_kept_or_refused(tmp_path: Path) -> None:
    storage = sqlite_storage(tmp_path / "a.db")
    with pytest.raises(ArgumentError, match=r"must be Unicode text without NUL, got '\\udce9'"):
        storage.create_study("\udce9", Objective(), 0, {})
    study = storage.create_study("s", Objective(), 0, {}).id
    trial = FrozenTrial(number=0, state=TrialState.FAILED, error="no file '\udce9'", worker="é")
    assert storage.add_trials(study, [trial])[0].error == "no file '\\udce9'"
    assert_log_is_state(storage, study)


def test_full_synchronisation_is_set(tmp_path: Path) -> None:
    for name, level in (("normal", 1), ("full", 2)):
        database = SqliteDatabase(tmp_path / "a.db", synchronous=name)  # type: ignore[arg-type]
        assert database.read(lambda run: run("PRAGMA synchronous", ()).fetchone()) == (level,)


def test_the_file_is_in_wal_mode_and_one_file_when_closed(tmp_path: Path) -> None:
    filled(tmp_path / "a.db")
    assert os.listdir(tmp_path) == ["a.db"]
    other = sqlite3.connect(tmp_path / "a.db")
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


WRITING_MUCH = """
import os, sys
from luthier.storages.sqlite import sqlite_storage
storage, longest = sqlite_storage("runs.db"), 0
print("ready", flush=True)
sys.stdin.readline()
for i in range(600):
    storage.put_state(1, "key", f"{i:30000}")
    longest = max(longest, os.path.getsize("runs.db-wal"))
print(longest)
"""


def test_the_log_stays_short_while_many_write(tmp_path: Path) -> None:
    """It wouldn't by SQLite's own means: some 80 MB are written. A busy machine takes longer."""
    storage = sqlite_storage(tmp_path / "runs.db")
    study = storage.create_study("s", Objective(), 0, {}).id
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", WRITING_MUCH]
    writers = [
        subprocess.Popen(command, cwd=tmp_path, stdin=pipe, stdout=pipe, text=True)
        for _ in range(4)
    ]
    for process in writers:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in writers:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    longest = [int(process.communicate()[0]) for process in writers]
    assert max(longest) < 40 * 2**20
    assert len(storage.events(study)) == 2400
    storage.close()


def test_who_reads_for_long_holds_up_nobody(tmp_path: Path) -> None:
    storage = sqlite_storage(tmp_path / "runs.db")
    study = storage.create_study("s", Objective(), 0, {}).id
    with contextlib.closing(sqlite3.connect(tmp_path / "runs.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        seen = reader.execute("SELECT version FROM studies").fetchall()
        for i in range(40):
            storage.put_state(study, "key", f"{i:500000}")
        assert reader.execute("SELECT version FROM studies").fetchall() == seen
    assert storage.get_state(study) == {"key": f"{39:500000}"}
    storage.close()


def test_it_shows_where_it_is(tmp_path: Path) -> None:
    storage = sqlite_storage(tmp_path / "a.db")
    assert repr(storage) == f"SqlStorage(SqliteDatabase({str(tmp_path / 'a.db')!r}))"


# --- processes --------------------------------------------------------------------------------

WRITER = """
import sys
from luthier.core.objective import Objective
from luthier.core.trial import FrozenTrial, Reports, TrialState
from luthier.errors import NumberTakenError, StudyExistsError
from luthier.storages.sqlite import sqlite_storage

path, count = sys.argv[1], int(sys.argv[2])
storage = sqlite_storage(path)
try:
    storage.create_study("s", Objective(), 0, {})
except StudyExistsError:
    pass
study = storage.load_study("s").id
version = number = added = 0
while added < count:
    for trial in storage.changes_since(study, version).trials:
        number, version = max(number, trial.number + 1), trial.version
    new = FrozenTrial(
        number=number, state=TrialState.RUNNING, attempt=1, param_names=("x",),
        param_values=(number / 7,),
    )
    try:
        trial = storage.add_trials(study, [new])[0]
    except NumberTakenError:
        continue
    storage.report(study, number, 1, Reports([(1, {"loss": 0.5})]))
    storage.finish(study, FrozenTrial(
        number=number, state=TrialState.COMPLETE, attempt=1, param_names=("x",),
        param_values=(number / 7,), metric_names=("value",), metric_values=(1.0,),
        reports=Reports([(1, {"loss": 0.5})]), finished=1.0, cost=0.0,
    ))
    added += 1
"""


def writer(path: Path, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(count)], stderr=subprocess.PIPE, text=True
    )


def test_four_processes_share_a_file_from_its_first_moment(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    processes = [writer(path, 50) for _ in range(4)]
    errors = [process.communicate(timeout=120)[1] for process in processes]
    assert errors == [""] * 4
    storage = sqlite_storage(path)
    study = storage.load_study("s").id
    assert assert_log_is_state(storage, study) == 200
    summary = storage.studies()[0]
    assert (dict(summary.states), summary.version) == ({TrialState.COMPLETE: 200}, 600)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_writer_leaves_a_sound_file(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    numbers = [0]
    for delay in (0.0, 0.0137, 0.0291, 0.0533):
        process = writer(path, 10**9)
        while not path.exists() or count(path) < numbers[-1] + 20:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        storage = sqlite_storage(path)
        numbers.append(assert_log_is_state(storage, storage.load_study("s").id))
        storage.close()
        check = sqlite3.connect(path)
        assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        check.close()
    assert numbers == sorted(numbers)


def count(path: Path) -> int:
    """The number of trials, seen from outside."""
    other = sqlite3.connect(path, timeout=10)
    try:
        return int(other.execute("SELECT COUNT(*) FROM trials").fetchone()[0])
    except sqlite3.OperationalError:  # not yet created
        return 0
    finally:
        other.close()


@forking
def test_a_forked_child_and_its_parent_both_go_on(tmp_path: Path) -> None:
    storage = sqlite_storage(tmp_path / "a.db")
    study = storage.create_study("s", Objective(), 0, {}).id
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            storage.put_state(study, "k", 1)

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for number in range(0, 10, 2):
            child = os.fork()
            if child == 0:
                try:
                    storage.add_trials(study, [FrozenTrial(number=number)])
                finally:
                    os._exit(len(storage.changes_since(study, 0).trials) - number)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
            storage.add_trials(study, [FrozenTrial(number=number + 1)])
    finally:
        stop.set()
        thread.join()
    assert assert_log_is_state(storage, study) == 10


def test_threads_share_a_handle(tmp_path: Path) -> None:
    storage = sqlite_storage(tmp_path / "a.db")
    study = storage.create_study("s", Objective(), 0, {}).id
    threads = [
        threading.Thread(
            target=lambda key=str(i): [storage.put_state(study, key, n) for n in range(25)]
        )
        for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert storage.changes_since(study, 0).version == 100
    assert storage.get_state(study) == dict.fromkeys("0123", 24)


def test_a_refusal_that_is_kept_keeps_no_lock(tmp_path: Path) -> None:
    storage = sqlite_storage(tmp_path / "a.db", patience=0.1)
    study = storage.create_study("s", Objective(), 0, {}).id
    storage.add_trials(study, [FrozenTrial(number=0)])
    kept = []
    for number in (0, 1):
        with pytest.raises(LuthierError) as caught:  # its traceback holds what was open
            storage.release(study, number, 1, TrialState.WAITING, "why")
        kept.append(caught.value)
    assert storage.put_state(study, "k", 1) == 2
    assert sqlite_storage(tmp_path / "a.db", patience=0.1).put_state(study, "k", 1) == 3
    assert len(kept) == 2
