"""One deployment as a notebook does it: ``python caller.py NAME SOURCE BODY EXPECTED``.

Prints the seconds from the call of ``Model.deploy`` to the right answer, and what of it was
spent where, as JSON.
"""

import json
import sys
import time

from jupyter_mldeploy import InferenceConfig, LocalWebservice, Model, Operation, Workspace

name, source, body, expected = sys.argv[1:]
workspace = Workspace.get("benchmark")
model = Model(workspace, "diabetes", version=1)
inference = InferenceConfig(entry_script="score.py", source_directory=source)
configuration = LocalWebservice.deploy_configuration()

began = time.perf_counter()
service = Model.deploy(workspace, name, [model], inference, configuration)
submitted = time.perf_counter()
service.wait_for_deployment()
ready = time.perf_counter()
answer = service.run(body)
scored = time.perf_counter()

if [round(value, 6) for value in answer] != [round(value, 6) for value in json.loads(expected)]:
    sys.exit(f"the service answered {answer}, not {expected}")
phases = {p["name"]: p["seconds"] for p in Operation.list(workspace, subject=name)[0].phases}
service.delete()
print(
    json.dumps(
        {
            "seconds": scored - began,
            "parts": {
                "deploy() returns": submitted - began,
                "wait": ready - submitted,
                "run()": scored - ready,
            },
            "phases": phases,
        }
    )
)
