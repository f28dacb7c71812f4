"""Read and write configuration files: JSON, or YAML by the suffix of the file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import ConfigurationError

__all__ = ["read_document", "write_document"]

# A configuration is a page of text. More is a wrong path, and would fill the memory.
_LARGEST = 4 * 1024 * 1024


def read_document(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the mapping that stands in a JSON or YAML file.

    Raises
    ------
    ConfigurationError
        The file is missing, unreadable, not of its format (with line and column), or holds
        something else than a mapping.
    """
    file = Path(path)
    text = _read_text(file)
    data = _parse_yaml(text, file) if _is_yaml(file) else _parse_json(text, file)
    if not isinstance(data, dict):
        kind = "nothing" if data is None else f"a {type(data).__name__}"
        raise ConfigurationError(
            f"{file} holds {kind}; it must hold keys and values.",
            hint='For example {"entryScript": "score.py"}.',
        )
    return data


def write_document(path: str | os.PathLike[str], data: dict[str, Any], *, private: bool) -> Path:
    """Write `data` as JSON, or as YAML when `path` ends so; the old file stays whole until then.

    Parameters
    ----------
    private
        The data hold a secret: only the owner may read the file (mode 0600).

    Raises
    ------
    ConfigurationError
        The file cannot be written.
    """
    file = Path(path)
    # The process id keeps two writers apart; the rename makes the change whole or none.
    new = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        text = _dump_yaml(data) if _is_yaml(file) else json.dumps(data, indent=2) + "\n"
        new.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(new, flags, 0o600 if private else 0o666), "wb") as out:
            out.write(text.encode())
        new.replace(file)
    except (OSError, ValueError) as broken:
        _forget(new)
        raise ConfigurationError(
            f"The configuration could not be written to {file}: {_reason(broken)}.",
            hint="Choose a path in a folder that exists and that you may write to.",
        ) from broken
    return file


def _forget(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except (OSError, ValueError):
        return


def _is_yaml(file: Path) -> bool:
    return file.suffix.lower() in {".yml", ".yaml"}


def _read_text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            raw = stream.read(_LARGEST + 1)
    except (OSError, ValueError) as broken:
        raise ConfigurationError(
            f"The configuration file {file} could not be read: {_reason(broken)}.",
            hint=f"The current folder is {Path.cwd()}.",
        ) from broken
    if len(raw) > _LARGEST:
        raise ConfigurationError(
            f"{file} has more than {_LARGEST // 1024 // 1024} MB: it is no configuration file.",
            hint="Give the path of the JSON or YAML file.",
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        raise ConfigurationError(
            f"{file} is not text in UTF-8 (byte {broken.start}).", hint="Save it as UTF-8."
        ) from broken


def _parse_json(text: str, file: Path) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as broken:
        raise ConfigurationError(
            f"{file}:{broken.lineno}: not JSON: {broken.msg} (column {broken.colno}).",
            hint="A YAML file needs the suffix .yml or .yaml."
            if file.suffix != ".json"
            else "Look for a missing comma or quote just before that place.",
        ) from broken
    except _RepeatedKeyError as broken:
        raise ConfigurationError(
            f"{file}: the key `{broken}` stands twice in one place.", hint="Keep one of them."
        ) from None
    except (RecursionError, ValueError) as broken:
        raise ConfigurationError(f"{file}: {_reason(broken)}.") from broken


class _RepeatedKeyError(Exception):
    """A JSON object names a key twice; Python would keep the last one without a word."""


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _RepeatedKeyError(key)
        found[key] = value
    return found


def _parse_yaml(text: str, file: Path) -> Any:
    import yaml  # noqa: PLC0415  (15 ms that most processes never need)

    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        where = f"{file}:{mark.line + 1}" if mark else str(file)
        column = f" (column {mark.column + 1})" if mark else ""
        raise ConfigurationError(
            f"{where}: not YAML: {broken.problem or broken.context}{column}.",
            hint="Look at the indentation and the colons near that place.",
        ) from broken
    except yaml.YAMLError as broken:
        raise ConfigurationError(f"{file}: not YAML: {_reason(broken)}.") from broken
    # A tag such as !!timestamp or !!int can hold what its Python type refuses; so can nesting.
    except (ValueError, RecursionError, TypeError, OverflowError, AttributeError) as broken:
        raise ConfigurationError(f"{file}: not YAML: {_reason(broken)}.") from broken


def _dump_yaml(data: dict[str, Any]) -> str:
    import yaml  # noqa: PLC0415  (see _parse_yaml)

    return yaml.safe_dump(data, sort_keys=False, default_flow_style=False)


def _reason(broken: BaseException) -> str:
    if isinstance(broken, OSError) and broken.strerror:
        return broken.strerror.lower()
    if isinstance(broken, RecursionError):
        return "nested too deeply"
    return " ".join(str(broken).split()).rstrip(".") or type(broken).__name__
