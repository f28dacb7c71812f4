"""What the machine refuses: permissions, space, variables, the network."""

from __future__ import annotations

import re

from jupyter_mldeploy.deployment.explain.explanation import Explanation
from jupyter_mldeploy.deployment.explain.facts import Facts
from jupyter_mldeploy.errors import Fix

__all__ = ["RULES"]

_ENVIRON = re.compile(r'File "(?:<frozen os>|[^"]*[/\\]os\.py)", line \d+, in __getitem__')
_PATH = re.compile(r"'([^']+)'\s*\Z")


def variable_missing(facts: Facts) -> Explanation | None:
    """Tell of an environment variable that the script needs and the deployment does not set."""
    if facts.kind != "KeyError" or not _ENVIRON.search(facts.problem.traceback):
        return None
    name = facts.message.strip("'\"")
    has = ", ".join(facts.variables) or "none of your own"
    return Explanation(
        f"The environment variable {name} is not set for the service; the deployment sets: {has}.",
        f'Set it: environment.environment_variables = {{"{name}": "..."}} in the '
        "InferenceConfig's Environment.",
        Fix("set_variable", {"name": name}),
    )


def permission_denied(facts: Facts) -> Explanation | None:
    """Tell what may not be used, and that models are read-only."""
    if facts.kind != "PermissionError":
        return None
    found = _PATH.search(facts.message)
    path = found[1] if found else "it"
    inside = facts.inside(path)
    if inside and inside.startswith("azureml-models/"):
        return Explanation(
            f"{inside} belongs to a registered model, which cannot be changed.",
            "Write to a temporary file instead (tempfile), or open the model for reading only.",
        )
    return Explanation(
        f"The service runs as you, and you may not use {path}.",
        f"Check who may: ls -ld {path}",
    )


def no_space(facts: Facts) -> Explanation | None:
    """Tell of a full disk."""
    if "[Errno 28]" not in facts.message and "[Errno 122]" not in facts.message:
        return None
    return Explanation(
        "The disk that the script writes to is full.",
        "Free some space there (`df -h` shows the disks), or write somewhere else.",
    )


def nothing_answers(facts: Facts) -> Explanation | None:
    """Tell of a script that needs the network to start."""
    text = f"{facts.kind} {facts.message}"
    words = (
        "Connection refused",
        "Name or service not known",
        "Temporary failure in name resolution",
        "Network is unreachable",
        "nodename nor servname",
        "Max retries exceeded",
    )
    if not any(each in text for each in words):
        return None
    return Explanation(
        f"{facts.doing or 'The script'} needs the network, and what it called did not answer.",
        "Put what it downloads into the model or the source directory, so that the service starts "
        "without a network; or check address and proxy.",
    )


RULES = (variable_missing, permission_denied, no_space, nothing_answers)
