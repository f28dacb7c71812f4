"""Bring the row of a service in line with what its target really serves."""

from __future__ import annotations

from jupyter_mldeploy.store import GenerationRecord, ServiceRecord, Store
from jupyter_mldeploy.targets import Observation

__all__ = ["put_into_service", "reconcile"]


def put_into_service(
    store: Store, service: ServiceRecord, generation: GenerationRecord, port: int | None
) -> ServiceRecord:
    """Record, in one transaction, that ``generation`` takes the traffic now."""
    return store.services.serve_generation(
        service.id,
        generation.number,
        port=port,
        desired_state="running",
        deployment_config=generation.deployment_config,
        inference_config=generation.inference_config,
        model_ids=generation.model_ids,
        request_hash=generation.request_hash,
        problem=None,
        **generation.request.get("fields", {}),
    )


def reconcile(store: Store, service: ServiceRecord, seen: Observation) -> ServiceRecord:
    """Finish the record of what a worker did that died before it could say so.

    A switch, or a start; and a stop or a deletion that never came to its deed is taken
    back. Only while no operation is under way: a worker that lives records its own.
    """
    if seen.generation is None:
        return service
    if seen.generation == service.serving_generation:
        if service.desired_state == "running":
            return service
        return store.services.update(service.id, desired_state="running", port=seen.port)
    generation = store.services.generation(service.id, seen.generation)
    if generation is None or generation.state != "staged":
        return service
    return put_into_service(store, service, generation, seen.port)
