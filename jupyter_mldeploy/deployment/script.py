"""What can be known of an entry script without running it."""

from __future__ import annotations

import ast
from pathlib import Path

from jupyter_mldeploy.errors import Problem, UserErrorException

__all__ = ["check_script"]


def check_script(path: Path) -> None:
    """Refuse an entry script that cannot work: spec section 9.2, *signature errors*.

    The script is parsed, never imported: importing it here would run the user's
    code in the wrong process. A name that is bound in a way a parser cannot
    follow (an import, an assignment) is taken on trust.

    Parameters
    ----------
    path
        The entry script.

    Raises
    ------
    UserErrorException
        With file, line and code of the fault.
    """
    source = path.read_text(encoding="utf-8", errors="replace")
    lines = source.splitlines()
    try:
        tree = ast.parse(source, filename=str(path))
    except SyntaxError as error:
        line = error.lineno or 1
        raise _fault(
            path, lines, line, f"{path.name} is not valid Python: {error.msg}", "Mend that line."
        ) from None
    bound = _bound_names(tree.body)
    for name, example in (("init", "def init():"), ("run", "def run(data):")):
        if name not in bound:
            raise _fault(
                path,
                lines,
                None,
                f"The entry script {path.name} has no function {name}().",
                f"Add one at the top level: `{example}`.",
            )
    init, run = bound["init"], bound["run"]
    if isinstance(init, ast.FunctionDef | ast.AsyncFunctionDef) and _required(init.args):
        raise _fault(
            path,
            lines,
            init.lineno,
            "init() must not need arguments: it is called without any.",
            "Load the model inside it, from Model.get_model_path(...) or AZUREML_MODEL_DIR.",
        )
    if isinstance(run, ast.FunctionDef | ast.AsyncFunctionDef):
        _check_run(path, lines, run)


def _check_run(path: Path, lines: list[str], run: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    arguments = run.args
    fault = ""
    if arguments.posonlyargs or arguments.vararg or arguments.kwarg:
        fault = "run() cannot accept positional-only arguments, *args, or **kwargs."
    names = [a.arg for a in (*arguments.args, *arguments.kwonlyargs)]
    if not fault and not names:
        fault = "run() needs to accept an argument for input data."
    if not fault and names == ["request_headers"]:
        fault = 'run() needs to accept an argument other than "request_headers".'
    if fault:
        raise _fault(path, lines, run.lineno, fault, "Write it as `def run(data):`.")


def _required(arguments: ast.arguments) -> bool:
    positional = len(arguments.posonlyargs) + len(arguments.args)
    keyword = sum(1 for default in arguments.kw_defaults if default is None)
    return positional > len(arguments.defaults) or keyword > 0


def _bound_names(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    """Return the names that statements bind at the top level, with the statement that does."""
    names: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names[node.name] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                bound = ("init", "run") if alias.name == "*" else (alias.asname or alias.name,)
                names.update(dict.fromkeys(bound, node))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            stored = (n for n in ast.walk(node) if isinstance(n, ast.Name))
            names.update({n.id: node for n in stored if isinstance(n.ctx, ast.Store)})
        else:  # if, try, with, for: whatever they may bind
            for child in ast.iter_child_nodes(node):
                inner = child.body if isinstance(child, ast.ExceptHandler) else [child]
                names.update(_bound_names([n for n in inner if isinstance(n, ast.stmt)]))
    return names


def _fault(
    path: Path, lines: list[str], line: int | None, what: str, hint: str
) -> UserErrorException:
    code = lines[line - 1].strip() if line and line <= len(lines) else None
    problem = Problem(
        what=what, hint=hint, kind="UserErrorException", file=str(path), line=line, code=code
    )
    return UserErrorException(what, hint=hint, problem=problem)
