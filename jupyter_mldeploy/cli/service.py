"""``mldeploy service``: see and use services."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

import jupyter_mldeploy as mldeploy
from jupyter_mldeploy.cli.command import CommandGroup
from jupyter_mldeploy.cli.errors import show_error
from jupyter_mldeploy.cli.exits import Exit
from jupyter_mldeploy.cli.names import model_ids
from jupyter_mldeploy.cli.output import notice
from jupyter_mldeploy.cli.parameters import labelled, service_name
from jupyter_mldeploy.cli.service_access import get_access_token, get_keys, regen_key
from jupyter_mldeploy.cli.service_change import (
    delete,
    reload,
    rollback,
    start,
    stop,
    update,
)
from jupyter_mldeploy.cli.service_logs import get_logs, logs
from jupyter_mldeploy.cli.session import Session
from jupyter_mldeploy.cli.snapshot import show_service
from jupyter_mldeploy.cli.wording import ago, state_words

__all__ = ["service"]


@click.group(cls=CommandGroup)
def service() -> None:
    """See, use, change and delete services."""


@service.command("list")
@click.option("-c", "--compute-type", metavar="TYPE", help="Only those of that kind, e.g. Local.")
@click.option("--model-name", metavar="NAME", help="Only those that serve that model.")
@click.option(
    "--model-id",
    metavar="NAME:VERSION",
    help="Only those that serve that version.",
    shell_complete=model_ids,
)
@labelled
def list_services(session: Session, **wanted: Any) -> None:
    """List services and what they do now."""
    found = [each.serialize() for each in mldeploy.Webservice.list(session.workspace(), **wanted)]
    if session.json:
        session.show_json(found)
    elif found:
        session.table(
            ["NAME", "STATUS", "MODELS", "UPDATED", "SCORING URI"],
            [
                [
                    each["name"],
                    state_words(each["status"]),
                    ", ".join(each["modelIds"]) or "-",
                    ago(each["updatedTime"]),
                    each["scoringUri"] or "-",
                ]
                for each in found
            ],
        )
    elif any(wanted.values()):
        notice("No service fits.")
    else:
        notice(
            "No services yet. Deploy one: "
            "mldeploy model deploy -n NAME -m MODEL:VERSION --es score.py"
        )


@service.command("show")
@service_name
def show(session: Session, name: str) -> None:
    """Show one service: status with its reason, address, models, server processes."""
    show_service(session, mldeploy.Webservice(session.workspace(), name))


@service.command("run")
@service_name
@click.option(
    "-d",
    "--input-data",
    "data",
    required=True,
    metavar="DATA|@FILE|-",
    help="The request body: itself, @ and a file's name, or - for standard input.",
)
@click.pass_context
def run(context: click.Context, session: Session, name: str, data: str) -> None:
    """Send one request and show the answer."""
    called = mldeploy.Webservice(session.workspace(), name)
    try:
        answer = called.run(_body(data))
    except mldeploy.WebserviceException as error:
        show_error(error, debug=session.debug)
        notice(f"  What the script said: mldeploy service logs {name} -l 50")
        # Whatever status the service answered: it is about the request, not about our names.
        context.exit(Exit.FAILED)
    if isinstance(answer, bytes):
        binary = getattr(session.out, "buffer", None)
        if binary is None:
            session.say(answer.decode(errors="replace"))
        else:
            binary.write(answer)
            binary.flush()
    else:
        session.show_json(answer)


def _body(data: str) -> bytes:
    if data == "-":
        return sys.stdin.buffer.read()
    if not data.startswith("@"):
        return data.encode()
    try:
        return Path(data[1:]).read_bytes()
    except OSError as error:
        raise click.BadParameter(
            f"the file {data[1:]} cannot be read: {error.strerror}.", param_hint="-d"
        ) from None


for _command in (
    logs,
    get_logs,
    update,
    reload,
    rollback,
    stop,
    start,
    delete,
    get_keys,
    regen_key,
    get_access_token,
):
    service.add_command(_command)
