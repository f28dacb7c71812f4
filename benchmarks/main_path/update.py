"""Updates between two versions while clients that never retry keep asking."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from .processes import same
from .scratch import Scratch
from .table import Figure, say, spread

_REST = 0.3


def measure(scratch: Scratch, options: argparse.Namespace) -> list[Figure]:
    updates = 5 if options.quick else 20
    service = scratch.deploy("update")
    port = int(service.scoring_uri.rsplit(":", 1)[1].split("/")[0])
    clients = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("clients.py")), str(port), scratch.body],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    windows = []
    try:
        clients.stdout.readline()
        for number in range(updates):
            time.sleep(_REST)
            wanted = (number + 1) % 2
            began = time.monotonic()
            service.update(models=[scratch.models[wanted]], wait=True)
            windows.append((began, time.monotonic(), wanted))
        time.sleep(_REST)
        output, _ = clients.communicate(timeout=90)
    finally:
        clients.kill()
        clients.wait()
        service.delete()
    return _figures(scratch, windows, json.loads(output))


def _figures(scratch: Scratch, windows: list, result: dict) -> list[Figure]:
    versions = [_version(scratch, body) for body in result["bodies"]]
    faults: Counter[str] = Counter()
    during, between = [], []
    for kind, sent, answered, status, body in result["requests"]:
        fault = _fault(windows, kind, sent, answered, status, versions[body])
        if fault:
            text = result["bodies"][body][:100] if status != 200 else ""
            faults[f"{kind}: {fault} {text}".strip()] += 1
        overlaps = any(sent < end and answered > began for began, end, _ in windows)
        (during if overlaps else between).append((answered - sent) * 1000)
    for fault, count in faults.most_common(10):
        say(f"  {count} x {fault}")
    failed = sum(faults.values())
    return [
        Figure(
            f"update under load, {len(windows)} updates",
            f"{failed} of {len(result['requests'])} requests failed",
            bound="0 failed",
            met=failed == 0,
        ),
        Figure(
            "  latency of requests meanwhile",
            _latency(during),
            f"between updates {_latency(between)}",
            f"{statistics.median(during) / statistics.median(between):.2f}",
        ),
        Figure("  an update takes", spread([end - began for began, end, _ in windows], "s")),
    ]


def _version(scratch: Scratch, body: str) -> int | None:
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    return next((n for n, wanted in enumerate(scratch.answers) if same(answer, wanted)), None)


def _fault(
    windows: list, kind: str, sent: float, answered: float, status: int, version: int | None
) -> str:
    if status != 200:
        return f"status {status}" if status else "no answer"
    if version is None:
        return "an answer of neither version"
    if kind != "fresh":
        return ""  # an open connection may be answered by the old version while that drains
    # A connection opened after an update returned, and answered before the next one began.
    for (_, end, wanted), after in zip(windows, [*windows[1:], None], strict=True):
        if sent > end and (after is None or answered < after[0]) and version != wanted:
            return "the old version answered a new connection after the update"
    return ""


def _latency(values: list[float]) -> str:
    cuts = statistics.quantiles(values, n=100)
    return f"p50 {cuts[49]:.1f}, p99 {cuts[98]:.1f}, max {max(values):.0f} ms"
