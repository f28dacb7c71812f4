"""From files and flags to the two configurations of a deployment; a flag wins over its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

import jupyter_mldeploy as mldeploy
from jupyter_mldeploy import config
from jupyter_mldeploy.cli.flags import given, merged
from jupyter_mldeploy.config.documents import read_document

if TYPE_CHECKING:
    from jupyter_mldeploy.config import InferenceConfig, LocalDeploymentConfiguration

__all__ = ["check_compute", "deployment_config", "inference_config"]


def inference_config(context: click.Context, file: str | None) -> InferenceConfig | None:
    """Return what ``--ic`` and the inline flags say; ``None`` when nothing was given.

    Raises
    ------
    ConfigurationError
        The file or a value is not as it must be.
    """
    flags = given(context, "inference")
    if file is not None and not flags:
        return config.load_inference_config(file)
    if not flags:
        return None
    if file is not None:
        # Not checked before the flags are on top of it.
        under = config.InferenceConfig.from_dict(read_document(file), source=file)
        flags = merged(under.to_dict(secrets=True), flags)
    elif "entryScript" not in flags:
        raise click.UsageError(
            "The entry script is missing: give --es score.py, or --ic inferenceconfig.json.",
            context,
        )
    made = config.InferenceConfig.from_dict(flags, source=file or "")
    made.check()
    return made


def deployment_config(
    context: click.Context, file: str | None, service: mldeploy.LocalWebservice | None = None
) -> LocalDeploymentConfiguration | None:
    """Return what ``--dc`` and the flags say; ``None`` when nothing was given.

    Parameters
    ----------
    context
        The command's, with its flags.
    file
        Path of a ``deploymentconfig.json`` or ``.yml``.
    service
        Whose present configuration the flags change, when there is no file.

    Raises
    ------
    ConfigurationError
        The file or a value is not as it must be.
    """
    flags = given(context, "deployment")
    if file is not None and not flags:
        return config.load_deployment_config(file)
    if not flags:
        return None
    if file is not None:
        under = config.load_deployment_config(file).to_dict(secrets=True)
    elif service is not None:
        under = service._present_request().deployment.to_dict()  # noqa: SLF001
    else:
        under = {"computeType": "local"}
    made = config.deployment_config_from_dict(merged(under, flags), source=file or "")
    made.check()
    return made


def check_compute(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    """Refuse a compute target or type that is not this machine; for an option's callback."""
    if value is not None and value.lower() not in {"local", "process"}:
        raise click.BadParameter(
            f"{value!r} is not this machine, and this version deploys to this machine only. "
            "Leave it out, or give local.",
            context,
            parameter,
        )
