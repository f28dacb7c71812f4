"""The detached process that carries out one operation: ``python -m ... ID PROCEDURES``."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType

from jupyter_mldeploy.errors import MLDeployError, OperationCancelled, Problem
from jupyter_mldeploy.operations.context import OperationContext
from jupyter_mldeploy.operations.procedures import body_of
from jupyter_mldeploy.serving.identity import Identity
from jupyter_mldeploy.store import Store

__all__ = ["main", "run"]


def run(context: OperationContext) -> str:
    """Carry out the operation, record its end, and return the final state."""
    store, record = context.store, context.record
    try:
        result = body_of(record.kind)(context)
    except OperationCancelled as error:
        context.log(error.message, level="warning")
        store.operations.finish(record.id, "Cancelled", problem=error.problem.to_dict())
        return "Cancelled"
    except MLDeployError as error:
        context.log(str(error), level="error")
        store.operations.finish(record.id, "Failed", problem=error.problem.to_dict())
        return "Failed"
    except Exception as error:  # a fault of ours: said as such, with all there is
        text = traceback.format_exc()
        context.log(text, level="error")
        problem = Problem(
            what=f"Internal error of jupyter_mldeploy: {type(error).__name__}: {error}",
            hint=f"The traceback is in {context.log_file.path}; please report it.",
            kind=type(error).__name__,
            traceback=text,
        )
        store.operations.finish(record.id, "Failed", problem=problem.to_dict())
        return "Failed"
    store.operations.finish(record.id, "Succeeded", result=result)
    return "Succeeded"


def main(argv: list[str]) -> int:
    """Claim the operation named in ``argv`` and carry it out; 0 when it succeeded."""
    operation_id, procedures = argv
    database_url = os.environ.get("MLDEPLOY_DATABASE_URL")
    artifact_url = os.environ.get("MLDEPLOY_ARTIFACT_URL")
    with Store.open(Path(os.environ["MLDEPLOY_HOME"]), database_url, artifact_url) as store:
        record = store.operations.claim(operation_id, Identity.of().to_dict())
        if record is None:  # ended before it began: given up for lost, or claimed twice
            return 0
        context = OperationContext(store, record)

        def terminate(signum: int, frame: FrameType | None) -> None:
            del signum, frame
            context.terminate()

        signal.signal(signal.SIGTERM, terminate)
        importlib.import_module(procedures)
        return 0 if run(context) == "Succeeded" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
