"""Which workspace a command works in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def test_the_default_one_is_announced_when_it_is_made_and_then_no_more(call, monkeypatch, tmp_path):
    monkeypatch.setenv("MLDEPLOY_HOME", str(tmp_path / "fresh"))
    assert 'Using workspace "default"' in call("model", "list").stderr
    assert "default" not in call("model", "list").stderr


def test_create_show_list(call):
    call("workspace", "create", "project")
    assert json.loads(call("workspace", "show", "-w", "project", "-o", "json").stdout)["name"] == (
        "project"
    )
    names = [each["name"] for each in json.loads(call("workspace", "list", "-o", "json").stdout)]
    assert names == ["project"]
    assert "project" in call("workspace", "list").stdout
    call("workspace", "create", "project", code=2)
    call("workspace", "create", "-w", "project", "--exist-ok")


def test_create_for_a_folder(call, folder):
    call("workspace", "create", "mine", "--write-config")
    assert json.loads((folder / ".azureml" / "config.json").read_text())["workspace_name"] == "mine"
    (folder / "below").mkdir()
    shown = call("workspace", "show", "--path", folder / "below", "-o", "json").stdout
    assert json.loads(shown)["name"] == "mine"


def test_a_name_goes_with_the_home_of_the_folders_configuration(call, folder, monkeypatch):
    (folder / "config.json").write_text(json.dumps({"workspace_name": "one", "home": "shared"}))
    monkeypatch.delenv("MLDEPLOY_HOME")
    call("workspace", "create", "two")
    shown = json.loads(call("workspace", "show", "-w", "two", "-o", "json").stdout)
    assert Path(shown["home"]) == folder / "shared"


def test_models_of_one_are_not_in_the_other(call, folder):
    (folder / "model.bin").write_bytes(b"weights")
    call("workspace", "create", "one")
    call("model", "register", "-n", "m", "-p", "model.bin", "-w", "one")
    assert call("model", "list", "-o", "json").stdout == "[]\n"
    assert (
        "m:1" in call("model", "list", "-w", "one", "-g", "group", "--subscription-id", "s").stdout
    )


@pytest.mark.parametrize("arguments", [("-w", "bad name"), ("--path", "missing")])
def test_bad_choices(call, arguments):
    call("model", "list", *arguments, code=2)
