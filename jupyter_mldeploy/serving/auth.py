"""Who may score: nobody is asked, a key, or a token (spec section 12.2).

With authentication on, ``/score`` and ``/swagger.json`` need it (the document
carries the sample of the entry script, which may be real data); ``/`` stays
open for health checks and ``OPTIONS`` for preflights, which cannot carry a key.
"""

from __future__ import annotations

import hmac
import logging
import os
from pathlib import Path
from typing import Protocol

from .secret_files import KEYS_FILE, TOKEN_FILE, SecretsError, read_keys, read_token_secret
from .settings import Settings

__all__ = ["Gate", "make_gate"]

logger = logging.getLogger("azmlinfsrv")


class Gate(Protocol):
    """Decides from the headers alone."""

    def refusal(self, headers: dict[str, str]) -> str | None:
        """Return the sentence of the 401, or ``None`` to let the request in."""


class OpenGate:
    """Lets everybody in."""

    def refusal(self, headers: dict[str, str]) -> str | None:  # noqa: ARG002
        """Return ``None``."""
        return None


class _WatchedFile:
    """Notices when a file was replaced, so that rotation needs no restart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None

    def changed(self) -> bool:
        try:
            stat = os.stat(self._path)  # noqa: PTH116 - on every request
        except OSError:
            now = (0, 0, 0)
        else:
            now = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        if now == self._seen:
            return False
        self._seen = now
        return True


def presented(headers: dict[str, str]) -> list[str]:
    """Return what the client offers: of ``Authorization: Bearer`` and of ``X-API-Key``.

    Other schemes, such as Jupyter's ``token``, are somebody else's and ignored.
    """
    scheme, _, value = headers.get("authorization", "").partition(" ")
    offered = [value.strip()] if scheme.lower() == "bearer" and value.strip() else []
    key = headers.get("x-api-key", "").strip()
    return [*offered, key] if key else offered


class KeyGate:
    """Asks for one of the two keys in ``keys.json``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file = _WatchedFile(directory / KEYS_FILE)
        self._keys: tuple[bytes, ...] = ()
        self._file.changed()
        self._load()

    def _load(self) -> None:
        keys = read_keys(self._directory)
        self._keys = (keys.primary.encode(), keys.secondary.encode())

    def refusal(self, headers: dict[str, str]) -> str | None:
        """Compare in constant time with both keys."""
        if self._file.changed():
            try:
                self._load()
            except SecretsError as error:
                self._keys = ()  # nobody is let in by a key that may have been withdrawn
                logger.error("%s", error)  # noqa: TRY400 - a sentence, not a traceback
        offered = presented(headers)
        if not offered:
            return (
                "This service needs its key. Send the header 'Authorization: Bearer <key>' "
                "or 'X-API-Key: <key>'."
            )
        fits = False
        for value in offered:
            for key in self._keys:
                fits |= hmac.compare_digest(value.encode("latin-1", "replace"), key)
        if fits:
            return None
        return "The key sent is not a key of this service. It may have been replaced since."


class TokenGate:
    """Asks for a token that was signed with the secret in ``token.json``."""

    def __init__(self, directory: Path, service_name: str) -> None:
        # PyJWT is loaded for services that use it, before the entry script's
        # folders come first on the path.
        from .tokens import TokenError, verify  # noqa: PLC0415

        self._verify = verify
        self._error = TokenError
        self._directory = directory
        self._service_name = service_name
        self._file = _WatchedFile(directory / TOKEN_FILE)
        self._file.changed()
        self._secret = read_token_secret(directory)

    def refusal(self, headers: dict[str, str]) -> str | None:
        """Check signature, audience, subject and expiry."""
        if self._file.changed():
            try:
                self._secret = read_token_secret(self._directory)
            except SecretsError as error:
                self._secret = ""
                logger.error("%s", error)  # noqa: TRY400 - a sentence, not a traceback
        offered = presented(headers)
        if not offered:
            return (
                "This service needs a token. Send the header 'Authorization: Bearer <token>' "
                "with a token from get_token()."
            )
        reason = "The token cannot be checked now."
        for value in offered if self._secret else ():
            try:
                self._verify(value, self._secret, self._service_name)
            except self._error as error:
                reason = str(error)
            else:
                return None
        return reason


def make_gate(settings: Settings) -> Gate:
    """Return the gate that the settings ask for.

    Raises
    ------
    SecretsError
        The file with the keys or the secret is missing or malformed.
    """
    if settings.auth == "none" or settings.secrets_dir is None:
        return OpenGate()
    if settings.auth == "key":
        return KeyGate(settings.secrets_dir)
    return TokenGate(settings.secrets_dir, settings.service_name)
