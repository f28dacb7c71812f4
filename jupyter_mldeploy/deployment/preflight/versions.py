"""Whether packages are those that the models were registered with."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mldeploy.deployment.preflight.finding import Finding
from jupyter_mldeploy.deployment.preflight.subject import Subject
from jupyter_mldeploy.errors import Fix

__all__ = ["findings"]


def findings(subject: Subject) -> Iterator[Finding]:
    """Yield packages of which another version, or none, is installed."""
    environment = subject.environment
    for model in subject.models:
        for package, was in sorted(model.packages.items()):
            name = environment.installed(package)
            now = environment.packages[name] if name else None
            if now == was:
                continue
            have = f"{now} is installed" if now else "it is not installed"
            yield Finding(
                "warning",
                "versions",
                f"{model.id} was registered with {package} {was}; {have}.",
                f"Install what it was trained with: {environment.python} -m pip install "
                f"{package}=={was}; or train and register it again with what is there.",
                fix=Fix(
                    "pin_package",
                    {"package": package, "version": was, "python": environment.python},
                ),
            )
