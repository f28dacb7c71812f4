"""The exceptions of the package: every message says what happened and what to do next.

The class names are those of the v1 workflow where it has one, so that code
written against it keeps its ``except`` clauses.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = [
    "ConfigurationError",
    "Fix",
    "MLDeployError",
    "ModelNotFoundException",
    "OperationCancelled",
    "OperationFailed",
    "Problem",
    "RunEnvironmentException",
    "StoreError",
    "TargetUnavailable",
    "UserErrorException",
    "WebserviceException",
]


@dataclass(frozen=True)
class Fix:
    """A way out that a program can take, not only a person.

    Parameters
    ----------
    kind
        What to do: ``add_package``, ``pin_package``, ``set_source_directory``,
        ``use_model_path``, ``set_variable``, ``other_port``, ``more_time``,
        ``more_memory``, ``replace_text``.
    arguments
        To what, by name; JSON-able.
    """

    kind: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """What went wrong, in a form that survives being stored and read in another process.

    Parameters
    ----------
    what
        One sentence: what happened.
    hint
        One sentence: what to do next. Empty only when there is nothing to do.
    kind
        Name of the exception class that caused it, e.g. ``FileNotFoundError``.
    file, line, code
        Where, in the user's own script, when it is theirs.
    traceback
        The traceback, without frames of ours; empty when there is none.
    fix
        What to do next in a form that a program can carry out, where there is one.
    """

    what: str
    hint: str = ""
    kind: str = ""
    file: str | None = None
    line: int | None = None
    code: str | None = None
    traceback: str = ""
    fix: Fix | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON-able dictionary."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Problem:
        """Read what :meth:`to_dict` wrote; unknown keys (a newer writer's) are ignored."""
        known = cls.__dataclass_fields__
        fields = {key: value for key, value in data.items() if key in known}
        fix = fields.get("fix")
        if isinstance(fix, dict):
            fields["fix"] = Fix(str(fix.get("kind", "")), dict(fix.get("arguments") or {}))
        return cls(**fields)

    def __str__(self) -> str:
        lines = [self.what]
        if self.file:
            where = f"{self.file}:{self.line}" if self.line else self.file
            lines.append(f"  {where}  {self.code}" if self.code else f"  {where}")
        if self.hint:
            lines.append(f"  {self.hint}")
        return "\n".join(lines)


class MLDeployError(Exception):
    """Base of every error this package raises on purpose.

    Parameters
    ----------
    message
        What happened.
    hint
        What to do next.
    problem
        The structured form, when the error crossed a process boundary.
    """

    def __init__(self, message: str, *, hint: str = "", problem: Problem | None = None) -> None:
        self.problem = problem or Problem(what=message, hint=hint, kind=type(self).__name__)
        self.message = message
        self.hint = hint or self.problem.hint
        super().__init__(str(self.problem))


class UserErrorException(MLDeployError, ValueError):
    """The request cannot be carried out as written (spec section 1)."""


class ConfigurationError(UserErrorException):
    """A declaration (argument, JSON, YAML) has an unknown, missing or impossible field."""


class RunEnvironmentException(MLDeployError):
    """The environment the code runs in lacks something it needs (spec section 1)."""


class WebserviceException(MLDeployError):
    """An operation on a model or a service failed (spec section 1).

    Parameters
    ----------
    status_code
        The HTTP status a REST face answers with; ``None`` when it has no meaning.
    """

    def __init__(
        self,
        message: str,
        status_code: int | None = None,
        *,
        hint: str = "",
        problem: Problem | None = None,
    ) -> None:
        super().__init__(message, hint=hint, problem=problem)
        self.status_code = status_code


class ModelNotFoundException(MLDeployError):
    """No file of that model is where an entry script looks for it (spec section 1).

    Not a :class:`WebserviceException`, as in v1.
    """


class OperationFailed(WebserviceException):
    """A slow operation ended without success; the message carries the reason."""


class OperationCancelled(OperationFailed):
    """A slow operation was cancelled by someone."""


class StoreError(MLDeployError):
    """The workspace's database or files cannot be read or written."""


class TargetUnavailable(MLDeployError):
    """The place where a service should run cannot be used now."""
