"""The temporary home in which everything is measured, and its end."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import sys
import tempfile
from contextlib import redirect_stdout, suppress
from functools import cached_property
from pathlib import Path

from .table import say

__all__ = ["EXAMPLE", "Scratch"]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "diabetes"
WORKSPACE = "benchmark"


class Scratch:
    """A folder with an MLDEPLOY_HOME, two versions of a model, and what they answer."""

    def __init__(self, parent: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mldeploy-benchmark-", dir=parent))
        self.home = self.folder / "home"
        self.paths = [self.folder / "first" / "ridge.joblib", self.folder / "second/ridge.joblib"]
        os.environ["MLDEPLOY_HOME"] = str(self.home)
        os.environ.pop("MLDEPLOY_DATABASE_URL", None)

    def __enter__(self):
        try:
            self._train()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _train(self) -> None:
        import joblib
        from sklearn.datasets import load_diabetes
        from sklearn.linear_model import Ridge

        rows, target = load_diabetes(return_X_y=True)
        self.rows = rows[:2].tolist()
        self.body = json.dumps({"data": self.rows}).encode()
        self.answers = []
        for path, alpha in zip(self.paths, (1.0, 0.1), strict=True):
            model = Ridge(alpha=alpha).fit(rows, target)
            path.parent.mkdir()
            joblib.dump(model, path)
            self.answers.append(model.predict(rows[:2]).tolist())

    @cached_property
    def workspace(self):
        """The workspace, made when first asked for."""
        from jupyter_mldeploy import Workspace

        return Workspace.create(WORKSPACE, exist_ok=True)

    @cached_property
    def models(self):
        """The two registered versions."""
        from jupyter_mldeploy import Model

        with redirect_stdout(io.StringIO()):  # registering says what it does
            return [Model.register(self.workspace, str(path), "diabetes") for path in self.paths]

    def deploy(self, name: str):
        """Return a new service of the first version, in service."""
        from jupyter_mldeploy import InferenceConfig, LocalWebservice, Model

        inference = InferenceConfig(entry_script="score.py", source_directory=str(EXAMPLE))
        configuration = LocalWebservice.deploy_configuration()
        service = Model.deploy(self.workspace, name, self.models[:1], inference, configuration)
        service.wait_for_deployment()
        return service

    def processes(self) -> list[int]:
        """Return the pids of all supervisors and servers that live: each supervisor first."""
        from jupyter_mldeploy.serving.identity import Identity

        recorded = []
        for record in self.home.glob("services/*/process.json"):
            content = json.loads(record.read_text())
            recorded.append(content["supervisor"])
            for generation in content["generations"].values():
                recorded += [server["identity"] for server in generation["servers"]]
        identities = [Identity.from_dict(one) for one in recorded if one]
        return [identity.pid for identity in identities if identity.alive()]

    def __exit__(self, *_: object) -> None:
        try:
            self._delete_services()
        except Exception as error:  # what is left is ended by its identity, below
            say(f"a service could not be deleted: {error}")
        try:
            self._end_processes()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.exists():
            say(f"could not be removed: {self.folder}")

    def _delete_services(self) -> None:
        if "jupyter_mldeploy" not in sys.modules:
            return
        from jupyter_mldeploy import MLDeployError, Operation, Webservice

        for operation in Operation.list(self.workspace):
            if operation.state in {"Queued", "Running"}:  # one that an interruption left at work
                operation.cancel()
                with suppress(MLDeployError):
                    operation.wait(timeout_sec=60)
        for service in Webservice.list(self.workspace):
            service.delete()

    def _end_processes(self) -> None:
        for pid in self.processes():
            say(f"still alive, ended now: process {pid}")
            os.kill(pid, signal.SIGKILL)
