"""Python's stacks in a log, as ``faulthandler`` writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Frame", "last_stacks", "of_script", "shown"]

_HEAD = re.compile(r"^(?:Current thread|Thread) 0x[0-9a-f]+.*\(most recent call first\):$")
_FRAME = re.compile(r'^  File "(.*)", line (\d+) in (.*)$')
_OURS = "/runtime/mldeploy_serving/"
_MACHINERY = ("<frozen ", "/threading.py")


@dataclass(frozen=True)
class Frame:
    """One call; the file is absolute."""

    file: str
    line: int
    function: str


def last_stacks(log: str) -> list[list[Frame]]:
    """Return the stack of every thread of the last dump, innermost call first.

    The thread that loads the model, or runs ``run()``, comes first.
    """
    dumps: list[list[list[Frame]]] = []
    inside = False
    for line in log.splitlines():
        found = _FRAME.match(line) if inside else None
        if _HEAD.match(line):
            if not inside:
                dumps.append([])
            dumps[-1].append([])
            inside = True
        elif found:
            dumps[-1][-1].append(Frame(found[1], int(found[2]), found[3]))
        elif line.strip():
            inside = False
    if not dumps:
        return []
    return sorted(dumps[-1], key=lambda stack: not any("model_thread.py" in f.file for f in stack))


def of_script(stack: list[Frame]) -> list[Frame]:
    """Return a stack without our frames and those of the interpreter's machinery."""
    return [
        frame
        for frame in stack
        if _OURS not in frame.file
        and not frame.file.startswith(_MACHINERY[0])
        and not frame.file.endswith(_MACHINERY[1])
    ]


def shown(stack: list[Frame]) -> str:
    """Return a stack as Python shows tracebacks: the innermost call last."""
    lines = [f'  File "{f.file}", line {f.line}, in {f.function}' for f in reversed(stack)]
    return "\n".join(["Stack (most recent call last):", *lines]) if lines else ""
