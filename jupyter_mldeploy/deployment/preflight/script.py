"""The entry script: whether it can be read, and what can be told from reading it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jupyter_mldeploy.deployment.explain.script import assigned_without_global
from jupyter_mldeploy.deployment.preflight.finding import Finding, of_error
from jupyter_mldeploy.deployment.preflight.subject import Subject
from jupyter_mldeploy.deployment.script import check_script
from jupyter_mldeploy.errors import MLDeployError

__all__ = ["findings"]


def findings(subject: Subject) -> Iterator[Finding]:
    """Yield faults of syntax and signatures, and names that ``init()`` forgets to share."""
    try:
        check_script(subject.script)
    except MLDeployError as error:
        yield of_error("script", error)
        return
    source = subject.script.read_text(encoding="utf-8", errors="replace")
    for name in sorted(assigned_without_global(source)):
        found = re.search(rf"^\s+{re.escape(name)}\s*[=:,]", source, re.MULTILINE)
        yield Finding(
            "warning",
            "script",
            f"init() assigns {name} without `global {name}`, so run() will not see it.",
            f"Write `global {name}` as the first line of init().",
            str(subject.script),
            source[: found.start()].count("\n") + 1 if found else None,
        )
