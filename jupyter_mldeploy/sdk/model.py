"""The registered model (spec sections 2 and 2.1)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.errors import UserErrorException, WebserviceException
from jupyter_mldeploy.sdk import registration
from jupyter_mldeploy.sdk.model_facts import ModelFacts
from jupyter_mldeploy.sdk.model_path import get_model_path

if TYPE_CHECKING:
    from jupyter_mldeploy.config import (
        InferenceConfig,
        LocalDeploymentConfiguration,
        ResourceConfiguration,
    )
    from jupyter_mldeploy.sdk.webservice import Webservice
    from jupyter_mldeploy.sdk.workspace import Workspace
    from jupyter_mldeploy.store import ModelRecord
    from jupyter_mldeploy.store.rows import PairFilter

__all__ = ["Model"]

_ModelList = list["Model"]  # inside the class, `list` is the v1 method


class Model(ModelFacts):
    """One version of a registered model.

    Parameters
    ----------
    workspace
        Where it is registered.
    name
        Its name; without `version`, the latest that matches the other arguments.
    id
        ``name:version``, instead of `name` and `version`.
    tags, properties
        Only one that has all of these: ``'key'`` or ``['key', 'value']`` each.
    version
        1, 2, 3 ...
    run_id, model_framework
        Only one of that run, of that framework.
    expand
        Accepted, not used.

    Raises
    ------
    WebserviceException
        ``ModelNotFound: ...``; or neither `name` nor `id` is given.
    UserErrorException
        A filter is not a list.
    """

    class Framework:
        """The frameworks that a model can be said to be of (spec section 2.1)."""

        CUSTOM = "Custom"
        TENSORFLOW = "TensorFlow"
        SCIKITLEARN = "ScikitLearn"
        ONNX = "Onnx"
        TFKERAS = "TfKeras"
        PYTORCH = "PyTorch"
        MULTI = "Multi"

    def __init__(
        self,
        workspace: Workspace,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 -- the v1 name
        tags: PairFilter = None,
        properties: PairFilter = None,
        version: int | None = None,
        run_id: str | None = None,
        model_framework: str | None = None,
        expand: bool = True,
    ) -> None:
        del expand
        if id is not None:
            name, version = _split(id)
        if not name:
            raise WebserviceException(
                "Error, one of id or name must be provided.",
                hint="Write Model(ws, name='my-model') or Model(ws, id='my-model:1').",
            )
        filters: dict[str, Any] = {
            "tags": tags,
            "properties": properties,
            "run_id": run_id,
            "framework": model_framework,
        }
        models = workspace._store.models
        if not any(filters.values()):
            record = models.get(workspace._record.id, name, _whole(version))
        else:
            found = models.page(workspace._record.id, name=name, **filters)
            wanted = _whole(version)
            match = [each for each in found if wanted in {None, each.version}]
            if not match:
                raise WebserviceException(
                    f"ModelNotFound: Model with name {name} and these filters not found in "
                    "provided workspace",
                    404,
                    hint=f"Model.list(workspace, name={name!r}) shows its versions.",
                )
            record = match[0]
        self._bind(workspace, record)

    @classmethod
    def _of(cls, workspace: Workspace, record: ModelRecord) -> Model:
        model = cls.__new__(cls)
        model._bind(workspace, record)
        return model

    @staticmethod
    def _find(workspace: Workspace, text: str) -> ModelRecord | None:
        """Return the model ``name:version`` or ``name`` (the latest), or ``None``."""
        name, colon, version = text.rpartition(":")
        models = workspace._store.models
        if not colon:
            return models.find(workspace._record.id, text)
        if not version.isdecimal():
            return None
        return models.find(workspace._record.id, name, int(version))

    @staticmethod
    def get(
        workspace: Workspace,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 -- the v1 name
        version: int | None = None,
    ) -> Model:
        """Return a registered model; the same as the constructor, with fewer arguments."""
        return Model(workspace, name=name, id=id, version=version)

    @staticmethod
    def register(
        workspace: Workspace,
        model_path: str | os.PathLike[str],
        model_name: str,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
        datasets: Iterable[tuple[str, object]] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        child_paths: Sequence[str] | None = None,
        sample_input_dataset: object = None,
        sample_output_dataset: object = None,
        resource_configuration: ResourceConfiguration | None = None,
    ) -> Model:
        """Copy a file or folder into the workspace, as the next version of a model.

        Registering never changes a version that exists; contents that are equal are kept once.
        The environment that registers is recorded with it. Prints ``Registering model NAME``.

        Parameters
        ----------
        model_path
            File or folder. Unlike in v1 it may be outside the current folder: nothing is
            uploaded, and what is copied is what was named.
        model_name
            1 to 255 letters, digits, ``-``, ``.``, ``_``; a letter or digit first.
        tags
            Text to text; may change later.
        properties
            Text to text; never change, only new ones are added.
        datasets
            Pairs of purpose and data set.
        model_framework
            A constant of :class:`Model.Framework`.
        model_framework_version
            Needs `model_framework`.
        child_paths
            Only these files and folders inside `model_path`.
        sample_input_dataset, sample_output_dataset
            Data sets, or their ids.

        Raises
        ------
        WebserviceException
            Nothing stands at `model_path`; tags or properties are no dict of text; the
            framework is unknown, or has a version only (spec section 2.1).
        UserErrorException
            The name is not allowed; what stands there cannot be a model, or changed while it
            was read.
        StoreError
            The workspace cannot be written to.
        """
        record = registration.register(
            workspace,
            model_path,
            model_name,
            tags=tags,
            properties=properties,
            description=description,
            datasets=datasets,
            model_framework=model_framework,
            model_framework_version=model_framework_version,
            child_paths=child_paths,
            sample_input_dataset=sample_input_dataset,
            sample_output_dataset=sample_output_dataset,
            resource_configuration=resource_configuration,
        )
        return Model._of(workspace, record)

    @staticmethod
    def list(
        workspace: Workspace,
        name: str | None = None,
        tags: PairFilter = None,
        properties: PairFilter = None,
        run_id: str | None = None,
        latest: bool = False,
        dataset_id: str | None = None,
        expand: bool = True,
        page_count: int = 255,
        model_framework: str | None = None,
    ) -> _ModelList:
        """Return the models that match every filter given, the newest first.

        Parameters
        ----------
        tags, properties
            ``'key'`` or ``['key', 'value']`` each.
        latest
            Only the latest version of each name.
        expand
            Accepted, not used.
        page_count
            20 to 255; accepted and checked: all pages are returned, as in v1.

        Raises
        ------
        UserErrorException
            `tags` or `properties` is not a list; `page_count` is out of its bounds.
        """
        del expand
        _check_whole("page_count", page_count, 20, 255)
        found = workspace._store.models.page(
            workspace._record.id,
            name=name,
            tags=tags,
            properties=properties,
            run_id=run_id,
            latest=latest,
            dataset_id=dataset_id,
            framework=model_framework,
        )
        return [Model._of(workspace, each) for each in found]

    @staticmethod
    def search(
        workspace: Workspace,
        text: str | None = None,
        tags: PairFilter = None,
        properties: PairFilter = None,
        framework: str | None = None,
        latest: bool = False,
        limit: int = 50,
        offset: int = 0,
    ) -> _ModelList:
        """Return one page of the models that match every filter given, the newest first.

        Parameters
        ----------
        text
            Part of a name, description, framework, tag key or tag value, in upper or lower
            case.
        tags, properties
            ``'key'`` or ``['key', 'value']`` each.
        limit, offset
            At most so many, after so many.

        Raises
        ------
        UserErrorException
            `limit` or `offset` is negative or no whole number; a filter is not a list.
        """
        _check_whole("limit", limit, 0)
        _check_whole("offset", offset, 0)
        found = workspace._store.models.page(
            workspace._record.id,
            text=text,
            tags=tags,
            properties=properties,
            framework=framework,
            latest=latest,
            limit=limit,
            offset=offset,
        )
        return [Model._of(workspace, each) for each in found]

    @staticmethod
    def get_model_path(
        model_name: str, version: int | None = None, _workspace: Workspace | None = None
    ) -> str:
        """Return where the files of a model are (spec section 2.1).

        See :func:`jupyter_mldeploy.sdk.model_path.get_model_path`.
        """
        return get_model_path(model_name, version, _workspace)

    @staticmethod
    def deploy(
        workspace: Workspace,
        name: str,
        models: Sequence[Model | str | os.PathLike[str]],
        inference_config: InferenceConfig | None = None,
        deployment_config: LocalDeploymentConfiguration | None = None,
        deployment_target: object | None = None,
        overwrite: bool = False,
        show_output: bool = False,
    ) -> Webservice:
        """Deploy models as a web service, and return at once (spec section 2.2).

        Deploying the same again returns the service that runs.

        Parameters
        ----------
        name
            3 to 32 lower-case letters, digits and ``-``; a letter first.
        models
            Registered models, their ids ``name:version`` or names, or local paths.
        inference_config
            Entry script and environment.
        deployment_config
            Port, workers, keys ...; by default a free port of this machine.
        deployment_target
            Not used by targets of this version.
        overwrite
            Let a different service of that name be updated.
        show_output
            Print the operation's log until it ends.

        Raises
        ------
        UserErrorException, WebserviceException
            The request cannot be carried out as it is: nothing was started.
        """
        from jupyter_mldeploy.sdk.deploy import deploy_models  # noqa: PLC0415 -- only when asked

        return deploy_models(
            workspace,
            name,
            models,
            inference_config,
            deployment_config,
            deployment_target,
            overwrite,
            show_output,
        )

    @staticmethod
    def deserialize(workspace: Workspace, model_payload: Mapping[str, Any]) -> Model:
        """Return the model that :meth:`serialize` described; it must be in `workspace`."""
        return Model(workspace, id=str(model_payload.get("id")))

    def download(
        self,
        target_dir: str | os.PathLike[str] = ".",
        exist_ok: bool = False,
        exists_ok: bool | None = None,
    ) -> str:
        """Copy the model's file or folder into a folder; the copy is the user's to change.

        Parameters
        ----------
        target_dir
            Made when it does not exist.
        exist_ok
            Overwrite files that are there; others stay.
        exists_ok
            Older name of `exist_ok`.

        Returns
        -------
        str
            Path of the file or folder.

        Raises
        ------
        WebserviceException
            It is there, without `exist_ok`.
        """
        overwrite = exist_ok if exists_ok is None else exists_ok
        folder = Path(target_dir).expanduser()
        target = folder / self._record.root
        if target.exists() and not overwrite:
            raise WebserviceException(
                f"Error, {target} already exists.",
                409,
                hint="Pass exist_ok=True to overwrite it, or another target_dir.",
            )
        try:
            self.workspace._store.files.materialise(
                self._record.files, folder, link=False, overwrite=overwrite
            )
        except OSError as error:
            raise WebserviceException(
                f"Error, the model cannot be written to {target}: {error.strerror}.",
                hint="Give a target_dir that you may write to.",
            ) from error
        return str(target)

    def get_sas_urls(self) -> dict[str, str]:
        """Return ``path: file URL`` of each stored file. They are for reading only."""
        files = self.workspace._store.files
        return {each.path: files.path_of(each.sha256).as_uri() for each in self._record.files}

    def update(
        self,
        tags: Mapping[str, str] | None = None,
        description: str | None = None,
        sample_input_dataset: object = None,
        sample_output_dataset: object = None,
        resource_configuration: ResourceConfiguration | None = None,
    ) -> None:
        """Replace what is given: all tags, the description ... (spec section 2.1)."""
        fields: dict[str, Any] = {
            "description": description,
            "sample_input_dataset_id": registration.dataset_id(
                "sample_input_dataset", sample_input_dataset
            ),
            "sample_output_dataset_id": registration.dataset_id(
                "sample_output_dataset", sample_output_dataset
            ),
            "resource_configuration": registration.resources(resource_configuration),
        }
        changes = {key: value for key, value in fields.items() if value is not None}
        if tags is not None:
            changes["tags"] = registration.check_pairs("tags", tags)
        self._change(**changes)

    def add_tags(self, tags: Mapping[str, str]) -> None:
        """Add tags; one that exists gets the new value."""
        self._change(add_tags=registration.check_pairs("tags", tags))

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Remove tags by key; one that does not exist is passed over."""
        self._change(remove_tags=_keys(tags))

    def add_properties(self, properties: Mapping[str, str]) -> None:
        """Add properties.

        Raises
        ------
        WebserviceException
            One exists: properties never change.
        """
        self._change(add_properties=registration.check_pairs("properties", properties))

    def update_tags_properties(
        self,
        add_tags: Mapping[str, str] | None = None,
        remove_tags: Sequence[str] | None = None,
        add_properties: Mapping[str, str] | None = None,
    ) -> None:
        """Do the three in one step: all of it or, after an error, none."""
        self._change(
            add_tags=registration.check_pairs("tags", add_tags),
            remove_tags=_keys(remove_tags or []),
            add_properties=registration.check_pairs("properties", add_properties),
        )

    def add_dataset_references(self, datasets: Iterable[tuple[str, object]]) -> None:
        """Add pairs of purpose and data set."""
        self._change(add_datasets=registration.dataset_pairs(datasets))

    def delete(self) -> None:
        """Remove this version; its number is not given again.

        Raises
        ------
        WebserviceException
            Status 412: services use it, and the message names them.
        """
        self.workspace._store.models.delete(self._record.id)

    def _change(self, **changes: Any) -> None:
        self._record = self.workspace._store.models.update(self._record.id, **changes)


