"""The process that owns a service's port and its server processes, and outlives everybody else.

Standard library only, and little of it (no ``asyncio``, ``logging``,
``subprocess``, ``dataclasses`` or ``typing`` at run time): one of these stays in
memory for every service, see DESIGN "Process target".
"""

from __future__ import annotations

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run the supervisor of the service folder named in ``argv``; see :mod:`.run`."""
    from .run import main as run  # noqa: PLC0415 - clients import the wire format from here too

    return run(argv)
