"""Models that are not where the entry script looks."""

from __future__ import annotations

import difflib
import os
import re

from jupyter_mldeploy.deployment.explain.explanation import Explanation
from jupyter_mldeploy.deployment.explain.facts import MODELS_FOLDER, Facts
from jupyter_mldeploy.errors import Fix

__all__ = ["RULES"]

_ASKED = re.compile(r"Model (.+?)(?:, version (\d+),)? was not found\b")
_PATH = re.compile(r"'([^']+)'\s*\Z")


def version_not_deployed(facts: Facts) -> Explanation | None:
    """Tell of a version that was asked for and is not the deployed one."""
    name, version = _asked(facts)
    there = [model.version for model in facts.models if model.name == name]
    if name is None or version is None or not there:
        return None
    return Explanation(
        f"Version {version} of {name} was not deployed; "
        f"{' and '.join(str(number) for number in there)} was.",
        f'Leave the version out: Model.get_model_path("{name}"); or deploy {name}:{version}.',
        Fix("use_model_path", {"name": name}),
    )


def no_model_deployed(facts: Facts) -> Explanation | None:
    """Tell of a script that asks for a model in a service that has none."""
    name, _ = _asked(facts)
    if name is None or facts.models:
        return None
    return Explanation(
        "The service was deployed without a model.",
        f'Deploy it with models=["{name}"].',
    )


def model_misnamed(facts: Facts) -> Explanation | None:
    """Tell the name of the model that was meant."""
    name, _ = _asked(facts)
    names = [model.name for model in facts.models]
    if name is None or not names or name in names:
        return None
    near = difflib.get_close_matches(name, names, 1, 0.5) or (names if len(names) == 1 else [])
    if not near:
        return Explanation(
            f"No model of that name was deployed, only {', '.join(names)}.",
            f'Deploy {name} as well, or ask for one of those: Model.get_model_path("{names[0]}").',
        )
    return Explanation(
        f"The deployed model is called {near[0]}, not {name}.",
        f'Write Model.get_model_path("{near[0]}").',
        Fix("use_model_path", {"name": near[0]}),
    )


def folder_opened_as_file(facts: Facts) -> Explanation | None:
    """Tell which file is meant where a model's folder was opened."""
    path = _inside(facts) if facts.kind == "IsADirectoryError" else None
    if path is None or not path.startswith(MODELS_FOLDER):
        return None
    files = [file for file in facts.model_files() if file.startswith(f"{path}/")]
    if not files:
        return None
    below = files[0].removeprefix(f"{path}/")
    return Explanation(
        f"{path} is a folder; the file is {files[0]}.",
        f'Add the file\'s name: os.path.join(..., "{below}").',
        Fix("use_model_path", {"path": files[0]}),
    )


def one_of_several_models(facts: Facts) -> Explanation | None:
    """Tell of AZUREML_MODEL_DIR, which is the parent of all when there are several models."""
    path = _missing(facts)
    if path is None or len(facts.models) < 2:
        return None
    found = _nearest(facts, path)
    if found is None or path.rpartition("/")[0] != MODELS_FOLDER:
        return None
    below = found.removeprefix(f"{MODELS_FOLDER}/")
    name = below.partition("/")[0]
    return Explanation(
        f"{len(facts.models)} models were deployed, so AZUREML_MODEL_DIR is the folder above all "
        f"of them; the file is {below} in it.",
        f'Use Model.get_model_path("{name}"), which is right for one model and for several.',
        Fix("use_model_path", {"name": name, "path": found}),
    )


def model_file_elsewhere(facts: Facts) -> Explanation | None:
    """Tell the path of a model's file that was looked for at another one."""
    path = _missing(facts)
    if path is None:
        return None
    found = _nearest(facts, path)
    if found is None:
        return None
    parts = found.split("/")
    return Explanation(
        f"The file is {found}.",
        f'Use Model.get_model_path("{parts[1]}")'
        + (f', joined with "{"/".join(parts[4:])}".' if len(parts) > 4 else "."),
        Fix("use_model_path", {"name": parts[1], "path": found}),
    )


def model_file_missing(facts: Facts) -> Explanation | None:
    """Show what there is, where a file of a model was looked for that is nowhere."""
    path = _missing(facts)
    if path is None or not path.startswith(f"{MODELS_FOLDER}/"):
        return None
    files = facts.model_files()
    shown = ", ".join(files[:8]) + (f" and {len(files) - 8} more" if len(files) > 8 else "")
    return Explanation(
        f"No file of that name was deployed; there is: {shown or 'no model at all'}.",
        "Register the model again with that file in its folder, or open a file that is there.",
    )


def _asked(facts: Facts) -> tuple[str | None, int | None]:
    found = _ASKED.search(facts.message) if facts.kind == "ModelNotFoundException" else None
    if found is None:
        return None, None
    return found[1], int(found[2]) if found[2] else None


def _inside(facts: Facts) -> str | None:
    found = _PATH.search(facts.message)
    return facts.inside(os.path.normpath(os.path.join(facts.app, found[1]))) if found else None  # noqa: PTH118


def _missing(facts: Facts) -> str | None:
    """Return the path below the application folder that was not there."""
    wrong = {"FileNotFoundError", "NotADirectoryError"}
    return _inside(facts) if facts.kind in wrong else None


def _nearest(facts: Facts, path: str) -> str | None:
    """Return the model's file that was meant: of the same name, else of a like one in its place."""
    name = path.rpartition("/")[2]
    files = facts.model_files()
    same = [file for file in files if file.rpartition("/")[2] == name]
    if same:
        return same[0]
    if not path.startswith(f"{MODELS_FOLDER}/"):
        return None
    names = {file.rpartition("/")[2]: file for file in files}
    near = difflib.get_close_matches(name, list(names), 1, 0.75)
    return names[near[0]] if near else None


RULES = (
    version_not_deployed,
    no_model_deployed,
    model_misnamed,
    folder_opened_as_file,
    one_of_several_models,
    model_file_elsewhere,
    model_file_missing,
)
