"""One digest for many files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from jupyter_mldeploy.store.records import FileEntry

__all__ = ["manifest_digest"]


def manifest_digest(files: Iterable[FileEntry]) -> str:
    """Return the hex SHA-256 of names and contents, whatever the order and the permissions."""
    digest = hashlib.sha256()
    for each in sorted(files, key=lambda entry: entry.path):
        # A newline ends a line, and a path may hold one: its length says where it ends.
        digest.update(f"{each.sha256} {len(each.path)} {each.path}\n".encode())
    return digest.hexdigest()
