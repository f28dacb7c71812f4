"""The main job, end to end: train, register, deploy, score, update under load.

    python examples/demo.py           # leaves nothing running
    python examples/demo.py --keep    # leaves the service running, in the default workspace

Everything happens on this machine: no Docker, no root, no network.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave the service running")
    options = parser.parse_args()
    if options.keep:
        walk_through(keep=True)
        return
    with tempfile.TemporaryDirectory(prefix="mldeploy-demo-") as home:
        os.environ["MLDEPLOY_HOME"] = home
        walk_through(keep=False)


def walk_through(*, keep: bool) -> None:
    import joblib
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import train_test_split

    from jupyter_mldeploy import InferenceConfig, LocalWebservice, Model, Workspace

    step("Train: ridge regression on the diabetes data set (442 patients)")
    rows, target = load_diabetes(return_X_y=True)
    train_rows, test_rows, train_target, _ = train_test_split(rows, target, random_state=0)
    first = Ridge(alpha=1.0).fit(train_rows, train_target)
    second = Ridge(alpha=0.1).fit(train_rows, train_target)

    step("Register: the model gets a version")
    workspace = Workspace.create("demo", exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "diabetes.joblib")
        joblib.dump(first, path)
        model = Model.register(workspace, str(path), "diabetes", tags={"data": "diabetes"})
        joblib.dump(second, path)
        better = Model.register(workspace, str(path), "diabetes", tags={"data": "diabetes"})
    print(f"{model.id} and {better.id}")

    step("Deploy: an HTTP endpoint on this machine")
    started = time.perf_counter()
    inference = InferenceConfig(entry_script="score.py", source_directory=str(HERE / "diabetes"))
    service = Model.deploy(
        workspace,
        "diabetes-svc",
        [model],
        inference,
        LocalWebservice.deploy_configuration(),
        overwrite=True,
    )
    try:
        service.wait_for_deployment(show_output=True)
        print(f"in service after {time.perf_counter() - started:.1f} s")

        step("Score")
        sample = test_rows[:2].tolist()
        answer = service.run(json.dumps({"data": sample}))
        expect(answer, first.predict(test_rows[:2]))
        print(f"two patients -> {[round(value, 1) for value in answer]}, as in this process")

        step("Update to version 2 under load")
        answers = update_under_load(service, better, sample)
        expect(service.run(json.dumps({"data": sample})), second.predict(test_rows[:2]))
        print(f"{answers} requests answered meanwhile, none failed; {better.id} serves now")

        step("Yours")
        body = json.dumps({"data": [[round(value, 4) for value in sample[0]]]})
        print(f"scoring URI  {service.scoring_uri}")
        print(f"API document {service.swagger_uri}")
        print(f"curl -H 'Content-Type: application/json' -d '{body}' {service.scoring_uri}")
        print("JupyterLab   make lab   (opens the examples)")
    finally:
        if keep:
            print("\nLeft running. To remove it: mldeploy service delete -w demo -n diabetes-svc")
        else:
            service.delete()
            print(
                "\nThe service was deleted; nothing is left running. Keep it: make demo ARGS=--keep"
            )


def update_under_load(service, model, sample) -> int:
    """Update while a client that never retries keeps asking; return how often it was answered."""
    port = int(service.scoring_uri.split(":")[2].split("/")[0])
    body = json.dumps({"data": sample})
    stop = threading.Event()
    answered = 0
    failures: list[str] = []

    def client() -> None:
        nonlocal answered
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while not stop.is_set():
            try:
                connection.request("POST", "/score", body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                response.read()
            except OSError as error:
                failures.append(repr(error))
                return
            if response.status != http.client.OK:
                failures.append(f"status {response.status}")
                return
            answered += 1
        connection.close()

    thread = threading.Thread(target=client)
    thread.start()
    try:
        service.update(models=[model], wait=True)
    finally:
        stop.set()
        thread.join()
    if failures:
        msg = f"a request failed during the update: {failures[0]}"
        raise SystemExit(msg)
    return answered


def expect(answer, wanted) -> None:
    if [round(a, 6) for a in answer] != [round(float(w), 6) for w in wanted]:
        msg = f"the endpoint answered {answer}, the model says {list(wanted)}"
        raise SystemExit(msg)


def step(title: str) -> None:
    print(f"\n\033[1m{title}\033[0m" if os.isatty(1) else f"\n== {title}", flush=True)


if __name__ == "__main__":
    main()
