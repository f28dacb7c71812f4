"""All checks, in the order people ask."""

from __future__ import annotations

from jupyter_mldeploy.deployment.preflight import imports, machine, models, script, versions
from jupyter_mldeploy.deployment.preflight.finding import Finding, Report
from jupyter_mldeploy.deployment.preflight.subject import Subject
from jupyter_mldeploy.errors import UserErrorException

__all__ = ["preflight", "refuse"]

_ORDER = ("error", "warning", "info")


def preflight(subject: Subject, *, importing: bool = True) -> Report:
    """Look at a deployment to come.

    Parameters
    ----------
    importing
        Import what the script imports, in a child process: finds what is broken, and takes as
        long as the imports do. Otherwise the modules are only looked for.
    """
    findings: list[Finding] = [*script.findings(subject)]
    if not findings or all(finding.severity != "error" for finding in findings):
        findings += imports.findings(subject, importing=importing)
        findings += models.findings(subject)
    findings += versions.findings(subject)
    findings += machine.findings(subject)
    findings.sort(key=lambda finding: _ORDER.index(finding.severity))
    return Report(tuple(findings), models.tree(subject))


def refuse(report: Report) -> None:
    """Raise what a deployment is refused for, if anything.

    Raises
    ------
    UserErrorException
        With the first error's place and way out; the others stand below it.
    """
    if report.ok:
        return
    first, *others = report.errors
    problem = first.problem
    if others:
        more = "\n".join(str(each) for each in others)
        raise UserErrorException(f"{first}\n{more}", hint=first.way_out)
    raise UserErrorException(problem.what, hint=problem.hint, problem=problem)
