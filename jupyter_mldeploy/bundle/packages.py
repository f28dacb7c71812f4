"""Which of the installed packages a model needs, told from the bytes of its files.

Nothing is unpickled, and not even parsed: the names of modules stand in a pickle
as text, and a look at its first megabytes finds them. What is found too much
(a text in the model that looks the same) does no harm.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mldeploy.bundle.environment import EnvironmentRecord

__all__ = ["packages_of_model"]

_FIRST_BYTES = 4 << 20
# Large arrays come first in some files, and what names the classes after them.
_LAST_BYTES = 1 << 20
_FILES = 64
_LINES = 20_000
# A header can ask for gigabytes.
_UNPACKING_BYTES = 128 << 20

# Bounded, and each pattern begins with a byte that cannot stand in a name: no file, whatever is in
# it, takes longer than its size.
_NAME = rb"[A-Za-z_][A-Za-z0-9_.]{0,150}"
# GLOBAL, protocols 0 to 3: c module \n name \n. The second line is looked for first.
_GLOBAL_NAME = re.compile(rb"\n" + _NAME + rb"(?=\n)")
_GLOBAL_MODULE = re.compile(rb"[A-Za-z0-9_.]{1,150}\Z")
# Protocol 4 and later: SHORT_BINUNICODE module, SHORT_BINUNICODE name, STACK_GLOBAL; each text may
# be followed by MEMOIZE.
_STACK_GLOBAL = re.compile(
    rb"\x8c[\x01-\xff](" + _NAME + rb")\x94?\x8c[\x01-\xff]" + _NAME + rb"\x94?\x93"
)

# What a framework's models need to be loaded (Model.Framework, spec section 2.1).
_OF_FRAMEWORK = {
    "ScikitLearn": ("scikit-learn",),
    "Onnx": ("onnxruntime", "onnx"),
    "TensorFlow": ("tensorflow",),
    "TfKeras": ("tensorflow", "keras"),
    "PyTorch": ("torch",),
}
_OF_SUFFIX = {
    ".onnx": ("onnxruntime",),
    ".keras": ("keras", "tensorflow"),
    ".h5": ("keras", "tensorflow"),
    ".pt": ("torch",),
    ".pth": ("torch",),
    ".cbm": ("catboost",),
    ".ubj": ("xgboost",),
}
# What decides, beside the package itself, whether its pickles can be read.
_BELOW = {
    "scikit-learn": ("numpy", "scipy", "joblib"),
    "lightgbm": ("numpy", "scipy"),
    "xgboost": ("numpy", "scipy"),
    "pandas": ("numpy",),
    "scipy": ("numpy",),
    "torch": ("numpy",),
    "tensorflow": ("numpy",),
    "keras": ("numpy",),
    "onnxruntime": ("numpy",),
}


def packages_of_model(
    paths: Iterable[str | os.PathLike[str]],
    framework: str | None,
    record: EnvironmentRecord,
) -> dict[str, str]:
    """Return the versions of the installed packages that matter for a model.

    Parameters
    ----------
    paths
        The model's files, or folders of them. At most 64 files are looked at.
    framework
        ``Model.Framework`` of the model, if it was given.
    record
        What is installed.

    Returns
    -------
    dict of str to str
        Version by name of the package, sorted; empty when nothing is known about such files.
        A file that cannot be read counts as one without names.
    """
    wanted = set(_OF_FRAMEWORK.get(framework or "", ()))
    for path in _files(paths):
        wanted |= {*_OF_SUFFIX.get(path.suffix.lower(), ())}
        for module in _modules(path):
            wanted |= {*record.imports.get(module, ())}
    found = {record.installed(name) for name in wanted}
    for name in tuple(found):
        found |= {record.installed(below) for below in _BELOW.get(name or "", ())}
    return {name: version for name, version in record.packages.items() if name in found}


def _files(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    found: list[Path] = []
    for path in map(Path, paths):
        for file in _below(path):
            if len(found) == _FILES:
                return found
            found.append(file)
    return found


def _below(path: Path) -> Iterator[Path]:
    try:
        if not path.is_dir():
            if path.is_file():
                yield path
            return
        for top, folders, names in os.walk(path):
            folders.sort()
            for name in sorted(names):
                # Not a pipe or a device: reading those may never end.
                if (file := Path(top, name)).is_file():
                    yield file
    except (OSError, ValueError):
        return


def _modules(path: Path) -> set[str]:
    """Return the top-level modules that a file's pickles name."""
    found: set[str] = set()
    for data in _pieces(path):
        names = {*_STACK_GLOBAL.findall(data), *_global_modules(data)}
        found |= {name.partition(b".")[0].decode() for name in names}
    return found


def _global_modules(data: bytes) -> Iterator[bytes]:
    for name in islice(_GLOBAL_NAME.finditer(data), _LINES):
        before = _GLOBAL_MODULE.search(data[max(0, name.start() - 151) : name.start()])
        if before is not None:
            # What stands before the opcode may look like a part of the name.
            _, *after = before.group().split(b"c")
            for count in range(len(after)):
                yield b"c".join(after[count:])


def _pieces(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            data = file.read(_FIRST_BYTES)
            if not _may_be_pickle(data):
                return
            yield _unpacked(data)
            rest = os.fstat(file.fileno()).st_size - len(data)
            if rest > 0:
                file.seek(-min(rest, _LAST_BYTES), os.SEEK_END)
                yield file.read(_LAST_BYTES)
    except OSError:
        return


def _may_be_pickle(data: bytes) -> bool:
    # Protocol 2 and later; a zip file (PyTorch); what joblib compresses with; protocols 0 and 1.
    known = (b"\x80", b"PK\x03\x04", b"\x1f\x8b", b"\x78", b"BZh", b"\xfd7zXZ", b"\x5d\x00\x00")
    return data.startswith(known) or data[:1] in {b"c", b"(", b"]", b"}"}


def _unpacked(data: bytes) -> bytes:
    """Return the first megabytes of a compressed file, or `data` where it is not compressed."""
    try:
        if data.startswith((b"\x1f\x8b", b"\x78")):
            return zlib.decompressobj(wbits=47).decompress(data, _FIRST_BYTES)
        if data.startswith(b"BZh"):
            import bz2  # noqa: PLC0415  (rare)

            return bz2.BZ2Decompressor().decompress(data, _FIRST_BYTES)
        if data.startswith((b"\xfd7zXZ", b"\x5d\x00\x00")):
            import lzma  # noqa: PLC0415  (rare)

            return lzma.LZMADecompressor(memlimit=_UNPACKING_BYTES).decompress(data, _FIRST_BYTES)
    except Exception:  # another kind of file, damaged, or a module this Python lacks
        return data
    return data
