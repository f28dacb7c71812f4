"""What is installed, found by reading the installers' own files.

Standard library only: another interpreter runs this file as a script to be asked
the same, and prints the answer as JSON. Much faster than ``importlib.metadata``,
because nothing but names is parsed.
"""

# Text, not Path objects: there are thousands of them.
# ruff: noqa: PTH112, PTH118, PTH119, PTH123, PTH208

from __future__ import annotations

import json
import os
import sys
from typing import Any

__all__ = ["describe", "places", "scan"]

_HEAD_BYTES = 8192


def describe(path: list[str]) -> dict[str, Any]:
    """Return version, platform, places and packages of the running interpreter."""
    import platform  # noqa: PLC0415  (only for a scan; its result is kept)
    import sysconfig  # noqa: PLC0415

    found = places(path)
    packages, imports = scan(found)
    return {
        "python_version": platform.python_version(),
        "platform": sysconfig.get_platform(),
        "places": found,
        "packages": packages,
        "imports": imports,
    }


def places(path: list[str]) -> list[str]:
    """Return the entries of ``sys.path`` that installers use, and those of PYTHONPATH.

    The others (the current folder, a script's own) are not there when a service runs.
    """
    extra = set(os.environ.get("PYTHONPATH", "").split(os.pathsep))
    usual = {"site-packages", "dist-packages"}
    chosen = (
        place for place in path if place and (place in extra or os.path.basename(place) in usual)
    )
    return list(dict.fromkeys(place for place in chosen if os.path.isdir(place)))


def scan(found: list[str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return versions by package name (sorted), and package names by the name that is imported.

    Where a package is installed twice, the one that Python would import counts.
    """
    packages: dict[str, str] = {}
    imports: dict[str, list[str]] = {}
    seen: set[str] = set()
    for place in found:
        for info in _infos(place):
            name, version = _name_and_version(info)
            if name and version and name.lower() not in seen:
                seen.add(name.lower())
                packages[name] = version
                for module in _modules(info):
                    imports.setdefault(module, []).append(name)
    return dict(sorted(packages.items(), key=lambda item: item[0].lower())), imports


def _infos(place: str) -> list[str]:
    try:
        names = sorted(os.listdir(place))
    except OSError:
        return []
    ends = (".dist-info", ".egg-info")
    return [os.path.join(place, name) for name in names if name.endswith(ends)]


def _name_and_version(info: str) -> tuple[str, str]:
    """Read the head of METADATA (wheels), PKG-INFO (eggs), or the egg-info file itself."""
    for file in (os.path.join(info, "METADATA"), os.path.join(info, "PKG-INFO"), info):
        head = _text(file, _HEAD_BYTES)
        if head is None:
            continue
        fields: dict[str, str] = {}
        for line in head.splitlines():
            key, colon, value = line.partition(":")
            if not colon:
                break
            fields.setdefault(key.lower(), value.strip())
        if fields.get("name") and fields.get("version"):
            return fields["name"], fields["version"]
    stem = os.path.basename(info).rpartition(".")[0]
    name, _, version = stem.partition("-")
    return name, version.partition("-")[0]


def _modules(info: str) -> list[str]:
    """Return the names that can be imported from a distribution."""
    listed = _text(os.path.join(info, "top_level.txt"))
    if listed and listed.strip():
        names = {line.strip().partition("/")[0] for line in listed.splitlines()}
    else:
        record = _text(os.path.join(info, "RECORD")) or ""
        firsts = {line.partition("/")[0] if "/" in line else line for line in record.splitlines()}
        # Of a file at the top, what stands before ".py" or ".cpython-311-...so".
        names = {first.partition(".")[0] for first in firsts if not first.endswith("-info")}
    return sorted(name for name in names if name.isidentifier())


def _text(file: str, most: int = -1) -> str | None:
    try:
        with open(file, "rb") as stream:
            return stream.read(most).decode("utf-8", "replace")
    except OSError:
        return None


if __name__ == "__main__":
    # The first entry is this file's folder.
    json.dump(describe(sys.path[1:]), sys.stdout)
