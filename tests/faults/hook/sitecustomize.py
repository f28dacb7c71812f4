"""Arms the fault in a worker: Python imports this by itself, the product knows nothing of it."""

import os
import sys

if "FAULT_PLAN" in os.environ and "jupyter_mldeploy.operations.worker" in sys.orig_argv:
    from tests.faults.points import arm

    arm("worker")
