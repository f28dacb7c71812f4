"""The content store: contents once, never linked from the user's path, never half there."""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mldeploy.errors import StoreError, UserErrorException
from jupyter_mldeploy.store import FileEntry
from jupyter_mldeploy.store.files import Files, MissingContentError
from jupyter_mldeploy.store.manifest import manifest_digest


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "artifacts")


@pytest.mark.parametrize("size", [0, 1, 1000, (4 << 20) - 1, (4 << 20) + 1, 9_000_001])
def test_what_is_kept_is_what_was_given(files: Files, tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    seen: list[int] = []
    stored = files.add_file(path, seen.append)
    assert (stored.sha256, stored.size) == (hashlib.sha256(content).hexdigest(), size)
    kept = files.path_of(stored.sha256)
    assert kept.read_bytes() == content
    assert stat.S_IMODE(kept.stat().st_mode) == 0o444
    assert sum(seen) == size
    assert list((files.root / "tmp").iterdir()) == []


def test_the_users_file_is_never_linked(files: Files, model_file: Path) -> None:
    kept = files.path_of(files.add_file(model_file).sha256)
    assert model_file.stat().st_nlink == 1
    model_file.write_bytes(b"changed")
    assert kept.read_bytes() == b"weights"


def test_equal_contents_are_kept_once(files: Files, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"same")
    first, second = (files.add_file(tmp_path / name) for name in ("a", "b"))
    assert first == second
    assert list(files.contents()) == [first.sha256]


def test_a_damaged_content_is_noticed_and_healed(files: Files, model_file: Path) -> None:
    entries = files.add_tree(model_file)
    kept = files.path_of(entries[0].sha256)
    kept.chmod(0o644)
    kept.write_bytes(b"")
    with pytest.raises(StoreError, match="has 0 bytes instead of 7"):
        files.materialise(entries, model_file.parent / "out")
    files.add_file(model_file)
    files.require(entries)


def test_a_missing_content_is_said(files: Files, tmp_path: Path) -> None:
    entry = FileEntry("model.pkl", "0" * 64, 1)
    with pytest.raises(MissingContentError, match=r"model\.pkl is missing"):
        files.materialise([entry], tmp_path / "out")


@pytest.mark.parametrize("size", [100, 8 << 20])
def test_a_file_that_changes_meanwhile_is_refused(files: Files, tmp_path: Path, size: int) -> None:
    path = tmp_path / "growing"
    path.write_bytes(b"0" * size)

    def write_more_once(count: int) -> None:
        if path.stat().st_size == size:
            with path.open("ab") as file:
                file.write(b"x" * count)

    with pytest.raises(UserErrorException, match="changed while"):
        files.add_file(path, write_more_once)
    assert list(files.contents()) == []
    assert list((files.root / "tmp").iterdir()) == []


def test_a_tree_keeps_names_modes_and_follows_links(files: Files, tmp_path: Path) -> None:
    folder = tmp_path / "net"
    (folder / "sub").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "run.sh").write_bytes(b"#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "sub" / "w.bin").write_bytes(b"w")
    (folder / "link.bin").symlink_to("sub/w.bin")
    (folder / "sublink").symlink_to("sub")
    entries = files.add_tree(folder)
    assert [(each.path, each.mode & 0o100) for each in entries] == [
        ("net/link.bin", 0),
        ("net/run.sh", 0o100),
        ("net/sub/w.bin", 0),
        ("net/sublink/w.bin", 0),
    ]
    assert len(list(files.contents())) == 2


def test_child_paths_choose_files_and_folders(files: Files, tmp_path: Path) -> None:
    folder = tmp_path / "net"
    for name in ("a/1", "a/2", "b/3", "c"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    chosen = files.add_tree(folder, ["a", "./c", "a/1"])
    assert [each.path for each in chosen] == ["net/a/1", "net/a/2", "net/c"]
    for wrong in ("../net/c", "/etc/passwd", ".", ""):
        with pytest.raises(UserErrorException, match="not a path inside"):
            files.add_tree(folder, [wrong])
    with pytest.raises(UserErrorException, match="cannot be read"):
        files.add_tree(folder, ["nothing"])
    with pytest.raises(UserErrorException, match="needs a folder"):
        files.add_tree(folder / "c", ["x"])


def _fifo(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


def _circle(folder: Path) -> None:
    (folder / "again").symlink_to(folder)


def _dangling(folder: Path) -> None:
    (folder / "gone").symlink_to("nowhere")


def _not_utf8(folder: Path) -> None:
    (Path(os.fsdecode(os.fsencode(folder) + b"/\xff"))).write_text("x")


def _nothing(folder: Path) -> None:
    (folder / "empty").mkdir()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_fifo, "neither a file nor a folder"),
        (_circle, "link to a folder that it is in"),
        (_dangling, "leads nowhere"),
        (_not_utf8, "not UTF-8"),
        (_nothing, "There is no file"),
    ],
)
def test_what_cannot_be_a_model_is_refused(files: Files, tmp_path: Path, make, says) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    make(folder)
    with pytest.raises(UserErrorException, match=says):
        files.add_tree(folder)


def test_the_root_folder_has_no_name(files: Files) -> None:
    with pytest.raises(UserErrorException, match="no name"):
        files.add_tree(Path("/"))


