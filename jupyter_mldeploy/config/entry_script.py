"""Is this file an entry script? What can be said without running it."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path

from jupyter_mldeploy.config.names import check_entry_script_name
from jupyter_mldeploy.errors import ConfigurationError, Problem

__all__ = ["check_entry_script", "locate_entry_script"]


def locate_entry_script(entry_script: str, source_directory: str | None) -> Path:
    """Return the absolute path of an entry script, and check where it lies.

    Parameters
    ----------
    entry_script
        Path below `source_directory`, or below the current folder when there is none.

    Raises
    ------
    ConfigurationError
        The folder or the file does not exist, or the file is not inside the folder.
    """
    base = Path(source_directory or ".").absolute()
    if source_directory is not None and not _is(base, "dir"):
        raise ConfigurationError(
            f"The source directory {source_directory!r} does not exist.",
            hint=f"Relative paths start from the current folder, {Path.cwd()}.",
        )
    script = base / entry_script
    if not _is(script, "file"):
        raise ConfigurationError(
            f"The entry script {entry_script!r} does not exist in {base}.",
            hint=_where_else(base, script.name, entry_script),
        )
    # As written, not resolved: a link to a script elsewhere is copied as the script's content.
    if source_directory is not None and not _inside(script, base):
        raise ConfigurationError(
            f"The entry script {entry_script!r} is not inside the source directory {base}.",
            hint="Only what is inside the source directory is deployed.",
        )
    return script


def check_entry_script(entry_script: str, source_directory: str | None) -> Path:
    """Return the absolute path of an entry script whose name, place and syntax are right.

    Raises
    ------
    UserErrorException
        They are not (spec section 3); a syntax error names file, line and code.
    """
    check_entry_script_name(entry_script)
    script = locate_entry_script(entry_script, source_directory)
    _parse(script)
    return script


def _parse(script: Path) -> None:
    try:
        source = script.read_bytes()
        with warnings.catch_warnings():
            # Remarks on the user's style; Python makes them again when the script is imported.
            warnings.simplefilter("ignore")
            ast.parse(source, filename=str(script))
    except SyntaxError as broken:
        code = broken.text.strip() if broken.text else None
        problem = Problem(
            what=f"The entry script is not valid Python: {broken.msg}.",
            hint="Correct that line and run this again.",
            kind=type(broken).__name__,
            file=str(script),
            line=broken.lineno,
            code=code,
        )
        raise ConfigurationError(problem.what, problem=problem) from None
    except OSError as broken:
        raise ConfigurationError(
            f"The entry script {script} could not be read: {broken.strerror}.",
            hint="Check the permissions of the file.",
        ) from broken
    # A null byte, or an expression so deep that the parser gives up.
    except (ValueError, RecursionError, MemoryError) as broken:
        raise ConfigurationError(
            f"The entry script {script} is not valid Python: {broken}.",
            hint="Check that it is a text file.",
        ) from broken


def _inside(script: Path, base: Path) -> bool:
    depth = 0
    try:
        parts = script.relative_to(base).parts
    except ValueError:
        return False
    for part in parts:
        depth += -1 if part == ".." else 1
        if depth <= 0:
            return False
    return True


def _is(path: Path, kind: str) -> bool:
    try:
        return path.is_dir() if kind == "dir" else path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _where_else(base: Path, name: str, written: str) -> str:
    """Return a hint: the script may lie in the current folder, or one folder down."""
    for place in (Path.cwd(), *_folders(base)):
        if place != base and _is(place / name, "file"):
            return f"There is one in {place}: set source_directory to that folder."
    scripts = sorted(found.name for found in _files(base) if found.suffix == ".py")
    if scripts:
        return f"That folder has {', '.join(scripts[:5])}."
    return f"Write {written} there, or give the path of the script."


def _folders(base: Path) -> list[Path]:
    return [found for found in _entries(base) if _is(found, "dir")][:100]


def _files(base: Path) -> list[Path]:
    return [found for found in _entries(base) if _is(found, "file")]


def _entries(base: Path) -> list[Path]:
    try:
        return sorted(base.iterdir())[:1000]
    except OSError:
        return []
