from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mldeploy.bundle.ignore import IgnoreRules
from jupyter_mldeploy.bundle.sources import copy_sources, source_files
from jupyter_mldeploy.errors import ConfigurationError


def write(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def names(folder):
    return [file.name for file in source_files(folder).files]


def test_what_is_never_deployed(tmp_path):
    write(
        tmp_path,
        "score.py",
        ".env-example",
        "data/a.csv",
        ".git/config",
        "__pycache__/score.cpython-311.pyc",
        "pkg/__pycache__/a.pyc",
        "pkg/a.py",
        "pkg/b.pyc",
        ".venv/bin/python",
        "other-env/pyvenv.cfg",
        "other-env/lib/a.py",
        ".ipynb_checkpoints/score-checkpoint.py",
        "node_modules/a/index.js",
        ".azureml/config.json",
        "home/mldeploy.db",
        "home/bundles/1/manifest.json",
    )
    assert names(tmp_path) == [".env-example", "data/a.csv", "pkg/a.py", "score.py"]


def test_amlignore(tmp_path):
    write(tmp_path, "score.py", "a.csv", "data/b.csv", "data/keep.csv", "docs/x.md", "big/docs/y")
    (tmp_path / ".amlignore").write_text("# data\n*.csv\n!keep.csv\n/docs/\n")
    assert names(tmp_path) == [".amlignore", "big/docs/y", "data/keep.csv", "score.py"]


@pytest.mark.parametrize(
    ("pattern", "path", "left_out"),
    [
        ("a.csv", "a.csv", True),
        ("a.csv", "x/y/a.csv", True),
        ("/a.csv", "x/a.csv", False),
        ("x/*.csv", "x/a.csv", True),
        ("x/*.csv", "x/y/a.csv", False),
        ("x/**/a.csv", "x/a.csv", True),
        ("x/**/a.csv", "x/y/z/a.csv", True),
        ("**/a.csv", "y/a.csv", True),
        ("x/**", "x/y/z", True),
        ("x/**", "x", False),
        ("?.py", "a.py", True),
        ("?.py", "ab.py", False),
        ("[ab].py", "b.py", True),
        ("[!ab].py", "b.py", False),
        ("[!ab].py", "c.py", True),
        ("[a-c].py", "b.py", True),
        ("[^a-c].py", "b.py", False),
        ("[!].py", "!.py", True),
        ("[?--].py", "-.py", True),
        ("[a&&b].py", "&.py", True),
        ("[[a].py", "[.py", True),
        ("[", "[", True),
        ("[z-a].py", "b.py", False),
        ("\\#a", "#a", True),
        ("\\!a", "!a", True),
        ("\\*", "x", False),
        ("\\*", "*", True),
        ("a.b", "axb", False),
        ("build/", "build", False),
        ("/", "a", False),
        ("", "a", False),
    ],
)
def test_one_rule(pattern, path, left_out):
    assert IgnoreRules([pattern]).leave_out(path, folder=False) is left_out


def test_a_rule_for_folders():
    assert IgnoreRules(["build/"]).leave_out("x/build", folder=True)


def test_a_later_rule_wins():
    rules = IgnoreRules(["*.py", "!score.py", "score.py"])
    assert rules.leave_out("score.py", folder=False)


@given(
    st.lists(st.text(alphabet="ab*?[]!/\\.#-^", max_size=30)), st.text(alphabet="ab/", max_size=20)
)
@settings(deadline=None)
def test_no_pattern_is_too_odd(lines, path):
    assert IgnoreRules(lines).leave_out(path, folder=False) in {True, False}


def test_links_become_content(tmp_path):
    write(tmp_path, "elsewhere/model.bin", "elsewhere/deep/a.txt", "src/score.py")
    source = tmp_path / "src"
    (source / "model.bin").symlink_to(tmp_path / "elsewhere" / "model.bin")
    (source / "lib").symlink_to(tmp_path / "elsewhere" / "deep")
    found = source_files(source)
    copy_sources(found.files, tmp_path / "copy")
    assert (tmp_path / "copy" / "model.bin").read_text() == "elsewhere/model.bin"
    assert not (tmp_path / "copy" / "model.bin").is_symlink()
    assert (tmp_path / "copy" / "lib" / "a.txt").read_text() == "elsewhere/deep/a.txt"


@pytest.mark.parametrize("loop", ["up", "self"])
def test_a_loop_is_refused(tmp_path, loop):
    write(tmp_path, "a/score.py")
    if loop == "up":
        (tmp_path / "a" / "up").symlink_to(tmp_path)
    else:
        (tmp_path / "a" / "self").symlink_to(".")
    with pytest.raises(ConfigurationError, match="is a link to a folder that it is in"):
        source_files(tmp_path)


def test_a_link_to_itself_cannot_be_read(tmp_path):
    (tmp_path / "a").symlink_to("a")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        source_files(tmp_path)


def test_the_same_folder_twice_is_no_loop(tmp_path):
    write(tmp_path, "a/x.py")
    (tmp_path / "b").symlink_to("a")
    assert names(tmp_path) == ["a/x.py", "b/x.py"]


def test_what_is_no_file_is_left_out_with_a_remark(tmp_path):
    write(tmp_path, "score.py")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "gone").symlink_to("nowhere")
    found = source_files(tmp_path)
    assert [file.name for file in found.files] == ["score.py"]
    assert "leads nowhere" in found.warnings[0]
    assert "neither a file nor a folder" in found.warnings[1]


