"""The bodies of operations, by kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mldeploy.operations.context import OperationContext

__all__ = ["Body", "body_of", "procedure"]

Body = Callable[["OperationContext"], "dict[str, Any] | None"]

_bodies: dict[str, Body] = {}


def procedure(kind: str) -> Callable[[Body], Body]:
    """Register the decorated function as the body of operations of ``kind``.

    The body gets an :class:`~jupyter_mldeploy.operations.context.OperationContext`
    and returns the operation's result (JSON-able) or ``None``.
    """

    def register(body: Body) -> Body:
        _bodies[kind] = body
        return body

    return register


def body_of(kind: str) -> Body:
    """Return the body registered for ``kind``.

    Raises
    ------
    LookupError
        No module that was imported registers that kind.
    """
    try:
        return _bodies[kind]
    except KeyError:
        known = ", ".join(sorted(_bodies)) or "none"
        msg = f"No procedure is registered for operations of kind {kind!r} (known: {known})."
        raise LookupError(msg) from None
