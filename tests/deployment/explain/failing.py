"""Makes a failure for real: stages a bundle, runs its server, and has the outcome explained."""

from __future__ import annotations

import json
import os
import re
import signal
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from process import LIMIT, ServerProcess

from jupyter_mldeploy.bundle import (
    Manifest,
    ModelSource,
    current_environment,
    ensure_runtime,
    stage,
    variables,
)
from jupyter_mldeploy.deployment.diagnosis import facts_of_bundle
from jupyter_mldeploy.deployment.explain import (
    Explanation,
    MemoryFacts,
    ModelFacts,
    applied,
    explain,
)
from jupyter_mldeploy.errors import Problem
from jupyter_mldeploy.serving.supervisor import words
from jupyter_mldeploy.store.files import Files

RUN = "\n\ndef run(data):\n    return data\n"


@dataclass(frozen=True)
class Case:
    """A failure and what has to be said of it.

    Parameters
    ----------
    name
        Of the case, in the test's id.
    seen
        What happened, for the document.
    rule
        Name of the rule that has to speak.
    script
        ``score.py``; a ``run`` is added where it has none.
    says
        Words that the explanation has to have.
    models
        Name to what is in its one file, or a function that writes it.
    request
        Sent when the server is ready; bytes as they are, anything else as JSON.
    alone
        Deployed without a source directory.
    made_with
        Packages and versions that the models were registered with.
    kill
        Signal that the test sends when the script has said ``here``.
    memory
        What the control group counted.
    says_why
        Whether the server lives long enough to report an exception.
    """

    name: str
    seen: str
    rule: str
    script: str
    says: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)
    models: dict[str, bytes | Callable[[Path], None]] = field(default_factory=dict)
    request: Any = None
    alone: bool = False
    entry: str = "score.py"
    made_with: dict[str, str] = field(default_factory=dict)
    kill: signal.Signals | None = None
    memory: MemoryFacts = field(default_factory=MemoryFacts)
    fix: str = ""
    line: int | None = None
    set: dict[str, str] = field(default_factory=dict)
    says_why: bool = True

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Outcome:
    """What was reported, and what was said of it."""

    reported: Problem
    explanation: Explanation | None
    problem: Problem
    log: str
    app: str
    folder: str


class Stage:
    """Where cases are played."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.runtime = ensure_runtime(self.home)
        self.count = 0

    def play(self, case: Case) -> Outcome:
        """Run the case's server until it has failed."""
        self.count += 1
        top = self.folder / str(self.count)
        source = top / "src"
        script = textwrap.dedent(case.script).lstrip("\n")
        script += "" if "def run(" in script or "@" in script else RUN
        for name, text in {**case.files, case.entry: script}.items():
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        files = Files(top / "artifacts")
        models = [_model(top, files, name, made) for name, made in case.models.items()]
        bundle = top / "bundle"
        stage(
            dest=bundle,
            service_name="svc",
            models=models,
            source_directory=None if case.alone else source,
            entry_script=source / case.entry if case.alone else Path(case.entry),
            environment=current_environment(self.home),
            environment_variables=case.set,
            files=files,
            runtime=self.runtime,
        )
        problem, log = _failed(case, bundle)
        facts = facts_of_bundle(
            bundle,
            problem,
            home=self.home,
            log=log,
            models=tuple(ModelFacts(m.name, m.version, case.made_with) for m in models),
            script=source / case.entry,
            alone=case.alone,
            memory=case.memory,
        )
        found = explain(facts)
        said = applied(problem, found) if found else problem
        return Outcome(problem, found, said, log, str(bundle / "app"), str(source))


def _model(top: Path, files: Files, name: str, made: bytes | Callable[[Path], None]) -> ModelSource:
    path = top / "models" / name / f"{name}.pkl"
    path.parent.mkdir(parents=True)
    if callable(made):
        made(path)
    else:
        path.write_bytes(made)
    return ModelSource(name, 1, files.add_tree(path))


def _failed(case: Case, bundle: Path) -> tuple[Problem, str]:
    entry = Manifest.load(bundle).entry_script
    server = ServerProcess(
        bundle / "runtime", bundle / "app", entry=entry, variables=variables(bundle)
    )
    try:
        return _problem(case, server), server.log
    finally:
        server.close()


def _problem(case: Case, server: ServerProcess) -> Problem:
    if case.request is not None:
        server.ready()
        body = case.request if isinstance(case.request, bytes) else json.dumps(case.request)
        status, _, _ = server.request("POST", "/score", body, Content_Type="application/json")
        assert status == 500, server.log
        return Problem.from_dict(server.control().ask("status")["failure"])
    if case.kill is not None:
        _wait_for(server, r"print - here$")
        server.process.send_signal(case.kill)
        if case.kill is signal.SIGQUIT:  # what the supervisor does to a server that hangs
            _wait_for(server, r"most recent call first[\s\S]*threading.py.*\n")
            server.process.kill()
            server.wait()
            return Problem.from_dict(words.took_too_long(0, 2.0))
    elif case.says_why:
        return Problem.from_dict(server.failure())
    code = server.wait()
    status = -code if code < 0 else code << 8
    return Problem.from_dict(words.ended(0, "loading the model", status))


def _wait_for(server: ServerProcess, pattern: str) -> None:
    deadline = time.monotonic() + LIMIT
    while not re.search(pattern, server.log, re.MULTILINE):
        assert time.monotonic() < deadline, server.log
        assert server.process.poll() is None, server.log
        time.sleep(0.02)


def without_places(text: str, outcome: Outcome) -> str:
    """Return text without what differs from machine to machine."""
    import sys

    import numpy as np
    import sklearn

    for found, instead in (
        (outcome.app, "APP"),
        (outcome.app.removesuffix("/app"), "BUNDLE"),
        (outcome.folder, "SOURCE"),
        (os.path.abspath(sys.executable), "PYTHON"),
        (sys.version.split()[0], "3.x"),
        (sklearn.__version__, "1.x"),
        (np.__version__, "2.x"),
    ):
        text = text.replace(found, instead)
    return re.sub(r"/[^ '()]*/lib/python3[^/]*/", "LIB/", text)