def test_a_large_folder_gets_a_remark(tmp_path):
    write(tmp_path, "score.py")
    with (tmp_path / "data.bin").open("wb") as file:
        file.truncate(301 * 1024 * 1024)
    (remark,) = source_files(tmp_path).warnings
    assert "316 MB in 2 files, data.bin the largest" in remark
    assert ".amlignore" in remark


def test_a_file_that_went_away(tmp_path):
    write(tmp_path, "src/a.py")
    found = source_files(tmp_path / "src")
    (tmp_path / "src" / "a.py").unlink()
    with pytest.raises(ConfigurationError, match=r"a\.py cannot be read"):
        copy_sources(found.files, tmp_path / "copy")


def test_executables_stay_executable(tmp_path):
    write(tmp_path, "src/run.sh", "src/locked")
    (tmp_path / "src" / "run.sh").chmod(0o755)
    (tmp_path / "src" / "locked").chmod(0o444)
    copy_sources(source_files(tmp_path / "src").files, tmp_path / "copy")
    assert (tmp_path / "copy" / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "copy" / "locked").stat().st_mode & 0o200


part = st.binary(min_size=1, max_size=8).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in {b".", b".."}
)
trees = st.recursive(
    st.binary(max_size=40),
    lambda below: st.dictionaries(part, below, max_size=4),
    max_leaves=12,
).filter(lambda tree: isinstance(tree, dict))


def plant(tree, folder):
    """Make a tree of files, and return what it holds by path."""
    made = {}
    folder.mkdir()
    for name, content in tree.items():
        path = folder / os.fsdecode(name)
        if isinstance(content, dict):
            made |= plant(content, path)
        else:
            path.write_bytes(content)
            made[str(path)] = content
    return made


@given(trees)
@settings(max_examples=80, deadline=None)
def test_any_tree_is_copied_byte_for_byte(tree):
    with tempfile.TemporaryDirectory() as folder:
        top, copy = Path(folder, "src"), Path(folder, "copy")
        planted = plant(tree, top)
        copy.mkdir()
        copy_sources(source_files(top).files, copy)
        copied = {
            str(top / path.relative_to(copy)): path.read_bytes()
            for path in copy.rglob("*")
            if path.is_file()
        }
        # Bytes that happen to spell a cache's ending or an ignore file do not come up.
        assert copied == planted
