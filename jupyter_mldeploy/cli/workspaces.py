"""Which workspace a command works in: ``-w``, ``--path``, the folder's configuration, default."""

from __future__ import annotations

from typing import Any

import jupyter_mldeploy as mldeploy
from jupyter_mldeploy.cli.output import notice
from jupyter_mldeploy.sdk.config_file import find_config, read_config
from jupyter_mldeploy.sdk.settings import Settings, open_store

__all__ = ["all_workspaces", "open_workspace", "settings_of"]


def settings_of(path: str | None) -> Settings:
    """Return where things are, as the configuration found from ``path`` says."""
    found = find_config(path)
    if found is None:
        return Settings.resolve()
    file = read_config(found)
    return Settings.resolve(config=file.values, beside=file.beside)


def open_workspace(name: str | None, path: str | None) -> mldeploy.Workspace:
    """Open the workspace called ``name``, or the one that the configuration names."""
    if name is not None:
        # A project's configuration also says where its workspaces are kept.
        return mldeploy.Workspace.get(name, **places(settings_of(path)))
    if path is not None or find_config() is not None:
        return mldeploy.Workspace.from_config(path)
    first = not Settings.resolve().home.exists()
    workspace = mldeploy.Workspace()
    if first:
        home = workspace.get_details()["home"]
        notice(f'Using workspace "{workspace.name}" in {home}, made just now.')
    return workspace


def places(settings: Settings) -> dict[str, Any]:
    """Return settings as the arguments of :class:`jupyter_mldeploy.Workspace`."""
    return {
        "home": settings.home,
        "database_url": settings.database_url,
        "artifact_url": settings.artifact_url,
    }


def all_workspaces(path: str | None) -> list[mldeploy.Workspace]:
    """Return every workspace kept where the configuration says, by name."""
    settings = settings_of(path)
    names = [record.name for record in open_store(settings).workspaces.list()]
    return [mldeploy.Workspace.get(name, **places(settings)) for name in names]
