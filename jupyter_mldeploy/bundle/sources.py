"""Which files of a source directory are deployed, and copying them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_mldeploy.bundle.ignore import IgnoreRules
from jupyter_mldeploy.errors import ConfigurationError
from jupyter_mldeploy.store.copying import place

__all__ = ["SourceFile", "SourceFiles", "copy_sources", "source_files"]

# Never part of a service; the last ones are caches of tools.
_LEFT_OUT = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        "__pycache__",
        ".venv",
        ".ipynb_checkpoints",
        "node_modules",
        ".azureml",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
    }
)
# A folder with such a file is a virtual environment, or the home of a workspace: with the latter
# inside, a bundle would hold all bundles.
_MARKS = ("pyvenv.cfg", "mldeploy.db")

_LARGE_BYTES = 300 * 1024 * 1024  # v1 refused more


@dataclass(frozen=True)
class SourceFile:
    """A file to deploy.

    Parameters
    ----------
    name
        Relative to the source directory, with ``/``.
    path
        Where the content is; not below the source directory when a link led elsewhere.
    size
        Bytes.
    mode
        Permission bits.
    """

    name: str
    path: Path
    size: int
    mode: int


@dataclass(frozen=True)
class SourceFiles:
    """What is deployed of a source directory, sorted by name, and remarks for the user."""

    files: list[SourceFile]
    warnings: list[str] = field(default_factory=list)


def source_files(folder: Path) -> SourceFiles:
    """Return the files of a source directory that are deployed.

    Left out are version control, caches, virtual environments, ``.azureml`` and what the folder's
    ``.amlignore`` names. Links are followed: what they lead to is deployed as content.

    Raises
    ------
    ConfigurationError
        A folder or file cannot be read, or a link leads to a folder that it is in.
    """
    walk = _Walk(IgnoreRules.of_folder(folder))
    files = sorted(walk.files(folder, "", ()), key=lambda file: file.name)
    size = sum(file.size for file in files)
    if size > _LARGE_BYTES:
        largest = max(files, key=lambda file: file.size)
        walk.warnings.append(
            f"The source directory {folder} has {size / 1e6:.0f} MB in {len(files)} files, "
            f"{largest.name} the largest. Name what the script does not need in "
            f"{folder / '.amlignore'}."
        )
    return SourceFiles(files, walk.warnings)


def copy_sources(files: list[SourceFile], target: Path) -> None:
    """Copy files below `target`, each at its name; their owner may write them.

    Raises
    ------
    ConfigurationError
        A file has gone or cannot be read.
    """
    reflink = True
    made: set[Path] = set()
    for file in files:
        path = target / file.name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        mode = (file.mode | 0o600) & 0o777
        try:
            # Never a hard link: its owner may rewrite the original in place.
            reflink = place(file.path, path, mode=mode, link=False, reflink=reflink)
        except (PermissionError, FileNotFoundError) as broken:
            raise _unreadable(file.path, broken) from broken


class _Walk:
    """One way through a source directory."""

    def __init__(self, rules: IgnoreRules) -> None:
        self.warnings: list[str] = []
        self._rules = rules

    def files(
        self, folder: Path, name: str, above: tuple[tuple[int, int], ...]
    ) -> Iterator[SourceFile]:
        try:
            status = folder.stat()
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as broken:
            raise _unreadable(folder, broken) from broken
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            raise ConfigurationError(
                f"{folder} is a link to a folder that it is in.",
                hint="Remove the link, or name it in the source directory's .amlignore.",
            )
        if name and any(entry.name in _MARKS for entry in entries):
            return
        for entry in entries:
            yield from self._entry(entry, f"{name}{entry.name}", (*above, identity))

    def _entry(
        self, entry: os.DirEntry[str], name: str, above: tuple[tuple[int, int], ...]
    ) -> Iterator[SourceFile]:
        if entry.name in _LEFT_OUT or entry.name.endswith((".pyc", ".pyo")):
            return
        try:
            is_folder = entry.is_dir()
        except OSError as broken:
            raise _unreadable(Path(entry.path), broken) from broken
        if self._rules.leave_out(name, folder=is_folder):
            return
        if is_folder:
            yield from self.files(Path(entry.path), f"{name}/", above)
            return
        try:
            status = entry.stat()
        except FileNotFoundError:
            self.warnings.append(f"{entry.path} is a link that leads nowhere; it is left out.")
            return
        except OSError as broken:
            raise _unreadable(Path(entry.path), broken) from broken
        if not stat.S_ISREG(status.st_mode):
            self.warnings.append(f"{entry.path} is neither a file nor a folder; it is left out.")
            return
        yield SourceFile(name, Path(entry.path), status.st_size, status.st_mode & 0o777)


def _unreadable(path: Path, broken: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{path} cannot be read: {broken.strerror}.",
        hint="Check its permissions, or name it in the source directory's .amlignore.",
    )
