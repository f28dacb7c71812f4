"""From a generation's row and bundle to what a target needs to run it."""

from __future__ import annotations

from jupyter_mldeploy.bundle import Manifest, ensure_runtime, variables
from jupyter_mldeploy.config import LocalDeploymentConfiguration
from jupyter_mldeploy.deployment.folders import service_folder
from jupyter_mldeploy.store import GenerationRecord, ServiceRecord, Store
from jupyter_mldeploy.targets.base import Launch

__all__ = ["launch_of"]


def launch_of(store: Store, service: ServiceRecord, generation: GenerationRecord) -> Launch:
    """Return all that the target needs to run ``generation`` of ``service``."""
    bundle = store.home / generation.bundle
    manifest = Manifest.load(bundle)
    effective = LocalDeploymentConfiguration.from_dict(generation.deployment_config).effective()
    environment = {
        **variables(bundle),
        "SERVICE_NAME": service.name,
        "SERVICE_VERSION": str(generation.number),
        "SCORING_TIMEOUT_MS": str(effective.scoring_timeout_ms),
        "WORKER_COUNT": str(effective.workers),
    }
    return Launch(
        service_id=service.id,
        service_name=service.name,
        service_dir=service_folder(store.home, service.id),
        generation=generation.number,
        bundle=bundle,
        python=manifest.environment["python"],
        environment=environment,
        host=effective.host,
        # A port that the system chose once stays the service's port.
        port=effective.port or service.port,
        workers=effective.workers,
        auth=effective.auth,
        init_timeout=effective.init_timeout_seconds,
        drain_seconds=effective.drain_seconds,
        runtime=ensure_runtime(store.home),
    )
