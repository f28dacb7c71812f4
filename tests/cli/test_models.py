"""The commands for models, without a service."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def model(folder):
    path = folder / "model.bin"
    path.write_bytes(b"weights")
    return path


def test_register_show_list_update_download_delete(call, model, folder):
    first = call(
        *("model", "register", "-n", "diabetes", "-p", model, "--tag", "area=demo"),
        *("--property", "made=2026", "-d", "a ridge", "--model-framework", "ScikitLearn"),
        *("--model-framework-version", "1.9", "--cc", "1", "--gb", "0.5"),
        *("-t", "meta.json"),
    )
    assert first.stdout == "diabetes:1\n"
    assert json.loads((folder / "meta.json").read_text()) == {
        "modelId": "diabetes:1",
        "workspaceName": "default",
    }
    assert call("model", "register", "-n", "diabetes", "--asset-path", model).stdout.endswith(
        ":2\n"
    )

    shown = json.loads(call("model", "show", "diabetes:1", "-o", "json").stdout)
    assert shown["tags"] == {"area": "demo"}
    assert shown["properties"] == {"made": "2026"}
    assert shown["description"] == "a ridge"
    assert shown["framework"] == "ScikitLearn"
    assert shown["frameworkVersion"] == "1.9"
    assert shown["resourceConfiguration"] == {"cpu": 1.0, "memoryInGB": 0.5}
    assert shown["usedBy"] == []
    assert "7 B" in call("model", "show", "-i", "diabetes:1").stdout
    assert "diabetes:2" in call("model", "show", "-n", "diabetes").stdout
    assert "diabetes:1" in call("model", "show", "-n", "diabetes", "--version", "1").stdout

    call("model", "update", "diabetes:1", "--add-tag", "owner=ann", "--remove-tag", "area")
    call("model", "update", "-i", "diabetes:1", "--add-property", "seen=yes", "-d", "changed")
    shown = json.loads(call("model", "show", "diabetes:1", "-o", "json").stdout)
    assert shown["tags"] == {"owner": "ann"}
    assert shown["properties"] == {"made": "2026", "seen": "yes"}
    assert shown["description"] == "changed"

    path = call("model", "download", "diabetes:1", "-t", "out").stdout.strip()
    assert (folder / path).read_bytes() == b"weights"
    assert "--overwrite" in call("model", "download", "diabetes:1", "-t", "out", code=4).stderr
    call("model", "download", "diabetes:1", "-t", "out", "--overwrite")

    call("model", "delete", "diabetes:1")
    call("model", "show", "diabetes:1", code=3)


def test_list_and_its_filters(call, model):
    for name, tag in (("apple", "kind=fruit"), ("apple", "kind=pie"), ("carrot", "root=")):
        call("model", "register", "-n", name, "-p", model, "--tag", tag)

    def ids(*arguments):
        return [
            each["id"]
            for each in json.loads(call("model", "list", *arguments, "-o", "json").stdout)
        ]

    assert ids() == ["carrot:1", "apple:2", "apple:1"]
    assert ids("-l") == ["carrot:1", "apple:2"]
    assert ids("-n", "apple") == ["apple:2", "apple:1"]
    assert ids("--tag", "kind") == ["apple:2", "apple:1"]
    assert ids("--tag", "kind=pie") == ["apple:2"]
    assert ids("--text", "carr") == ["carrot:1"]
    assert ids("--limit", "1", "--offset", "1") == ["apple:2"]
    assert ids("--tag", "nothing") == []
    assert call("model", "list", "--tag", "nothing").stderr == "No model fits.\n"
    assert "do not go with --name" in call("model", "list", "-n", "a", "--text", "b", code=2).stderr
    lines = call("model", "list").stdout.splitlines()
    assert lines[0].split() == ["MODEL", "FRAMEWORK", "SIZE", "REGISTERED", "TAGS"]
    assert lines[2].startswith("apple:2")


def test_two_names_that_differ(call):
    told = call("model", "show", "one:1", "-i", "two:2", code=2).stderr
    assert "one:1 and two:2" in told
    assert "--version goes with -n" in call("model", "show", "--version", "3", code=2).stderr


def test_update_with_nothing_to_change(call, model):
    call("model", "register", "-n", "m", "-p", model)
    assert "Nothing to change" in call("model", "update", "m:1", code=2).stderr


def test_a_metadata_file_that_cannot_be_written_registers_nothing(call, model):
    call("model", "register", "-n", "m", "-p", model, "-t", "no/such/folder.json", code=2)
    assert call("model", "list", "-o", "json").stdout == "[]\n"


def test_what_v1_took_from_runs_is_refused(call, model):
    told = call("model", "register", "-n", "m", "-p", model, "--run-id", "r1", code=2).stderr
    assert "no experiments and runs" in told


def test_a_path_that_is_not_there(call):
    call("model", "register", "-n", "m", "-p", "missing.pkl", code=2)


@pytest.mark.parametrize("text", ["{", "[]", '{"modelId": 3}'])
def test_metadata_files_that_name_no_model(call, folder, text):
    (folder / "meta.json").write_text(text)
    (folder / "score.py").write_text("def init(): ...\ndef run(data): ...\n")
    told = call(
        "model", "deploy", "-n", "svc", "-f", "meta.json", "--es", "score.py", code=2
    ).stderr
    assert "meta.json" in told
    assert "mldeploy model register" in told


def test_a_no_leaves_it(call, model, monkeypatch):
    call("model", "register", "-n", "m", "-p", model)
    monkeypatch.setattr("jupyter_mldeploy.cli.parameters._somebody_to_ask", lambda: True)
    told = call("model", "delete", "m:1", input="n\n", code=5).stderr
    assert "Delete the model m:1?" in told
    assert "Nothing was deleted." in told
    call("model", "show", "m:1")
    call("model", "delete", "m:1", input="", code=5)  # the end of the input is no answer
    call("model", "delete", "m:1", input="y\n")
    call("model", "show", "m:1", code=3)


def test_yes_asks_nothing(call, model, monkeypatch):
    call("model", "register", "-n", "m", "-p", model)
    monkeypatch.setattr("jupyter_mldeploy.cli.parameters._somebody_to_ask", lambda: True)
    assert "?" not in call("model", "delete", "m:1", "--yes").stderr
