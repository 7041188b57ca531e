"""Checkpoints in a folder: whole or not there, whoever is killed, and within the budget."""

from __future__ import annotations

import errno
import logging
import os
import random
import signal
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.core.worker import this_worker
from luthier.errors import (
    ArgumentError,
    CheckpointCorruptError,
    CheckpointMissingError,
    StorageFullError,
    StorageReadOnlyError,
    UnsupportedError,
)
from luthier.storages import FileCheckpoints
from luthier.storages.content import read_content
from luthier.testing.checkpoints import CHECKPOINT_CHECKS, check_checkpoints

forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process loses nothing that was written: only a power cut would."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.mark.parametrize("check", CHECKPOINT_CHECKS)
def test_the_contract_is_kept(check: str, tmp_path: Path) -> None:
    CHECKPOINT_CHECKS[check](lambda: FileCheckpoints(tmp_path / "store"))


def test_the_whole_suite_runs_twice_on_one_store_and_leaves_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        check_checkpoints(lambda: FileCheckpoints(tmp_path))
    assert files_in(tmp_path / "objects") == []
    assert [name for name in os.listdir(tmp_path / "incoming") if not name.endswith(".pin")] == []


def files_in(place: Path) -> list[Path]:
    return [file for file in place.rglob("*") if file.is_file()]


# --- arguments and surroundings ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10GB", 10**10),
        ("10 GiB", 10 * 2**30),
        ("1.5mb", 1_500_000),
        ("0.29 GB", 290_000_000),
        (" 7 B ", 7),
        ("1PiB", 2**50),
        (3, 3),
    ],
)
def test_a_size_is_read(text: str | int, size: int, tmp_path: Path) -> None:
    assert f"max_disk={size})" in repr(FileCheckpoints(tmp_path, text))


@pytest.mark.parametrize(
    "text", ["10", "", "GB", "-1GB", "1e3 B", "nan B", "0.1B", "1 GBit", "1,5GB", 0, -1, True, 1.5]
)
def test_what_is_no_size_is_refused(text: Any, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"max_disk must be a number of bytes above 0, .* got"):
        FileCheckpoints(tmp_path, text)


class BytesPath:
    def __fspath__(self) -> bytes:
        return b"saved"


@pytest.mark.parametrize(
    ("folder", "error", "message"),
    [
        ("", ArgumentError, "must be a folder, got ''"),
        (None, ArgumentError, "must be a folder, got None"),
        (BytesPath(), ArgumentError, r"got .*BytesPath.*\. Give its path as text"),
        ("s3://bucket/x", UnsupportedError, "got 's3://bucket/x'. Mount the place"),
    ],
)
def test_what_is_no_folder_is_refused(folder: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        FileCheckpoints(folder)


def test_looking_makes_no_folder(tmp_path: Path) -> None:
    store = FileCheckpoints(tmp_path / "store", max_disk="1B")
    assert store.sizes() == {}
    assert store.make_room(set()) == []
    store.delete("0" * 64)
    with pytest.raises(CheckpointMissingError, match=r"store has no 0000.* Point the study at"):
        store.path("0" * 64)
    assert os.listdir(tmp_path) == []


def test_a_source_of_another_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"got 'model.pt' of type str. Of a name, make one by"):
        FileCheckpoints(tmp_path / "store").save("model.pt")  # type: ignore[arg-type]


def test_a_store_is_not_saved_into_itself(tmp_path: Path) -> None:
    store = FileCheckpoints(tmp_path / "run" / "store")
    with pytest.raises(ArgumentError, match="must not hold its own store"):
        store.save(tmp_path / "run")
    assert store.sizes() == {}


def test_a_kept_folder_can_be_saved_again(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "a").write_bytes(b"1")
    store = FileCheckpoints(tmp_path / "store")
    saved = store.save(tmp_path / "run")
    assert store.save(store.path(saved[0])) == saved


def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(path: Path, mode: str) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    store = FileCheckpoints(tmp_path / "store", max_disk=1)
    key, _ = store.save(b"kept")
    monkeypatch.setattr("luthier.storages.checkpoints.open", refusing, raising=False)
    for act in (
        lambda: store.save(b"other"),
        lambda: store.delete(key),
        lambda: store.make_room(set()),
    ):
        with pytest.raises(
            StorageReadOnlyError, match=r"store must be a folder that can be .*Read"
        ):
            act()
    store.verify(key)
    assert store.sizes() == {key: 4}


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "store").write_bytes(b"")
    with pytest.raises(StorageReadOnlyError, match="Not a directory"):
        FileCheckpoints(tmp_path / "store" / "inner").save(b"1")


