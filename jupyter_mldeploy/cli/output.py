"""What a command puts on the screen: tables for people, JSON for scripts.

Results go to standard output, and nothing else does: notices, progress and
errors go to standard error, so that ``mldeploy ... -o json | jq`` always works.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from typing import IO, Any

import click

__all__ = ["facts", "notice", "show_json", "table"]

_GAP = "  "
_CUT = "…"


def notice(text: str, *, nl: bool = True) -> None:
    """Say something that is not the result."""
    click.echo(text, err=True, nl=nl)


def show_json(value: Any, out: IO[str]) -> None:
    """Write a JSON-able value, indented, for people who look at it as well."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str), file=out)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], out: IO[str]) -> None:
    """Write an aligned table.

    The last column is the one that may be long: on a terminal that is too narrow, it is cut.

    Parameters
    ----------
    headers
        Names of the columns.
    rows
        A text for each column; it may hold colours.
    out
        Standard output.
    """
    lines = [list(headers), *([*row] for row in rows)]
    widths = [max(len(click.unstyle(line[i])) for line in lines) for i in range(len(headers))]
    room = _room(out, widths)
    for number, line in enumerate(lines):
        cells = [_padded(cell, width) for cell, width in zip(line[:-1], widths[:-1], strict=True)]
        last = line[-1] if room is None else _cut(line[-1], room)
        text = _GAP.join([*cells, last]).rstrip()
        click.echo(click.style(text, bold=True) if number == 0 else text, file=out)


def facts(rows: Sequence[tuple[str, str]], out: IO[str]) -> None:
    """Write names and values under each other; values that are empty are left out."""
    shown = [(name, value) for name, value in rows if value]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        first, *rest = value.split("\n")
        click.echo(f"{click.style(name.ljust(width), bold=True)}{_GAP}{first}", file=out)
        for line in rest:
            click.echo(f"{' ' * width}{_GAP}{line}", file=out)


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - len(click.unstyle(cell)))


def _room(out: IO[str], widths: Sequence[int]) -> int | None:
    """Return the columns that are left for the last cell; ``None`` when that does not matter."""
    if not out.isatty():
        return None
    taken = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
    return max(shutil.get_terminal_size().columns - taken, 12)


def _cut(cell: str, room: int) -> str:
    plain = click.unstyle(cell)
    return cell if len(plain) <= room else plain[: room - 1] + _CUT
