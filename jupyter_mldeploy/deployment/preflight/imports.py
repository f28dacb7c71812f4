"""Whether what the script imports is there, in the interpreter that will run it."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator

from jupyter_mldeploy.deployment.explain.facts import Facts
from jupyter_mldeploy.deployment.explain.imports import RULES
from jupyter_mldeploy.deployment.preflight import probe
from jupyter_mldeploy.deployment.preflight.finding import Finding
from jupyter_mldeploy.deployment.preflight.reading import Import, imports_of
from jupyter_mldeploy.deployment.preflight.subject import Subject
from jupyter_mldeploy.errors import Fix, Problem

__all__ = ["findings"]

SECONDS = 120.0

# What the server provides to scripts itself.
_GIVEN = frozenset({"azureml", "inference_schema"})


def findings(subject: Subject, *, importing: bool) -> Iterator[Finding]:
    """Yield modules that cannot be imported.

    Only what comes first of a dotted name is imported, and nothing of the user's
    own: a module beside the script is looked for, never run.
    """
    source = subject.script.read_text(encoding="utf-8", errors="replace")
    wanted: dict[str, Import] = {}
    for found in imports_of(ast.parse(source)):
        top = found.module.partition(".")[0]
        if top in _GIVEN or top in sys.builtin_module_names or _own(subject, top):
            continue
        if top not in wanted or (found.sure and not wanted[top].sure):
            wanted[top] = Import(top, found.line, found.sure)
    if importing and wanted:
        broken = _imported(subject, list(wanted))
    else:
        broken = {
            top: ("ModuleNotFoundError", f"No module named '{top}'")
            for top in wanted
            if not _there(subject, top)
        }
    for top, (kind, message) in broken.items():
        yield _finding(subject, wanted[top], kind, message)


def _own(subject: Subject, top: str) -> bool:
    """Return whether a module is deployed where the server looks: beside the script, or above."""
    if subject.source is None:  # only the script is deployed: what is beside it is not
        return False
    folders = (subject.script.parent, subject.source)
    return any((each / f"{top}.py").is_file() or (each / top).is_dir() for each in folders)


def _there(subject: Subject, top: str) -> bool:
    """Return whether the interpreter has a module, without importing it."""
    environment = subject.environment
    if top in environment.imports:
        return True
    if os.path.abspath(sys.executable) == environment.python:  # noqa: PTH100
        try:
            return importlib.util.find_spec(top) is not None
        except (ImportError, ValueError):
            return False
    return top not in _imported(subject, [top], look_only=True)


def _imported(
    subject: Subject, modules: list[str], *, look_only: bool = False
) -> dict[str, tuple[str, str]]:
    """Import modules in a child process; return kind and message of what failed."""
    arguments = json.dumps({"modules": modules, "look_only": look_only})
    try:
        answer = subprocess.run(
            [subject.environment.python, "-B", probe.__file__, arguments],
            capture_output=True,
            cwd=subject.home,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        said = _last(late.stdout)
        return {_next(said, modules): ("TimeoutError", f"it took longer than {SECONDS:g} s")}
    said = _last(answer.stdout)
    broken = {name: (kind, text) for name, kind, text in said if kind}
    if answer.returncode != 0:
        code = answer.returncode
        how = f"it was killed by signal {-code}" if code < 0 else f"it ended with exit code {code}"
        broken[_next(said, modules)] = ("SystemExit", how)
    return broken


def _last(output: bytes | None) -> list[tuple[str, str, str]]:
    """Return name, kind and message of each module that was tried."""
    marked = [line for line in (output or b"").split(b"\n") if line.startswith(probe.MARK)]
    return [tuple(json.loads(line.removeprefix(probe.MARK))) for line in marked]


def _next(said: list[tuple[str, str, str]], modules: list[str]) -> str:
    return modules[min(len(said), len(modules) - 1)]


def _finding(subject: Subject, wanted: Import, kind: str, message: str) -> Finding:
    what = f"Importing {wanted.module} raised {kind}: {message}."
    facts = Facts(
        problem=Problem(what=what, kind=kind),
        files=tuple(subject.sources),
        script=next(iter(subject.sources), ""),
        python=subject.environment.python,
        python_version=subject.environment.python_version,
        packages=subject.environment.packages,
        imports=subject.environment.imports,
        beside=tuple(_beside(subject, wanted.module)),
        folder=str(subject.script.parent),
    )
    known = next((found for rule in RULES if (found := rule(facts))), None)
    fix: Fix | None = known.fix if known else None
    return Finding(
        "error" if wanted.sure else "warning",
        "imports",
        f"{wanted.module} cannot be imported: {message}." + (f" {known.why}" if known else ""),
        known.way_out if known else "Install it again, or leave it out.",
        str(subject.script),
        wanted.line,
        fix,
    )


def _beside(subject: Subject, top: str) -> Iterator[str]:
    if subject.source is None:
        for name in (f"{top}.py", f"{top}/__init__.py"):
            if (subject.script.parent / name).is_file():
                yield name
