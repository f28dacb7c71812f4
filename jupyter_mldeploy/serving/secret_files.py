"""The keys and the signing secret of one service, in files only its owner can read.

Used by the server, which reads, and by whoever deploys, who creates and
rotates. Files are replaced atomically: a reader sees the old or the new one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "KEYS_FILE",
    "TOKEN_FILE",
    "Keys",
    "SecretsError",
    "check_key",
    "create_keys",
    "create_token_secret",
    "read_keys",
    "read_token_secret",
    "rotate_key",
    "rotate_token_secret",
]

KEYS_FILE = "keys.json"
TOKEN_FILE = "token.json"  # noqa: S105 - a file's name
LEAST_KEY_LENGTH = 8
MOST_KEY_LENGTH = 512  # a header has to carry it


class SecretsError(Exception):
    """A secret is missing, malformed or unusable; the message never contains it."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The two keys of a service; both are valid, so that one can be rotated at a time."""

    primary: str
    secondary: str

    def __repr__(self) -> str:
        return "Keys(primary=<hidden>, secondary=<hidden>)"


def read_keys(directory: Path) -> Keys:
    """Return the keys kept in `directory`.

    Raises
    ------
    SecretsError
        There are none, or the file is not what was written.
    """
    data = _read(directory / KEYS_FILE)
    primary, secondary = data.get("primary"), data.get("secondary")
    if not (isinstance(primary, str) and isinstance(secondary, str) and primary and secondary):
        raise SecretsError(f"{directory / KEYS_FILE} does not hold two keys.")
    return Keys(primary, secondary)


def create_keys(directory: Path, primary: str | None = None, secondary: str | None = None) -> Keys:
    """Make sure that keys exist and return them.

    Parameters
    ----------
    primary, secondary
        Keys to use; an existing key is kept where ``None`` is given, a missing
        one is made up.

    Raises
    ------
    SecretsError
        A given key cannot travel in a header, or is too short to be one.
    """
    for key in (primary, secondary):
        if key is not None:
            check_key(key)
    with _locked(directory):
        try:
            old = read_keys(directory)
        except SecretsError:
            old = Keys(_new_secret(), _new_secret())
        keys = Keys(primary or old.primary, secondary or old.secondary)
        _write(directory / KEYS_FILE, {"primary": keys.primary, "secondary": keys.secondary})
    return keys


def rotate_key(directory: Path, which: str, value: str | None = None) -> Keys:
    """Replace one key and return both; servers notice at their next request.

    Parameters
    ----------
    which
        ``primary`` or ``secondary``, in any case (v1 writes ``Primary``).
    value
        The new key; ``None`` makes one up.

    Raises
    ------
    SecretsError
        `which` names no key, the service has none, or `value` cannot be a key.
    """
    name = which.lower()
    if name not in {"primary", "secondary"}:
        raise SecretsError(f"There is no {which!r} key: name 'primary' or 'secondary'.")
    if value is not None:
        check_key(value)
    with _locked(directory):
        old = read_keys(directory)
        pair = {"primary": old.primary, "secondary": old.secondary, name: value or _new_secret()}
        _write(directory / KEYS_FILE, pair)
    return Keys(**pair)


def read_token_secret(directory: Path) -> str:
    """Return the secret that signs tokens.

    Raises
    ------
    SecretsError
        There is none, or the file is not what was written.
    """
    secret = _read(directory / TOKEN_FILE).get("secret")
    if not isinstance(secret, str) or not secret:
        raise SecretsError(f"{directory / TOKEN_FILE} does not hold a secret.")
    return secret


def create_token_secret(directory: Path) -> str:
    """Make sure that a signing secret exists and return it."""
    with _locked(directory):
        try:
            return read_token_secret(directory)
        except SecretsError:
            secret = _new_secret()
            _write(directory / TOKEN_FILE, {"secret": secret})
            return secret


def rotate_token_secret(directory: Path) -> str:
    """Replace the signing secret, which ends every token issued before; return it."""
    with _locked(directory):
        secret = _new_secret()
        _write(directory / TOKEN_FILE, {"secret": secret})
    return secret


def _new_secret() -> str:
    return os.urandom(32).hex()


def check_key(key: str) -> None:
    """Refuse what cannot be a key.

    Raises
    ------
    SecretsError
        It is too short, too long, or cannot travel in a header.
    """
    fits = LEAST_KEY_LENGTH <= len(key) <= MOST_KEY_LENGTH
    if not fits or not key.isascii() or not key.isprintable() or " " in key:
        raise SecretsError(
            f"A key needs {LEAST_KEY_LENGTH} to {MOST_KEY_LENGTH} printable ASCII characters "
            "without spaces, because it travels in an HTTP header."
        )


def _read(path: Path) -> dict[str, object]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SecretsError(f"{path} does not exist.") from None
    except (OSError, ValueError) as error:
        raise SecretsError(f"{path} cannot be read: {type(error).__name__}.") from None
    if not isinstance(data, dict):
        raise SecretsError(f"{path} is not a JSON object.")
    return data


def _write(path: Path, data: dict[str, str]) -> None:
    # One fixed name: writers hold the folder's lock, and what a killed one left is written over.
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        os.write(descriptor, json.dumps(data).encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Hold the folder, so that two rotations at once do not undo one another."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
