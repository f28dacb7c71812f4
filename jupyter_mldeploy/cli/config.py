"""``mldeploy config``: what the configuration files may hold."""

from __future__ import annotations

import click

from jupyter_mldeploy import config as configurations
from jupyter_mldeploy.cli.command import CommandGroup
from jupyter_mldeploy.cli.session import Session

__all__ = ["config"]


@click.group(cls=CommandGroup)
def config() -> None:
    """Describe the configuration files."""


@config.command(
    "schema", examples=("mldeploy config schema inferenceconfig > inferenceconfig.schema.json",)
)
@click.argument("kind", type=click.Choice(["inferenceconfig", "deploymentconfig"]))
def schema(session: Session, kind: str) -> None:
    """Print the JSON Schema of a configuration file, for an editor."""
    declaration = (
        configurations.InferenceConfig
        if kind == "inferenceconfig"
        else configurations.LocalDeploymentConfiguration
    )
    session.show_json(declaration.json_schema())
