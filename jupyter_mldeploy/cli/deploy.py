"""``mldeploy model deploy``: from a registered model to an endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

import jupyter_mldeploy as mldeploy
from jupyter_mldeploy.cli.configurations import check_compute, deployment_config, inference_config
from jupyter_mldeploy.cli.exits import Exit
from jupyter_mldeploy.cli.flags import ConfiguredCommand
from jupyter_mldeploy.cli.names import model_ids, service_names
from jupyter_mldeploy.cli.output import notice
from jupyter_mldeploy.cli.parameters import models_from
from jupyter_mldeploy.cli.progress import ENDED, watch
from jupyter_mldeploy.cli.session import Session
from jupyter_mldeploy.cli.snapshot import last_operation, show_service

__all__ = ["deploy", "what_to_serve"]


def what_to_serve(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags that name models and configuration files (spec section 11)."""
    for decorate in reversed(
        (
            click.option(
                "-m",
                "--model",
                "models",
                multiple=True,
                metavar="NAME:VERSION",
                help="A registered model (without a version, the latest) or the path of a file or "
                "folder; may be repeated.",
                shell_complete=model_ids,
            ),
            click.option(
                "-f",
                "--model-metadata-file",
                "metadata_files",
                multiple=True,
                type=click.Path(),
                help="A model, by the file that `model register -t` wrote; may be repeated.",
            ),
            click.option(
                "--inference-config-file",
                "--ic",
                "-ic",
                "inference_file",
                type=click.Path(),
                help="inferenceconfig.json or .yml; flags win over it.",
            ),
            click.option(
                "--deploy-config-file",
                "--dc",
                "-dc",
                "deployment_file",
                type=click.Path(),
                help="deploymentconfig.json or .yml; flags win over it.",
            ),
            click.option(
                "--compute-target",
                "--ct",
                "-ct",
                metavar="local",
                help="Where to deploy; this version knows this machine only.",
                callback=check_compute,
                expose_value=False,
            ),
            click.option(
                "--compute-type",
                "--cp",
                "-cp",
                hidden=True,
                callback=check_compute,
                expose_value=False,
            ),
            click.option(
                "--no-wait", is_flag=True, help="Return at once; the operation goes on by itself."
            ),
        )
    ):
        function = decorate(function)
    return function


@click.command(
    cls=ConfiguredCommand,
    examples=(
        "mldeploy model deploy -n diabetes-svc -m diabetes:1 --es score.py",
        "mldeploy model deploy -n diabetes-svc -m diabetes:2 --ic inferenceconfig.json --overwrite",
    ),
)
@click.option(
    "-n",
    "--name",
    required=True,
    metavar="NAME",
    help="The service's name: 3 to 32 lower-case letters, digits and '-'.",
    shell_complete=service_names,
)
@what_to_serve
@click.option(
    "--overwrite", is_flag=True, help="Replace a service of that name, without losing a request."
)
@click.pass_context
def deploy(
    context: click.Context,
    session: Session,
    name: str,
    models: tuple[str, ...],
    metadata_files: tuple[str, ...],
    inference_file: str | None,
    deployment_file: str | None,
    no_wait: bool,
    overwrite: bool,
) -> None:
    """Deploy models as an HTTP endpoint on this machine."""
    inference = inference_config(context, inference_file)
    deployment = deployment_config(context, deployment_file)
    if inference is None:
        raise click.UsageError(
            "The entry script is missing: give --es score.py, or --ic inferenceconfig.json.",
            context,
        )
    workspace = session.workspace()
    before = last_operation(workspace, name)
    service = mldeploy.Model.deploy(
        workspace,
        name,
        models_from(models, metadata_files),
        inference,
        deployment,
        overwrite=overwrite,
    )
    operation = last_operation(workspace, name)
    if operation is None or (before and operation.id == before.id and operation.state in ENDED):
        notice(f"{name} serves exactly that already; nothing was changed.")
        show_service(session, service)
        return
    finish(context, session, service, operation, no_wait=no_wait)


def finish(
    context: click.Context,
    session: Session,
    service: mldeploy.Webservice,
    operation: mldeploy.Operation,
    *,
    no_wait: bool,
) -> None:
    """Show an operation on a service to its end, then the service; end with its exit code."""
    if no_wait:
        notice(f"Follow it: mldeploy operation follow {operation.id[:16]}")
        code = Exit.OK
    else:
        code = watch(session, operation)
    if code is Exit.OK or session.json:
        show_service(session, service)
    context.exit(code)
