"""What is known of a failure when it is explained."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from jupyter_mldeploy.errors import Problem

__all__ = ["Facts", "MemoryFacts", "ModelFacts", "plain"]

MODELS_FOLDER = "azureml-models"

_RAISED = re.compile(r"(.+?) raised (\w+)(?:: (.*?))?\.?\Z", re.DOTALL)
_LOADS = re.compile(
    r"\b(?:pickle|joblib|cloudpickle|dill|torch|pd|pandas)\.(?:load|loads|read_pickle)\("
)
_UNPICKLER = re.compile(r'File "[^"]*(?:numpy_pickle|[/\\]pickle|cloudpickle[^"]*)\.py"')


@dataclass(frozen=True)
class ModelFacts:
    """A model of the bundle, and the packages it was registered with."""

    name: str
    version: int
    packages: Mapping[str, str] = field(default_factory=dict)
    python_version: str = ""

    @property
    def id(self) -> str:
        """``name:version``."""
        return f"{self.name}:{self.version}"


@dataclass(frozen=True)
class MemoryFacts:
    """Memory of the control group the servers run in.

    Parameters
    ----------
    limit
        Bytes it may use; ``None`` without a limit.
    kills
        How often the kernel ended a process of it for lack of memory since the start;
        ``None`` when that cannot be read.
    """

    limit: int | None = None
    kills: int | None = None


@dataclass(frozen=True)
class Facts:
    """All that rules may look at.

    Parameters
    ----------
    problem
        What the server or the supervisor reported.
    log
        What the service wrote since the generation was started.
    app
        Absolute path of the application folder, the servers' current one.
    script
        Entry script, relative to `app`.
    source
        Its text.
    files
        Everything in the application folder, relative, sorted, with ``/``.
    heads
        First bytes of the models' files.
    models
        What was deployed.
    python, python_version
        Of the servers.
    packages, imports
        Installed version by package; packages by the name that is imported.
    beside
        Files of the folder that the script came from and that were not deployed.
    folder
        That folder, absolute.
    variables
        Names of the environment variables that the deployment sets.
    memory
        Of the control group.
    """

    problem: Problem
    log: str = ""
    app: str = ""
    script: str = ""
    source: str = ""
    files: tuple[str, ...] = ()
    heads: Mapping[str, bytes] = field(default_factory=dict)
    models: tuple[ModelFacts, ...] = ()
    python: str = ""
    python_version: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    imports: Mapping[str, list[str]] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    folder: str = ""
    variables: tuple[str, ...] = ()
    memory: MemoryFacts = field(default_factory=MemoryFacts)

    @property
    def kind(self) -> str:
        """Name of the exception's class."""
        return self.problem.kind

    @cached_property
    def message(self) -> str:
        """The exception's own message."""
        found = _RAISED.match(self.problem.what)
        return (found[3] or "") if found else self.problem.what

    @cached_property
    def doing(self) -> str:
        """What was being done: ``Importing the entry script``, ``init()`` or ``run()``."""
        found = _RAISED.match(self.problem.what)
        return found[1] if found else ""

    @cached_property
    def unpickling(self) -> bool:
        """Whether the exception came out of reading a pickle."""
        code = self.problem.code or ""
        return bool(_LOADS.search(code) or _UNPICKLER.search(self.problem.traceback))

    @cached_property
    def skewed(self) -> list[tuple[ModelFacts, str, str, str | None]]:
        """Model, package, registered version and installed one, of every package that differs."""
        installed = {plain(name): version for name, version in self.packages.items()}
        return [
            (model, name, version, installed.get(plain(name)))
            for model in self.models
            for name, version in sorted(model.packages.items())
            if installed.get(plain(name)) != version
        ]

    @property
    def where(self) -> str:
        """The interpreter, in words."""
        return f"Python {self.python_version} ({self.python})" if self.python else "this Python"

    def model_files(self) -> list[str]:
        """Return the files below ``azureml-models``."""
        return [name for name in self.files if name.startswith(f"{MODELS_FOLDER}/")]

    def sources(self) -> list[str]:
        """Return the files that are not a model's."""
        return [name for name in self.files if not name.startswith(f"{MODELS_FOLDER}/")]

    def inside(self, path: str) -> str | None:
        """Return a path relative to the application folder, or ``None`` when it is elsewhere."""
        top = f"{self.app}/"
        return path.removeprefix(top) if self.app and path.startswith(top) else None


def plain(name: str) -> str:
    """Return a package's name as an index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
