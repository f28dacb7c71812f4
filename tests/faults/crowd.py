"""``python -m tests.faults.crowd FOLDER KIND...``: a process for each kind, all at one moment.

Prints a JSON list: for each of them "ok", or what its user was told, or its traceback.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path

from jupyter_mldeploy import InferenceConfig, LocalWebservice, Model, Webservice, Workspace
from jupyter_mldeploy.errors import MLDeployError


def act(kind, folder, number):
    workspace = Workspace.get("crowd")
    if kind == "register":
        path = folder / f"m{number}"
        path.write_text(str(number))
        return Model.register(workspace, str(path), "m").version
    if kind in {"deploy", "deploy different"}:
        script = folder / ("score.py" if kind == "deploy" else f"score{number}.py")
        service = Model.deploy(
            workspace,
            "svc",
            [Model(workspace, "m")],
            InferenceConfig(entry_script=str(script)),
            LocalWebservice.deploy_configuration(drain_seconds=1),
        )
        service.wait_for_deployment()
        return service.run("1")
    service = Webservice(workspace, "svc")
    if kind == "update":
        service.update(models=[Model(workspace, "m")], wait=True)
    else:
        getattr(service, kind)()
    return None


def main(folder, kinds):
    gate, opened = os.pipe()
    children = []
    for number, kind in enumerate(kinds):
        result = Path(folder, f"result{number}")
        pid = os.fork()
        if pid == 0:
            os.close(opened)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.read(gate, 1)  # ends for all at once when the parent closes its side
            try:
                said = {"ok": act(kind, Path(folder), number)}
            except MLDeployError as error:
                said = {"told": str(error)}
            except BaseException:
                said = {"traceback": traceback.format_exc()}
            result.write_text(json.dumps(said))
            os._exit(0)
        children.append((pid, result))
    os.close(opened)
    said = []
    for pid, result in children:
        os.waitpid(pid, 0)
        said.append(json.loads(result.read_text()))
    print(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
