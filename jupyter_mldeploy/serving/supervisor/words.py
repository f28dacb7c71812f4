"""What happened, in words: why a server ended, and how a service is."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .generation import Generation
    from .server import Server

__all__ = ["describe", "ended", "not_listening", "not_started", "took_too_long"]

_LOG_HINT = "The service's log says more."

_SIGNAL_HINTS = {
    "SIGKILL": "Out of memory is the usual cause: use fewer workers or a smaller model, or give "
    "the machine or container more memory.",
    "SIGSEGV": "Compiled code crashed, most often a library built for another version of a "
    "package it uses.",
    "SIGABRT": "Compiled code gave up; the service's log ends with its message.",
    "SIGILL": "Compiled code was built for another processor.",
    "SIGBUS": "A memory-mapped file became shorter, or the disk is full.",
    "SIGTERM": "Somebody ended it.",
}


def ended(slot: int, doing: str, status: int | None) -> dict[str, Any]:
    """Return the Problem of a server that ended by itself.

    Parameters
    ----------
    doing
        What it was about: ``loading the model`` or ``serving``.
    status
        Wait status; ``None`` when the kernel told somebody else.
    """
    kind, hint = "", _LOG_HINT
    if status is None:
        how = "ended (how is not known: its first supervisor was killed before)"
    elif os.WIFSIGNALED(status):
        try:
            kind = signal.Signals(os.WTERMSIG(status)).name
        except ValueError:
            kind = f"signal {os.WTERMSIG(status)}"
        how = f"was killed by {kind}"
        hint = _SIGNAL_HINTS.get(kind, _LOG_HINT)
        if kind == "SIGKILL":
            how += "; out of memory is the usual cause"
    else:
        code = os.WEXITSTATUS(status)
        kind = "SystemExit"
        how = f"ended with exit code {code}"
        if code == 0:
            hint = "The entry script, or a library it uses, ended the process: look for exit()."
    return _problem(f"Worker {slot} {how} while {doing}.", hint, kind)


def took_too_long(slot: int, seconds: float) -> dict[str, Any]:
    """Return the Problem of a server whose ``init()`` was ended at its limit."""
    return _problem(
        f"Worker {slot} was not ready after {seconds:g} s, its limit for loading, and was ended.",
        "If loading needs that long, raise init_timeout_seconds in the deployment configuration; "
        "otherwise look in the service's log for where init() waits.",
        "TimeoutError",
    )


def not_started(slot: int, error: OSError) -> dict[str, Any]:
    """Return the Problem of a server that could not be started at all."""
    what = error.strerror or str(error)
    where = f" ({error.filename})" if error.filename else ""
    hint = _LOG_HINT
    if isinstance(error, FileNotFoundError | NotADirectoryError | PermissionError):
        hint = "The interpreter or the bundle was moved or removed; deploy the service again."
    return _problem(
        f"Worker {slot} could not be started: {what}{where}.", hint, type(error).__name__
    )


def not_listening(error: str) -> dict[str, Any]:
    """Return the Problem of a generation whose servers would not take connections."""
    return _problem(f"The new workers did not take over the port: {error}.", _LOG_HINT, "")


def _problem(what: str, hint: str, kind: str) -> dict[str, Any]:
    return {
        "what": what,
        "hint": hint,
        "kind": kind,
        "file": None,
        "line": None,
        "code": None,
        "traceback": "",
    }


def describe(
    serving: Generation | None, others: list[Generation]
) -> tuple[str, str, dict[str, Any] | None]:
    """Return the service's status word, the reason as a sentence, and its problem if it has one."""
    if serving is not None:
        return _describe_serving(serving)
    coming = [generation for generation in others if generation.state in {"loading", "ready"}]
    if coming:
        newest = max(coming, key=lambda generation: generation.number)
        if newest.state == "ready":
            return "Starting", "The model is loaded; requests are not let through yet.", None
        return "Starting", "The model is loading.", None
    failed = [generation for generation in others if generation.state == "failed"]
    if failed:
        error = max(failed, key=lambda generation: generation.number).error
        return "Failed", error["what"] if error else "It failed.", error
    return "Stopped", "Nothing of this service runs.", None


def _describe_serving(serving: Generation) -> tuple[str, str, dict[str, Any] | None]:
    servers = list(serving.servers.values())
    ready = [server for server in servers if server.state == "ready"]
    down = [server for server in servers if server.state != "ready"]
    problem = next((server.error for server in down if server.error), None)
    if ready:
        if not down:
            count = f"All {len(ready)} workers answer." if len(ready) > 1 else "It answers."
            return "Healthy", count, None
        told = " ".join(_describe_down(server) for server in down)
        return "Healthy", f"{len(ready)} of {len(servers)} workers answer. {told}", problem
    if problem is None:
        return "Starting", "The model is loading.", None
    return "Crashed", " ".join(_describe_down(server) for server in down), problem


def _describe_down(server: Server) -> str:
    if server.error is None:
        return f"Worker {server.slot} is loading the model."
    again = "is loading the model again"
    if server.state == "down":
        again = f"is started again within {server.backoff:g} s"
    return f"{server.error['what']} It {again} (restart {server.restarts})."
