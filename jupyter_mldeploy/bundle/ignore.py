"""Patterns of files to leave out, in the language of ``.gitignore``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["IgnoreRules"]


@dataclass(frozen=True)
class _Rule:
    pattern: re.Pattern[str]
    folders_only: bool
    keep: bool  # written with "!"


class IgnoreRules:
    """The rules of one file; a later one wins over an earlier one.

    Parameters
    ----------
    lines
        As in a ``.gitignore``: ``#`` comments, ``!`` to keep, a ``/`` at the end for folders only,
        a ``/`` elsewhere for a place below the top, ``*``, ``?``, ``[a-z]`` and ``**``.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._rules = [rule for line in lines if (rule := _rule(line)) is not None]

    @classmethod
    def of_folder(cls, folder: Path) -> IgnoreRules:
        """Return the rules in ``folder/.amlignore``; none when there is no such file."""
        try:
            text = (folder / ".amlignore").read_text(encoding="utf-8-sig", errors="replace")
        except OSError:
            return cls(())
        return cls(text.splitlines())

    def leave_out(self, path: str, *, folder: bool) -> bool:
        """Whether to leave out `path`, relative to the top with ``/``.

        What is below a folder that is left out is not asked for: as with git, it cannot be kept.
        """
        for rule in reversed(self._rules):
            if (folder or not rule.folders_only) and rule.pattern.fullmatch(path):
                return not rule.keep
        return False


def _rule(line: str) -> _Rule | None:
    text = line.rstrip()
    if not text or text.startswith("#"):
        return None
    keep = text.startswith("!")
    text = text[1:] if keep else text
    text = text[1:] if text.startswith(("\\#", "\\!")) else text
    folders_only = text.endswith("/")
    text = text.rstrip("/")
    if not text:
        return None
    anywhere = "/" not in text
    try:
        pattern = re.compile(("(?:.*/)?" if anywhere else "") + _regex(text.lstrip("/")), re.DOTALL)
    except re.error:
        return None  # git, too, takes a broken pattern for one that matches nothing
    return _Rule(pattern, folders_only, keep)


def _regex(glob: str) -> str:
    made = []
    at = 0
    while at < len(glob):
        rest = glob[at:]
        if rest.startswith("**/") and (at == 0 or glob[at - 1] == "/"):
            made.append("(?:.*/)?")
            at += 3
        elif rest == "**" and at > 0 and glob[at - 1] == "/":
            made.append(".+")
            at += 2
        elif rest[0] == "*":
            # A row of stars is one star: without this, "****...x" takes for ever to fail.
            at += len(rest) - len(rest.lstrip("*"))
            made.append("[^/]*")
        elif rest[0] == "?":
            made.append("[^/]")
            at += 1
        elif rest[0] == "[" and (end := rest.find("]", 2)) > 0:
            made.append(f"(?!/)[{_characters(rest[1:end])}]")
            at += end + 1
        elif rest[0] == "\\" and len(rest) > 1:
            made.append(re.escape(rest[1]))
            at += 2
        else:
            made.append(re.escape(rest[0]))
            at += 1
    return "".join(made)


def _characters(inside: str) -> str:
    """Return what stands in brackets for :mod:`re`: only a ``-`` within keeps its meaning."""
    negated = len(inside) > 1 and inside[0] in "!^"
    inside = inside[1:] if negated else inside
    made = []
    for at, character in enumerate(inside):
        between = 0 < at < len(inside) - 1 and "-" not in {inside[at - 1], inside[at + 1]}
        made.append("-" if character == "-" and between else re.escape(character))
    return ("^" if negated else "") + "".join(made)
