"""What files a user's path stands for."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from jupyter_mldeploy.errors import UserErrorException

__all__ = ["files_under"]


def files_under(path: Path, child_paths: Sequence[str] | None = None) -> list[tuple[str, Path]]:
    """Return the files of a model, each with its name in the registry.

    Symbolic links are followed: what is registered is content. Folders without files
    leave no trace.

    Parameters
    ----------
    path
        A file or a folder.
    child_paths
        Only these files and folders, relative to the folder `path`.

    Returns
    -------
    list of (str, Path)
        Name relative to the parent of `path`, with ``/``; sorted by name.

    Raises
    ------
    UserErrorException
        Nothing there, no file in it, something that is neither file nor folder, a link
        that leads nowhere or round in a circle, a name that is not UTF-8, a child path
        outside.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100  (keeps the name of a link)
    if not path.name:
        raise UserErrorException(
            f"{path} has no name that the model's files could be kept under.",
            hint="Give a file or a folder below it.",
        )
    starts = [(path.name, path)]
    if child_paths is not None:
        starts = [_child(path, each) for each in child_paths]
    found: dict[str, Path] = {}
    for name, start in starts:
        found.update(_walk(name, start, ()))
    if not found:
        raise UserErrorException(
            f"There is no file in {path}.", hint="Register a folder that has files, or a file."
        )
    return sorted(found.items())


def _child(path: Path, child: str) -> tuple[str, Path]:
    parts = Path(os.path.normpath(child)).parts
    if Path(child).is_absolute() or not parts or ".." in parts:
        raise UserErrorException(
            f"child_paths: {child!r} is not a path inside {path}.",
            hint="Give paths relative to model_path.",
        )
    if not path.is_dir():
        raise UserErrorException(
            f"child_paths needs a folder, and {path} is none.",
            hint="Leave child_paths out, or give the folder as model_path.",
        )
    return "/".join((path.name, *parts)), path.joinpath(*parts)


def _walk(name: str, path: Path, above: tuple[tuple[int, int], ...]) -> Iterator[tuple[str, Path]]:
    try:
        status = path.stat()
    except OSError as error:
        what = "is a link that leads nowhere" if path.is_symlink() else "cannot be read"
        raise UserErrorException(
            f"{path} {what}: {error.strerror}.", hint="Repair or remove it, then register again."
        ) from error
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise UserErrorException(
            f"The file name {name!r} is not UTF-8.", hint="Rename it, then register again."
        ) from error
    if stat.S_ISREG(status.st_mode):
        yield name, path
    elif not stat.S_ISDIR(status.st_mode):
        raise UserErrorException(
            f"{path} is neither a file nor a folder.", hint="Remove it, then register again."
        )
    else:
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            raise UserErrorException(
                f"{path} is a link to a folder that it is in.",
                hint="Remove the link, then register again.",
            )
        try:
            names = sorted(os.listdir(path))  # noqa: PTH208  (names, not paths)
        except OSError as error:
            raise UserErrorException(
                f"{path} cannot be read: {error.strerror}.", hint="Check its permissions."
            ) from error
        for each in names:
            yield from _walk(f"{name}/{each}", path / each, (*above, identity))
