"""What the exit code of a command means, and how an error becomes one."""

from __future__ import annotations

from enum import IntEnum

from jupyter_mldeploy.errors import (
    MLDeployError,
    ModelNotFoundException,
    OperationCancelled,
    UserErrorException,
    WebserviceException,
)

__all__ = ["Exit", "exit_of"]


class Exit(IntEnum):
    """The exit codes; scripts rely on them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    CONFLICT = 4
    CANCELLED = 5
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """The code in words, for ``mldeploy --help``."""
        return _MEANINGS[self]


_MEANINGS = {
    Exit.OK: "it worked",
    Exit.FAILED: "the operation failed, or the machine does not allow it",
    Exit.USAGE: "wrong usage: a flag, a name or a file is not as it must be",
    Exit.NOT_FOUND: "there is no such model, service, operation or workspace",
    Exit.CONFLICT: "in the way of something: the name is taken, the model is in use",
    Exit.CANCELLED: "cancelled",
    Exit.INTERRUPTED: "interrupted with Ctrl-C; an operation that was under way goes on",
}

_BY_STATUS = {
    400: Exit.USAGE,
    404: Exit.NOT_FOUND,
    409: Exit.CONFLICT,
    412: Exit.CONFLICT,
}


def exit_of(error: MLDeployError) -> Exit:
    """Return the code that an expected error ends a command with."""
    if isinstance(error, OperationCancelled):
        return Exit.CANCELLED
    if isinstance(error, ModelNotFoundException):
        return Exit.NOT_FOUND
    if isinstance(error, UserErrorException):
        return Exit.NOT_FOUND if "NotFound:" in error.message else Exit.USAGE
    # A status that a service itself answered is not about us: scoring failed.
    if isinstance(error, WebserviceException) and error.status_code in _BY_STATUS:
        return _BY_STATUS[error.status_code]
    return Exit.FAILED
