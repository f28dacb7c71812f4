"""What an interpreter has installed, remembered between processes.

A scan reads a file or two for every package. Its result is kept under
``HOME/cache`` and is good for as long as no folder of packages has changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mldeploy.bundle import scan
from jupyter_mldeploy.bundle.packages import packages_of_model
from jupyter_mldeploy.errors import UserErrorException

__all__ = ["EnvironmentRecord", "current_environment", "packages_of_model"]

_ANSWER_SECONDS = 120.0
_NO_STAMP = -1


@dataclass(frozen=True)
class EnvironmentRecord:
    """An interpreter and its packages.

    Parameters
    ----------
    python
        Absolute path of the interpreter.
    python_version
        ``3.11.7``.
    platform
        ``linux-x86_64``.
    packages
        Version by name of the package, as its author writes the name.
    imports
        Names of packages by the name that is imported; several for a shared name.
    """

    python: str
    python_version: str
    platform: str
    packages: dict[str, str]
    imports: dict[str, list[str]]

    def installed(self, name: str) -> str | None:
        """Return a package's name as it stands in `packages`, however `name` is written."""
        if name in self.packages:
            return name
        wanted = _plain(name)
        return next((found for found in self.packages if _plain(found) == wanted), None)


@dataclass(frozen=True)
class _Found:
    """A record, and what has to be unchanged for it to hold."""

    places: list[str]
    stamps: list[int]
    record: EnvironmentRecord

    def holds(self) -> bool:
        return self.stamps == _stamps(self.record.python, self.places)


_known: dict[Path, _Found] = {}


def current_environment(home: Path, python: str | None = None) -> EnvironmentRecord:
    """Return what is installed for an interpreter.

    Parameters
    ----------
    home
        Workspace home; results are kept under ``home/cache``, when that can be written.
    python
        Path of an interpreter; this one by default.

    Raises
    ------
    UserErrorException
        The interpreter cannot be run.
    """
    this = os.path.abspath(sys.executable)  # noqa: PTH100  (a virtual environment is its link)
    executable = os.path.abspath(python) if python else this  # noqa: PTH100
    # This process knows its places; those of another interpreter stand in its file.
    own = scan.places(sys.path) if executable == this else []
    name = hashlib.sha256("\0".join([executable, *own]).encode(errors="replace")).hexdigest()[:20]
    file = home / "cache" / f"packages-{name}.json"
    found = _known.get(file)
    if found is None or not found.holds():
        found = _remembered(file, executable)
        if found is None or not found.holds():
            found = _look(executable, own=executable == this)
            _remember(file, found)
        _known[file] = found
    return found.record


def _look(executable: str, *, own: bool) -> _Found:
    said = scan.describe(sys.path) if own else _ask(executable)
    return _from_json(said, executable, _stamps(executable, said["places"]))


def _ask(executable: str) -> dict[str, Any]:
    """Let another interpreter describe itself."""
    import subprocess  # noqa: PLC0415  (rare, and takes longer than all the rest)

    try:
        answer = subprocess.run(
            [executable, "-B", scan.__file__],
            capture_output=True,
            check=True,
            stdin=subprocess.DEVNULL,
            timeout=_ANSWER_SECONDS,
        )
        said = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as broken:
        stderr = getattr(broken, "stderr", None) or b""
        last = stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise UserErrorException(
            f"The interpreter {executable} could not be asked for its packages: {last or broken}.",
            hint=f"Try: {executable} --version",
        ) from broken
    if not isinstance(said, dict):
        raise UserErrorException(f"{executable} is not a Python interpreter.")
    return said


def _stamps(executable: str, places: list[str]) -> list[int]:
    """Return what changes when a package comes or goes, or the interpreter is replaced."""
    stamps = []
    for path in (executable, *places):
        try:
            stamps.append(os.stat(path).st_mtime_ns)  # noqa: PTH116  (a thousandth of a second)
        except OSError:
            stamps.append(_NO_STAMP)
    return stamps


def _from_json(said: dict[str, Any], executable: str, stamps: list[int]) -> _Found:
    record = EnvironmentRecord(
        python=executable,
        python_version=str(said["python_version"]),
        platform=str(said["platform"]),
        packages=dict(said["packages"]),
        imports=dict(said["imports"]),
    )
    return _Found(list(said["places"]), stamps, record)


def _remembered(file: Path, executable: str) -> _Found | None:
    try:
        said = json.loads(file.read_bytes())
        return _from_json(said, executable, list(said["stamps"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not there, or damaged: it is made again


def _remember(file: Path, found: _Found) -> None:
    record = found.record
    said = {
        "places": found.places,
        "stamps": found.stamps,
        "python_version": record.python_version,
        "platform": record.platform,
        "packages": record.packages,
        "imports": record.imports,
    }
    # A home that cannot be written costs the scan again, nothing more.
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        # One fixed name, so that a writer that is killed leaves nothing for ever.
        new = file.with_name(f".{file.name}.new")
        with new.open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # else another writes the same
            if os.fstat(stream.fileno()).st_ino == new.stat().st_ino:
                stream.truncate(0)
                json.dump(said, stream, separators=(",", ":"))
                stream.flush()
                new.replace(file)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
