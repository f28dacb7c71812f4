"""Model files that cannot be unpickled."""

from __future__ import annotations

import re

from jupyter_mldeploy.deployment.explain.explanation import Explanation
from jupyter_mldeploy.deployment.explain.facts import Facts
from jupyter_mldeploy.errors import Fix

__all__ = ["RULES"]

_NO_ATTRIBUTE = re.compile(
    r"Can't get attribute '([^']+)' on <module '([^']+)'(?: from '([^']+)')?"
)
_CUT = ("Ran out of input", "pickle data was truncated", "unexpected end of data", "EOF")
_NOT_PICKLE = ("invalid load key", "could not find MARK", "unpickling stack underflow")
_HEADS = (
    (b"version https://git-lfs", "a Git LFS pointer: the large file was never fetched"),
    (b"<!DOCTYPE", "a web page, so a download went wrong"),
    (b"<html", "a web page, so a download went wrong"),
    (b"\x89HDF", "HDF5, which Keras reads"),
    (b"PK\x03\x04", "a zip archive, which torch.load or keras reads"),
    (b"{", "JSON text"),
    (b"PAR1", "Parquet"),
)
_WARNED = re.compile(
    r"InconsistentVersionWarning: Trying to unpickle estimator (\w+) from version (\S+) "
    r"when using version (\S+?)\."
)
_UNPICKLING_ERRORS = {"AttributeError", "ModuleNotFoundError", "ImportError", "TypeError"} | {
    "ValueError",
    "KeyError",
    "UnpicklingError",
}


def class_of_the_notebook(facts: Facts) -> Explanation | None:
    """Tell of a class that was defined in a notebook."""
    found = _NO_ATTRIBUTE.search(facts.message)
    if found is None or found[2] != "__main__":
        return None
    return Explanation(
        f"The pickle needs {found[1]}, which was defined in the notebook or script that saved it: "
        "a server has no notebook.",
        f"Move {found[1]} to a module in the source directory, import it from there in the "
        "notebook, and save and register the model again.",
    )


def not_a_pickle(facts: Facts) -> Explanation | None:
    """Tell of a file that holds something else, and what."""
    if not any(words in facts.message for words in _NOT_PICKLE):
        return None
    for file, head in facts.heads.items():
        for beginning, kind in _HEADS:
            if head.startswith(beginning):
                return Explanation(
                    f"{file} is not a pickle: it is {kind}.",
                    "Run `git lfs pull` and register the model again."
                    if b"lfs" in beginning
                    else "Read it with what wrote it, or register the file that you meant.",
                )
    return Explanation(
        "The file is not a pickle, or was damaged.",
        "Read it with what wrote it; joblib's compressed files need joblib.load.",
    )


def cut_short(facts: Facts) -> Explanation | None:
    """Tell of a file that ends too early."""
    if facts.kind not in {"EOFError", "UnpicklingError"} or not facts.unpickling:
        return None
    if not any(words in facts.message for words in _CUT) and facts.message:
        return None
    empty = [file for file, head in facts.heads.items() if not head]
    named = f"{empty[0]} is empty" if empty else "The file ends too early"
    return Explanation(
        f"{named}: saving or copying it was interrupted, or it was registered before it was "
        "closed.",
        "Save the model again inside `with open(...)`, and register it again.",
    )


def protocol_too_new(facts: Facts) -> Explanation | None:
    """Tell of a pickle that a newer Python wrote."""
    found = re.search(r"unsupported pickle protocol: (\d+)", facts.message)
    if found is None:
        return None
    return Explanation(
        f"The file says pickle protocol {found[1]}, which {facts.where} does not know.",
        "Save it with a lower protocol, for example pickle.dump(model, file, protocol=4), or "
        "deploy from the Python that saved it.",
    )


def saved_with_other_versions(facts: Facts) -> Explanation | None:
    """Tell of a pickle whose packages are here in other versions than it was registered with."""
    if facts.kind not in _UNPICKLING_ERRORS or not facts.unpickling or not facts.skewed:
        return None
    blamed = [
        entry for entry in facts.skewed if entry[3] is None or _names(facts, entry[1])
    ] or facts.skewed
    model, package, was, now = blamed[0]
    return _pin(facts, model.id, package, was, now)


def read_with_other_version(facts: Facts) -> Explanation | None:
    """Tell of a scikit-learn model that warned when it was read, and failed later."""
    found = _WARNED.search(facts.log)
    # The warning alone breaks nothing: the failure must come out of the package.
    if found is None or found[2] == found[3] or "/sklearn/" not in facts.problem.traceback:
        return None
    return _pin(facts, found[1], "scikit-learn", found[2], found[3])


def class_gone(facts: Facts) -> Explanation | None:
    """Tell of a class that its module does not have any more."""
    found = _NO_ATTRIBUTE.search(facts.message)
    if found is None:
        return None
    file = facts.inside(found[3] or "")
    if file is not None:
        return Explanation(
            f"The pickle needs {found[1]} from {file}, which does not define it.",
            f"Put {found[1]} back into {file}, or save the model again with the code as it is now.",
        )
    return Explanation(
        f"The pickle needs {found[1]} of {found[2]}, which the installed version does not have.",
        "Install the version that the model was saved with, or save it again with this one.",
    )


def _names(facts: Facts, package: str) -> bool:
    """Return whether the failure speaks of that package."""
    text = facts.message + facts.problem.traceback
    modules = [m for m, names in facts.imports.items() if package in names]
    return any(re.search(rf"\b{re.escape(module)}\b", text) for module in modules)


def _pin(facts: Facts, what: str, package: str, was: str, now: str | None) -> Explanation:
    have = f"{now} is installed" if now else "it is not installed"
    return Explanation(
        f"{what} was saved with {package} {was}; for {facts.where} {have}.",
        f"Install {package}=={was} in the environment you deploy from, or save and register the "
        "model again with what is there.",
        Fix("pin_package", {"package": package, "version": was, "python": facts.python}),
    )


RULES = (
    class_of_the_notebook,
    not_a_pickle,
    cut_short,
    protocol_too_new,
    saved_with_other_versions,
    read_with_other_version,
    class_gone,
)
