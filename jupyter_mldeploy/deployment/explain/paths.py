"""Files other than models' that are not there."""

from __future__ import annotations

import os
import re

from jupyter_mldeploy.deployment.explain.explanation import Explanation
from jupyter_mldeploy.deployment.explain.facts import Facts
from jupyter_mldeploy.errors import Fix

__all__ = ["RULES"]

_PATH = re.compile(r"'([^']+)'\s*\Z")


def opened_from_other_folder(facts: Facts) -> Explanation | None:
    """Tell of a relative path that is right beside the script and wrong where it runs."""
    path = _missing(facts)
    if path is None or os.path.isabs(path):  # noqa: PTH117
        return None
    wanted = os.path.normpath(path)
    found = [f for f in facts.sources() if f.endswith(f"/{wanted}")]
    if not found:
        return None
    return Explanation(
        f"A relative path begins at {facts.app}, the folder the server runs in; the file is "
        f"{found[0]}.",
        f'Write os.path.join(os.path.dirname(__file__), "{wanted}") or the like.',
    )


def file_left_behind(facts: Facts) -> Explanation | None:
    """Tell of a file that is beside the script and was not deployed with it."""
    path = _missing(facts)
    wanted = None
    if path is not None:
        wanted = facts.inside(path) or (None if os.path.isabs(path) else os.path.normpath(path))  # noqa: PTH117
    if wanted is None or wanted not in facts.beside:
        return None
    return Explanation(
        f"{wanted} is beside the script in {facts.folder} but was not deployed: without a source "
        "directory only the script is.",
        f'Set source_directory="{facts.folder}" in the InferenceConfig.',
        Fix("set_source_directory", {"source_directory": facts.folder}),
    )


def path_of_other_machine(facts: Facts) -> Explanation | None:
    """Tell of an absolute path outside of what was deployed."""
    path = _missing(facts)
    if path is None or not os.path.isabs(path) or facts.inside(path):  # noqa: PTH117
        return None
    return Explanation(
        f"{path} does not exist, and it is outside of what was deployed ({facts.app}).",
        "Put the file into the source directory or register it as a model, and open it from there.",
    )


def file_nowhere(facts: Facts) -> Explanation | None:
    """Say where a relative path begins."""
    path = _missing(facts)
    if path is None:
        return None
    return Explanation(
        f"No such file was deployed; a relative path begins at {facts.app}.",
        "Put the file into the source directory, or register it as a model; the log of the "
        "operation lists what was deployed.",
    )


def _missing(facts: Facts) -> str | None:
    if facts.kind not in {"FileNotFoundError", "NotADirectoryError"}:
        return None
    found = _PATH.search(facts.message)
    return found[1] if found else None


RULES = (opened_from_other_folder, file_left_behind, path_of_other_machine, file_nowhere)
