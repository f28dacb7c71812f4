"""The calling process: forks for each request, so that each call is made by a process of its own.

A request is a JSON line on standard input, the answer one on standard output.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path

from jupyter_mldeploy import InferenceConfig, LocalWebservice, Model, Webservice, Workspace
from jupyter_mldeploy.errors import MLDeployError

SERVICE, MODEL = "svc", "m"


def call(kind, folder):
    """What a user writes in a cell that can be run again."""
    workspace = Workspace.get("faults")
    if kind == "register":
        path = folder / "m.bin"
        path.write_bytes(os.urandom(1000))
        Model.register(workspace, str(path), MODEL)
        return
    if kind == "deploy":
        Model.deploy(
            workspace,
            SERVICE,
            [Model(workspace, MODEL)],
            InferenceConfig(entry_script=str(folder / "score.py")),
            LocalWebservice.deploy_configuration(drain_seconds=1),
            overwrite=True,
        ).wait_for_deployment()
        return
    try:
        service = Webservice(workspace, SERVICE)
    except MLDeployError:
        if kind == "delete":  # the one before had done it
            return
        raise
    if kind == "update":
        service.update(models=[Model(workspace, MODEL)], wait=True)
    elif kind == "reload":
        service.reload(wait=True)
    else:
        getattr(service, kind)()


def child(request):
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    problems = open(request["problems"], "w")  # noqa: SIM115
    os.dup2(problems.fileno(), 2)
    if request["plan"]:
        os.environ["FAULT_PLAN"] = json.dumps({**request["plan"], "caller": os.getpid()})
        from tests.faults.points import arm

        arm("caller")
    try:
        call(request["kind"], Path(request["folder"]))
    except MLDeployError as error:
        print(f"{type(error).__name__}: {error}", file=problems)
        return 1
    except BaseException:
        traceback.print_exc(file=problems)
        return 2
    return 0


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            status = 3
            try:
                status = child(request)
            finally:
                import atexit

                atexit._run_exitfuncs()
                os._exit(status)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    main()
