"""How an error reads: what happened, where, what to do; a traceback only on request."""

from __future__ import annotations

import re
import traceback

import click

from jupyter_mldeploy.cli.exits import Exit, exit_of
from jupyter_mldeploy.cli.output import notice
from jupyter_mldeploy.errors import MLDeployError, Problem

__all__ = ["explained", "for_shell", "show_error"]

# The SDK's advice names its own calls; here the same is a flag or a command.
_IN_THE_SHELL = (
    (r"\bservice\.update\(deployment_config=\.\.\.\) with ", "`mldeploy service update` with "),
    (r"\bservice\.update\(models=\[\.\.\.\]\)", "`mldeploy service update -m MODEL`"),
    (r"\bservice\.update\(\.\.\.\)", "`mldeploy service update`"),
    (r"\bservice\.(start|stop|reload|rollback|delete)\(\)", r"`mldeploy service \1`"),
    (r"\bservice\.get_logs\(\)", "`mldeploy service logs`"),
    (r"\bservice\.status\b", "`mldeploy service show`"),
    (r"\bservice\.history\(\)", "`mldeploy service show`"),
    (r"\bModel\.deploy\(\.\.\.\)", "`mldeploy model deploy`"),
    (r"\bWorkspace\.create\('([^']*)'\)", r"`mldeploy workspace create \1`"),
    (r"\b(?:Pass )?exist_ok=True\b", "Give --overwrite"),
    (r"\boverwrite=True\b", "--overwrite"),
    (r"\btarget_dir\b", "--target-dir"),
    (r"\btoken_auth_enabled=True\b", "--token-auth-enabled"),
    (r"\bauth_enabled=True\b", "--auth-enabled"),
    (r"\bLeave deployment_target out\b", "Leave --ct out"),
    (r"\bscoring_timeout_ms\b", "--scoring-timeout-ms"),
    (r"\binit_timeout_seconds\b", "--init-timeout-seconds"),
)


def show_error(error: BaseException, *, debug: bool) -> Exit:
    """Show any error that ended a command, and return the exit code for it."""
    if debug:
        notice("".join(traceback.format_exception(error)).rstrip())
    if isinstance(error, MLDeployError):
        notice(explained(error.problem))
        return exit_of(error)
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename is not None else ""
        notice(explained(Problem(f"{error.strerror or error}{where}")))
        return Exit.FAILED
    notice(
        explained(
            Problem(
                f"Internal error: {type(error).__name__}: {error}",
                hint="" if debug else "Run it again with --debug and report what it prints.",
            )
        )
    )
    return Exit.FAILED


def explained(problem: Problem) -> str:
    """Return a problem in words: what, then where, then what to do."""
    first, _, rest = problem.what.partition("\n")
    lines = [click.style(f"✕ {first}", fg="red")]
    if rest:
        lines.append(rest)
    if problem.file:
        where = f"{problem.file}:{problem.line}" if problem.line else problem.file
        lines.append(f"  {click.style(where, bold=True)}  {problem.code or ''}".rstrip())
    if problem.hint:
        lines.append(f"  {for_shell(problem.hint)}")
    return "\n".join(lines)


def for_shell(advice: str) -> str:
    """Return advice for people in a shell: the SDK's calls as commands and flags."""
    for pattern, instead in _IN_THE_SHELL:
        advice = re.sub(pattern, instead, advice)
    return advice