def test_a_full_disk_is_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    store = FileCheckpoints(tmp_path / "store")
    (tmp_path / "file").write_bytes(b"1")
    store.save(b"kept")
    monkeypatch.setattr(os, "fsync", full)
    for source in (b"new", tmp_path / "file"):
        with pytest.raises(StorageFullError, match="store is full. What was saved so far is safe"):
            store.save(source)
    assert list(store.sizes().values()) == [4]
    assert leftovers(tmp_path / "store") == []


def test_an_unreadable_source_is_the_sources_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"1")
    real = open

    def refusing(path: Any, *args: Any) -> Any:
        if Path(path) == tmp_path / "file":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *args)

    monkeypatch.setattr("luthier.storages.content.open", refusing, raising=False)
    with pytest.raises(PermissionError):
        FileCheckpoints(tmp_path / "store").save(tmp_path / "file")


def test_damage_is_told_with_the_next_step(tmp_path: Path) -> None:
    store = FileCheckpoints(tmp_path)
    key, _ = store.save(b"weights")
    store.path(key).chmod(0o600)
    store.path(key).write_bytes(b"weightz")
    with pytest.raises(CheckpointCorruptError, match=r"has changed.*Delete it with store.delete"):
        store.verify(key)


def test_what_is_deleted_while_it_is_read_is_missing_not_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileCheckpoints(tmp_path / "store")
    (tmp_path / "run").mkdir()
    for source in (b"weights", tmp_path / "run"):
        key, _ = store.save(source)

        def deleted_first(place: Path) -> tuple[str, int]:
            store.delete(key)  # noqa: B023
            return read_content(place)

        with monkeypatch.context() as patch:
            patch.setattr("luthier.storages.checkpoints.read_content", deleted_first)
            with pytest.raises(CheckpointMissingError):
                store.verify(key)


def test_what_is_written_is_synced_before_it_appears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts: list[tuple[str, bool]] = []
    rename = os.rename

    def note_sync(descriptor: int) -> None:
        acts.append(("sync", stat.S_ISDIR(os.fstat(descriptor).st_mode)))

    def note_rename(old: Path, new: Path) -> None:
        acts.append(("rename", new.parent.parent.name == "objects"))
        rename(old, new)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "rename", note_rename)
    store = FileCheckpoints(tmp_path)
    store.save(b"weights")
    assert acts == [("sync", True), ("sync", False), ("rename", True), ("sync", True)]
    acts.clear()
    store.save(b"weights")
    assert [act for act, _ in acts] == ["sync"], "the same content isn't written again"


# --- leftovers --------------------------------------------------------------------------------


def leftovers(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder / "incoming") if not name.endswith(".pin")]


def quoted(worker: str) -> str:
    return worker.replace("/", "%2F").replace(":", "%3A")


def test_leftovers_go_when_their_maker_is_gone_or_they_are_old(tmp_path: Path) -> None:
    store = FileCheckpoints(tmp_path)
    store.save(b"1")
    here = quoted(this_worker())
    dead = here.rpartition("%3A")[0] + "%3A0"  # this process's number, started at another time
    names = [f"{worker}~{'a' * 32}" for worker in (here, dead, "there%3A1%3A2%3A3")]
    names += ["there%3A1%3A2%3A3~" + "b" * 32, "notes.txt", "~" + "c" * 32]
    for name in names:
        (tmp_path / "incoming" / name).mkdir()
        (tmp_path / "incoming" / name / "file").write_bytes(b"")
    for name in (names[0], names[3], "notes.txt"):
        os.utime(tmp_path / "incoming" / name, (time.time() - 90_000,) * 2)
    store.save(b"2")
    expected = {names[0], names[2], "notes.txt", "~" + "c" * 32}
    assert set(leftovers(tmp_path)) == expected


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    store = FileCheckpoints(tmp_path, max_disk=1)
    key, _ = store.save(b"12")
    others = [tmp_path / "mine", tmp_path / "objects" / "ab", tmp_path / "objects" / "mine"]
    others += [(tmp_path / "objects" / key[:2] / name) for name in ("mine", key + ".part")]
    for other in others:
        other.write_bytes(b"mine")
    store.save(b"3")
    assert store.make_room(set()) == [key]
    assert all(other.read_bytes() == b"mine" for other in others)


