"""``mldeploy workspace``: sets of models, services and operations."""

from __future__ import annotations

from dataclasses import replace

import click

import jupyter_mldeploy as mldeploy
from jupyter_mldeploy.cli.command import CommandGroup
from jupyter_mldeploy.cli.output import notice
from jupyter_mldeploy.cli.parameters import agreed, yes
from jupyter_mldeploy.cli.session import Session
from jupyter_mldeploy.cli.wording import ago

__all__ = ["workspace"]


@click.group(cls=CommandGroup)
def workspace() -> None:
    """Keep projects apart from each other."""


@workspace.command("create")
@click.argument("positional", metavar="NAME", required=False)
@click.option("-n", "--name", metavar="NAME", help="Its name; -w says the same.")
@click.option("--exist-ok", is_flag=True, help="It may exist already.")
@click.option(
    "--write-config",
    is_flag=True,
    help="Make it the one of the current folder: .azureml/config.json.",
)
def create(
    session: Session, positional: str | None, name: str | None, exist_ok: bool, write_config: bool
) -> None:
    """Create a workspace."""
    from jupyter_mldeploy.cli.workspaces import places, settings_of  # noqa: PLC0415 -- the store

    wanted = positional or name or session.workspace_name
    if not wanted:
        raise click.UsageError("Name the workspace: mldeploy workspace create NAME")
    made = mldeploy.Workspace.create(wanted, exist_ok=exist_ok, **places(settings_of(session.path)))
    if write_config:
        made.write_config()
    else:
        notice(f"Use it with -w {made.name}, or --write-config for everything below this folder.")
    _show(session, made)


@workspace.command("show")
def show(session: Session) -> None:
    """Show the workspace that commands here work in."""
    _show(session, session.workspace())


@workspace.command("list")
def list_workspaces(session: Session) -> None:
    """List the workspaces of this home."""
    from jupyter_mldeploy.cli.workspaces import all_workspaces  # noqa: PLC0415 -- the store

    found = [each.get_details() for each in all_workspaces(session.path)]
    if session.json:
        session.show_json(found)
    elif not found:
        notice("No workspaces yet. The first command that needs one makes it.")
    else:
        session.table(
            ["NAME", "CREATED", "HOME"],
            [[each["name"], ago(each["created_time"]), each["home"]] for each in found],
        )


@workspace.command("delete")
@click.argument("positional", metavar="NAME", required=False)
@click.option("-n", "--name", metavar="NAME", help="Its name; -w says the same.")
@click.option("--with-services", is_flag=True, help="End and delete its services as well.")
@yes
def delete(
    session: Session, positional: str | None, name: str | None, with_services: bool, yes: bool
) -> None:
    """Remove a workspace with its models and its history; one with services stays."""
    wanted = positional or name or session.workspace_name
    if not wanted:
        raise click.UsageError("Name the workspace: mldeploy workspace delete NAME")
    found = replace(session, workspace_name=wanted).workspace()
    agreed(f"Delete the workspace {wanted}, with all its models?", yes=yes)
    found.delete(delete_dependent_resources=with_services)
    notice(f"The workspace {wanted} is deleted.")
    if session.json:
        session.show_json({"name": wanted, "deleted": True})


def _show(session: Session, shown: mldeploy.Workspace) -> None:
    details = shown.get_details()
    if session.json:
        session.show_json(details)
    else:
        session.facts(
            [
                (key.replace("_", " "), ago(value) if key == "created_time" else str(value or ""))
                for key, value in details.items()
            ]
        )
