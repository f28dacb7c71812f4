"""A campaign: lanes side by side, and the table of what was injected and what held."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

from tests.faults.invariants import INVARIANTS

__all__ = ["run", "table"]


def run(count, seed, lanes=2, say=lambda line: None):
    """Inject ``count`` faults; return the results, one dictionary for each fault."""
    share = [count // lanes + (lane < count % lanes) for lane in range(lanes)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.lane", f"{seed}.{lane}", str(faults)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for lane, faults in enumerate(share)
        if faults
    ]
    results = []
    try:
        import selectors

        with selectors.DefaultSelector() as selector:
            for process in processes:
                selector.register(process.stdout, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select():
                    line = key.fileobj.readline()
                    if not line:
                        selector.unregister(key.fileobj)
                        continue
                    say(line.rstrip())
                    result = json.loads(line)
                    if result.get("hit"):
                        results.append(result)
    finally:
        for process in processes:
            if process.poll() is None and sys.exc_info()[0] is not None:
                process.terminate()
            process.wait()
            process.stdout.close()
    ended = [process.returncode for process in processes]
    assert ended == [0] * len(ended), f"a lane ended with {ended}: its traceback is above"
    return results


def table(results):
    """Return faults by kind of point and by victim, and the invariants that held."""
    lines = [f"{'operation':<10} {'point':<22} {'faults':>6} {'all held':>9}"]
    points, held = Counter(), Counter()
    for result in results:
        point = result["point"].split(":")
        key = (
            result["kind"],
            ":".join(point[:2]) if point[0] in {"phase", "target"} else f"random {point[0]}",
        )
        points[key] += 1
        held[key] += not result["found"]
    lines += [f"{k:<10} {p:<22} {n:>6} {held[k, p]:>9}" for (k, p), n in sorted(points.items())]
    lines += ["", f"{'killed':<49} {'faults':>6} {'all held':>9}"]
    victims = Counter(result["victims"] for result in results)
    whole = Counter(result["victims"] for result in results if not result["found"])
    lines += [f"{v:<49} {n:>6} {whole[v]:>9}" for v, n in sorted(victims.items())]
    lines += ["", f"{'invariant':<49} {'looked':>6} {'held':>9}"]
    lines += [
        f"{name:<49} {len(results):>6} {sum(name not in r['found'] for r in results):>9}"
        for name in INVARIANTS
    ]
    seconds = sum(result["seconds"] for result in results)
    lines += ["", f"{len(results)} faults, {seconds / max(1, len(results)):.2f} s each"]
    return "\n".join(lines)
