"""``mldeploy check``: what can be told of a deployment before it begins."""

from __future__ import annotations

import click

from jupyter_mldeploy.cli.configurations import deployment_config, inference_config
from jupyter_mldeploy.cli.deploy import what_to_serve
from jupyter_mldeploy.cli.errors import for_shell
from jupyter_mldeploy.cli.exits import Exit
from jupyter_mldeploy.cli.flags import ConfiguredCommand
from jupyter_mldeploy.cli.names import service_names
from jupyter_mldeploy.cli.parameters import models_from
from jupyter_mldeploy.cli.session import Session

__all__ = ["check"]

_MARKS = {"error": ("✕", "red"), "warning": ("!", "yellow"), "info": ("·", "blue")}


@click.command(
    cls=ConfiguredCommand,
    examples=(
        "mldeploy check -m diabetes:1 --es score.py",
        "mldeploy check -n diabetes-svc -m diabetes:2 --ic inferenceconfig.json -o json",
    ),
)
@click.option(
    "-n",
    "--name",
    metavar="NAME",
    help="The service that would be deployed or replaced.",
    shell_complete=service_names,
)
@what_to_serve
@click.option("--overwrite", is_flag=True, hidden=True)
@click.pass_context
def check(
    context: click.Context,
    session: Session,
    name: str | None,
    models: tuple[str, ...],
    metadata_files: tuple[str, ...],
    inference_file: str | None,
    deployment_file: str | None,
    no_wait: bool,
    overwrite: bool,
) -> None:
    """Look at a deployment before it begins; takes the flags of `model deploy`.

    Ends with 0 when nothing stands against it. The entry script is read, not run.
    """
    del no_wait, overwrite  # so that a deploy command can be checked as it is
    report = session.workspace().check(
        models_from(models, metadata_files),
        inference_config(context, inference_file),
        deployment_config(context, deployment_file),
        name=name,
    )
    if session.json:
        session.show_json(report.to_dict())
        context.exit(Exit.OK if report.ok else Exit.FAILED)
    for finding in report:
        mark, colour = _MARKS[finding.severity]
        session.say(f"{click.style(mark, fg=colour)} {finding.check:<9} {finding.text}")
        for line in (finding.place, for_shell(finding.way_out)):
            if line:
                session.say(f"  {'':<9} {line}")
    if report.tree:
        session.say("\nThe server will see:\n" + report.tree)
    count = f"{len(report.errors)} errors, {len(report.warnings)} warnings"
    session.say(f"\n{'Ready to deploy' if report.ok else 'Not ready to deploy'}: {count}.")
    context.exit(Exit.OK if report.ok else Exit.FAILED)
