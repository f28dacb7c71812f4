"""The workspace: what holds models, services and operations (spec section 1)."""

from __future__ import annotations

import getpass
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.errors import UserErrorException
from jupyter_mldeploy.sdk.config_file import ConfigFile, find_config, read_config, write_config
from jupyter_mldeploy.sdk.settings import Settings, default_home, open_store

if TYPE_CHECKING:
    from jupyter_mldeploy.config import InferenceConfig, LocalDeploymentConfiguration
    from jupyter_mldeploy.deployment.collect import Freed
    from jupyter_mldeploy.deployment.preflight import Report
    from jupyter_mldeploy.sdk.model import Model
    from jupyter_mldeploy.sdk.operation import Operation
    from jupyter_mldeploy.sdk.webservice import Webservice
    from jupyter_mldeploy.store import Store, WorkspaceRecord

__all__ = ["Workspace"]

_DEFAULT = "default"
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,254}")
_CLOUD_KEYS = ("subscription_id", "resource_group", "location", "Scope")

_said: set[str] = set()


class Workspace:
    """A named set of models, services and operations, kept on this machine.

    It is the v1 class of that name without a cloud behind it: subscription, resource group,
    location and `auth` are accepted and, but for `auth`, kept; nothing uses them.

    Parameters
    ----------
    subscription_id, resource_group
        Kept, not used.
    workspace_name
        An existing workspace; by default ``default``, which is made when it does not exist.
    auth
        Accepted, not used.
    home
        Folder of everything. By default ``MLDEPLOY_HOME``, else the user's data folder.
    database_url
        By default ``MLDEPLOY_DATABASE_URL``, else ``mldeploy.db`` in the home.
    artifact_url
        By default ``MLDEPLOY_ARTIFACT_URL``, else ``artifacts`` in the home.

    Raises
    ------
    UserErrorException
        There is no workspace of that name.
    StoreError
        The home cannot be made or read.
    """

    def __init__(
        self,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        workspace_name: str | None = None,
        auth: object = None,
        *,
        home: str | os.PathLike[str] | None = None,
        database_url: str | None = None,
        artifact_url: str | None = None,
    ) -> None:
        del auth
        settings = Settings.resolve(home, database_url, artifact_url)
        cloud = {"subscription_id": subscription_id, "resource_group": resource_group}
        name = workspace_name or _DEFAULT
        record = open_store(settings).workspaces.get(_checked_name(name))
        if record is None and workspace_name is not None:
            raise UserErrorException(
                f"WorkspaceNotFound: Workspace with name {name} not found in {settings.home}",
                hint=f"Make it with Workspace.create({name!r}), or look at `mldeploy workspace "
                "list`.",
            )
        self._bind(settings, record or _made(settings, name, cloud), cloud)

    def _bind(self, settings: Settings, record: WorkspaceRecord, cloud: Mapping[str, Any]) -> None:
        self._settings = settings
        self._record = record
        self._cloud = {**record.config, **_given(cloud)}
        # Imported here: it brings the store, which importing the package does not need.
        from jupyter_mldeploy.deployment.restart import start_after_restart  # noqa: PLC0415

        started = start_after_restart(self._store, record.id, self._created_by)
        if started:
            _say(f"After a restart of this machine: starting {', '.join(started)}.")

    @classmethod
    def _of(
        cls, settings: Settings, record: WorkspaceRecord, cloud: Mapping[str, Any]
    ) -> Workspace:
        workspace = cls.__new__(cls)
        workspace._bind(settings, record, cloud)
        return workspace

    @classmethod
    def create(
        cls,
        name: str,
        auth: object = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        create_resource_group: bool = True,
        *,
        exist_ok: bool = False,
        home: str | os.PathLike[str] | None = None,
        database_url: str | None = None,
        artifact_url: str | None = None,
    ) -> Workspace:
        """Make a workspace.

        Parameters
        ----------
        name
            1 to 255 letters, digits, ``-``, ``.`` and ``_``; a letter or digit first.
        auth, create_resource_group
            Accepted, not used.
        exist_ok
            Return the one of that name if there is one.

        Raises
        ------
        UserErrorException
            The name is not allowed, or taken without `exist_ok`.
        """
        del auth, create_resource_group
        _checked_name(name)
        settings = Settings.resolve(home, database_url, artifact_url)
        cloud = {
            "subscription_id": subscription_id,
            "resource_group": resource_group,
            "location": location,
        }
        workspaces = open_store(settings).workspaces
        record = workspaces.get(name) if exist_ok else None
        try:
            record = record or workspaces.create(name, _given(cloud))
        except UserErrorException:
            record = workspaces.get(name) if exist_ok else None  # another process made it now
            if record is None:
                raise
        return cls._of(settings, record, cloud)

    @classmethod
    def get(
        cls,
        name: str,
        auth: object = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        *,
        home: str | os.PathLike[str] | None = None,
        database_url: str | None = None,
        artifact_url: str | None = None,
    ) -> Workspace:
        """Return the workspace of that name.

        Raises
        ------
        UserErrorException
            There is none.
        """
        return cls(
            subscription_id,
            resource_group,
            name,
            auth,
            home=home,
            database_url=database_url,
            artifact_url=artifact_url,
        )

    @classmethod
    def from_config(
        cls,
        path: str | os.PathLike[str] | None = None,
        auth: object = None,
        _file_name: str | None = None,
    ) -> Workspace:
        """Open the workspace that a config file names (spec section 1).

        A v1 ``config.json`` works as it is. Two things differ from v1, because there is no
        portal to make a workspace in: one that does not exist yet is made, and with no
        `path` and no file anywhere above, the default workspace is opened. Both are said
        once, on standard error.

        Parameters
        ----------
        path
            A file of any name; or a folder to search from upwards, by default the current
            one: in each folder ``.azureml/``, ``aml_config/``, then itself, for
            ``config.json``, then ``project.json``.
        auth
            Accepted, not used.

        Raises
        ------
        UserErrorException
            `path` has no config file, or the file does not name a workspace.
        """
        del auth
        found = find_config(path, _file_name)
        if found is not None:
            return cls._from_file(read_config(found))
        if path is not None:
            raise UserErrorException(
                f"No {_file_name or 'config.json'} was found in {Path(path).absolute()} or above.",
                hint="Workspace.write_config() writes one; Workspace() needs none.",
            )
        workspace = cls()
        _say_once(
            f'No config.json found: using workspace "{workspace.name}" in '
            f"{workspace._settings.home}."
        )
        return workspace

    @classmethod
    def _from_file(cls, file: ConfigFile) -> Workspace:
        settings = Settings.resolve(config=file.values, beside=file.beside)
        name = _checked_name(file.workspace_name)
        record = open_store(settings).workspaces.get(name)
        if record is None:
            record = _made(settings, name, file.values)
            _say_once(
                f'Workspace "{name}" of {file.path} did not exist and was made in {settings.home}.'
            )
        return cls._of(settings, record, file.values)

    def write_config(
        self, path: str | os.PathLike[str] | None = None, file_name: str | None = None
    ) -> None:
        """Write ``.azureml/config.json`` into a folder, for :meth:`from_config`.

        It has the v1 keys, and the home where that is not the default one.

        Parameters
        ----------
        path
            The folder; by default the current one.
        file_name
            Instead of ``config.json``.
        """
        values: dict[str, Any] = {
            "subscription_id": self.subscription_id,
            "resource_group": self.resource_group,
            "workspace_name": self.name,
        }
        if self._settings.home != default_home():
            values["home"] = str(self._settings.home)
        values["database_url"] = self._settings.database_url
        values["artifact_url"] = self._settings.artifact_url
        write_config(
            path, file_name, {key: value for key, value in values.items() if value is not None}
        )

    @property
    def _store(self) -> Store:
        return open_store(self._settings)

    @property
    def _created_by(self) -> str:
        try:
            return getpass.getuser()
        except (KeyError, OSError):  # a container's user without a name
            return f"uid {os.getuid()}"

    @property
    def name(self) -> str:
        """Name of the workspace."""
        return self._record.name

    @property
    def subscription_id(self) -> str | None:
        """Kept from v1, not used."""
        return self._cloud.get("subscription_id")

    @property
    def resource_group(self) -> str | None:
        """Kept from v1, not used."""
        return self._cloud.get("resource_group")

    @property
    def location(self) -> str:
        """The v1 region if one was given, else ``local``."""
        return str(self._cloud.get("location") or "local")

    @property
    def models(self) -> dict[str, Model]:
        """The latest version of every model, by name."""
        from jupyter_mldeploy.sdk.model import Model  # noqa: PLC0415 -- it imports this module

        return {each.name: each for each in Model.list(self, latest=True)}

    @property
    def webservices(self) -> dict[str, Webservice]:
        """The services, by name."""
        from jupyter_mldeploy.sdk.webservice import Webservice  # noqa: PLC0415 -- only when asked

        return {each.name: each for each in Webservice.list(self)}

    @property
    def operations(self) -> dict[str, Operation]:
        """The last operations, by id, the newest first."""
        from jupyter_mldeploy.sdk.operation import Operation  # noqa: PLC0415 -- only when asked

        return {each.id: each for each in Operation.list(self)}

    def check(
        self,
        models: Sequence[Model | str | os.PathLike[str]],
        inference_config: InferenceConfig | None = None,
        deployment_config: LocalDeploymentConfiguration | None = None,
        name: str | None = None,
    ) -> Report:
        """Look at a deployment before it begins; nothing is deployed and the script is not run.

        What the script imports is imported in a child process of the interpreter
        that would serve it.

        Parameters
        ----------
        models, inference_config, deployment_config
            As for :meth:`Model.deploy`.
        name
            The service that would be replaced; its own port then counts as free.

        Returns
        -------
        Report
            ``.ok``, ``.findings`` (severity, sentence, file, line, way out, fix), ``.tree``.
        """
        from jupyter_mldeploy.sdk.check import check_deployment  # noqa: PLC0415 -- loads pydantic

        return check_deployment(self, models, inference_config, deployment_config, name)

    def get_details(self) -> dict[str, Any]:
        """Return what is known of the workspace: names, places, time of its making."""
        store = self._store
        return {
            "name": self.name,
            "location": self.location,
            "subscription_id": self.subscription_id,
            "resource_group": self.resource_group,
            "home": str(store.home),
            "database": str(store.database.path),
            "artifacts": str(store.files.root),
            "created_time": self._record.created_time.isoformat(),
        }

    def delete(self, delete_dependent_resources: bool = False, no_wait: bool = False) -> None:
        """Remove the workspace with its models and its history.

        Parameters
        ----------
        delete_dependent_resources
            Also end and delete its services; without it, a workspace that has some stays.
        no_wait
            Accepted, not used.

        Raises
        ------
        UserErrorException
            It has services; the message names them.
        WebserviceException
            Status 409: somebody deploys into it at this moment.
        """
        from jupyter_mldeploy.sdk.workspace_end import delete_workspace  # noqa: PLC0415

        del no_wait
        delete_workspace(self, with_services=delete_dependent_resources)

    def gc(self, dry_run: bool = False) -> list[Freed]:
        """Remove what nothing uses any more, in all workspaces of this home.

        The rule, with its numbers, is in :mod:`jupyter_mldeploy.deployment.retention`. What
        serves, what can be rolled back to, and what is being built stays.

        Parameters
        ----------
        dry_run
            Only say what would be removed.

        Returns
        -------
        list of Freed
            For each kind: how many, how many bytes of disk space, and by which rule.
        """
        from jupyter_mldeploy.deployment.collect import collect  # noqa: PLC0415 -- only when asked

        return collect(self._store, dry_run=dry_run)

    def __repr__(self) -> str:
        return f"Workspace(workspace_name={self.name!r}, home={str(self._settings.home)!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Workspace):
            return NotImplemented
        return (self._settings, self._record.id) == (other._settings, other._record.id)

    def __hash__(self) -> int:
        return hash((self._settings, self._record.id))


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in _CLOUD_KEYS if values.get(key) is not None}


def _made(settings: Settings, name: str, config: Mapping[str, Any]) -> WorkspaceRecord:
    workspaces = open_store(settings).workspaces
    try:
        return workspaces.create(name, _given(config))
    except UserErrorException:
        record = workspaces.get(name)  # another process made it a moment ago
        if record is None:
            raise
        return record


def _checked_name(name: object) -> str:
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    raise UserErrorException(
        f"{name!r} cannot be the name of a workspace.",
        hint="It has 1 to 255 letters, digits, '-', '.' and '_', and begins with a letter or "
        'a digit, for example "default".',
    )


def _say_once(text: str) -> None:
    if text not in _said:
        _said.add(text)
        _say(text)


def _say(text: str) -> None:
    # Standard error: seen in a notebook cell, and never part of a command's JSON.
    print(text, file=sys.stderr)  # noqa: T201
