"""Read a service's and a generation's row that have to be there."""

from __future__ import annotations

from jupyter_mldeploy.errors import WebserviceException
from jupyter_mldeploy.store import GenerationRecord, ServiceRecord, Store

__all__ = ["generation_row", "live_service_row", "service_row"]


def service_row(store: Store, service_id: str) -> ServiceRecord:
    """Return the row of a service, also of a deleted one.

    Raises
    ------
    WebserviceException
        Status 404: there never was one of that id.
    """
    record = store.services.get_by_id(service_id)
    if record is None:
        raise WebserviceException(f"WebserviceNotFound: no service has the id {service_id}.", 404)
    return record


def live_service_row(store: Store, service_id: str) -> ServiceRecord:
    """Return the row of a service that is not deleted.

    Raises
    ------
    WebserviceException
        Status 404: it was deleted between the call and its turn.
    """
    record = service_row(store, service_id)
    if record.deleted:
        raise WebserviceException(
            f"Service {record.name} was deleted meanwhile.", 404, hint="Deploy it again."
        )
    return record


def generation_row(store: Store, service_id: str, number: int) -> GenerationRecord:
    """Return the row of a generation.

    Raises
    ------
    WebserviceException
        Status 404: the service has no generation of that number.
    """
    record = store.services.generation(service_id, number)
    if record is None:
        raise WebserviceException(
            f"The service has no generation {number}.",
            404,
            hint="service.history() lists its generations.",
        )
    return record
