"""Faults of the entry script itself."""

from __future__ import annotations

import ast
import re

from jupyter_mldeploy.deployment.explain.explanation import Explanation
from jupyter_mldeploy.deployment.explain.facts import Facts

__all__ = ["RULES", "assigned_without_global"]

_UNDEFINED = re.compile(r"name '([^']+)' is not defined")
_NO_PARAMETER = re.compile(r"(\w+\(\)) has no parameter '([^']+)'; it has: (.*)")


def not_python(facts: Facts) -> Explanation | None:
    """Tell of a file that the service's Python cannot read."""
    if facts.kind not in {"SyntaxError", "IndentationError", "TabError"}:
        return None
    return Explanation(
        f"The service runs {facts.where}.",
        "Correct that line; if it is right for a newer Python, deploy from that one.",
    )


def left_local(facts: Facts) -> Explanation | None:
    """Tell of a name that ``init()`` assigned for itself only."""
    found = _UNDEFINED.search(facts.message) if facts.kind == "NameError" else None
    if found is None or found[1] not in assigned_without_global(facts.source):
        return None
    return Explanation(
        f"init() assigns {found[1]} without `global {found[1]}`, so run() never sees it.",
        f"Write `global {found[1]}` as the first line of init().",
    )


def schema_for_other_parameter(facts: Facts) -> Explanation | None:
    """Tell of ``@input_schema`` for a parameter that ``run()`` does not have."""
    found = _NO_PARAMETER.search(facts.message) if facts.kind == "ValueError" else None
    if found is None:
        return None
    return Explanation(
        f"@input_schema names {found[2]!r}, and {found[1]} takes {found[3].rstrip('.')}.",
        f"Give both the same name: @input_schema({found[3].split(',')[0].rstrip('.')!r}, ...).",
    )


def sample_of_wrong_kind(facts: Facts) -> Explanation | None:
    """Tell of a sample that is no parameter type."""
    if facts.kind != "TypeError" or "must be a parameter type such as" not in facts.message:
        return None
    return Explanation(
        "The schema decorators take a sample in its parameter type, not the sample itself.",
        "Wrap it: NumpyParameterType(array), PandasParameterType(frame) or "
        "StandardPythonParameterType(value).",
    )


def assigned_without_global(source: str) -> set[str]:
    """Return the names that ``init()`` assigns for itself and ``run()`` only reads."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return set()
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if not {"init", "run"} <= functions.keys():
        return set()
    at_top = {
        name.id
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for name in ast.walk(node)
        if isinstance(name, ast.Name)
    }
    made, _ = _names(functions["init"])
    own, read = _names(functions["run"])
    return (made & read) - own - at_top


def _names(function: ast.FunctionDef) -> tuple[set[str], set[str]]:
    """Return the names that a function assigns for itself, and those that it reads."""
    stored: set[str] = set()
    read: set[str] = set()
    outer: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Global | ast.Nonlocal):
            outer.update(node.names)
        elif isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else stored).add(node.id)
        elif isinstance(node, ast.arg):
            stored.add(node.arg)
    return stored - outer, read


RULES = (not_python, left_local, schema_for_other_parameter, sample_of_wrong_kind)
