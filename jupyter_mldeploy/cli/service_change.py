"""``mldeploy service update|reload|rollback|stop|start|delete``."""

from __future__ import annotations

from collections.abc import Callable

import click

import jupyter_mldeploy as mldeploy
from jupyter_mldeploy.cli.command import Command
from jupyter_mldeploy.cli.configurations import deployment_config, inference_config
from jupyter_mldeploy.cli.deploy import finish, what_to_serve
from jupyter_mldeploy.cli.exits import Exit
from jupyter_mldeploy.cli.flags import ConfiguredCommand, key_values
from jupyter_mldeploy.cli.output import notice
from jupyter_mldeploy.cli.parameters import (
    agreed,
    models_from,
    service_name,
    service_name_or_all,
    yes,
)
from jupyter_mldeploy.cli.progress import left_at_work
from jupyter_mldeploy.cli.session import Session
from jupyter_mldeploy.cli.snapshot import last_operation, show_service

__all__ = ["delete", "reload", "rollback", "start", "stop", "update"]

_NOTHING_RUNS = ("Stopped", "Failed", "Deleted")


@click.command(
    cls=ConfiguredCommand,
    without=("tags", "properties"),
    examples=(
        "mldeploy service update -n diabetes-svc -m diabetes:2",
        "mldeploy service update -n diabetes-svc --workers 2",
    ),
)
@service_name
@what_to_serve
@click.option(
    "--add-tag",
    multiple=True,
    metavar="KEY=VALUE",
    callback=key_values,
    help="Add or change a tag.",
)
@click.option("--remove-tag", multiple=True, metavar="KEY", help="Remove a tag.")
@click.option(
    "--add-property",
    multiple=True,
    metavar="KEY=VALUE",
    callback=key_values,
    help="Add a property; it never changes.",
)
@click.pass_context
def update(
    context: click.Context,
    session: Session,
    name: str,
    models: tuple[str, ...],
    metadata_files: tuple[str, ...],
    inference_file: str | None,
    deployment_file: str | None,
    no_wait: bool,
    add_tag: dict[str, str],
    remove_tag: tuple[str, ...],
    add_property: dict[str, str],
) -> None:
    """Serve other models, another script or another configuration, without losing a request.

    What is not given stays as it is.
    """
    service = mldeploy.LocalWebservice(session.workspace(), name)
    wanted = models_from(models, metadata_files) or None
    inference = inference_config(context, inference_file)
    deployment = deployment_config(context, deployment_file, service)
    labels = bool(add_tag or remove_tag or add_property)
    if labels:
        _relabel(service, add_tag, remove_tag, add_property)
    if wanted is None and inference is None and deployment is None:
        if not labels:
            raise click.UsageError("No parameters provided to update.", context)
        show_service(session, service)
        return
    service.update(wanted, deployment, inference)
    _finish_last(context, session, service, no_wait=no_wait)


def _relabel(
    service: mldeploy.Webservice,
    add_tag: dict[str, str],
    remove_tag: tuple[str, ...],
    add_property: dict[str, str],
) -> None:
    if add_property:  # first: it is the one that can be refused
        service.add_properties(add_property)
    if add_tag:
        service.add_tags(add_tag)
    if remove_tag:
        service.remove_tags(remove_tag)


def _finish_last(
    context: click.Context, session: Session, service: mldeploy.Webservice, *, no_wait: bool
) -> None:
    operation = last_operation(service.workspace, service.name)
    if operation is not None:
        finish(context, session, service, operation, no_wait=no_wait)


_no_wait = click.option(
    "--no-wait", is_flag=True, help="Return at once; the operation goes on by itself."
)


@click.command(cls=Command)
@service_name
@_no_wait
@click.pass_context
def reload(context: click.Context, session: Session, name: str, no_wait: bool) -> None:
    """Take up the entry script and its folder as they are now."""
    service = mldeploy.LocalWebservice(session.workspace(), name)
    service.reload()
    _finish_last(context, session, service, no_wait=no_wait)


@click.command(cls=Command)
@service_name
@click.option(
    "--generation",
    type=click.IntRange(min=1),
    help="Which one to go back to; by default the one before.",
)
@_no_wait
@click.pass_context
def rollback(
    context: click.Context, session: Session, name: str, generation: int | None, no_wait: bool
) -> None:
    """Serve again what an earlier generation served: script, models and configuration."""
    service = mldeploy.LocalWebservice(session.workspace(), name)
    service.rollback(generation, wait=False)
    _finish_last(context, session, service, no_wait=no_wait)


@click.command(cls=Command, examples=("mldeploy service stop --all",))
@service_name_or_all
@click.pass_context
def stop(context: click.Context, session: Session, name: str | None) -> None:
    """Let open requests finish and end the service's processes; `start` brings it back."""
    if name is None:
        _stop_all(context, session)
        return
    service = mldeploy.Webservice(session.workspace(), name)
    _carry_out(context, service, service.stop)
    show_service(session, service)


def _stop_all(context: click.Context, session: Session) -> None:
    """Stop what runs, all at the same time; one that cannot be stopped keeps no other from it."""
    from jupyter_mldeploy.sdk.deploy import submit_on_service  # noqa: PLC0415 -- the store

    stopping, failed = [], False
    for service in mldeploy.Webservice.list(session.workspace()):
        if service.status not in _NOTHING_RUNS:
            try:
                row = service._row()  # noqa: SLF001 -- stop() would wait for each
                operation = submit_on_service(service.workspace, row, "stop")
            except mldeploy.MLDeployError as error:
                notice(f"{service.name}: {error}")
                failed = True
            else:
                stopping.append((service, operation))
    for service, operation in stopping:
        try:
            operation.wait()
        except mldeploy.MLDeployError as error:
            notice(f"{service.name}: {error}")
            failed = True
    if session.json:
        session.show_json([each.serialize() for each, _ in stopping])
    elif stopping:
        rows = [[each.name, each.status, each.reason] for each, _ in stopping]
        session.table(["NAME", "STATUS", "REASON"], rows)
    else:
        notice("No service runs.")
    context.exit(Exit.FAILED if failed else Exit.OK)


@click.command(cls=Command)
@service_name
@click.pass_context
def start(context: click.Context, session: Session, name: str) -> None:
    """Run a stopped service again, at the same address."""
    service = mldeploy.Webservice(session.workspace(), name)
    _carry_out(context, service, service.start)
    show_service(session, service)


@click.command(cls=Command)
@service_name
@yes
@click.pass_context
def delete(context: click.Context, session: Session, name: str, yes: bool) -> None:
    """End a service and remove what was kept of it: logs, keys, bundles. Its models stay."""
    service = mldeploy.Webservice(session.workspace(), name)
    agreed(f"Delete the service {name}, with its logs and keys?", yes=yes)
    _carry_out(context, service, service.delete)
    notice(f"The service {name} is deleted.")
    if session.json:
        session.show_json({"name": name, "status": service.status})


def _carry_out(
    context: click.Context, service: mldeploy.Webservice, action: Callable[[], None]
) -> None:
    """Do what takes a while; Ctrl-C says how to see the rest of it."""
    try:
        action()
    except KeyboardInterrupt:
        operation = last_operation(service.workspace, service.name)
        context.exit(left_at_work(operation) if operation else Exit.INTERRUPTED)
