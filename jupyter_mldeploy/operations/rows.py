"""Read an operation's row that has to be there."""

from __future__ import annotations

from jupyter_mldeploy.errors import WebserviceException
from jupyter_mldeploy.store import OperationRecord, Store

__all__ = ["row_of"]


def row_of(store: Store, operation_id: str) -> OperationRecord:
    """Return the row of an operation.

    Raises
    ------
    WebserviceException
        Status 404: there is none of that id.
    """
    record = store.operations.get(operation_id)
    if record is None:
        raise WebserviceException(
            f"OperationNotFound: Operation with id {operation_id} not found.",
            404,
            hint="`mldeploy operation list` shows those there are.",
        )
    return record
