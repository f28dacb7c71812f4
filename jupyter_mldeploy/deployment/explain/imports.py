"""Modules and names that cannot be imported."""

from __future__ import annotations

import os
import re

from jupyter_mldeploy.deployment.explain.explanation import Explanation
from jupyter_mldeploy.deployment.explain.facts import Facts
from jupyter_mldeploy.deployment.explain.provided import MOVED, PACKAGE_OF, REMOVED_MODULES
from jupyter_mldeploy.errors import Fix

__all__ = ["RULES"]

_NO_MODULE = re.compile(r"No module named '([^']+)'")
_NO_NAME = re.compile(
    r"cannot import name '([^']+)' from (?:partially initialized module )?'([^']+)'"
)
_FROM_FILE = re.compile(r"\(([^()]+\.py)\)")
_BROKEN_BINARY = re.compile(
    r"invalid ELF header|wrong ELF class|file too short|undefined symbol|cannot open shared object"
    r"|GLIBC\w*_[\d.]+' not found|mach-o|incompatible architecture|numpy\.dtype size changed"
    r"|compiled using NumPy|multiarray failed to import|DLL load failed"
)
_EXTENSION = re.compile(r"([^/]+?)\.cpython-(\d)(\d+)[^/]*\.so$")


def package_of_azureml(facts: Facts) -> Explanation | None:
    """Tell of the v1 packages that are not here; one call of theirs is."""
    name = _module(facts)
    if name is None or name.partition(".")[0] != "azureml":
        return None
    return Explanation(
        f"Of the azureml packages an entry script has azureml.core.model.Model.get_model_path "
        f"here; {name} is not installed.",
        "Remove that import if only the training needs it; otherwise install the package that "
        "has it in the environment you deploy from.",
    )


def binary_of_other_python(facts: Facts) -> Explanation | None:
    """Tell of compiled code that was deployed with the script for another Python."""
    name = _module(facts)
    for file in facts.sources() if name else ():
        found = _EXTENSION.search(file)
        if found and found[1] == (name or "").rpartition(".")[2]:
            built = f"{found[2]}.{found[3]}"
            if not facts.python_version.startswith(f"{built}."):
                return Explanation(
                    f"{file} was built for Python {built}; the service runs "
                    f"Python {facts.python_version}.",
                    f"Build it for Python {facts.python_version}, or deploy from a Python {built}.",
                )
    return None


def module_left_behind(facts: Facts) -> Explanation | None:
    """Tell of a module that is beside the script and was not deployed with it."""
    name = _module(facts)
    if name is None or not facts.beside:
        return None
    top = name.partition(".")[0]
    found = next(
        (file for file in facts.beside if file == f"{top}.py" or file.startswith(f"{top}/")), None
    )
    if found is None:
        return None
    return Explanation(
        f"{found} is beside the script in {facts.folder} but was not deployed: without a source "
        "directory only the script is.",
        f'Set source_directory="{facts.folder}" in the InferenceConfig.',
        Fix("set_source_directory", {"source_directory": facts.folder}),
    )


def module_elsewhere(facts: Facts) -> Explanation | None:
    """Tell of a module that was deployed, but in a folder that is not looked in."""
    name = _module(facts)
    if name is None:
        return None
    wanted = name.replace(".", "/")
    endings = (f"/{wanted}.py", f"/{wanted}/__init__.py")
    found = next((file for file in facts.sources() if file.endswith(endings)), None)
    top = facts.script.rpartition("/")[0]
    if found is None or found.removeprefix(f"{top}/") in {e[1:] for e in endings}:
        return None
    dotted = re.sub(r"(/__init__)?\.py$", "", found.partition("/")[2]).replace("/", ".")
    return Explanation(
        f"It was deployed as {found}, which is not on the path: that begins at the script's "
        "folder and the source directory.",
        f"Write `import {dotted}`, or move the file to the top of the source directory.",
    )


def module_removed(facts: Facts) -> Explanation | None:
    """Tell of a module that the standard library had once."""
    name = _module(facts)
    removed = REMOVED_MODULES.get((name or "").partition(".")[0])
    if name is None or removed is None or not _reached(facts.python_version, removed):
        return None
    return Explanation(
        f"Python {removed} removed {name} from its standard library; the service runs "
        f"{facts.where}.",
        f"Stop using it, upgrade the package that imports it, or deploy from a Python before "
        f"{removed}.",
    )


