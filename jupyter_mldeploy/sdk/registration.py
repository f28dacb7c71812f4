"""Registering a model: everything that can be refused is refused before a byte is copied."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.config.names import check_model_name
from jupyter_mldeploy.errors import UserErrorException, WebserviceException

if TYPE_CHECKING:
    from jupyter_mldeploy.config import ResourceConfiguration
    from jupyter_mldeploy.sdk.workspace import Workspace
    from jupyter_mldeploy.store import ModelRecord

__all__ = [
    "FRAMEWORKS",
    "check_pairs",
    "dataset_id",
    "dataset_pairs",
    "register",
    "registered_environment",
    "resources",
]

_QUIET_SECONDS = 3.0

FRAMEWORKS = ("Custom", "TensorFlow", "ScikitLearn", "Onnx", "TfKeras", "PyTorch", "Multi")


def register(
    workspace: Workspace,
    model_path: str | os.PathLike[str],
    model_name: str,
    *,
    tags: Mapping[str, str] | None,
    properties: Mapping[str, str] | None,
    description: str | None,
    datasets: Iterable[tuple[str, object]] | None,
    model_framework: str | None,
    model_framework_version: str | None,
    child_paths: Sequence[str] | None,
    sample_input_dataset: object,
    sample_output_dataset: object,
    resource_configuration: ResourceConfiguration | None,
) -> ModelRecord:
    """Carry out :meth:`jupyter_mldeploy.Model.register`; described there."""
    name = check_model_name(model_name)
    path = _existing(model_path)
    framework = _framework(model_framework, model_framework_version)
    fields: dict[str, Any] = {
        "tags": check_pairs("tags", tags),
        "properties": check_pairs("properties", properties),
        "description": _text("description", description),
        "datasets": dataset_pairs(datasets),
        "framework": framework,
        "framework_version": _text("model_framework_version", model_framework_version),
        "sample_input_dataset_id": dataset_id("sample_input_dataset", sample_input_dataset),
        "sample_output_dataset_id": dataset_id("sample_output_dataset", sample_output_dataset),
        "resource_configuration": resources(resource_configuration),
    }
    children = _children(child_paths)
    print(f"Registering model {name}")  # noqa: T201 -- as v1 does
    store = workspace._store
    fields["registered_environment"] = registered_environment(store.home, path, framework)
    return store.register_model(
        workspace._record.id,
        name,
        path,
        created_by=workspace._created_by,
        child_paths=children,
        progress=_Progress(name),
        **fields,
    )


class _Progress:
    """Says on standard error how far a copy is that takes long."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._copied = 0
        self._next = time.monotonic() + _QUIET_SECONDS

    def __call__(self, count: int) -> None:
        self._copied += count
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _QUIET_SECONDS
            copied = self._copied / 1e9
            print(f"{self._name}: {copied:.1f} GB copied", file=sys.stderr)  # noqa: T201


def registered_environment(home: Path, path: Path, framework: str | None) -> dict[str, Any]:
    """Return what the registering environment has that the model may depend on.

    Python, the platform, and the versions of the packages that the model's files name or its
    framework stands for: what a serving environment is compared with.
    """
    from jupyter_mldeploy.bundle import (  # noqa: PLC0415 -- only to register
        current_environment,
        packages_of_model,
    )

    environment = current_environment(home)
    return {
        "python_version": environment.python_version,
        "platform": environment.platform,
        "packages": packages_of_model([path], framework, environment),
    }


def _existing(model_path: object) -> Path:
    if not isinstance(model_path, (str, os.PathLike)):
        raise WebserviceException(
            f"Error, model_path is {type(model_path).__name__}; it must be a path.",
            hint="Save the model to a file first, for example with joblib.dump(model, path).",
        )
    path = Path(model_path).expanduser()
    if not os.fspath(model_path) or not path.exists():
        raise WebserviceException(
            f"Error, provided model path {str(model_path)!r} cannot be found "
            f"(looked at {path.absolute()}).",
            hint="Give the path of the saved model: a file or a folder.",
        )
    return path


