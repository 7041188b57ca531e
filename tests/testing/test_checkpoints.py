"""The suite itself: a checkpoint store that breaks a promise is caught, and told which."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from luthier.errors import ArgumentError, CheckpointMissingError
from luthier.storages import FileCheckpoints
from luthier.testing import CHECKPOINT_CHECKS, check_checkpoints


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


class Wrapped:
    """A sound store, for subclasses to break in one place."""

    def __init__(self, folder: Path) -> None:
        self.sound = FileCheckpoints(folder)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sound, name)


class KeepsNothing(Wrapped):
    def save(self, source: bytes | Path) -> tuple[str, int]:
        key, size = self.sound.save(source)
        self.sound.delete(key)
        return key, size


class NamesByItself(Wrapped):
    def save(self, source: bytes | Path) -> tuple[str, int]:
        key, size = self.sound.save(source)
        return hashlib.sha256(key.encode()).hexdigest(), size


class CountsNothing(Wrapped):
    def save(self, source: bytes | Path) -> tuple[str, int]:
        return self.sound.save(source)[0], 0


class LinksTheOriginal(Wrapped):
    def save(self, source: bytes | Path) -> tuple[str, int]:
        key, size = self.sound.save(source)
        if isinstance(source, Path) and source.is_file():
            self.sound.path(key).unlink()
            self.sound._place(key).symlink_to(source)
        return key, size


class ForgetsEmptyFolders(Wrapped):
    def save(self, source: bytes | Path) -> tuple[str, int]:
        if isinstance(source, Path) and (source / "empty" / "inner").is_dir():
            (source / "empty" / "inner").rmdir()
        return self.sound.save(source)


class LeavesFilesWritable(Wrapped):
    def path(self, key: str) -> Path:
        place = self.sound.path(key)
        if place.is_file():
            place.chmod(0o644)
        return place


class NeverVerifies(Wrapped):
    def verify(self, key: str) -> None:
        self.sound.path(key)


class TakesPathsForKeys(Wrapped):
    def path(self, key: str) -> Path:
        try:
            return self.sound.path(key)
        except ArgumentError:
            return Path(key)


class NeverDeletes(Wrapped):
    def delete(self, key: str) -> None:
        pass


class ListsByName(Wrapped):
    def sizes(self) -> dict[str, int]:
        return dict(sorted(self.sound.sizes().items()))


class ListsTheYoungestFirst(Wrapped):
    def sizes(self) -> dict[str, int]:
        return dict(reversed(self.sound.sizes().items()))


class FollowsAllLinks(Wrapped):
    def save(self, source: bytes | Path) -> tuple[str, int]:
        try:
            return self.sound.save(source)
        except ArgumentError:
            return self.sound.save(b"the link's content")


class NeverMakesRoom(Wrapped):
    def make_room(self, needed: Any, unwanted: Any = ()) -> list[str]:
        return []


class DeletesWhatIsNeeded(Wrapped):
    def make_room(self, needed: Any, unwanted: Any = ()) -> list[str]:
        return self.sound.make_room(set(), unwanted)


class DeletesWhatIsNotRecordedYet(Wrapped):
    def make_room(self, needed: Any, unwanted: Any = ()) -> list[str]:
        for key in set(unwanted) - set(needed()):
            self.sound.delete(key)
        return list(unwanted)


class RefusesEverything(Wrapped):
    def save(self, source: bytes | Path) -> tuple[str, int]:
        raise CheckpointMissingError("no")


BROKEN: list[tuple[type[Wrapped], str]] = [
    (NamesByItself, "bytes_come_back"),
    (CountsNothing, "bytes_come_back"),
    (CountsNothing, "folders_come_back"),
    (LinksTheOriginal, "files_come_back"),
    (ForgetsEmptyFolders, "folders_come_back"),
    (LeavesFilesWritable, "what_is_kept_is_read_only"),
    (NeverVerifies, "damage_is_noticed"),
    (TakesPathsForKeys, "what_is_no_key_is_refused"),
    (NeverDeletes, "what_is_missing_is_said"),
    (NeverDeletes, "many_may_save_at_once"),
    (ListsByName, "same_content_is_kept_once"),
    (ListsTheYoungestFirst, "same_content_is_kept_once"),
    (FollowsAllLinks, "links_are_followed_within"),
    (NeverMakesRoom, "room_is_made_of_what_is_unwanted"),
    (DeletesWhatIsNeeded, "room_is_made_of_what_is_unwanted"),
    (DeletesWhatIsNotRecordedYet, "room_is_made_of_what_is_unwanted"),
]


@pytest.mark.parametrize(("kind", "check"), BROKEN)
def test_a_broken_store_is_caught(kind: Callable[[Path], Any], check: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="Checkpoint contract: "):
        CHECKPOINT_CHECKS[check](lambda: kind(tmp_path))


def test_a_sound_store_passes_wrapped_too(tmp_path: Path) -> None:
    check_checkpoints(lambda: Wrapped(tmp_path))


def test_errors_of_a_store_are_not_hidden(tmp_path: Path) -> None:
    for kind, check in ((RefusesEverything, "bytes_come_back"), (KeepsNothing, "bytes_come_back")):
        with pytest.raises(CheckpointMissingError):
            CHECKPOINT_CHECKS[check](lambda: kind(tmp_path))  # noqa: B023


def test_names_say_what_holds() -> None:
    assert all("_" in name for name in CHECKPOINT_CHECKS)
    assert all(check.__doc__ for check in CHECKPOINT_CHECKS.values())
