"""Where a workspace's home, records and files are: argument, environment, config file, default."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_data_dir

from jupyter_mldeploy.errors import UserErrorException

if TYPE_CHECKING:
    from jupyter_mldeploy.store import Store

__all__ = ["Settings", "close_stores", "default_home", "open_store"]

_KEYS = {
    "home": "MLDEPLOY_HOME",
    "database_url": "MLDEPLOY_DATABASE_URL",
    "artifact_url": "MLDEPLOY_ARTIFACT_URL",
}


def default_home() -> Path:
    """Return the home in the user's data folder, which is used when nothing names another."""
    return Path(user_data_dir("mldeploy"))


@dataclass(frozen=True)
class Settings:
    """Where things are.

    Parameters
    ----------
    home
        Folder of everything.
    database_url, artifact_url
        ``None``: the home's own.
    """

    home: Path
    database_url: str | None = None
    artifact_url: str | None = None

    @classmethod
    def resolve(
        cls,
        home: str | os.PathLike[str] | None = None,
        database_url: str | None = None,
        artifact_url: str | None = None,
        *,
        config: Mapping[str, Any] | None = None,
        beside: Path | None = None,
    ) -> Settings:
        """Choose each setting by itself: argument, environment, config file, default.

        Parameters
        ----------
        config
            Content of a config file; its keys are ``home``, ``database_url``, ``artifact_url``.
        beside
            The folder that a relative path in `config` starts from.

        Raises
        ------
        UserErrorException
            A key of the config file is not text.
        """
        arguments = {"home": home, "database_url": database_url, "artifact_url": artifact_url}
        chosen: dict[str, str | None] = {}
        for key, variable in _KEYS.items():
            argument = arguments[key]
            chosen[key] = (
                os.fspath(argument)
                if argument is not None
                else os.environ.get(variable) or _from_config(config or {}, key, beside)
            )
        folder = chosen["home"]
        return cls(
            Path(os.path.abspath(Path(folder).expanduser())) if folder else default_home(),  # noqa: PTH100 -- keeps links
            chosen["database_url"],
            chosen["artifact_url"],
        )


def _from_config(config: Mapping[str, Any], key: str, beside: Path | None) -> str | None:
    value = config.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise UserErrorException(
            f'"{key}" in the config file is {type(value).__name__}; it must be text.',
            hint=f"Correct it, or remove it and set {_KEYS[key]}.",
        )
    if key == "database_url" or "://" in value or beside is None:
        return value
    return str(beside / Path(value).expanduser())


_stores: dict[Settings, tuple[Store, tuple[int, int]]] = {}
_lock = threading.Lock()


def open_store(settings: Settings) -> Store:
    """Return the store of these settings; a process has one of each, closed when it ends."""
    # SQLAlchemy, 200 ms: at first use, so that importing the SDK stays cheap.
    from jupyter_mldeploy.store import Store  # noqa: PLC0415

    with _lock:
        known = _stores.get(settings)
        if known is not None:
            store, identity = known
            if _identity(store) == identity:
                return store
            # The home was removed or replaced: the open file is nobody's now.
            store.close()
        store = Store.open(settings.home, settings.database_url, settings.artifact_url)
        _stores[settings] = store, _identity(store)
        return store


def close_stores() -> None:
    """Close every store that this process has open; they are opened again when needed."""
    with _lock:
        for store, _ in _stores.values():
            store.close()
        _stores.clear()


def _identity(store: Store) -> tuple[int, int]:
    try:
        status = store.database.path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (status.st_dev, status.st_ino)


atexit.register(close_stores)
