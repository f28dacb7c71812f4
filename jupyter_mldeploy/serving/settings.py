"""What the server is told by its environment, read once (INTERFACES, spec section 9.6)."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PREFIX", "Settings", "SettingsError"]

PREFIX = "MLDEPLOY_"
DEFAULT_SCORING_TIMEOUT_MS = 3_600_000
DEFAULT_MAX_BODY_BYTES = 100_000_000
DEFAULT_DRAIN_SECONDS = 30.0


class SettingsError(Exception):
    """A variable has a value the server cannot work with."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of one server process.

    Parameters
    ----------
    app_root
        Absolute path of the application folder (``AML_APP_ROOT``).
    entry_script, source_directory
        As in the contract, relative to `app_root`.
    model_dir
        ``AZUREML_MODEL_DIR``; shown when the start fails.
    scoring_timeout_ms
        Milliseconds a request may take, waiting included.
    listen_fds, control_fd
        Inherited descriptors: listening TCP sockets, listening unix socket.
    accept_now
        Take connections while the model still loads.
    auth
        ``none``, ``key`` or ``token``.
    allowed_hosts
        Further names a request's ``Host`` may carry; ``*`` means any.
    max_body_bytes
        Longer bodies are answered with 413.
    drain_seconds
        How long a drain lasts when SIGTERM starts it.
    """

    app_root: Path
    entry_script: str | None
    source_directory: str | None
    model_dir: str | None
    service_name: str
    service_version: str
    path_prefix: str
    scoring_timeout_ms: int
    log_level: str
    show_server_version: bool
    listen_fds: tuple[int, ...]
    control_fd: int | None
    generation: int
    slot: int
    accept_now: bool
    auth: str
    secrets_dir: Path | None
    allowed_hosts: tuple[str, ...]
    max_body_bytes: int
    drain_seconds: float

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> Settings:
        """Read the settings and remove ours, so that the entry script never sees them.

        Raises
        ------
        SettingsError
            A value is missing or malformed; the message names the variable.
        """
        ours = {name: environ.pop(name) for name in list(environ) if name.startswith(PREFIX)}
        auth = _choice(ours, "MLDEPLOY_AUTH", ("none", "key", "token"))
        secrets_dir = ours.get("MLDEPLOY_SECRETS_DIR")
        if auth != "none" and not secrets_dir:
            raise SettingsError(f"MLDEPLOY_AUTH is {auth}, but MLDEPLOY_SECRETS_DIR is not set.")
        control = ours.get("MLDEPLOY_CONTROL_FD")
        return cls(
            app_root=Path(environ.get("AML_APP_ROOT") or os.getcwd()).absolute(),  # noqa: PTH109
            entry_script=environ.get("AZUREML_ENTRY_SCRIPT") or None,
            source_directory=environ.get("AZUREML_SOURCE_DIRECTORY") or None,
            model_dir=environ.get("AZUREML_MODEL_DIR") or None,
            service_name=environ.get("SERVICE_NAME") or "ML service",
            service_version=environ.get("SERVICE_VERSION") or "1.0",
            path_prefix=environ.get("SERVICE_PATH_PREFIX", ""),
            scoring_timeout_ms=_number(
                environ, "SCORING_TIMEOUT_MS", DEFAULT_SCORING_TIMEOUT_MS, least=1
            ),
            log_level=environ.get("AZUREML_LOG_LEVEL", "INFO").upper(),
            show_server_version=environ.get("SERVER_VERSION_LOG_RESPONSE_ENABLED", "true").lower()
            == "true",
            listen_fds=_descriptors(ours.get("MLDEPLOY_LISTEN_FDS", "")),
            control_fd=int(control) if control else None,
            generation=_number(ours, "MLDEPLOY_GENERATION", 0),
            slot=_number(ours, "MLDEPLOY_SLOT", 0),
            accept_now=_choice(ours, "MLDEPLOY_ACCEPT", ("now", "later")) == "now",
            auth=auth,
            secrets_dir=Path(secrets_dir) if secrets_dir else None,
            allowed_hosts=tuple(
                name.strip().lower()
                for name in ours.get("MLDEPLOY_ALLOWED_HOSTS", "").split(",")
                if name.strip()
            ),
            max_body_bytes=_number(ours, "MLDEPLOY_MAX_BODY_BYTES", DEFAULT_MAX_BODY_BYTES),
            drain_seconds=float(ours.get("MLDEPLOY_DRAIN_SECONDS", DEFAULT_DRAIN_SECONDS)),
        )


def _choice(source: MutableMapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = source.get(name) or allowed[0]
    if value not in allowed:
        raise SettingsError(f"{name} is {value!r}; it can be one of: {', '.join(allowed)}.")
    return value


def _number(source: MutableMapping[str, str], name: str, default: int, *, least: int = 0) -> int:
    text = source.get(name)
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        raise SettingsError(f"{name} is {text!r}; it must be a whole number.") from None
    if value < least:
        raise SettingsError(f"{name} is {value}; it must be at least {least}.")
    return value


def _descriptors(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise SettingsError(
            f"MLDEPLOY_LISTEN_FDS is {text!r}; it must be a comma list of descriptor numbers."
        ) from None
