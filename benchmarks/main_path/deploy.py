"""Deploy of a registered model, call to first right answer, against the bare process."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from .mlflow_serve import prepare, serve_once
from .processes import bare
from .scratch import EXAMPLE, Scratch
from .table import Figure, say, spread

BOUND = 2.2


def measure(scratch: Scratch, options: argparse.Namespace) -> list[Figure]:
    runs = 3 if options.quick else 9
    assert scratch.models
    mlflow = prepare(scratch) if options.mlflow else None
    ours, theirs, bares = [], [], []
    for number in range(runs + 1):
        results = [_bare(scratch), _deploy(scratch, f"deploy-{number}")]
        if mlflow:
            theirs.append(serve_once(mlflow, scratch))
        if number == 0:
            theirs.clear()
            continue  # the warm-up
        bares.append(results[0])
        ours.append(results[1])
    seconds = [result["seconds"] for result in ours]
    for group in ("parts", "phases"):
        medians = {
            key: statistics.median(result[group][key] for result in ours) for key in ours[0][group]
        }
        say(f"  {group}: " + ", ".join(f"{k} {v * 1000:.0f} ms" for k, v in medians.items()))
    ratio = statistics.median(seconds) / statistics.median(bares)
    figures = [
        Figure(
            "deploy, call to first right score",
            spread(seconds, "s"),
            f"bare python {spread(bares, 's')}",
            f"{ratio:.2f}",
            f"<= {BOUND} x",
            ratio <= BOUND,
        )
    ]
    if theirs:
        ratio = statistics.median(seconds) / statistics.median(theirs)
        figures.append(
            Figure(
                "  the same",
                spread(seconds, "s"),
                f"mlflow models serve {spread(theirs, 's')}",
                f"{ratio:.2f}",
            )
        )
    return figures


def _bare(scratch: Scratch) -> float:
    with bare(scratch.paths[0], scratch.body, scratch.answers[0]) as (seconds, _):
        return seconds


def _deploy(scratch: Scratch, name: str) -> dict:
    caller = Path(__file__).with_name("caller.py")
    arguments = [name, str(EXAMPLE), scratch.body.decode(), json.dumps(scratch.answers[0])]
    output = subprocess.run(
        [sys.executable, str(caller), *arguments],
        check=True,
        stdout=subprocess.PIPE,
        cwd=scratch.folder,
        timeout=120,
    ).stdout
    return json.loads(output.splitlines()[-1])
