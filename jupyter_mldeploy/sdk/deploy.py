"""From a user's call to an operation: everything that can be refused is refused here, at once."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy import bundle, config
from jupyter_mldeploy.config.names import check_service_name
from jupyter_mldeploy.deployment import PROCEDURES
from jupyter_mldeploy.deployment.folders import service_folder
from jupyter_mldeploy.deployment.request import ModelReference, RolloutRequest, request_hash
from jupyter_mldeploy.deployment.script import check_script
from jupyter_mldeploy.errors import UserErrorException, WebserviceException
from jupyter_mldeploy.operations import submit
from jupyter_mldeploy.operations.follow import ACTIVE
from jupyter_mldeploy.sdk import credentials
from jupyter_mldeploy.sdk.model import Model
from jupyter_mldeploy.sdk.observe import last_operation
from jupyter_mldeploy.sdk.operation import Operation
from jupyter_mldeploy.store import OperationRecord, ServiceRecord
from jupyter_mldeploy.targets import Launch, load_target

if TYPE_CHECKING:
    from jupyter_mldeploy.config import InferenceConfig, LocalDeploymentConfiguration
    from jupyter_mldeploy.sdk.webservice import Webservice
    from jupyter_mldeploy.sdk.workspace import Workspace

__all__ = [
    "check_port",
    "deploy_models",
    "model_references",
    "request_of",
    "submit_on_service",
    "submit_rollout",
]

_ATTEMPTS = 5

MAX_MODELS = 1000
"""Models in one deployment at most (spec section 2.2)."""


def deploy_models(
    workspace: Workspace,
    name: str,
    models: Sequence[Model | str | os.PathLike[str]],
    inference_config: InferenceConfig | None = None,
    deployment_config: LocalDeploymentConfiguration | None = None,
    deployment_target: object | None = None,
    overwrite: bool = False,
    show_output: bool = False,
) -> Webservice:
    """Carry out :meth:`jupyter_mldeploy.Model.deploy`; described there."""
    check_service_name(name)
    if deployment_target is not None:
        raise UserErrorException(
            "deployment_target names a cluster; this version deploys to this machine only.",
            hint="Leave deployment_target out.",
        )
    deployment = deployment_config or config.LocalDeploymentConfiguration()
    request = request_of(workspace, models, inference_config, deployment)
    for attempt in range(_ATTEMPTS):
        try:
            return _shown(_deploy(workspace, name, request, deployment, overwrite), show_output)
        except _MeanwhileError as meanwhile:
            # Somebody was first by a moment: what they asked for decides, looked at anew.
            if attempt == _ATTEMPTS - 1:
                raise meanwhile.error from None
    raise AssertionError("unreachable")


class _MeanwhileError(Exception):
    """Another process deployed the name between our look and our deed."""

    def __init__(self, error: WebserviceException) -> None:
        super().__init__(str(error))
        self.error = error


def _deploy(
    workspace: Workspace,
    name: str,
    request: RolloutRequest,
    deployment: LocalDeploymentConfiguration,
    overwrite: bool,
) -> Webservice:
    from jupyter_mldeploy.sdk.webservice import Webservice  # noqa: PLC0415 -- it imports this module

    store, row = workspace._store, workspace._record
    service = store.services.get(row.id, name)
    if service is not None:
        operation = last_operation(store, service)
        active = operation is not None and operation.state in ACTIVE
        if _wanted_hash(service, operation) == request.request_hash and (
            active or service.serving_generation is not None
        ):
            credentials.write_given(service_folder(store.home, service.id), deployment)
            existing = Webservice(workspace, name)
            if not active and existing.status in {"Stopped", "Crashed"}:
                existing.start()
            elif operation is not None and not active:
                existing._settled = operation.id
            return existing
        if (service.serving_generation is not None or active) and not overwrite:
            raise WebserviceException(
                f"Error, a service named {name} already exists in the provided workspace, "
                "and what you ask for differs from what it serves.",
                409,
                hint="Use service.update(...), deploy with overwrite=True, or choose another name.",
            )
    check_port(workspace, service, name, deployment)
    try:
        if service is None:
            service = store.services.create(
                workspace_id=row.id,
                name=name,
                compute_type="Local",
                target="process",
                host=socket.gethostname(),
                created_by=workspace._created_by,
                deployment_config=request.deployment_config,
                inference_config=request.inference_config,
            )
        folder = service_folder(store.home, service.id)
        submit_rollout(
            workspace,
            service,
            replace(request, service_id=service.id),
            "deploy",
            lambda: credentials.write_given(folder, deployment),
        )
    except WebserviceException as error:
        if error.status_code == 409 and not (overwrite and service is not None):
            raise _MeanwhileError(error) from error
        raise
    return Webservice(workspace, name)


def _shown(service: Webservice, show_output: bool) -> Webservice:
    if show_output:
        service.wait_for_deployment(show_output=True)
    return service


def _wanted_hash(service: ServiceRecord, operation: OperationRecord | None) -> str | None:
    """Return the hash of what the service serves or is about to."""
    if operation and operation.state in ACTIVE and "request_hash" in operation.payload:
        return str(operation.payload["request_hash"])
    return service.request_hash


def request_of(
    workspace: Workspace,
    models: Sequence[Model | str | os.PathLike[str]],
    inference_config: InferenceConfig | None,
    deployment: LocalDeploymentConfiguration,
) -> RolloutRequest:
    """Put the request of a deployment together, or refuse it.

    Raises
    ------
    UserErrorException, WebserviceException
        As :func:`model_references` and :func:`build_request`.
    """
    if inference_config is None:
        raise UserErrorException(
            "inference_config is required: it names the entry script that loads and calls "
            "the model.",
            hint='Pass InferenceConfig(entry_script="score.py").',
        )
    _check_types(inference_config, deployment)
    references = model_references(workspace, models)
    return build_request(references, inference_config, deployment)


def _check_types(inference_config: object, deployment: object) -> None:
    if not isinstance(inference_config, config.InferenceConfig):
        raise UserErrorException(
            f"inference_config must be an InferenceConfig, not {type(inference_config).__name__}.",
            hint='Pass InferenceConfig(entry_script="score.py").',
        )
    if not isinstance(deployment, config.LocalDeploymentConfiguration):
        raise UserErrorException(
            f"deployment_config must come from LocalWebservice.deploy_configuration(...), "
            f"not {type(deployment).__name__}.",
            hint="This version deploys to this machine only.",
        )


def build_request(
    references: list[ModelReference],
    inference_config: InferenceConfig,
    deployment: LocalDeploymentConfiguration,
) -> RolloutRequest:
    """Check the declarations against the files they name and put the request together.

    Raises
    ------
    UserErrorException
        The script or its folder is missing or faulty, or the configuration asks
        for what this version cannot do.
    """
    _check_types(inference_config, deployment)
    credentials.check_given(deployment)
    unsupported = inference_config.unsupported_here()
    if unsupported:
        raise UserErrorException(
            "This version runs a service with the interpreter that deploys it:\n"
            + "\n".join(f"  {sentence}" for sentence in unsupported),
            hint="Leave those settings out; install what the script needs where you are now.",
        )
    resolved = inference_config.resolved()
    if resolved.environment is not None:
        bundle.check_variables(resolved.environment.environment_variables)
    sources = Path(resolved.source_directory or resolved.entry_script)
    check_script(Path(resolved.source_directory or "", resolved.entry_script))
    inference, public = resolved.to_dict(), deployment.to_dict()
    return RolloutRequest(
        service_id="",
        models=references,
        inference_config=inference,
        deployment_config=public,
        python=sys.executable,
        request_hash=request_hash(references, inference, public, sources, sys.executable),
        fields={
            key: value
            for key, value in (
                ("tags", deployment.tags),
                ("properties", deployment.properties),
                ("description", deployment.description),
            )
            if value is not None
        },
    )


def model_references(
    workspace: Workspace, models: Sequence[Model | str | os.PathLike[str]]
) -> list[ModelReference]:
    """Resolve what a user may pass as models (spec section 2.2).

    Parameters
    ----------
    workspace
        Where registered models are looked up.
    models
        :class:`Model` objects, ``name:version``, ``name`` (the latest), or
        local paths, which are served unregistered as version 0 (spec section 4.1).

    Raises
    ------
    UserErrorException
        Not a list, too many, or two models that would take the same place.
    WebserviceException
        A name that is neither registered nor a path.
    """
    if isinstance(models, str | os.PathLike | Model) or not isinstance(models, Sequence):
        raise UserErrorException(
            f"models must be a list, not {type(models).__name__}.", hint="Write models=[model]."
        )
    if len(models) > MAX_MODELS:
        raise UserErrorException(
            f"{len(models)} models in one deployment; {MAX_MODELS} is the most.",
            hint="Register them together as one folder.",
        )
    references = [_reference(workspace, model) for model in models]
    seen: set[str] = set()
    for reference in references:
        if reference.id in seen:
            raise UserErrorException(
                f"Model {reference.id} is listed twice.", hint="List every model once."
            )
        seen.add(reference.id)
    return references


def _reference(workspace: Workspace, model: Model | str | os.PathLike[str]) -> ModelReference:
    if isinstance(model, Model):
        home, other = workspace._store.home, model.workspace._store.home
        if (home, workspace._record.id) != (other, model.workspace._record.id):
            raise UserErrorException(
                f"Model {model.id} is registered in workspace {model.workspace.name}, not in "
                f"{workspace.name}.",
                hint="Deploy it there, or register it here: "
                "Model.register(ws, model.download(folder), name).",
            )
        record = workspace._store.models.get(workspace._record.id, model.name, model.version)
        return ModelReference(record.name, record.version, record.sha256)
    if not isinstance(model, str | os.PathLike):
        raise UserErrorException(
            f"A model is given as {type(model).__name__}.",
            hint="Pass a registered Model, its id 'name:version', or the path of a file or folder.",
        )
    text = os.fspath(model)
    if isinstance(model, str):
        found = Model._find(workspace, text)
        if found is not None:
            return ModelReference(found.name, found.version, found.sha256)
    path = Path(text)
    if text and path.exists():
        return ModelReference(path.resolve().name[:30], 0, path=str(path.resolve()))
    raise WebserviceException(
        f"ModelNotFound: {text!r} is neither a registered model of workspace "
        f"{workspace.name} nor a path on this machine.",
        404,
        hint="`mldeploy model list` shows the registered models.",
    )


def check_port(
    workspace: Workspace,
    service: ServiceRecord | None,
    name: str,
    deployment: LocalDeploymentConfiguration,
) -> None:
    """Refuse a taken port before anything slow starts; the worker looks again."""
    effective = deployment.effective()
    store = workspace._store
    folder = service_folder(store.home, service.id) if service else store.home / "services" / "new"
    load_target("process").check(
        Launch(
            service_id=service.id if service else "",
            service_name=name,
            service_dir=folder,
            generation=0,
            bundle=folder,
            python=sys.executable,
            environment={},
            host=effective.host,
            port=effective.port,
            workers=effective.workers,
            auth="none",
            init_timeout=effective.init_timeout_seconds,
            drain_seconds=effective.drain_seconds,
            runtime=folder,
        )
    )


def submit_rollout(
    workspace: Workspace,
    service: ServiceRecord,
    request: RolloutRequest,
    kind: str,
    prepare: Callable[[], object] = lambda: None,
) -> Operation:
    """Start the worker that rolls ``request`` out."""
    return submit_on_service(workspace, service, kind, request.to_payload(), prepare)


def submit_on_service(
    workspace: Workspace,
    service: ServiceRecord,
    kind: str,
    payload: dict[str, Any] | None = None,
    prepare: Callable[[], object] = lambda: None,
) -> Operation:
    """Start an operation on a service, unless one is at work already.

    Parameters
    ----------
    workspace, service, kind, payload
        What to do on what.
    prepare
        Called when the operation has its turn, before its worker starts.

    Raises
    ------
    WebserviceException
        Another operation on the service has not ended.
    """
    store = workspace._store
    # A dead worker's operation must not keep the service locked.
    last_operation(store, service)
    record = submit(
        store,
        workspace_id=service.workspace_id,
        kind=kind,
        subject=service.name,
        payload=payload if payload is not None else {"service_id": service.id},
        procedures=PROCEDURES,
        created_by=workspace._created_by,
        prepare=prepare,
    )
    return Operation._of(workspace, record)
