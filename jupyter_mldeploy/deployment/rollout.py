"""Put a new generation of a service into service, without downtime and without risk to the old.

The order is the point: nothing touches the generation that serves until the new
one has loaded its model and answered. Whatever fails before that leaves the
old one serving, and the reason in the operation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_mldeploy.bundle import (
    current_environment,
    ensure_runtime,
    stage,
    tree,
)
from jupyter_mldeploy.deployment.diagnosis import failure_explained
from jupyter_mldeploy.deployment.folders import service_folder
from jupyter_mldeploy.deployment.launch import launch_of
from jupyter_mldeploy.deployment.leftovers import clear_leftovers
from jupyter_mldeploy.deployment.preflight import preflight, refuse, subject_of
from jupyter_mldeploy.deployment.probe import require_healthy
from jupyter_mldeploy.deployment.reconcile import put_into_service
from jupyter_mldeploy.deployment.request import RolloutRequest
from jupyter_mldeploy.deployment.retention import tidy_service
from jupyter_mldeploy.deployment.rows import generation_row, live_service_row, service_row
from jupyter_mldeploy.deployment.sources import model_sources, resolve_paths
from jupyter_mldeploy.errors import MLDeployError, UserErrorException, WebserviceException
from jupyter_mldeploy.operations import OperationContext
from jupyter_mldeploy.store import GenerationRecord, ServiceRecord
from jupyter_mldeploy.targets import Launch, Target, load_target

__all__ = ["PHASES", "roll_back", "roll_out"]

PHASES = ("check", "stage", "environment", "start", "probe", "switch")


def roll_out(context: OperationContext) -> dict[str, Any]:
    """Stage a bundle from the request and put it into service."""
    context.plan(PHASES)
    request = RolloutRequest.from_payload(context.payload)
    service = live_service_row(context.store, request.service_id)
    target = load_target(service.target)
    with _failure_recorded(context, service, target):
        with context.phase("check"):
            clear_leftovers(context.store, service, target, own=context.record.id)
            _check(context, request, service, target)
        with context.phase("stage"):
            generation = _stage(context, request, service)
        with context.phase("environment"):
            launch = _environment(context, service, generation, target)
        return _put_into_service(context, service, generation, launch, target)


def roll_back(context: OperationContext) -> dict[str, Any]:
    """Put the bundle of an earlier generation into service again, as a new generation."""
    context.plan([name for name in PHASES if name not in {"stage", "environment"}])
    request = RolloutRequest.from_payload(context.payload)
    store = context.store
    service = live_service_row(store, request.service_id)
    target = load_target(service.target)
    with _failure_recorded(context, service, target):
        with context.phase("check"):
            clear_leftovers(context.store, service, target, own=context.record.id)
            _require_available(target)
            if request.rollback_to is None:
                raise UserErrorException("No generation was named to roll back to.")
            earlier = generation_row(store, service.id, request.rollback_to)
            if not (store.home / earlier.bundle).is_dir():
                raise WebserviceException(
                    f"The bundle of generation {earlier.number} of {service.name} is gone.",
                    hint="Deploy that model version again instead.",
                )
            generation = _add_generation(context, service, request, earlier.bundle)
            context.log(f"generation {generation.number} takes the bundle of {earlier.number}")
            launch = launch_of(store, service, generation)
            target.check(launch)
        return _put_into_service(context, service, generation, launch, target)


@contextmanager
def _failure_recorded(
    context: OperationContext, service: ServiceRecord, target: Target
) -> Iterator[None]:
    """Leave nothing of a failed rollout behind but its reason."""
    try:
        yield
    except BaseException as error:
        store = context.store
        try:
            clear_leftovers(store, service, target, own=context.record.id)
        except MLDeployError as left:  # must not hide why the rollout failed
            context.log(f"not all could be cleared away: {left}", level="warning")
        if isinstance(error, WebserviceException | UserErrorException):
            store.services.update(service.id, problem=error.problem.to_dict())
        serving = service_row(store, service.id).serving_generation
        if serving is None:
            target.stop(service_folder(store.home, service.id), 0)
        else:
            context.log(f"generation {serving} is still serving", level="warning")
        raise


def _require_available(target: Target) -> None:
    capability = target.capability()
    if not capability.available:
        raise UserErrorException(capability.reason, hint=capability.hint)


def _check(
    context: OperationContext, request: RolloutRequest, service: ServiceRecord, target: Target
) -> None:
    _require_available(target)
    _, script = resolve_paths(request)
    # Modules are looked for, not imported: the start imports them anyway.
    report = preflight(subject_of(context.store, service.workspace_id, request), importing=False)
    for finding in report.warnings:
        context.log(str(finding), level="warning")
    refuse(report)
    for model in request.models:
        context.log(f"model {model.id}")
    context.log(f"entry script {script}")


def _stage(
    context: OperationContext, request: RolloutRequest, service: ServiceRecord
) -> GenerationRecord:
    store = context.store
    bundle = f"bundles/{context.record.id}"
    source, script = resolve_paths(request)
    declared = request.inference.environment
    warnings = stage(
        dest=store.home / bundle,
        service_name=service.name,
        models=model_sources(store, service.workspace_id, request),
        source_directory=source,
        entry_script=script,
        environment=current_environment(store.home, request.python),
        environment_variables=declared.environment_variables if declared else {},
        files=store.files,
        runtime=ensure_runtime(store.home),
    )
    for warning in warnings:
        context.log(warning, level="warning")
    context.log("the server will see:\n" + tree(store.home / bundle))
    return _add_generation(context, service, request, bundle)


def _add_generation(
    context: OperationContext, service: ServiceRecord, request: RolloutRequest, bundle: str
) -> GenerationRecord:
    store = context.store
    registered = [
        store.models.get(service.workspace_id, model.name, model.version).id
        for model in request.models
        if model.path is None
    ]
    number = store.services.add_generation(
        service.id,
        model_rows=registered,
        bundle=bundle,
        model_ids=[model.id for model in request.models],
        inference_config=request.inference_config,
        deployment_config=request.deployment_config,
        request_hash=request.request_hash,
        request=request.to_payload(),
        operation_id=context.record.id,
    )
    return generation_row(store, service.id, number)


def _environment(
    context: OperationContext, service: ServiceRecord, generation: GenerationRecord, target: Target
) -> Launch:
    launch = launch_of(context.store, service, generation)
    context.log(f"this interpreter: {launch.python}")
    target.check(launch)
    return launch


def _put_into_service(
    context: OperationContext,
    service: ServiceRecord,
    generation: GenerationRecord,
    launch: Launch,
    target: Target,
) -> dict[str, Any]:
    store = context.store
    with context.phase("start"), failure_explained(context, service, generation, target):
        target.start(launch)
        target.wait_ready(launch, cancelled=context.cancelled, progress=context.log)
    with context.phase("probe"):
        require_healthy(target, launch)
    with context.phase("switch"):
        target.switch(launch)
        observation = target.observe(launch.service_dir)
        put_into_service(store, service, generation, observation.port)
        _tidy(context, service)
    return {"generation": generation.number, "port": observation.port}


def _tidy(context: OperationContext, service: ServiceRecord) -> None:
    try:
        tidy_service(context.store, service.id)
    except (MLDeployError, OSError) as error:  # it serves: that is what was asked for
        context.log(f"what is not needed any more could not be removed: {error}", level="warning")
