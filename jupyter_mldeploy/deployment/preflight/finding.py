"""What a check found, and all findings together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from jupyter_mldeploy.errors import Fix, MLDeployError, Problem

__all__ = ["Finding", "Report", "Severity", "of_error"]

Severity = Literal["error", "warning", "info"]

_MARKS = {"error": "✕", "warning": "!", "info": "·"}


@dataclass(frozen=True)
class Finding:
    """One thing to know before a deployment.

    Parameters
    ----------
    severity
        ``error``: the deployment cannot work. ``warning``: it may not. ``info``: worth knowing.
    check
        What was looked at: ``script``, ``imports``, ``models``, ``port``, ``memory``, ``disk``,
        ``versions``.
    text
        One sentence.
    way_out
        What to do; empty when there is nothing to do.
    file, line
        Where, in a file of the user's.
    fix
        The way out for a program, where it is mechanical.
    """

    severity: Severity
    check: str
    text: str
    way_out: str = ""
    file: str | None = None
    line: int | None = None
    fix: Fix | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return asdict(self)

    @property
    def place(self) -> str:
        """``file:line``, as far as it is known."""
        if not self.file:
            return ""
        return f"{self.file}:{self.line}" if self.line else self.file

    def __str__(self) -> str:
        place = f"\n  {self.place}" if self.file else ""
        return f"{_MARKS[self.severity]} {self.text}{place}" + (
            f"\n  {self.way_out}" if self.way_out else ""
        )

    @property
    def problem(self) -> Problem:
        """The finding as what an exception carries."""
        return Problem(
            what=self.text,
            hint=self.way_out,
            kind="UserErrorException",
            file=self.file,
            line=self.line,
            fix=self.fix,
        )


@dataclass(frozen=True)
class Report:
    """All findings, the gravest first.

    Parameters
    ----------
    findings
        What was found; empty when there is nothing to say.
    tree
        The files that the server will see.
    """

    findings: tuple[Finding, ...]
    tree: str = ""

    @property
    def ok(self) -> bool:
        """Whether no finding is an error."""
        return not self.errors

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings for which a deployment is refused."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings that go to the log of a deployment."""
        return tuple(finding for finding in self.findings if finding.severity == "warning")

    def to_dict(self) -> dict[str, Any]:
        """Return verdict and findings as JSON."""
        findings = [finding.to_dict() for finding in self.findings]
        return {"ok": self.ok, "findings": findings, "tree": self.tree}

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __bool__(self) -> bool:
        """Return ``ok``: ``if ws.check(...): deploy``."""
        return self.ok

    def __repr__(self) -> str:
        count = f"{len(self.errors)} errors, {len(self.warnings)} warnings"
        head = f"Ready to deploy ({count})." if self.ok else f"Not ready to deploy ({count})."
        return "\n".join([head, *(str(finding) for finding in self.findings)])


def of_error(check: str, error: MLDeployError) -> Finding:
    """Return an error that a check raised as a finding."""
    problem = error.problem
    return Finding(
        "error", check, problem.what, problem.hint, problem.file, problem.line, problem.fix
    )
