"""Finds, imports and checks the entry script (spec sections 9.2, 9.6)."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from . import v1names
from .failures import ScriptError
from .inputs import reader_for
from .schema.inspection import schemas_of
from .scorer import Scorer
from .settings import Settings
from .swagger import documents

__all__ = ["load", "model_tree"]

TREE_LINES = 200

logger = logging.getLogger("azmlinfsrv")


def load(settings: Settings, begin: Callable[[str], None]) -> Scorer:
    """Import the entry script, run ``init()`` and return what answers requests.

    Parameters
    ----------
    begin
        Told what happens next, as the subject of a sentence about its failure.

    Raises
    ------
    ScriptError
        It is missing something; other exceptions are the script's own.
    """
    v1names.install()
    # Importing allocates without freeing: fewer collections on the way, a quicker start.
    thresholds = gc.get_threshold()
    gc.set_threshold(50_000, 50, 100)
    try:
        begin("Importing the entry script")
        module = _import(settings)
        init, run = _functions(module)
        if any(name in sys.modules for name in v1names.RAW_HTTP_MODULES):
            raise ScriptError(
                "The entry script uses raw HTTP requests (rawhttp, AMLRequest, AMLResponse), "
                "which this version does not serve.",
                "Let run(data) take the body as text and return the result.",
            )
        schemas = schemas_of(run)
        reader = reader_for(
            run,
            decorated=schemas is not None,
            optional=schemas.optional if schemas else frozenset(),
        )
        scorer = Scorer(run, reader, documents(settings, run), settings.app_root)
        logger.info("Invoking init().")
        begin("init()")
        init()
        logger.info("init() has completed.")
    finally:
        gc.set_threshold(*thresholds)
    # What is loaded stays: the collector need not look at it at every round.
    gc.freeze()
    return scorer


def model_tree(settings: Settings) -> str:
    """Return what is in the model folder, at most 200 lines, for the log of a failed start."""
    if settings.model_dir is None:
        return "AZUREML_MODEL_DIR is not set."
    top = Path(settings.model_dir)
    if not top.exists():
        return f"AZUREML_MODEL_DIR is {top}, which does not exist."
    lines = [f"AZUREML_MODEL_DIR is {top}:"]
    for folder, folders, files in os.walk(top):
        folders.sort()
        indent = "  " * (len(Path(folder).relative_to(top).parts) + 1)
        lines += [f"{indent}{Path(folder).name}/"] if Path(folder) != top else []
        lines += [f"{indent}  {name}" for name in sorted(files)]
        if len(lines) > TREE_LINES:
            return "\n".join([*lines[: TREE_LINES - 1], "  ... and more"])
    return "\n".join(lines)


def _import(settings: Settings) -> ModuleType:
    root = settings.app_root
    source = root / settings.source_directory if settings.source_directory else None
    if settings.entry_script is None:
        _come_first(source, root)
        return importlib.import_module("main")
    path = _locate(root, source, settings.entry_script)
    _come_first(path.parent, source, root)
    name = path.stem
    if name in sys.modules or name in sys.stdlib_module_names:
        name = f"entry_script_{name}"  # the script is called like a module others need
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ScriptError(
            f"The entry script {settings.entry_script} is not a Python file.",
            "Name a file that ends in .py.",
        )
    module = importlib.util.module_from_spec(spec)
    # Pickles of classes that the script defines look for it here.
    sys.modules[name] = module
    logger.info("Importing %s.", settings.entry_script)
    spec.loader.exec_module(module)
    return module


def _locate(root: Path, source: Path | None, entry_script: str) -> Path:
    candidates = [root / entry_script] + ([source / entry_script] if source else [])
    for path in candidates:
        if path.is_file():
            return path
    looked = " and ".join(str(path) for path in candidates)
    raise ScriptError(
        f"The entry script {entry_script} does not exist: looked at {looked}.",
        "Check entry_script and source_directory of the InferenceConfig.",
    )


def _come_first(*folders: Path | None) -> None:
    first = list(dict.fromkeys(str(folder) for folder in folders if folder is not None))
    sys.path[:] = first + [entry for entry in sys.path if entry not in first]


def _functions(module: ModuleType) -> tuple[Callable[[], Any], Callable[..., Any]]:
    name = Path(module.__file__ or module.__name__).name
    found = []
    for function, purpose in (
        ("init", "which is called once at the start, without arguments"),
        ("run", "which is called with the data of each request"),
    ):
        value = getattr(module, function, None)
        if not callable(value):
            raise ScriptError(
                f"{name} does not define {function}().",
                f"Add a function {function}(), {purpose}.",
            )
        found.append(value)
    code = getattr(found[0], "__code__", None)
    if code is not None and code.co_argcount > len(found[0].__defaults__ or ()):
        raise ScriptError("init() cannot have arguments.", "Define it as 'def init():'.")
    return found[0], found[1]
