"""A service as it is now, read once and shown in words."""

from __future__ import annotations

from typing import Any

import jupyter_mldeploy as mldeploy
from jupyter_mldeploy.cli.session import Session
from jupyter_mldeploy.cli.wording import ago, pairs, size, state_words
from jupyter_mldeploy.errors import Problem

__all__ = ["last_operation", "show_service"]


def last_operation(workspace: mldeploy.Workspace, name: str) -> mldeploy.Operation | None:
    """Return the last operation on the service of that name."""
    found = mldeploy.Operation.list(workspace, subject=name, limit=1)
    return found[0] if found else None


def show_service(session: Session, service: mldeploy.Webservice) -> None:
    """Show one service, with its reason and its problem."""
    now = service.serialize()
    if session.json:
        session.show_json(now)
        return
    error = now["error"]
    session.facts(
        [
            ("name", now["name"]),
            ("status", state_words(now["status"])),
            ("reason", now["reason"]),
            ("scoring URI", now["scoringUri"] or ""),
            ("swagger URI", now["swaggerUri"] or ""),
            ("models", ", ".join(now["modelIds"])),
            ("generation", "" if now["generation"] is None else str(now["generation"])),
            ("workers", workers(service)),
            ("access", access(now)),
            ("tags", pairs(now["tags"])),
            ("properties", pairs(now["properties"])),
            ("description", now["description"] or ""),
            ("deployed by", now["createdBy"]),
            ("updated", ago(now["updatedTime"])),
            ("problem", str(Problem.from_dict(error)) if error else ""),
        ]
    )


def access(now: dict[str, Any]) -> str:
    """Return in words who may call a service."""
    if now["authEnabled"]:
        return f"with a key (mldeploy service get-keys -n {now['name']})"
    if now["tokenAuthEnabled"]:
        return f"with a token (mldeploy service get-access-token -n {now['name']})"
    return "open"


def workers(service: mldeploy.Webservice) -> str:
    """Return the server processes in words: a line each, ``ready · 141 MB · pid 4711``."""
    state = service._state()  # noqa: SLF001 -- serialize() has no processes
    found = state.observation.workers if state and state.observation else ()
    return "\n".join(
        " · ".join(
            filter(
                None,
                [
                    each.state,
                    size(each.rss) if each.rss is not None else "",
                    _counted(each.requests, "request") if each.requests is not None else "",
                    f"restarted {_counted(each.restarts, 'time')}" if each.restarts else "",
                    f"pid {each.pid}",
                ],
            )
        )
        for each in found
    )


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
