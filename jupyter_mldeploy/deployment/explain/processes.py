"""Servers that ended or hung without an exception."""

from __future__ import annotations

import re

from jupyter_mldeploy.deployment.explain import stacks
from jupyter_mldeploy.deployment.explain.explanation import Explanation
from jupyter_mldeploy.deployment.explain.facts import Facts
from jupyter_mldeploy.errors import Fix

__all__ = ["RULES"]

_NATIVE = {
    "SIGSEGV": "touched memory that is not its own",
    "SIGBUS": "read a memory-mapped file beyond its end, or the disk failed",
    "SIGFPE": "divided by zero",
    "SIGABRT": "gave up by itself (abort)",
}


def crashed_in_compiled_code(facts: Facts) -> Explanation | None:
    """Tell where in the script compiled code was called that crashed."""
    how = _NATIVE.get(facts.kind)
    if how is None:
        return None
    inner, stack = _stack(facts)
    return _placed(
        facts,
        stack,
        f"Compiled code crashed with {facts.kind}: it {how}"
        + (f", called from {inner.function}()." if inner else "."),
        "Most often a package was built for another version of one that it uses: install it again, "
        "or the versions that the model was trained with.",
    )


def other_processor(facts: Facts) -> Explanation | None:
    """Tell of compiled code for another processor."""
    if facts.kind != "SIGILL":
        return None
    inner, stack = _stack(facts)
    return _placed(
        facts,
        stack,
        "Compiled code used an instruction that this processor does not have"
        + (f", called from {inner.function}()." if inner else "."),
        "Install a build of that package for an older processor, or build it on this machine.",
    )


def hangs(facts: Facts) -> Explanation | None:
    """Tell where ``init()`` was when its time was up."""
    if facts.kind != "TimeoutError" or "its limit for loading" not in facts.problem.what:
        return None
    seconds = re.search(r"after ([\d.e+]+) s", facts.problem.what)
    limit = float(seconds[1]) if seconds else 0.0
    inner, stack = _stack(facts)
    more = Fix("more_time", {"init_timeout_seconds": max(1, round(limit * 3))})
    if inner is None:
        return Explanation(
            f"The model was not loaded after {limit:g} s, the limit, and the worker was ended.",
            "If loading needs that long, raise init_timeout_seconds in the deployment "
            "configuration.",
            more,
            alone=True,
        )
    return _placed(
        facts,
        stack,
        f"init() was still in {inner.function}() after {limit:g} s, the limit for loading, and "
        "the worker was ended.",
        "If it needs that long, raise init_timeout_seconds in the deployment configuration; "
        "otherwise see what it waits for in that line.",
        more,
    )


def exited(facts: Facts) -> Explanation | None:
    """Tell of a script, or a library, that ended the process."""
    if facts.kind != "SystemExit":
        return None
    if facts.doing or "sys.exit(" in facts.problem.what:
        return Explanation(
            "That ends the server before it can answer.",
            "Raise an exception instead of calling sys.exit, and keep code for the command line "
            'under `if __name__ == "__main__":`.',
        )
    code = re.search(r"exit code (\d+)", facts.problem.what)
    return Explanation(
        f"The script or a library it uses ended the process at once (os._exit) with exit code "
        f"{code[1] if code else 'unknown'}, without an exception.",
        "Look for os._exit in the script, and at the last lines of the service's log.",
        alone=True,
    )


def _stack(facts: Facts) -> tuple[stacks.Frame | None, list[stacks.Frame]]:
    found = stacks.last_stacks(facts.log)
    stack = stacks.of_script(found[0]) if found else []
    return (stack[0] if stack else None), stack


def _placed(
    facts: Facts, stack: list[stacks.Frame], why: str, way_out: str, fix: Fix | None = None
) -> Explanation:
    own = next((frame for frame in stack if facts.inside(frame.file)), None)
    file = facts.inside(own.file) if own else None
    code = None
    if own and file == facts.script:
        lines = facts.source.splitlines()
        code = lines[own.line - 1].strip() if own.line <= len(lines) else None
    return Explanation(
        why,
        way_out,
        fix,
        alone=True,
        file=file,
        line=own.line if own else None,
        code=code,
        stack=stacks.shown(stack),
    )


RULES = (crashed_in_compiled_code, other_processor, hangs, exited)
