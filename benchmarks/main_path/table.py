"""Figures and the table that shows them."""

from __future__ import annotations

import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Figure", "milliseconds", "print_table", "say", "spread"]


@dataclass(frozen=True)
class Figure:
    """One line of the table; ``met`` is ``None`` for a line without a bound."""

    what: str
    ours: str
    compared: str = ""
    ratio: str = ""
    bound: str = ""
    met: bool | None = None


def spread(values: Sequence[float], unit: str, digits: int = 2) -> str:
    """Return ``median (min to max) unit``."""
    low, high = min(values), max(values)
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f}) {unit}"


def milliseconds(seconds: Sequence[float], digits: int = 0) -> str:
    """Return ``median (min to max) ms`` of times in seconds."""
    return spread([value * 1000 for value in seconds], "ms", digits)


def say(text: str) -> None:
    """Report progress, beside the table's stream."""
    print(text, file=sys.stderr, flush=True)


def print_table(figures: Sequence[Figure]) -> None:
    """Print all figures, and how many bounds are met."""
    words = {True: "yes", False: "NO", None: ""}
    rows = [("figure", "ours", "compared with", "ratio", "must be", "met?")]
    rows += [(f.what, f.ours, f.compared, f.ratio, f.bound, words[f.met]) for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows.insert(1, tuple("-" * width for width in widths))
    print()
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    bounded = [figure for figure in figures if figure.met is not None]
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(
        f"\n{sum(figure.met is True for figure in bounded)} of {len(bounded)} bounds met; "
        f"Python {platform.python_version()}, {os.cpu_count()} CPUs, load average {load}."
    )
