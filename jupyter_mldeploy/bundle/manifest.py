"""The manifest of a bundle: what is in it, and what the server is told."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import StoreError

__all__ = ["LAYOUT", "Manifest"]

LAYOUT = 1
"""Version of the layout of a bundle that this package writes and reads."""

_FILE = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What stands in a bundle's ``manifest.json``.

    Parameters
    ----------
    service_name
        Name of the service that it was staged for.
    models
        ``{"name", "version", "id", "files": [{"path", "sha256", "size"}]}`` each; paths are below
        ``app/azureml-models/NAME/VERSION/``, sizes in bytes.
    entry_script
        ``AZUREML_ENTRY_SCRIPT``, relative to ``app/``.
    source_directory
        ``AZUREML_SOURCE_DIRECTORY``, relative to ``app/``; ``None`` without one.
    environment
        ``python`` (absolute path), ``python_version``, and ``variables``: the user's.
    variables
        Those of the contract; paths in them are relative to ``app/``.
    created
        UTC, ISO 8601.
    layout
        Version of the bundle's layout.
    """

    service_name: str
    models: list[dict[str, Any]]
    entry_script: str
    source_directory: str | None
    environment: dict[str, Any]
    variables: dict[str, str]
    created: str
    layout: int = LAYOUT

    @classmethod
    def load(cls, bundle: Path) -> Manifest:
        """Read the manifest of a bundle.

        Raises
        ------
        StoreError
            There is none, it is damaged, or a newer version of this package wrote it.
        """
        path = bundle / _FILE
        try:
            data = json.loads(path.read_bytes())
            layout = int(data["layout"])
        except OSError as broken:
            raise StoreError(
                f"There is no bundle in {bundle}: {broken.strerror}.",
                hint="Deploy the service again.",
            ) from broken
        except (ValueError, KeyError, TypeError, RecursionError) as broken:
            raise _damaged(path) from broken
        if layout > LAYOUT:
            raise StoreError(
                f"The bundle {bundle} has layout {layout}; this version of jupyter_mldeploy reads "
                f"layouts up to {LAYOUT}.",
                hint="Upgrade jupyter_mldeploy where you are, or deploy the service again.",
            )
        known = cls.__dataclass_fields__
        try:
            return cls(**{key: value for key, value in data.items() if key in known})
        except TypeError as broken:
            raise _damaged(path) from broken

    def save(self, bundle: Path) -> None:
        """Write the manifest into a bundle."""
        text = json.dumps({"layout": self.layout, **asdict(self)}, indent=1)
        (bundle / _FILE).write_text(text + "\n", encoding="utf-8")


def _damaged(path: Path) -> StoreError:
    return StoreError(f"{path} is damaged.", hint="Deploy the service again.")
