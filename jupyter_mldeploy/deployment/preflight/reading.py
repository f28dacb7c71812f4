"""What an entry script does, as far as its text tells: imports and paths of models."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Call", "Import", "imports_of", "model_calls"]


@dataclass(frozen=True)
class Import:
    """A module that is imported; ``sure`` when nothing stands between it and the start."""

    module: str
    line: int
    sure: bool


@dataclass(frozen=True)
class Call:
    """A use of a model's path.

    Parameters
    ----------
    name
        What ``get_model_path`` is given; empty for a path below ``AZUREML_MODEL_DIR``.
    version
        The version that is asked for, if one is.
    path
        What is joined to ``AZUREML_MODEL_DIR``.
    sure
        Whether it happens at every start.
    """

    line: int
    sure: bool
    name: str = ""
    version: int | None = None
    path: str = ""


def imports_of(tree: ast.Module) -> list[Import]:
    """Return the modules that a script imports, each once, relative ones left out."""
    found: dict[str, Import] = {}
    for node, sure in _walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules = [node.module]
        else:
            continue
        for module in modules:
            before = found.get(module)
            if before is None or (sure and not before.sure):
                found[module] = Import(module, node.lineno, sure)
    return list(found.values())


def model_calls(tree: ast.Module) -> list[Call]:
    """Return where the script asks for models by names that stand in its text."""
    return [
        call
        for node, sure in _walk(tree)
        if isinstance(node, ast.Call) and (call := _call(node, sure)) is not None
    ]


def _call(node: ast.Call, sure: bool) -> Call | None:
    function = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if isinstance(node.func, ast.Name):
        function = node.func.id
    if function == "get_model_path":
        named = {key.arg: key.value for key in node.keywords}
        name = _literal(node.args[0] if node.args else named.get("model_name"))
        version = _literal(node.args[1] if len(node.args) > 1 else named.get("version"))
        if isinstance(name, str):
            return Call(node.lineno, sure, name, version if isinstance(version, int) else None)
    if function == "join" and node.args and _is_model_dir(node.args[0]):
        parts = [_literal(part) for part in node.args[1:]]
        if parts and all(isinstance(part, str) for part in parts):
            path = "/".join(str(part) for part in parts)
            return Call(node.lineno, sure, path=path)
    return None


def _is_model_dir(node: ast.expr) -> bool:
    """Return whether it reads AZUREML_MODEL_DIR, by ``os.environ`` or ``os.getenv``."""
    key: ast.expr | None = None
    if isinstance(node, ast.Subscript):
        key = node.slice
    elif isinstance(node, ast.Call) and node.args:
        key = node.args[0]
    return _literal(key) == "AZUREML_MODEL_DIR"


def _literal(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _walk(tree: ast.Module) -> Iterator[tuple[ast.AST, bool]]:
    """Yield every node, and whether it is surely reached when the service starts."""
    todo: list[tuple[ast.AST, bool]] = [(node, True) for node in tree.body]
    while todo:
        node, sure = todo.pop(0)
        yield node, sure
        inner = sure
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = sure and node.name == "init" and node in tree.body
        elif not isinstance(node, ast.expr | ast.With | ast.Assign | ast.AnnAssign | ast.Expr):
            inner = False  # a branch, a loop, a try, a class: it may not come to that
        elif isinstance(node, ast.IfExp | ast.BoolOp | ast.Lambda):
            inner = False
        todo += [(child, inner) for child in ast.iter_child_nodes(node)]