def _framework(framework: object, version: object) -> str | None:
    if framework is None:
        if version is not None:
            raise WebserviceException(
                "Error, model_framework_version is given without model_framework.",
                hint="Add model_framework, for example Model.Framework.SCIKITLEARN.",
            )
        return None
    if framework not in FRAMEWORKS:
        raise WebserviceException(
            f"Error, model_framework {framework!r} is none of {', '.join(FRAMEWORKS)}.",
            hint="Use a constant of Model.Framework; CUSTOM fits everything.",
        )
    return str(framework)


def check_pairs(what: str, pairs: object) -> dict[str, str]:
    """Return `pairs` as a dictionary of text to text; ``None`` is an empty one.

    Raises
    ------
    WebserviceException
        It is something else; the message names the entry.
    """
    if pairs is None:
        return {}
    if not isinstance(pairs, Mapping):
        raise WebserviceException(
            f"Error, {what} must be a dict, not {type(pairs).__name__}.",
            hint=f"Write {what}={{'key': 'value'}}.",
        )
    for key, value in pairs.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise WebserviceException(
                f"Error, {what} has {key!r}: {value!r}; keys and values must be text.",
                hint=f"Write {what}={{{str(key)!r}: {str(value)!r}}}.",
            )
    return dict(pairs)


def dataset_id(what: str, dataset: object) -> str | None:
    """Return the id of a data set: text, or anything that has an ``id`` of text."""
    found = dataset if dataset is None or isinstance(dataset, str) else _id_of(dataset)
    if found is None and dataset is not None:
        raise UserErrorException(
            f"{what} is {type(dataset).__name__}, which has no id.",
            hint="Give a registered data set, or its id as text.",
        )
    return found


def dataset_pairs(datasets: object) -> list[tuple[str, str]]:
    """Return pairs (purpose, data set) as pairs (purpose, id).

    Raises
    ------
    UserErrorException
        It is not a list of such pairs.
    """
    if datasets is None:
        return []
    pairs = []
    for each in datasets if isinstance(datasets, (list, tuple)) else [datasets]:
        purpose, dataset = each if isinstance(each, (list, tuple)) and len(each) == 2 else (0, 0)
        found = dataset_id("a data set", dataset) if isinstance(purpose, str) else None
        if not isinstance(purpose, str) or found is None:
            raise UserErrorException(
                f"datasets has {each!r}, which is no pair of a purpose and a data set.",
                hint="Write datasets=[('training', dataset)].",
            )
        pairs.append((purpose, found))
    return pairs


def _id_of(dataset: object) -> str | None:
    found = getattr(dataset, "id", None)
    return found if isinstance(found, str) else None


def resources(configuration: object) -> dict[str, Any] | None:
    """Return a resource configuration as it is stored: cpu, memoryInGB, gpu."""
    if configuration is None:
        return None
    from jupyter_mldeploy.config import ResourceConfiguration  # noqa: PLC0415 -- loads pydantic

    if not isinstance(configuration, ResourceConfiguration):
        raise UserErrorException(
            f"resource_configuration is {type(configuration).__name__}.",
            hint="Write resource_configuration=ResourceConfiguration(cpu=1, memory_in_gb=0.5).",
        )
    return configuration.to_dict()


def _text(what: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise UserErrorException(
        f"{what} is {type(value).__name__}; it must be text.", hint=f"Write {what}={str(value)!r}."
    )


def _children(child_paths: object) -> list[str] | None:
    if child_paths is None:
        return None
    if not isinstance(child_paths, (list, tuple)) or not all(
        isinstance(each, (str, os.PathLike)) for each in child_paths
    ):
        raise UserErrorException(
            "child_paths must be a list of paths.",
            hint="Write child_paths=['weights.bin', 'vocabulary']; they are inside model_path.",
        )
    return [os.fspath(each) for each in child_paths]
