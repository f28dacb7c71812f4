"""How large a service's log may grow: what the user says, for the supervisor to keep to."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_mldeploy.errors import UserErrorException
from jupyter_mldeploy.serving.log_file import FILES, MAX_BYTES

__all__ = ["log_limits"]


def log_limits(environment: Mapping[str, str]) -> dict[str, int]:
    """Return the limits as keys of ``supervisor.json``.

    Parameters
    ----------
    environment
        ``MLDEPLOY_LOG_BYTES`` (size at which the log is rotated, in bytes) and
        ``MLDEPLOY_LOG_FILES`` (files kept) count in it; :mod:`serving.log_file` has the
        defaults.

    Raises
    ------
    UserErrorException
        One of them is not a whole number above 0.
    """
    return {
        "log_bytes": _number(environment, "MLDEPLOY_LOG_BYTES", MAX_BYTES),
        "log_files": _number(environment, "MLDEPLOY_LOG_FILES", FILES),
    }


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise UserErrorException(
            f"{name} is {text!r}; it must be a whole number above 0.",
            hint=f"Unset it for the default, {default}.",
        )
    return int(text)