# --- the budget -------------------------------------------------------------------------------


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=8),
    st.integers(1, 40),
    st.sets(st.integers(0, 7)),
)
def test_room_is_made_oldest_first_and_never_from_what_is_needed(
    sizes: list[int], limit: int, wanted: set[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = FileCheckpoints(folder, max_disk=limit)
        keys = [store.save(bytes([n]) * (size + 1))[0] for n, size in enumerate(sizes)]
        needed = {keys[n] for n in wanted if n < len(keys)}
        expected = dict(zip(keys, (size + 1 for size in sizes), strict=True))
        for key in keys[:-1]:  # the last is pinned
            if sum(expected.values()) > limit and key not in needed:
                del expected[key]
        deleted = store.make_room(needed)
        assert store.sizes() == expected
        assert deleted == [key for key in keys if key not in expected]
        assert store.make_room(needed) == []


def test_without_a_budget_nothing_is_deleted(tmp_path: Path) -> None:
    store = FileCheckpoints(tmp_path)
    keys = [store.save(bytes([n]))[0] for n in range(3)]
    assert store.make_room(set()) == []
    assert list(store.sizes()) == keys


def test_saving_again_makes_young(tmp_path: Path) -> None:
    store = FileCheckpoints(tmp_path, max_disk=2)
    first, second, third = (store.save(bytes([n]))[0] for n in range(3))
    store.save(b"\0")
    assert store.make_room(set()) == [second]
    assert list(store.sizes()) == [third, first]


def test_too_much_that_is_needed_is_warned_of_once_for_each_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = FileCheckpoints(tmp_path, max_disk="15 B")
    keys = [store.save(bytes([n]) * 10)[0] for n in range(3)]

    def warnings() -> int:
        return sum("more than max_disk=15" in r.getMessage() for r in caplog.records)

    with caplog.at_level(logging.WARNING, "luthier"):
        assert store.make_room(keys[1:]) == [keys[0]]
        assert warnings() == 1
        assert store.make_room(keys[1:]) == []
        assert warnings() == 1
        assert store.make_room(keys[2:]) == [keys[1]]
        assert warnings() == 1
        store.save(b"x" * 10)
        store.make_room(store.sizes())
        assert warnings() == 2
    assert "takes 20 bytes in" in caplog.records[0].getMessage()


def test_a_function_of_what_is_needed_is_called_only_when_there_is_too_much(tmp_path: Path) -> None:
    store = FileCheckpoints(tmp_path, max_disk=2)
    calls: list[bool] = []

    def needed() -> set[str]:
        saver = threading.Thread(target=lambda: FileCheckpoints(tmp_path).save(b"4"), daemon=True)
        saver.start()
        saver.join(0.1)
        calls.append(saver.is_alive())
        return set()

    store.save(b"1")
    store.save(b"2")
    assert store.make_room(needed) == []
    assert calls == []
    store.save(b"3")
    assert len(store.make_room(needed)) == 1
    assert calls == [True], "nobody saves while it reads"


def test_what_each_thread_saved_last_is_spared_until_it_saves_again(tmp_path: Path) -> None:
    store = FileCheckpoints(tmp_path, max_disk=1)
    saved: list[str] = []
    go, went = threading.Semaphore(0), threading.Semaphore(0)

    def other() -> None:
        for content in (b"other 1", b"other 2"):
            saved.append(store.save(content)[0])
            went.release()
            go.acquire()

    thread = threading.Thread(target=other)
    thread.start()
    went.acquire()
    mine = store.save(b"mine")[0]
    assert store.make_room(set()) == []
    go.release()
    went.acquire()
    assert store.make_room(set()) == saved[:1]
    assert set(store.sizes()) == {mine, saved[1]}
    go.release()
    thread.join()


# --- killed at any moment ---------------------------------------------------------------------


def in_child(work: Callable[[], None]) -> int:
    """Run in a forked process that runs nothing else; return its number."""
    if child := os.fork():
        return child
    try:
        work()
        os._exit(0)
    finally:
        os._exit(1)


def killed(child: int) -> bool:
    """Wait for a child; whether it was killed. If it wasn't, it must have done its work."""
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code != 0


def kill_at(count: int) -> None:
    """Kill this process as it is about to do its so-manieth act on files."""
    left = [count]

    def watch(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" or event.partition(".")[0] in ("os", "shutil", "fcntl"):
            left[0] -= 1
            if left[0] == -1:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def consistent(store: FileCheckpoints) -> dict[str, int]:
    sizes = store.sizes()
    for key in sizes:
        store.verify(key)
    return sizes


@forking
@pytest.mark.parametrize("kind", ["bytes", "folder"])
def test_a_saver_killed_at_any_act_leaves_nothing_or_the_whole(tmp_path: Path, kind: str) -> None:
    (tmp_path / "run" / "inner").mkdir(parents=True)
    (tmp_path / "run" / "inner" / "a").write_bytes(b"1" * 1000)
    (tmp_path / "run" / "b").write_bytes(b"2")
    source = b"weights" if kind == "bytes" else tmp_path / "run"
    expected = dict([FileCheckpoints(tmp_path / "whole").save(source)])
    found = []
    for count in range(500):
        store = FileCheckpoints(tmp_path / f"store {count}")
        dead = killed(in_child(lambda: (kill_at(count), store.save(source))[0]))  # noqa: B023
        found.append(consistent(store))
        assert store.sizes() in ({}, expected)
        assert dict([store.save(source)]) == consistent(store) == expected
        assert leftovers(tmp_path / f"store {count}") == []
        if not dead:
            break
    assert not dead
    assert len(found) > 10
    appeared = found.index(expected)
    assert found == [{}] * appeared + [expected] * (len(found) - appeared)


@forking
def test_who_makes_room_is_killed_at_any_act(tmp_path: Path) -> None:
    for count in range(500):
        store = FileCheckpoints(tmp_path / f"store {count}", max_disk=2500)
        sources = [tmp_path / f"run {count} {n}" for n in range(4)]
        for n, source in enumerate(sources):
            source.mkdir()
            (source / "a").write_bytes(bytes([n]) * 1000)
        keys = [store.save(source)[0] for source in sources]
        needed = {keys[0]}
        dead = killed(in_child(lambda: (kill_at(count), store.make_room(needed))[0]))  # noqa: B023
        left = consistent(store)
        assert list(left) in (keys, [keys[0], *keys[2:]], [keys[0], keys[3]])
        store.make_room(needed)
        assert list(consistent(store)) == [keys[0], keys[3]]
        assert leftovers(tmp_path / f"store {count}") == []
        if not dead:
            break
    assert not dead
    assert count > 10


@forking
def test_savers_killed_at_random_lose_nothing_that_they_announced(tmp_path: Path) -> None:
    moments = random.Random(7)
    store = FileCheckpoints(tmp_path, max_disk="300 kB")
    needed: set[str] = set()
    for life in range(40):
        reader, writer = os.pipe()

        def work() -> None:
            contents = random.Random(life)  # noqa: B023
            os.write(writer, b"\n")  # noqa: B023
            while True:
                key, _ = store.save(contents.randbytes(contents.randrange(40_000)))
                os.write(writer, key.encode())  # noqa: B023
                store.make_room(needed | {key})  # noqa: B023

        child = in_child(work)
        os.close(writer)
        with open(reader, "rb") as announced:
            announced.read(1)
            time.sleep(moments.uniform(0, 0.03))
            os.kill(child, signal.SIGKILL)
            text = announced.read().decode()
        assert killed(child)
        assert len(text) % 64 == 0
        last = {text[-64:]} - {""}
        assert last <= consistent(store).keys()
        needed = set(sorted(needed)[-2:]) | last
    store.save(b"")
    store.make_room(needed)
    assert needed <= consistent(store).keys()
    assert sum(store.sizes().values()) <= 300_000
    assert leftovers(tmp_path) == []


@forking
def test_processes_share_a_store(tmp_path: Path) -> None:
    """Savers that hold one content each, and make room for it, never lose it to another."""
    common = [bytes([n]) * 1000 for n in range(5)]

    def work(seed: int) -> None:
        choose = random.Random(seed)
        store = FileCheckpoints(tmp_path / "store", max_disk="10 kB")
        for _ in range(60):
            content = choose.choice([*common, choose.randbytes(1000)])
            key, _ = store.save(content)
            assert store.path(key).read_bytes() == content
            store.make_room(set())  # nothing is recorded yet: only the pins say what is needed
            assert store.path(key).read_bytes() == content
        (tmp_path / f"done {seed}").touch()

    children = [in_child(lambda: work(seed)) for seed in range(4)]  # noqa: B023
    assert [killed(child) for child in children] == [False] * 4
    assert len(list(tmp_path.glob("done *"))) == 4
    store = FileCheckpoints(tmp_path / "store", max_disk="10 kB")
    assert sum(consistent(store).values()) <= 14_000
    store.make_room(set())
    assert sum(store.sizes().values()) <= 10_000
