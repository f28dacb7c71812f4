"""What is known of a registered model: the v1 attributes and their JSON (spec section 2)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mldeploy.config import ResourceConfiguration
    from jupyter_mldeploy.sdk.workspace import Workspace
    from jupyter_mldeploy.store import ModelRecord

__all__ = ["ModelFacts"]


class ModelFacts:
    """The attributes of a model, as its row was when it was read or changed last."""

    workspace: Workspace
    _record: ModelRecord

    def _bind(self, workspace: Workspace, record: ModelRecord) -> None:
        self.workspace = workspace
        self._record = record

    @property
    def name(self) -> str:
        """Name it is registered under."""
        return self._record.name

    @property
    def version(self) -> int:
        """1, 2, 3 ... within the name."""
        return self._record.version

    @property
    def id(self) -> str:
        """``name:version``."""
        return self._record.model_id

    @property
    def description(self) -> str | None:
        """Free text."""
        return self._record.description

    @property
    def tags(self) -> dict[str, str]:
        """A copy; :meth:`Model.add_tags` changes them."""
        return dict(self._record.tags)

    @property
    def properties(self) -> dict[str, str]:
        """A copy; :meth:`Model.add_properties` adds to them."""
        return dict(self._record.properties)

    @property
    def created_time(self) -> datetime:
        """When it was registered, UTC."""
        return self._record.created_time

    @property
    def created_by(self) -> str:
        """Login name of who registered it."""
        return self._record.created_by

    @property
    def mime_type(self) -> str:
        """``application/json``, as in v1."""
        return self._record.mime_type

    @property
    def model_framework(self) -> str | None:
        """A constant of ``Model.Framework``."""
        return self._record.framework

    @property
    def model_framework_version(self) -> str | None:
        """Version of the framework."""
        return self._record.framework_version

    @property
    def unpack(self) -> bool:
        """Whether it is kept packed: never, files are kept one by one."""
        return self._record.unpack

    @property
    def url(self) -> str:
        """``aml://asset/...``, as in v1."""
        return f"aml://asset/{self._record.asset_id}"

    @property
    def experiment_name(self) -> str | None:
        """Experiment of the run that registered it."""
        return self._record.experiment_name

    @property
    def run_id(self) -> str | None:
        """The run that registered it."""
        return self._record.run_id

    @property
    def run(self) -> None:
        """The run that registered it, as an object: this version knows runs by id only."""
        return

    @property
    def datasets(self) -> dict[str, list[str]]:
        """Ids of data sets by purpose."""
        found: dict[str, list[str]] = {}
        for purpose, dataset_id in self._record.datasets:
            found.setdefault(purpose, []).append(dataset_id)
        return found

    @property
    def sample_input_dataset(self) -> str | None:
        """Id of the data set with sample inputs."""
        return self._record.sample_input_dataset_id

    @property
    def sample_output_dataset(self) -> str | None:
        """Id of the data set with the outputs that belong to them."""
        return self._record.sample_output_dataset_id

    @property
    def resource_configuration(self) -> ResourceConfiguration | None:
        """What it needs of a machine."""
        if self._record.resource_configuration is None:
            return None
        from jupyter_mldeploy.config import ResourceConfiguration  # noqa: PLC0415 -- loads pydantic

        return ResourceConfiguration.from_dict(self._record.resource_configuration)

    @property
    def registered_environment(self) -> dict[str, Any] | None:
        """Python and packages of the environment that registered it."""
        return self._record.registered_environment

    @property
    def sha256(self) -> str:
        """Digest of names and contents of its files: equal for equal models."""
        return self._record.sha256

    @property
    def size(self) -> int:
        """Bytes of its files together."""
        return self._record.size

    def serialize(self) -> dict[str, Any]:
        """Return the model as v1's JSON: camelCase keys."""
        record = self._record
        return {
            "createdTime": record.created_time.isoformat(),
            "createdBy": record.created_by,
            "description": record.description,
            "id": record.model_id,
            "mimeType": record.mime_type,
            "name": record.name,
            "framework": record.framework,
            "frameworkVersion": record.framework_version,
            "tags": dict(record.tags),
            "properties": dict(record.properties),
            "unpack": record.unpack,
            "url": self.url,
            "version": record.version,
            "experimentName": record.experiment_name,
            "runId": record.run_id,
            "runDetails": None,
            "datasets": self.datasets,
            "resourceConfiguration": record.resource_configuration,
            "sampleInputDatasetId": record.sample_input_dataset_id,
            "sampleOutputDatasetId": record.sample_output_dataset_id,
        }

    def __repr__(self) -> str:
        return (
            f"Model(workspace={self.workspace!r}, name={self.name!r}, id={self.id!r}, "
            f"version={self.version}, tags={self.tags!r}, properties={self.properties!r})"
        )
