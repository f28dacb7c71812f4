"""Ask a generation for its health before it takes traffic."""

from __future__ import annotations

from jupyter_mldeploy.errors import OperationFailed
from jupyter_mldeploy.targets import Launch, Target

__all__ = ["require_healthy"]


def require_healthy(target: Target, launch: Launch) -> None:
    """Raise :class:`OperationFailed` unless every worker answers 200 to ``GET /``."""
    status, body = target.probe(launch)
    if status != 200:
        raise OperationFailed(
            f"The service answered {status} to the health probe: {body[:200]!r}",
            hint="The service's log says more: service.get_logs().",
        )