def submodule_gone(facts: Facts) -> Explanation | None:
    """Tell of a package that is installed and lacks a part that another version has."""
    name = _module(facts)
    if name is None or "." not in name or name.partition(".")[0] not in facts.imports:
        return None
    package = facts.imports[name.partition(".")[0]][0]
    version = facts.packages.get(package, "")
    return Explanation(
        f"{package} {version} is installed and has no {name}: another version does.",
        f"Import it from where {package} {version} has it, or install the version that the script "
        "was written for.",
    )


def package_missing(facts: Facts) -> Explanation | None:
    """Tell which package to install, where that is known for certain."""
    name = _module(facts)
    if name is None:
        return None
    top = name.partition(".")[0]
    package = PACKAGE_OF.get(top)
    if package is None:
        return Explanation(
            f"{top} is neither installed for {facts.where} nor a file of the deployment.",
            f"Install the package that provides {top}, or put {top}.py into the source directory.",
        )
    return Explanation(
        f"The package {package} provides it and is not installed for {facts.where}.",
        f"Install it: {facts.python} -m pip install {package}",
        Fix("add_package", {"package": package, "python": facts.python}),
    )


def name_shadowed(facts: Facts) -> Explanation | None:
    """Tell of a file of the user's that hides a package of the same name."""
    if facts.kind not in {"ImportError", "AttributeError"}:
        return None
    found = _FROM_FILE.search(facts.message)
    file = facts.inside(found[1]) if found else None
    name = os.path.basename(file or "").removesuffix(".py")  # noqa: PTH119
    if file is None or (name not in facts.imports and name not in PACKAGE_OF):
        return None
    return Explanation(
        f"{file} is imported in place of the package {name}.",
        f"Give {file} another name.",
    )


def imports_in_a_circle(facts: Facts) -> Explanation | None:
    """Tell of modules that import each other."""
    if "partially initialized module" not in facts.message:
        return None
    return Explanation(
        "Two modules import each other, so one is used before it is complete.",
        "Move what both need to a third module, or import inside the function that uses it.",
    )


def name_moved(facts: Facts) -> Explanation | None:
    """Tell where a name is now, or that another version of its package has it."""
    found = _NO_NAME.search(facts.message) if facts.kind == "ImportError" else None
    if found is None:
        return None
    name, module = found[1], found[2]
    instead = MOVED.get((module, name))
    packages = facts.imports.get(module.partition(".")[0], [])
    installed = f" {facts.packages.get(packages[0], '')}" if packages else ""
    if instead is not None:
        home, _, new = instead.rpartition(".")
        how = f"from {home} import {new}" if home else f"import {new}"
        return Explanation(
            f"{module}{installed} has no {name} any more; it is {instead} now.",
            f"Write `{how}`.",
            Fix("replace_text", {"from": f"{module}.{name}", "to": instead}),
        )
    if not packages:
        return None
    return Explanation(
        f"{packages[0]}{installed} is installed and its {module} has no {name}: another version "
        "does, or the name is misspelt.",
        f"Check the name in the documentation of {packages[0]}{installed}, or install the version "
        "that the script was written for.",
    )


def binary_broken(facts: Facts) -> Explanation | None:
    """Tell of compiled code that does not fit the machine or another package."""
    if facts.kind not in {"ImportError", "OSError", "ValueError", "RuntimeError"}:
        return None
    found = _BROKEN_BINARY.search(facts.message)
    if found is None:
        return None
    return Explanation(
        f"Compiled code could not be loaded ({found[0]}): it was built for another machine, "
        "another Python, or another version of a package it uses.",
        f"Install it again for {facts.where}: pip install --force-reinstall --no-cache-dir "
        "PACKAGE; copied site-packages do not work elsewhere.",
    )


def _module(facts: Facts) -> str | None:
    found = _NO_MODULE.search(facts.message) if facts.kind == "ModuleNotFoundError" else None
    return found[1] if found else None


def _reached(version: str, limit: str) -> bool:
    return [int(part) for part in version.split(".")[:2] if part.isdecimal()] >= [
        int(part) for part in limit.split(".")
    ]


RULES = (
    package_of_azureml,
    binary_of_other_python,
    module_left_behind,
    module_elsewhere,
    module_removed,
    submodule_gone,
    package_missing,
    name_shadowed,
    imports_in_a_circle,
    name_moved,
    binary_broken,
)
