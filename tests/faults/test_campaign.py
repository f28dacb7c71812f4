"""Random and named faults: whatever dies, every promise holds."""

from __future__ import annotations

import os

import pytest

from tests.faults.campaign import run, table
from tests.faults.points import POINTS

COUNT = int(os.environ.get("FAULTS_COUNT", "0"))


@pytest.mark.skipif(not COUNT, reason="takes minutes: FAULTS_COUNT=200 says how many faults")
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_whatever_is_killed_nothing_is_lost():
    seed = os.environ.get("FAULTS_SEED") or os.urandom(4).hex()
    print(f"seed {seed}: FAULTS_SEED={seed} repeats the choices")
    results = run(COUNT, seed)
    print(table(results))
    broken = [result for result in results if result["found"]]
    assert not broken, f"seed {seed}"
    assert len(results) == COUNT
    # The dice cannot have left out what the campaign is for.
    if COUNT >= 200:
        assert {result["kind"] for result in results} == set(POINTS)
        killed = {victim for result in results for victim in result["victims"].split("+")}
        assert killed == {"worker", "supervisor", "server", "new server", "caller"}