def _split(model_id: object) -> tuple[str, int]:
    name, _, version = model_id.rpartition(":") if isinstance(model_id, str) else ("", "", "")
    if not name or not version.isdecimal():
        raise WebserviceException(
            f"ModelNotFound: Model with id {model_id} not found in provided workspace",
            404,
            hint="An id is name:version, for example my-model:1.",
        )
    return name, int(version)


def _whole(version: object) -> int | None:
    if version is None or (isinstance(version, int) and not isinstance(version, bool)):
        return version
    if isinstance(version, str) and version.isdecimal():
        return int(version)
    raise UserErrorException(
        f"version is {version!r}; it must be a whole number.", hint="Leave it out for the latest."
    )


def _check_whole(what: str, value: object, least: int, most: int | None = None) -> None:
    if not isinstance(value, int) or value < least or (most is not None and value > most):
        bounds = f"from {least}" if most is None else f"from {least} to {most}"
        raise UserErrorException(
            f"{what} is {value!r}; it must be a whole number {bounds}.",
            hint=f"Leave {what} out.",
        )


def _keys(tags: object) -> list[str]:
    keys = [tags] if isinstance(tags, str) else tags
    if isinstance(keys, (list, tuple)) and all(isinstance(each, str) for each in keys):
        return list(keys)
    raise WebserviceException(
        f"Error, the tags to remove must be a list of keys, not {tags!r}.",
        hint="Write remove_tags(['key']).",
    )
