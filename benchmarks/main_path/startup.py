"""What a user waits for before anything happens: imports, and the shortest command."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from .scratch import WORKSPACE, Scratch
from .table import Figure, milliseconds

# The last has no bound: it shows what the lazy imports before it leave for the first use.
IMPORTS = (
    ("import jupyter_mldeploy", 50),
    ("from jupyter_mldeploy import Workspace, Model", 250),
    (f"from jupyter_mldeploy import Workspace; Workspace.get('{WORKSPACE}').models", None),
)
LIST_BOUND = 500
SERVICES = 3


def measure(scratch: Scratch, options: argparse.Namespace) -> list[Figure]:
    runs = 5 if options.quick else 15
    services = [scratch.deploy(f"startup-{number}") for number in range(SERVICES)]
    command = [str(Path(sys.executable).with_name("mldeploy")), "service", "list", "-w", WORKSPACE]
    imports = {statement: [] for statement, _ in IMPORTS}
    lists, bares = [], []
    for number in range(runs + 1):
        for statement, seconds in imports.items():
            seconds.append(_import(scratch, statement))
        bares.append(_process(scratch, [sys.executable, "-c", "pass"])[0])
        seconds, output = _process(scratch, command)
        lists.append(seconds)
        if missing := [service.name for service in services if service.name not in output]:
            raise RuntimeError(f"`mldeploy service list` does not show {missing}:\n{output}")
        if number == 0:  # the warm-up
            for values in (*imports.values(), bares, lists):
                values.clear()
    for service in services:
        service.delete()
    figures = [
        Figure(
            statement if bound else f"  the same, and {statement.split('; ')[1]}",
            milliseconds(imports[statement]),
            bound=f"< {bound} ms" if bound else "",
            met=statistics.median(imports[statement]) * 1000 < bound if bound else None,
        )
        for statement, bound in IMPORTS
    ]
    middle = statistics.median(lists)
    figures.append(
        Figure(
            f"mldeploy service list, {SERVICES} services",
            milliseconds(lists),
            f"python -c pass {milliseconds(bares)}",
            f"{middle / statistics.median(bares):.1f}",
            f"< {LIST_BOUND} ms",
            middle * 1000 < LIST_BOUND,
        )
    )
    return figures


def _import(scratch: Scratch, statement: str) -> float:
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    return float(_process(scratch, [sys.executable, "-c", code])[1])


def _process(scratch: Scratch, command: list[str]) -> tuple[float, str]:
    started = time.perf_counter()
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, cwd=scratch.folder, timeout=60
    )
    return time.perf_counter() - started, done.stdout
