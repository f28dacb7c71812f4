"""Memory of supervisor and server over that of the bare process."""

from __future__ import annotations

import argparse
import statistics
import sys

from .processes import bare, memory
from .scratch import Scratch
from .table import Figure, say, spread

BOUND = 20


def measure(scratch: Scratch, options: argparse.Namespace) -> list[Figure]:
    if sys.platform != "linux":
        say("  memory is measured on Linux only (it reads /proc)")
        return []
    runs = 2 if options.quick else 5
    bares, supervisors, servers = [], [], []
    for number in range(runs):
        with bare(scratch.paths[0], scratch.body, scratch.answers[0]) as (_, process):
            bares.append(memory(process.pid))
        service = scratch.deploy(f"memory-{number}")
        service.run(scratch.body)
        sizes = [memory(pid) for pid in scratch.processes()]  # the supervisor's first
        service.delete()
        supervisors.append(sizes[0])
        servers.append(tuple(map(sum, zip(*sizes[1:], strict=True))))
    figures = []
    for kind, name in enumerate(("RSS", "PSS")):
        ours = [a[kind] + b[kind] for a, b in zip(supervisors, servers, strict=True)]
        base = [size[kind] for size in bares]
        over = statistics.median(ours) - statistics.median(base)
        parts = [
            statistics.median(size[kind] for size in sizes) for sizes in (supervisors, servers)
        ]
        say(f"  {name}: supervisor {parts[0]:.1f} MB, server {parts[1]:.1f} MB")
        figures.append(
            Figure(
                f"memory over bare, {name}" if kind == 0 else f"  {name}",
                f"{over:.1f} MB: {spread(ours, 'MB', 1)}",
                f"bare python {spread(base, 'MB', 1)}",
                f"{statistics.median(ours) / statistics.median(base):.2f}",
                f"<= {BOUND} MB over" if kind == 0 else "",
                over <= BOUND if kind == 0 else None,
            )
        )
    return figures
