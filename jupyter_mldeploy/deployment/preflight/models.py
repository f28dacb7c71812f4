"""Whether models are where the script will look, and the tree that the server will see."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jupyter_mldeploy.deployment.explain.facts import Facts, ModelFacts
from jupyter_mldeploy.deployment.explain.model_files import RULES
from jupyter_mldeploy.deployment.preflight.finding import Finding
from jupyter_mldeploy.deployment.preflight.reading import Call, model_calls
from jupyter_mldeploy.deployment.preflight.subject import Subject
from jupyter_mldeploy.errors import Problem

__all__ = ["findings", "tree"]

_LINES = 200
_APP = "/app"


def findings(subject: Subject) -> Iterator[Finding]:
    """Yield names and paths in the script's text that lead nowhere."""
    source = subject.script.read_text(encoding="utf-8", errors="replace")
    for call in model_calls(ast.parse(source)):
        problem = _by_name(subject, call) if call.name else _by_path(subject, call)
        if problem is not None:
            yield _finding(subject, call, problem)


def _by_name(subject: Subject, call: Call) -> Problem | None:
    deployed = [model for model in subject.models if model.name == call.name]
    wanted = [model for model in deployed if call.version in {None, model.version}]
    # get_model_path also looks in the current folder, which is the application's.
    local = any(path.partition("/")[0] == call.name for path in subject.sources)
    if wanted or local:
        return None
    asked = call.name if call.version is None else f"{call.name}, version {call.version},"
    return _raised("ModelNotFoundException", f"Model {asked} was not found.")


def _by_path(subject: Subject, call: Call) -> Problem | None:
    one = subject.models[0] if len(subject.models) == 1 else None
    top = f"azureml-models/{one.name}/{one.version}/" if one else "azureml-models/"
    path = f"{top}{call.path.strip('/')}"
    if any(file == path or file.startswith(f"{path}/") for file in subject.files):
        return None
    return _raised("FileNotFoundError", f"[Errno 2] No such file or directory: '{_APP}/{path}'")


def _raised(kind: str, message: str) -> Problem:
    return Problem(what=f"init() raised {kind}: {message}", kind=kind)


def _finding(subject: Subject, call: Call, problem: Problem) -> Finding:
    facts = Facts(
        problem=problem,
        app=_APP,
        files=tuple(sorted(subject.files)),
        models=tuple(ModelFacts(model.name, model.version) for model in subject.models),
    )
    known = next((found for rule in RULES if (found := rule(facts))), None)
    asked = f"get_model_path({call.name!r})" if call.name else f"AZUREML_MODEL_DIR/{call.path}"
    return Finding(
        # A path may be made, or looked for, before it is opened; a name is asked for at once.
        "error" if call.sure and call.name else "warning",
        "models",
        f"{asked} will not be found." + (f" {known.why}" if known else ""),
        known.way_out if known else "",
        str(subject.script),
        call.line,
        known.fix if known else None,
    )


def tree(subject: Subject) -> str:
    """Return the files that the server will see, at most 200 lines."""
    lines: list[str] = []
    before: list[str] = []
    for path in sorted(subject.files):
        *folders, name = path.split("/")
        for depth, folder in enumerate(folders):
            if before[: depth + 1] != folders[: depth + 1]:
                lines.append(f"{'  ' * depth}{folder}/")
        before = folders
        lines.append(f"{'  ' * len(folders)}{name}  {subject.files[path]} bytes")
    if len(lines) > _LINES:
        lines[_LINES - 1 :] = [f"... and {len(lines) - _LINES + 1} more"]
    return "\n".join(lines)
