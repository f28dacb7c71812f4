"""``mldeploy service get-keys``, ``regen-key`` and ``get-access-token``."""

from __future__ import annotations

import click

import jupyter_mldeploy as mldeploy
from jupyter_mldeploy.cli.command import Command
from jupyter_mldeploy.cli.output import notice
from jupyter_mldeploy.cli.parameters import service_name
from jupyter_mldeploy.cli.secret_text import SECRET_METAVAR, read_secret
from jupyter_mldeploy.cli.session import Session

__all__ = ["get_access_token", "get_keys", "regen_key"]


@click.command("get-keys", cls=Command)
@service_name
def get_keys(session: Session, name: str) -> None:
    """Show the keys that callers of a service need."""
    primary, secondary = mldeploy.Webservice(session.workspace(), name).get_keys()
    if session.json:
        session.show_json({"primaryKey": primary, "secondaryKey": secondary})
    else:
        session.facts([("primary", primary), ("secondary", secondary)])


@click.command("regen-key", cls=Command)
@service_name
@click.option(
    "-k",
    "--key",
    required=True,
    type=click.Choice(["Primary", "Secondary"], case_sensitive=False),
    help="Which key; the other one stays valid.",
)
@click.option(
    "-s",
    "--set-key",
    metavar=SECRET_METAVAR,
    callback=read_secret,
    help="The new key; a random one by default.",
)
def regen_key(session: Session, name: str, key: str, set_key: str | None) -> None:
    """Replace a key at once, without a restart."""
    mldeploy.Webservice(session.workspace(), name).regen_key(key, set_key)
    notice(f"The {key.lower()} key of {name} is new. See it: mldeploy service get-keys -n {name}")


@click.command("get-access-token", cls=Command)
@service_name
def get_access_token(session: Session, name: str) -> None:
    """Show a token that callers of a service need, with its times."""
    token = mldeploy.Webservice(session.workspace(), name).get_access_token()
    times = {
        "refreshAfter": token.refresh_after.isoformat(),
        "expiryOn": token.expiry_on.isoformat(),
    }
    if session.json:
        session.show_json(
            {"accessToken": token.access_token, "tokenType": token.token_type, **times}
        )
    else:
        session.facts(
            [
                ("token", token.access_token),
                ("type", token.token_type),
                ("refresh after", times["refreshAfter"]),
                ("expires", times["expiryOn"]),
            ]
        )
