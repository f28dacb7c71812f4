"""Numbers and states in words: with units, and short enough for a table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

import click

__all__ = ["ago", "lasted", "pairs", "size", "state_words"]

# A shape and a colour beside the word, so that none of the three is needed alone.
_STATES: Mapping[str, tuple[str, str]] = {
    "Healthy": ("●", "green"),
    "Succeeded": ("●", "green"),
    "Building": ("◐", "yellow"),
    "Starting": ("◐", "yellow"),
    "Queued": ("◐", "yellow"),
    "Running": ("◐", "yellow"),
    "Unhealthy": ("▲", "yellow"),
    "Crashed": ("✕", "red"),
    "Failed": ("✕", "red"),
    "Stopped": ("■", "bright_black"),
    "Cancelled": ("■", "bright_black"),
    "Deleted": ("■", "bright_black"),
}

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def state_words(word: str) -> str:
    """Return ``● Healthy``: the state's shape, then its word, in its colour."""
    shape, colour = _STATES.get(word, ("?", "white"))
    return click.style(f"{shape} {word}", fg=colour)


def size(count: int | None) -> str:
    """Return a number of bytes as people say it: ``141 MB`` (1 MB is 1,000,000 bytes)."""
    if count is None:
        return "-"
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def ago(moment: datetime | str | None, now: datetime | None = None) -> str:
    """Return how long ago a moment was: ``2 h ago``.

    Parameters
    ----------
    moment
        Aware of its time zone, or such a one in ISO 8601.
    now
        What "now" is; the present by default.
    """
    if moment is None:
        return "-"
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    seconds = ((now or datetime.now(timezone.utc)) - when).total_seconds()
    if seconds < 1:
        return "just now"
    if seconds < _MINUTE:
        return f"{seconds:.0f} s ago"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min ago"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.0f} h ago"
    return f"{seconds / _DAY:.0f} days ago"


def lasted(seconds: float | None) -> str:
    """Return a duration: ``0.2 s``, ``3 min 20 s``."""
    if seconds is None:
        return "-"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{minutes} min {rest} s"


def pairs(labels: Mapping[str, str] | None) -> str:
    """Return tags or properties on one line: ``area=demo, owner=ann``."""
    return ", ".join(f"{key}={value}" if value else key for key, value in (labels or {}).items())
