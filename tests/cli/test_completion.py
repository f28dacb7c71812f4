"""The shell's completion: its scripts, and what they offer."""

from __future__ import annotations

import json

import pytest

from jupyter_mldeploy.cli.main import cli


@pytest.fixture
def offered(call):
    def complete(words):
        number = str(len(words.split(" ")) - 1)
        asked = {
            "_MLDEPLOY_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": number,
        }
        result = call(env=asked, prog_name="mldeploy", complete_var="_MLDEPLOY_COMPLETE")
        return [line.partition(",")[2] for line in result.stdout.splitlines() if line]

    return complete


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(call, shell):
    told = call("completion", shell).stdout
    assert "_MLDEPLOY_COMPLETE" in told
    assert "mldeploy" in told


def test_commands_and_flags(offered):
    assert set(offered("mldeploy ")) == set(cli.list_commands(None))
    assert offered("mldeploy service ro") == ["rollback"]
    assert offered("mldeploy model deploy --wor") == ["--workers", "--workspace-name"]


def test_names_of_models(offered, call, folder):
    (folder / "model.bin").write_bytes(b"weights")
    for name in ("apple", "apricot", "pear"):
        call("model", "register", "-n", name, "-p", "model.bin")
    assert offered("mldeploy model show ap") == ["apricot:1", "apple:1"]
    assert offered("mldeploy model deploy -m pe") == ["pear:1"]
    assert offered("mldeploy service show ap") == []


def test_a_broken_workspace_offers_nothing_and_says_nothing(offered, folder):
    (folder / "config.json").write_text("{")
    assert offered("mldeploy model show ") == []


@pytest.mark.parametrize("kind", ["inferenceconfig", "deploymentconfig"])
def test_schemas(call, kind):
    told = call("config", "schema", kind).stdout
    wanted = "entryScript" if kind == "inferenceconfig" else "scoringTimeoutMs"
    assert wanted in json.loads(told)["properties"]
