"""Register files of three sizes, against ``cp`` followed by ``sha256sum``."""

from __future__ import annotations

import argparse
import io
import os
import secrets
import shutil
import statistics
import subprocess
import time
from contextlib import redirect_stdout
from pathlib import Path

from .scratch import Scratch
from .table import Figure, milliseconds, say, spread

SMALL_BOUND = 10
COPY_BOUND = 1.2
_CHUNK = 1 << 20


def measure(scratch: Scratch, options: argparse.Namespace) -> list[Figure]:
    few = options.quick
    figures = [_figure(scratch, "1 kB", 1000, 15 if few else 50)]
    figures.append(_figure(scratch, "10 MB", 10**7, 7 if few else 15))
    if not few:
        figures.append(_figure(scratch, "1 GB", 10**9, 5))
    return figures


def _figure(scratch: Scratch, title: str, size: int, runs: int) -> Figure:
    file = scratch.folder / "random.bin"
    with file.open("wb") as writer:
        for start in range(0, size, _CHUNK):
            writer.write(secrets.token_bytes(min(_CHUNK, size - start)))
    ours, theirs = [], []
    for number in range(runs + 1):
        results = [_copy(file), _register(scratch, file)]
        if number:  # the first is the warm-up
            theirs.append(results[0])
            ours.append(results[1])
    file.unlink()
    middle = statistics.median(ours)
    ratio = middle / statistics.median(theirs)
    small = size == 1000
    show = (lambda values: spread(values, "s")) if size >= 10**9 else lambda v: milliseconds(v, 1)
    return Figure(
        f"register {title}",
        show(ours),
        f"cp, sha256sum {show(theirs)}",
        f"{ratio:.2f}",
        f"<= {SMALL_BOUND} ms" if small else f"<= {COPY_BOUND} x",
        middle * 1000 <= SMALL_BOUND if small else ratio <= COPY_BOUND,
    )


def _renew(file: Path) -> None:
    """Give the file a content that nothing has seen, and let the disk come to rest."""
    with file.open("r+b") as writer:
        writer.write(secrets.token_bytes(64))
    os.sync()


def _copy(file: Path) -> float:
    _renew(file)
    copy = file.with_name("copy.bin")
    program = "sha256sum" if shutil.which("sha256sum") else "shasum -a 256"
    command = f'cp "$1" "$2" && {program} "$2"'
    started = time.perf_counter()
    subprocess.run(["sh", "-c", command, "sh", file, copy], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    copy.unlink()
    return seconds


def _register(scratch: Scratch, file: Path) -> float:
    from jupyter_mldeploy import Model

    workspace = scratch.workspace
    _renew(file)
    with redirect_stdout(io.StringIO()):  # registering says what it does
        started = time.perf_counter()
        model = Model.register(workspace, str(file), "random")
        seconds = time.perf_counter() - started
    model.delete()
    # A deleted model's content stays until it is cleaned up; a gigabyte a run should not.
    kept = [path for path in (scratch.home / "artifacts").rglob("*") if _is_copy(path, file)]
    if len(kept) != 1:
        say(f"  {len(kept)} contents of that size in the store, not 1")
    for path in kept:
        path.unlink()
    return seconds


def _is_copy(path: Path, file: Path) -> bool:
    return path.is_file() and path.stat().st_size == file.stat().st_size
