"""Durable slow work: a row in the store, a log file, and a detached worker process.

This room knows no procedure by name. A procedure registers its body with
:func:`~jupyter_mldeploy.operations.procedures.procedure`; whoever submits an
operation names the module that registers it.
"""

from jupyter_mldeploy.operations.context import OperationContext
from jupyter_mldeploy.operations.follow import follow, settle, wait
from jupyter_mldeploy.operations.log import LogLine, OperationLog
from jupyter_mldeploy.operations.procedures import procedure
from jupyter_mldeploy.operations.submit import submit

__all__ = [
    "LogLine",
    "OperationContext",
    "OperationLog",
    "follow",
    "procedure",
    "settle",
    "submit",
    "wait",
]
