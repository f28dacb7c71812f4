"""What can be told of a deployment before it begins: ``ws.check(...)``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_mldeploy import config
from jupyter_mldeploy.deployment.preflight import Report, preflight, subject_of
from jupyter_mldeploy.deployment.preflight.finding import of_error
from jupyter_mldeploy.errors import MLDeployError
from jupyter_mldeploy.sdk.deploy import check_port, request_of
from jupyter_mldeploy.sdk.model import Model

if TYPE_CHECKING:
    from jupyter_mldeploy.config import InferenceConfig, LocalDeploymentConfiguration
    from jupyter_mldeploy.sdk.workspace import Workspace

__all__ = ["check_deployment"]


def check_deployment(
    workspace: Workspace,
    models: Sequence[Model | str | os.PathLike[str]],
    inference_config: InferenceConfig | None = None,
    deployment_config: LocalDeploymentConfiguration | None = None,
    name: str | None = None,
) -> Report:
    """Carry out :meth:`jupyter_mldeploy.Workspace.check`; described there."""
    deployment = deployment_config or config.LocalDeploymentConfiguration()
    try:
        request = request_of(workspace, models, inference_config, deployment)
        subject = subject_of(workspace._store, workspace._record.id, request)
    except MLDeployError as error:
        return Report((of_error("script" if error.problem.file else "request", error),))
    report = preflight(subject)
    service = workspace._store.services.get(workspace._record.id, name) if name else None
    try:
        check_port(workspace, service, name or "new", deployment)
    except MLDeployError as error:
        return replace(report, findings=(of_error("port", error), *report.findings))
    return report
