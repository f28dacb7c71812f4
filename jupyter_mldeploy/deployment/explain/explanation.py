"""What a rule says."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jupyter_mldeploy.errors import Fix, Problem

__all__ = ["Explanation", "applied"]


@dataclass(frozen=True)
class Explanation:
    """One cause and its way out.

    Parameters
    ----------
    why
        One sentence: the cause.
    way_out
        What to do.
    fix
        The same for a program, where it is mechanical.
    rule
        Name of the rule that spoke; set by the registry.
    alone
        Whether `why` says all, so that the first report need not stand before it. An
        exception of the user's always stays.
    file, line, code
        The place, where the rule knows a better one.
    stack
        Python's stack, where the report had none.
    """

    why: str
    way_out: str
    fix: Fix | None = None
    rule: str = ""
    alone: bool = False
    file: str | None = None
    line: int | None = None
    code: str | None = None
    stack: str = ""


def applied(problem: Problem, explanation: Explanation) -> Problem:
    """Return the problem with its cause and way out."""
    what = explanation.why if explanation.alone else f"{problem.what} {explanation.why}"
    place = {}
    if explanation.file and problem.file is None:
        place = {"file": explanation.file, "line": explanation.line, "code": explanation.code}
    return replace(
        problem,
        what=what,
        hint=explanation.way_out,
        fix=explanation.fix,
        traceback=problem.traceback or explanation.stack,
        **place,  # type: ignore[arg-type]
    )
