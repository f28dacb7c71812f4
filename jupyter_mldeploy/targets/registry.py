"""Targets by name: the built-in ones, and those that other packages bring."""

from __future__ import annotations

import importlib
from typing import cast

from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.targets.base import Target

__all__ = ["ENTRY_POINT_GROUP", "load_target"]

ENTRY_POINT_GROUP = "jupyter_mldeploy.targets"

# Known without looking at what is installed: scanning entry points costs more than the import.
_BUILT_IN = {"process": "jupyter_mldeploy.targets.process:ProcessTarget"}


def load_target(name: str) -> Target:
    """Return the target called ``name``.

    Raises
    ------
    TargetUnavailable
        Nothing installed brings such a target, or what brings it cannot be imported.
    """
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        return cast("Target", getattr(importlib.import_module(module), attribute)())
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and rarely needed

    found = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    if name not in found:
        known = ", ".join(sorted({*_BUILT_IN, *found}))
        raise TargetUnavailable(
            f'There is no target called "{name}".',
            hint=f"Known here: {known}. Install the package that brings it, or use one of these.",
        )
    try:
        return cast("Target", found[name].load()())
    except Exception as error:  # the code of another package may raise anything
        raise TargetUnavailable(
            f'The target "{name}" ({found[name].value}) cannot be loaded: {error}',
            hint="Reinstall the package that brings it.",
        ) from error
