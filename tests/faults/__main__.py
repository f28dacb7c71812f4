"""``python -m tests.faults --count 2000``: inject faults by hand and print the table."""

from __future__ import annotations

import argparse
import secrets
import sys

from tests.faults.campaign import run, table

parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
parser.add_argument("--count", type=int, default=200, help="how many faults")
parser.add_argument("--seed", default="", help="repeats a campaign's choices; random by default")
parser.add_argument("--lanes", type=int, default=2, help="services under fault side by side")
parser.add_argument("--verbose", action="store_true", help="print each fault")
given = parser.parse_args()
seed = given.seed or secrets.token_hex(4)
print(f"seed {seed}", flush=True)


def say(line):
    if given.verbose or '"found": {}' not in line:
        print(line, flush=True)


results = run(given.count, seed, given.lanes, say)
print(table(results))
sys.exit(any(result["found"] for result in results))
