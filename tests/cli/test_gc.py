"""``mldeploy gc``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def waste(call, short_run_dir):
    """A bundle that nobody names."""
    call("workspace", "create", "default")
    bundle = Path(os.environ["MLDEPLOY_HOME"], "bundles", "0" * 32)
    bundle.mkdir(parents=True)
    (bundle / "manifest.json").write_bytes(b"x" * 2_000_000)
    return bundle


def test_dry_run_says_what_and_how_much_and_removes_nothing(call, waste):
    said = call("gc", "--dry-run")
    assert "bundles  1      2.0 MB  named by no generation" in said.stdout
    assert "2.0 MB would be freed." in said.stderr
    assert waste.exists()


def test_what_is_freed(call, waste):
    found = call.json("gc")
    assert found["dryRun"] is False
    assert found["bytes"] == 2_000_000
    assert {
        "kind": "bundles",
        "count": 1,
        "bytes": 2_000_000,
        "rule": "named by no generation that may serve again",
    } in found["kinds"]
    assert not waste.exists()
    assert "There is nothing to remove." in call("gc").stderr
