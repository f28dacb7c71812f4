"""What the machine can do, one line each."""

from __future__ import annotations

import json
import os

from jupyter_mldeploy import __version__
from jupyter_mldeploy.targets import Capability, process


def findings(call, **options):
    told = json.loads(call("doctor", "-o", "json", **options).stdout)
    return told["usable"], {each["name"]: each for each in told["findings"]}


def test_a_machine_that_can(call):
    usable, found = findings(call)
    assert usable
    assert found["package"]["text"] == f"jupyter_mldeploy {__version__}"
    for name in ("Python", "platform", "processors", "memory", "run folder", "network"):
        assert found[name]["ok"] is not False
    assert found["workers"]["ok"]
    assert found["target process"]["ok"]
    assert os.environ["MLDEPLOY_HOME"] in found["home"]["text"]
    for name in ("uv", "docker", "kubectl"):
        assert found[name]["ok"] is None
        assert "this version does not use it" in found[name]["text"]


def test_it_makes_nothing(call, folder, monkeypatch):
    home = folder / "not yet"
    monkeypatch.setenv("MLDEPLOY_HOME", str(home))
    _, found = findings(call)
    assert "(will be made)" in found["home"]["text"]
    assert "(will be made)" in found["database"]["text"]
    assert not home.exists()


def test_the_database_and_its_revision(call):
    call("model", "list")
    _, found = findings(call)
    assert found["database"]["ok"]
    assert "revision" in found["database"]["text"]


def test_lines_for_people(call):
    lines = call("doctor").stdout.splitlines()
    assert f"✓ package        jupyter_mldeploy {__version__}" in lines
    assert all(line[0] in "✓✗· " for line in lines)


def test_programs_are_found_on_the_path(call, folder, monkeypatch):
    (folder / "uv").write_text("#!/bin/sh\n")
    (folder / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    _, found = findings(call)
    assert found["uv"]["text"].startswith(f"found: {folder / 'uv'}")
    assert found["docker"]["text"].startswith("not found on PATH")


def test_a_machine_that_cannot_says_why_and_ends_with_1(call, monkeypatch):
    cannot = Capability("process", "Process", available=False, reason="No.", hint="Use WSL.")
    monkeypatch.setattr(process.ProcessTarget, "capability", lambda _self: cannot)
    told = call("doctor", code=1).stdout
    assert "✗ target process Process: No.\n" in told
    assert "Use WSL." in told


def test_a_damaged_database_is_a_finding(call, folder, monkeypatch):
    (folder / "mldeploy.db").write_bytes(b"not a database at all" * 100)
    monkeypatch.setenv("MLDEPLOY_HOME", str(folder))
    _, found = findings(call)
    assert found["database"]["ok"] is False
    assert found["database"]["hint"]


def test_a_bad_configuration_is_a_finding(call, folder):
    (folder / "config.json").write_text("{")
    _, found = findings(call)
    assert found["configuration"]["ok"] is False
