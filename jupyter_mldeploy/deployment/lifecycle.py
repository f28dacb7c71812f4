"""Stop, start and delete a service."""

from __future__ import annotations

import shutil
from typing import Any

from jupyter_mldeploy.config import LocalDeploymentConfiguration
from jupyter_mldeploy.deployment.diagnosis import failure_explained
from jupyter_mldeploy.deployment.folders import service_folder
from jupyter_mldeploy.deployment.launch import launch_of
from jupyter_mldeploy.deployment.leftovers import clear_leftovers
from jupyter_mldeploy.deployment.probe import require_healthy
from jupyter_mldeploy.deployment.rows import generation_row, live_service_row, service_row
from jupyter_mldeploy.errors import WebserviceException
from jupyter_mldeploy.operations import OperationContext
from jupyter_mldeploy.store import ServiceRecord
from jupyter_mldeploy.targets import load_target

__all__ = ["delete", "start", "stop"]


def _drain_seconds(service: ServiceRecord) -> float:
    configuration = LocalDeploymentConfiguration.from_dict(service.deployment_config)
    return configuration.effective().drain_seconds


def stop(context: OperationContext) -> None:
    """Drain the service's connections and end its processes; it can be started again."""
    context.plan(["stop"])
    service = live_service_row(context.store, context.payload["service_id"])
    with context.phase("stop"):
        # Said first: whoever finds the processes gone must not take it for a crash.
        context.store.services.update(service.id, desired_state="stopped")
        folder = service_folder(context.store.home, service.id)
        load_target(service.target).stop(folder, _drain_seconds(service))


def start(context: OperationContext) -> dict[str, Any]:
    """Run the generation that served last again, on the same port."""
    context.plan(["check", "start", "probe"])
    service = live_service_row(context.store, context.payload["service_id"])
    store = context.store
    target = load_target(service.target)
    with context.phase("check"):
        if service.serving_generation is None:
            raise WebserviceException(
                f"Service {service.name} has never been in service: there is nothing to start.",
                hint="Deploy it again with overwrite=True.",
            )
        generation = generation_row(store, service.id, service.serving_generation)
        launch = launch_of(store, service, generation)
        target.check(launch)
    try:
        with context.phase("start"), failure_explained(context, service, generation, target):
            target.resume(launch.service_dir)
            target.wait_ready(launch, cancelled=context.cancelled, progress=context.log)
        with context.phase("probe"):
            require_healthy(target, launch)
    except BaseException:
        target.stop(launch.service_dir, 0)
        raise
    port = target.observe(launch.service_dir).port
    store.services.update(service.id, desired_state="running", port=port, problem=None)
    return {"generation": generation.number, "port": port}


def delete(context: OperationContext) -> None:
    """End the service's processes and remove all that was kept of it."""
    context.plan(["stop", "remove"])
    service = service_row(context.store, context.payload["service_id"])
    store = context.store
    folder = service_folder(store.home, service.id)
    target = load_target(service.target)
    with context.phase("stop"):
        store.services.update(service.id, desired_state="stopped")
        target.stop(folder, _drain_seconds(service))
    with context.phase("remove"):
        # First of all nothing may be started, rolled back to or found equal any more.
        store.services.update(service.id, serving_generation=None, request_hash=None)
        for generation in store.services.generations(service.id):
            store.services.set_generation_state(service.id, generation.number, "pruned")
        clear_leftovers(store, service_row(store, service.id), target)
        shutil.rmtree(folder, ignore_errors=True)
        # The row last: until it is gone, a repeated delete finds what is left.
        store.services.delete(service.id)
