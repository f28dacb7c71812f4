"""From an exception in the entry script to a sentence, a place and a short traceback."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["ScriptError", "describe", "readable_traceback"]

ISLAND = os.path.dirname(os.path.abspath(__file__)) + os.sep  # noqa: PTH100, PTH120 - as in code objects


class ScriptError(Exception):
    """The entry script cannot be served as it is.

    Parameters
    ----------
    what
        What is wrong, one sentence.
    hint
        What to do, one sentence.
    """

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def describe(error: BaseException, doing: str, app_root: Path) -> dict[str, Any]:
    """Return the fields of a Problem: what, hint, kind, file, line, code, traceback.

    Parameters
    ----------
    error
        What was raised.
    doing
        What the server was doing, as the subject of a sentence: ``init()``.
    app_root
        Folder that file names are made relative to.
    """
    what, hint = _sentences(error, doing)
    file, line, code = _place(error, app_root)
    return {
        "what": what,
        "hint": hint,
        "kind": type(error).__name__,
        "file": file,
        "line": line,
        "code": code,
        "traceback": "" if isinstance(error, ScriptError) else readable_traceback(error),
    }


def readable_traceback(error: BaseException) -> str:
    """Return the traceback without frames of ours and of the import machinery."""
    report = traceback.TracebackException.from_exception(error)
    seen: set[int] = set()
    todo: list[traceback.TracebackException | None] = [report]
    while todo:
        part = todo.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        part.stack = traceback.StackSummary.from_list(
            [frame for frame in part.stack if not _is_ours(frame.filename)]
        )
        todo += [part.__cause__, part.__context__]
    return "".join(report.format()).rstrip("\n")


def _is_ours(filename: str) -> bool:
    return filename.startswith((ISLAND, "<frozen importlib", "<frozen runpy"))


def _sentences(error: BaseException, doing: str) -> tuple[str, str]:
    message = str(error).strip()
    if isinstance(error, ScriptError):
        return error.what, error.hint
    if isinstance(error, SyntaxError):
        name = os.path.basename(error.filename or "the script")  # noqa: PTH119
        return (
            f"{name} is not valid Python: line {error.lineno}: {error.msg}.",
            "Correct that line and deploy again.",
        )
    if isinstance(error, SystemExit):
        return (
            f"{doing} ended the process with sys.exit({error.code!r}).",
            "Raise an exception instead: its message is then shown here.",
        )
    what = f"{doing} raised {type(error).__name__}" + (f": {message}" if message else "")
    return what if what.endswith(".") else f"{what}.", _hint(error, message)


def _hint(error: BaseException, message: str) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        if error.name.startswith("azureml"):
            return (
                "Of the azureml packages an entry script has "
                "azureml.core.model.Model.get_model_path only, unless they are installed."
            )
        return (
            f"Install {error.name.partition('.')[0]} in the environment the service runs in, or, "
            "if it is a file of yours, put it into the source directory."
        )
    if isinstance(error, AttributeError) and "on <module '__main__'" in message:
        return (
            "The pickle refers to a class or function that was defined in the notebook. Move it "
            "to a module in the source directory, import it from there and save the model again."
        )
    if isinstance(error, FileNotFoundError):
        return (
            "The files of the model are below the folder in AZUREML_MODEL_DIR; the log lists them."
        )
    return "The service's log has the whole traceback."


def _place(error: BaseException, app_root: Path) -> tuple[str | None, int | None, str | None]:
    """Return file, line and code of the innermost frame that is the user's own."""
    if isinstance(error, SyntaxError) and error.filename:
        code = (error.text or "").strip() or None
        return _relative(error.filename, app_root), error.lineno, code
    inside = str(app_root) + os.sep
    found: tuple[str, int, str | None] | None = None
    for frame in traceback.extract_tb(_origin(error)):
        if frame.filename.startswith(inside):
            found = (frame.filename, frame.lineno or 0, frame.line)
    if found is None:
        return None, None, None
    return _relative(found[0], app_root), found[1], found[2] or None


def _origin(error: BaseException) -> TracebackType | None:
    return error.__traceback__


def _relative(filename: str, app_root: Path) -> str:
    return filename.removeprefix(str(app_root) + os.sep)
