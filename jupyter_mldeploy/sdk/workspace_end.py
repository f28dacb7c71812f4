"""The end of a workspace: its services, its models, its history (``Workspace.delete``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mldeploy.deployment.retention import forget_operation_logs
from jupyter_mldeploy.errors import UserErrorException
from jupyter_mldeploy.operations import settle
from jupyter_mldeploy.sdk.webservice import Webservice
from jupyter_mldeploy.store.upkeep import Upkeep

if TYPE_CHECKING:
    from jupyter_mldeploy.sdk.workspace import Workspace

__all__ = ["delete_workspace"]

_NAMED = 10


def delete_workspace(workspace: Workspace, *, with_services: bool) -> None:
    """Carry out :meth:`jupyter_mldeploy.Workspace.delete`; described there."""
    services = Webservice.list(workspace)
    if services and not with_services:
        names = ", ".join(service.name for service in services[:_NAMED])
        more = f" and {len(services) - _NAMED} more" if len(services) > _NAMED else ""
        raise UserErrorException(
            f"Workspace {workspace.name} has services: {names}{more}.",
            hint="Delete them first, or pass delete_dependent_resources=True "
            f"(`mldeploy workspace delete {workspace.name} --with-services`).",
        )
    for service in services:
        service.delete()
    store, upkeep = workspace._store, Upkeep(workspace._store.database)
    for operation in upkeep.open_operations():
        settle(store, operation)  # a dead worker's does not count
    # From here on all or nothing, and refused when somebody deploys at this moment.
    operations, contents = upkeep.forget_workspace(workspace._record.id)
    forget_operation_logs(store, operations)
    store.remove_unreferenced(0.0, among=contents)
