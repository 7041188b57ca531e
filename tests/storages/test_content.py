"""Contents: any folder is read to the same key as its copy, and what isn't a content is refused."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from luthier.errors import ArgumentError
from luthier.storages.content import discard, read_content, tree_size, write_bytes
from luthier.testing.checkpoints import content_of

NAMES = st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..") and encodes(name)
)
TREES = st.recursive(
    st.binary(max_size=50), lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
Tree = bytes | dict[str, "Tree"]


def encodes(name: str) -> bool:
    try:
        return len(os.fsencode(name)) < 200
    except UnicodeEncodeError:
        return False


def plant(tree: Tree, place: Path) -> None:
    if isinstance(tree, bytes):
        place.write_bytes(tree)
    else:
        place.mkdir()
        for name, inner in tree.items():
            plant(inner, place / name)


def size_in(tree: Tree) -> int:
    return len(tree) if isinstance(tree, bytes) else sum(map(size_in, tree.values()))


@given(TREES, TREES)
@example({"a": {}}, {})
@example({"a": {}}, {"a": b""})
@example({"a": {"b": b"1"}}, {"a": {}, "b": b"1"})
@example({"a": b"1", "b": b""}, {"a": b"", "b": b"1"})
def test_a_key_stands_for_one_content(one: Tree, two: Tree) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plant(one, folder / "one")
        plant(two, folder / "two")
        read = read_content(folder / "one", folder / "copy")
        assert read == read_content(folder / "one") == read_content(folder / "copy")
        assert read[1] == size_in(one)
        assert isinstance(one, bytes) or tree_size(folder / "copy") == read[1]
        assert content_of(folder / "copy") == content_of(folder / "one")
        assert (read == read_content(folder / "two")) == (one == two)


def test_a_name_that_is_not_unicode_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / os.fsdecode(b"\xff\xfe")).write_bytes(b"odd")
    assert read_content(tmp_path / "a", tmp_path / "b") == read_content(tmp_path / "b")
    assert os.listdir(os.fsencode(tmp_path / "b")) == [b"\xff\xfe"]


def test_no_file_has_the_key_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"[]")  # the manifest of an empty folder
    assert read_content(tmp_path / "folder")[0] != read_content(tmp_path / "file")[0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pipe", r"folder/pipe is something else. Save a folder that holds all it needs"),
        ("out", r"folder/out is a symlink out of .*folder, to .*secret"),
        ("sibling", r"folder/sibling is a symlink out of .*folder, to .*folder2"),
        ("loop", r"folder/loop can't be found: Too many levels of symbolic links"),
        ("broken", r"folder/broken can't be found: No such file or directory"),
        ("up", r"folder/inner/.*is a symlink to a folder that it is in"),
    ],
)
def test_what_is_unfit_is_named(tmp_path: Path, name: str, message: str) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (tmp_path / "folder2").mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    if name == "pipe":
        os.mkfifo(folder / name)
    else:
        target = {"out": "../secret", "sibling": "../folder2", "loop": "loop", "up": "inner"}
        (folder / name).symlink_to(target.get(name, "nowhere"))
        (folder / "inner" / "back").symlink_to("..") if name == "up" else None
    with pytest.raises(ArgumentError, match=message):
        read_content(folder, tmp_path / "copy")


def test_a_copy_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"new")
    (tmp_path / "b").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        read_content(tmp_path / "a", tmp_path / "b")
    with pytest.raises(FileExistsError):
        write_bytes(b"new", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"old"


def test_all_that_is_copied_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = set()
    sync = os.fsync

    def record(descriptor: int) -> None:
        synced.add(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    if not os.path.exists("/proc/self/fd"):
        pytest.skip("needs /proc")
    monkeypatch.setattr(os, "fsync", record)
    plant({"a": b"1", "b": {"c": b"2", "d": {}}}, tmp_path / "from")
    read_content(tmp_path / "from", tmp_path / "to")
    assert synced == {str(p) for p in (tmp_path / "to", *(tmp_path / "to").rglob("*"))}


def test_discarding_leaves_nothing_and_follows_no_link(tmp_path: Path) -> None:
    plant({"a": {"b": b"1"}}, tmp_path / "folder")
    plant({"kept": b"1"}, tmp_path / "elsewhere")
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "elsewhere")
    discard(tmp_path / "folder")
    discard(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
    assert (tmp_path / "elsewhere" / "kept").exists()