def test_the_current_folder_has_the_name_of_the_folder(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "w").write_text("w")
    monkeypatch.chdir(tmp_path / "net")
    assert [each.path for each in files.add_tree(Path())] == ["net/w"]


def test_materialised_for_reading(files: Files, tmp_path: Path) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "w").write_text("same")
    (folder / "run").write_text("same")
    (folder / "run").chmod(0o755)
    entries = files.add_tree(folder)
    out = tmp_path / "out"
    files.materialise(entries, out)
    kept = files.path_of(entries[0].sha256)
    assert stat.S_IMODE((out / "net/w").stat().st_mode) == 0o444
    assert stat.S_IMODE((out / "net/run").stat().st_mode) == 0o555
    assert stat.S_IMODE(kept.stat().st_mode) == 0o444
    assert not (out / "net/run").samefile(kept)
    with pytest.raises(FileExistsError):
        files.materialise(entries, out)


def test_materialised_to_keep(files: Files, tmp_path: Path, model_file: Path) -> None:
    entries = files.add_tree(model_file)
    out = tmp_path / "out"
    files.materialise(entries, out, link=False)
    (out / "model.pkl").write_bytes(b"mine")
    assert files.path_of(entries[0].sha256).read_bytes() == b"weights"
    with pytest.raises(FileExistsError):
        files.materialise(entries, out, link=False)
    files.materialise(entries, out, link=False, overwrite=True)
    assert (out / "model.pkl").read_bytes() == b"weights"


def test_another_file_system_gets_copies(files: Files, model_file: Path) -> None:
    shm = Path("/dev/shm")
    if not shm.is_dir() or shm.stat().st_dev == model_file.stat().st_dev:
        pytest.skip("there is no second file system here")
    entries = files.add_tree(model_file)
    with tempfile.TemporaryDirectory(dir=shm) as out:
        files.materialise(entries, Path(out))
        copy = Path(out, "model.pkl")
        assert copy.read_bytes() == b"weights"
        assert stat.S_IMODE(copy.stat().st_mode) == 0o444


_NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20
).filter(lambda name: name not in {".", ".."})
_TREES = st.recursive(
    st.binary(max_size=50),
    lambda inner: st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=10,
)


def _write(path: Path, tree) -> int:
    if isinstance(tree, bytes):
        path.write_bytes(tree)
        return 1
    path.mkdir()
    return sum(_write(path / name, inner) for name, inner in tree.items())


def _read(path: Path, tree) -> bool:
    if isinstance(tree, bytes):
        return path.read_bytes() == tree
    return all(_read(path / name, inner) for name, inner in tree.items())


@given(name=_NAMES, tree=_TREES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_tree_comes_back_as_it_was(name: str, tree) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder, "artifacts"))
        count = _write(Path(folder, name), tree) if name != "artifacts" else 0
        if not count:
            return
        entries = files.add_tree(Path(folder, name))
        assert len(entries) == count
        out = Path(folder, "artifacts", "out")
        files.materialise(entries, out)
        assert _read(out / name, tree)
        assert manifest_digest(entries) == manifest_digest(reversed(entries))
        assert files.add_tree(out / name)[0].sha256 == entries[0].sha256


def test_the_manifest_tells_names_and_contents_apart() -> None:
    one = FileEntry("a", "1" * 64, 1)
    assert manifest_digest([one]) == manifest_digest([FileEntry("a", "1" * 64, 1, 0o755)])
    assert manifest_digest([one]) != manifest_digest([FileEntry("b", "1" * 64, 1)])
    assert manifest_digest([one]) != manifest_digest([FileEntry("a", "2" * 64, 1)])


def test_a_writer_that_died_leaves_a_temporary_file_that_is_removed_at_the_next_look(
    files: Files, tmp_path: Path
) -> None:
    source = tmp_path / "big"
    source.write_bytes(bytes(9 << 20))
    code = (
        "import os, pathlib, signal\n"
        "from jupyter_mldeploy.store.files import Files\n"
        f"files = Files(pathlib.Path({str(files.root)!r}))\n"
        f"files.add_file(pathlib.Path({str(source)!r}), "
        "lambda count: os.kill(os.getpid(), signal.SIGKILL))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = (files.root / "tmp").iterdir()
    assert left.stat().st_size > 0
    assert files.remove_abandoned() == 1
    assert not left.exists()


def test_a_living_writer_keeps_its_temporary_file(files: Files, tmp_path: Path) -> None:
    source = tmp_path / "big"
    source.write_bytes(bytes(9 << 20))
    removed: list[int] = []

    def meanwhile(count: int) -> None:
        del count
        (temporary,) = (files.root / "tmp").iterdir()
        assert temporary.exists()
        removed.append(files.remove_abandoned())

    stored = files.add_file(source, meanwhile)
    assert set(removed) == {0}
    assert files.path_of(stored.sha256).is_file()


def test_cleaning_does_not_trip_over_a_locked_file(files: Files) -> None:
    (files.root / "tmp").mkdir(parents=True)
    path = files.root / "tmp" / "x"
    path.touch()
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert files.remove_abandoned() == 0
    assert files.remove_abandoned() == 1
    assert not path.exists()


def test_a_store_that_cannot_be_written_to_says_so(tmp_path: Path, model_file: Path) -> None:
    (tmp_path / "artifacts").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="cannot be written to"):
        Files(tmp_path / "artifacts").add_file(model_file)
