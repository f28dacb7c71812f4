"""Keys and tokens of a service: read, made and replaced in its folder of secrets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mldeploy.errors import UserErrorException, WebserviceException
from jupyter_mldeploy.serving.secret_files import (
    SecretsError,
    check_key,
    create_keys,
    create_token_secret,
    read_keys,
    read_token_secret,
    rotate_key,
)

if TYPE_CHECKING:
    from jupyter_mldeploy.config import LocalDeploymentConfiguration

__all__ = ["AccessToken", "access_token", "keys", "regenerate", "write_given"]

TOKEN_SECONDS = 12 * 3600
"""Seconds a token is valid; it should be replaced after half of them."""


@dataclass(frozen=True)
class AccessToken:
    """A token with its times (spec section 4.3).

    Parameters
    ----------
    access_token
        What to send as ``Authorization: Bearer``.
    token_type
        ``Bearer``.
    refresh_after, expiry_on
        Local time after which a new one should, and must, be fetched.
    """

    access_token: str
    token_type: str
    refresh_after: datetime
    expiry_on: datetime

    def __repr__(self) -> str:
        # A notebook shows a cell's last value: the token must not land in its output.
        return f"AccessToken(token_type={self.token_type}, expiry_on={self.expiry_on:%F %T})"


def _secrets(service_folder: Path) -> Path:
    return service_folder / "secrets"


def check_given(configuration: LocalDeploymentConfiguration) -> None:
    """Refuse keys that cannot be used, before anything is made.

    Raises
    ------
    UserErrorException
        A given key cannot be used as one.
    """
    try:
        for key in (configuration.primary_key, configuration.secondary_key):
            if key is not None:
                check_key(key.get_secret_value())
    except SecretsError as error:
        raise UserErrorException(
            str(error), hint="Give another key, or leave it out to have one made."
        ) from None


def write_given(service_folder: Path, configuration: LocalDeploymentConfiguration) -> None:
    """Write the keys or the token secret that a configuration needs; those there are stay.

    Raises
    ------
    UserErrorException
        A given key cannot be used as one.
    """
    auth = configuration.effective().auth
    try:
        if auth == "key":
            given = [
                key.get_secret_value() if key else None
                for key in (configuration.primary_key, configuration.secondary_key)
            ]
            create_keys(_secrets(service_folder), *given)
        elif auth == "token":
            create_token_secret(_secrets(service_folder))
    except SecretsError as error:
        raise UserErrorException(
            str(error), hint="Give another key, or leave it out to have one made."
        ) from None


def keys(service_folder: Path) -> tuple[str, str]:
    """Return the (primary, secondary) key."""
    try:
        found = read_keys(_secrets(service_folder))
    except SecretsError as error:
        raise WebserviceException(
            f"The service's keys cannot be read: {error}",
            hint="service.update(deployment_config=...) with auth_enabled=True makes new ones.",
        ) from None
    return found.primary, found.secondary


def regenerate(service_folder: Path, which: str, value: str | None) -> None:
    """Replace one key; servers take it up with their next request.

    Raises
    ------
    UserErrorException
        ``which`` is neither ``Primary`` nor ``Secondary``, or ``value`` cannot be a key.
    """
    try:
        rotate_key(_secrets(service_folder), which, value)
    except SecretsError as error:
        raise UserErrorException(
            str(error), hint="Write regen_key('Primary') or regen_key('Secondary', set_key=KEY)."
        ) from None


def access_token(service_folder: Path, service_name: str) -> AccessToken:
    """Sign a token for the service."""
    # Imported here: it may bring a large cryptography package, which only tokens need.
    from jupyter_mldeploy.serving.tokens import issue_token  # noqa: PLC0415

    try:
        secret = read_token_secret(_secrets(service_folder))
    except SecretsError as error:
        raise WebserviceException(
            f"The service's token secret cannot be read: {error}",
            hint="service.update(deployment_config=...) with token_auth_enabled=True makes one.",
        ) from None
    token, expiry = issue_token(secret, service_name, TOKEN_SECONDS)
    local = expiry.astimezone()
    refresh_after = local - timedelta(seconds=TOKEN_SECONDS / 2)
    return AccessToken(token, "Bearer", refresh_after, local)
