"""The serving island as it is run: a folder that Python executes, made once for each content.

A bundle gets a copy of it, and a service's supervisor runs from it, so that an
upgrade of this package never changes what already serves.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import py_compile
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from jupyter_mldeploy.errors import RunEnvironmentException

__all__ = ["copy_runtime", "ensure_runtime", "runtime_name"]

_ISLAND = "mldeploy_serving"

_MAIN = f"""\
from {_ISLAND}.main import main

raise SystemExit(main())
"""

# Started with -I and -S: nothing but the standard library is on the path.
_SUPERVISE = f"""\
import sys

sys.path.insert(0, __file__.rpartition("/")[0])

from {_ISLAND}.supervisor import main

raise SystemExit(main(sys.argv[1:]))
"""

# What the island imports that is not in the standard library. typing_extensions is PyJWT's, and
# only before Python 3.11.
_WHEELS = ("httptools", "jwt") + (("typing_extensions",) if sys.version_info < (3, 11) else ())
_DISTRIBUTIONS = {"jwt": "pyjwt"}

# Sources and type stubs of extension modules, and what only a development tree has.
_NEEDLESS = (".pyc", ".pyo", ".pyi", ".pyx", ".pxd", ".c", ".cpp", ".h")
_NEEDLESS_FOLDERS = {"__pycache__", "tests", "test"}
# Licences have to travel with the code; METADATA lets importlib.metadata find it.
_KEPT_OF_DIST_INFO = ("METADATA", "LICENSE", "LICENCE", "AUTHORS", "COPYING", "NOTICE")

# A folder is locked a moment after it is made.
_UNLOCKED_SECONDS = 1.0


def ensure_runtime(home: Path) -> Path:
    """Return the runtime folder for the island as it is now; make it if it is not there.

    Its name is a hash of the island's sources, of the versions of the vendored wheels and of the
    Python that it is compiled for. Two processes may call this at once.

    Parameters
    ----------
    home
        The workspace home; the folder is ``home/runtimes/<hash>``.

    Raises
    ------
    RunEnvironmentException
        A wheel that the island needs is not installed, or the folder cannot be written.
    """
    island = _island()
    wheels = [_Wheel(name) for name in _WHEELS]
    folder = home / "runtimes" / _digest(island, wheels)
    _remove_abandoned(folder.parent)
    # Its time says when it was last asked for: retention keeps to it.
    with contextlib.suppress(OSError):
        os.utime(folder)
    if not (folder / "__main__.py").is_file():
        _make(folder, island, wheels)
    return folder


def runtime_name() -> str:
    """Return the name that :func:`ensure_runtime` gives its folder now."""
    return _digest(_island(), [_Wheel(name) for name in _WHEELS])


def copy_runtime(runtime: Path, target: Path) -> None:
    """Copy a runtime folder into a bundle.

    Its files never change and are read-only, so they are hard links where the file system has
    them: neither copy needs the other.
    """
    for top, _folders, names in os.walk(runtime):
        below = target / Path(top).relative_to(runtime)
        below.mkdir()
        for name in names:
            _link_or_copy(f"{top}/{name}", f"{below}/{name}")


class _Wheel:
    """An installed package that the island needs: its files and its version."""

    def __init__(self, name: str) -> None:
        spec = importlib.util.find_spec(name)
        distribution = _DISTRIBUTIONS.get(name, name)
        if spec is None or spec.origin is None:
            raise RunEnvironmentException(
                f"The package {distribution} is missing; every service needs it.",
                hint=f"Install it: {sys.executable} -m pip install {distribution}",
            )
        self.name = name
        self.origin = Path(spec.origin)
        # A package is its folder, a module its one file.
        self.top = self.origin.parent if self.origin.name == "__init__.py" else self.origin
        self.info = self._dist_info()

    def _dist_info(self) -> Path | None:
        name = _DISTRIBUTIONS.get(self.name, self.name).lower()
        for entry in os.listdir(self.top.parent):  # noqa: PTH208  (names, not paths)
            stem, _, version = entry.removesuffix(".dist-info").partition("-")
            if version and entry.endswith(".dist-info") and _same_name(stem, name):
                return self.top.parent / entry
        return None

    def identity(self) -> str:
        """Return what changes when another version is installed."""
        if self.info is not None:
            return self.info.name
        sizes = [f"{name}={path.stat().st_size}" for name, path in self.files()]
        return f"{self.name} {' '.join(sizes)}"

    def files(self) -> list[tuple[str, Path]]:
        """Return every file to copy, with its path in the runtime folder."""
        if self.top.is_file():
            return [(self.top.name, self.top), *self._notices()]
        return [*_needed(self.top, self.top.name), *self._notices()]

    def _notices(self) -> Iterator[tuple[str, Path]]:
        if self.info is None:
            return
        for name, path in _needed(self.info, self.info.name):
            if path.name.upper().startswith(_KEPT_OF_DIST_INFO):
                yield name, path


def _same_name(one: str, other: str) -> bool:
    return one.lower().replace("_", "-") == other.replace("_", "-")


def _island() -> list[tuple[str, Path]]:
    folder = Path(__file__).parents[1] / "serving"
    return _needed(folder, _ISLAND)


def _needed(folder: Path, name: str) -> list[tuple[str, Path]]:
    """Return the files of a folder that running needs, sorted, with their place in `name`."""
    found: list[tuple[str, Path]] = []
    for entry in sorted(os.scandir(folder), key=lambda each: each.name):
        if entry.is_dir():
            if entry.name not in _NEEDLESS_FOLDERS:
                found += _needed(Path(entry.path), f"{name}/{entry.name}")
        elif not entry.name.endswith(_NEEDLESS):
            found.append((f"{name}/{entry.name}", Path(entry.path)))
    return found


def _digest(island: list[tuple[str, Path]], wheels: list[_Wheel]) -> str:
    digest = hashlib.sha256()
    said = [
        _MAIN,
        _SUPERVISE,
        str(sys.implementation.cache_tag),
        sysconfig.get_platform(),
        *(wheel.identity() for wheel in wheels),
    ]
    digest.update("\0".join(said).encode())
    for name, path in island:
        content = path.read_bytes()
        digest.update(f"\0{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:20]


def _make(folder: Path, island: list[tuple[str, Path]], wheels: list[_Wheel]) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        lock = os.open(new, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel gives it back when this process dies
            new.chmod(0o755)
            _fill(new, island, wheels)
            _rename(new, folder)
        finally:
            shutil.rmtree(new, ignore_errors=True)
            os.close(lock)
    except OSError as broken:
        raise RunEnvironmentException(
            f"The serving runtime could not be written to {folder}: {broken.strerror or broken}.",
            hint="Check the space and the permissions there, or set MLDEPLOY_HOME to another "
            "folder.",
        ) from broken


def _fill(new: Path, island: list[tuple[str, Path]], wheels: list[_Wheel]) -> None:
    files = [*island, *(file for wheel in wheels for file in wheel.files())]
    for name, source in files:
        target = new / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    (new / "__main__.py").write_text(_MAIN, encoding="utf-8")
    (new / "supervise.py").write_text(_SUPERVISE, encoding="utf-8")
    for path in sorted(new.rglob("*.py")):
        # Unchecked: nothing here changes, so Python need not look at the source's date. The name
        # inside must not be the temporary one.
        py_compile.compile(
            str(path),
            dfile=str(path.relative_to(new)),
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    for path in new.rglob("*"):
        if path.is_file():
            path.chmod(0o444)


def _rename(new: Path, folder: Path) -> None:
    try:
        new.rename(folder)
    except OSError:
        # Another process was first; what it made is the same.
        if not (folder / "__main__.py").is_file():
            raise


def _remove_abandoned(runtimes: Path) -> None:
    """Remove what a process was making when it was killed."""
    young = time.time() - _UNLOCKED_SECONDS
    with suppress(FileNotFoundError, NotADirectoryError):
        for entry in os.scandir(runtimes):
            with suppress(OSError):
                if entry.name.startswith(".") and entry.stat().st_mtime < young:
                    lock = os.open(entry.path, os.O_RDONLY)
                    try:
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        shutil.rmtree(entry.path)
                    finally:
                        os.close(lock)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
        shutil.copymode(source, target)
