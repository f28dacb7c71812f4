from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from jupyter_mldeploy.bundle import (
    Manifest,
    ModelSource,
    check_variables,
    tree,
    variables,
)
from jupyter_mldeploy.errors import ConfigurationError, StoreError, UserErrorException
from jupyter_mldeploy.store.files import Files


def everything_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_the_layout(make, greeting, source):
    (source / "lib").mkdir()
    (source / "lib" / "names.py").write_text("A = 1\n")
    bundle, warnings = make(models=[greeting], environment_variables={"MY_FLAG": "1"})
    assert warnings == []
    assert everything_in(bundle) == ["app", "manifest.json", "requirements.lock", "runtime"]
    assert everything_in(bundle / "app") == ["azureml-models", "src"]
    assert (bundle / "app" / "src" / "score.py").read_bytes() == (source / "score.py").read_bytes()
    assert (bundle / "app" / "src" / "lib" / "names.py").read_text() == "A = 1\n"
    model = bundle / "app" / "azureml-models" / "greeting" / "3"
    assert (model / "hello.txt").read_text() == "hello"
    lock = (bundle / "requirements.lock").read_text().splitlines()
    assert any(line.startswith("numpy==") for line in lock)
    assert everything_in(bundle.parent) == ["bundle"]


def test_the_manifest(make, greeting):
    bundle, _ = make(models=[greeting], environment_variables={"MY_FLAG": "1"})
    raw = json.loads((bundle / "manifest.json").read_text())
    assert raw["layout"] == 1
    assert raw["service_name"] == "my-service"
    assert raw["entry_script"] == "src/score.py"
    assert raw["source_directory"] == "src"
    assert raw["environment"]["python"] == str(Path(sys.executable).absolute())
    assert raw["environment"]["variables"] == {"MY_FLAG": "1"}
    entry = greeting.files[0]
    assert raw["models"] == [
        {
            "name": "greeting",
            "version": 3,
            "id": "greeting:3",
            "files": [{"path": "hello.txt", "sha256": entry.sha256, "size": 5}],
        }
    ]
    manifest = Manifest.load(bundle)
    assert manifest.variables["AZUREML_MODEL_DIR"] == "azureml-models/greeting/3"


def test_the_variables_of_one_model(make, greeting):
    bundle, _ = make(models=[greeting], environment_variables={"MY_FLAG": "1"})
    app = str(bundle / "app")
    assert variables(bundle) == {
        "MY_FLAG": "1",
        "AML_APP_ROOT": app,
        "AZUREML_ENTRY_SCRIPT": "src/score.py",
        "AZUREML_SOURCE_DIRECTORY": "src",
        "AZUREML_MODEL_DIR": f"{app}/azureml-models/greeting/3",
    }


def test_the_model_folder_of_none_and_of_many(make, greeting):
    bundle, _ = make("none")
    assert variables(bundle)["AZUREML_MODEL_DIR"] == str(bundle / "app" / "azureml-models")
    assert (bundle / "app" / "azureml-models").is_dir()
    other = ModelSource("other", 0, greeting.files)
    bundle, _ = make("many", models=[greeting, other])
    assert variables(bundle)["AZUREML_MODEL_DIR"] == str(bundle / "app" / "azureml-models")
    assert (bundle / "app" / "azureml-models" / "other" / "0" / "hello.txt").is_file()


def test_a_folder_as_a_model(make, files, tmp_path):
    folder = tmp_path / "net"
    (folder / "layers").mkdir(parents=True)
    (folder / "layers" / "1.bin").write_bytes(b"\0\1")
    (folder / "net.json").write_text("{}")
    bundle, _ = make(models=[ModelSource("net", 1, files.add_tree(folder))])
    root = bundle / "app" / "azureml-models" / "net" / "1"
    assert everything_in(root) == ["net"]
    assert (root / "net" / "layers" / "1.bin").read_bytes() == b"\0\1"


def test_a_script_without_a_source_directory(make, source):
    bundle, _ = make(source_directory=None, entry_script=source / "score.py")
    assert everything_in(bundle / "app") == ["azureml-models", "score.py"]
    found = variables(bundle)
    assert found["AZUREML_ENTRY_SCRIPT"] == "score.py"
    assert "AZUREML_SOURCE_DIRECTORY" not in found
    assert Manifest.load(bundle).source_directory is None


@pytest.mark.parametrize("script", ["deep/score2.py", "./deep/../deep/score2.py"])
def test_a_script_in_a_folder_below(make, source, script):
    (source / "deep").mkdir()
    (source / "deep" / "score2.py").write_text("")
    bundle, _ = make(entry_script=script)
    assert variables(bundle)["AZUREML_ENTRY_SCRIPT"] == "src/deep/score2.py"


def test_an_absolute_script_in_its_source_directory(make, source):
    bundle, _ = make(entry_script=source / "score.py")
    assert variables(bundle)["AZUREML_ENTRY_SCRIPT"] == "src/score.py"


def test_the_owner_may_go_on_writing_the_sources(make, source):
    bundle, _ = make()
    with (source / "score.py").open("r+") as script:
        script.write("XXXX")
    assert "XXXX" not in (bundle / "app" / "src" / "score.py").read_text()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"entry_script": "none.py"}, "does not exist"),
        ({"entry_script": "../hello.txt"}, "does not exist"),
        ({"source_directory": None, "entry_script": Path("none.py")}, "does not exist"),
        ({"environment_variables": {"AZUREML_MODEL_DIR": "x"}}, "AZUREML_MODEL_DIR cannot be set"),
        ({"models": [ModelSource("m", 1, [])]}, "must be one file or one folder"),
    ],
)
def test_a_refused_bundle_leaves_nothing(make, greeting, tmp_path, changes, said):
    with pytest.raises(UserErrorException, match=said):
        make(**changes)
    assert everything_in(tmp_path / "bundles") == []


def test_a_damaged_content_leaves_nothing(make, greeting, files, tmp_path):
    files.path_of(greeting.files[0].sha256).unlink()
    with pytest.raises(StoreError):
        make(models=[greeting])
    assert everything_in(tmp_path / "bundles") == []


def test_an_interruption_leaves_nothing(make, greeting, tmp_path):
    class Interrupted(Files):
        def materialise(self, *args, **kwargs):
            super().materialise(*args, **kwargs)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(models=[greeting], files=Interrupted(tmp_path / "artifacts"))
    assert everything_in(tmp_path / "bundles") == []


def test_a_model_twice(make, greeting):
    with pytest.raises(UserErrorException, match="greeting:3 is given twice"):
        make(models=[greeting, greeting])


def test_a_bundle_is_never_overwritten(make):
    bundle, _ = make()
    before = (bundle / "manifest.json").read_bytes()
    with pytest.raises(StoreError, match="already something"):
        make()
    assert (bundle / "manifest.json").read_bytes() == before
    assert everything_in(bundle.parent) == ["bundle"]


def test_a_script_that_is_ignored(make, source):
    (source / ".amlignore").write_text("*.py\n")
    with pytest.raises(ConfigurationError, match=r"score\.py is left out"):
        make()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AML_APP_ROOT", "/", "AML_APP_ROOT cannot be set"),
        ("SCORING_TIMEOUT_MS", "1", "scoring_timeout_ms in the deployment configuration"),
        ("MLDEPLOY_AUTH", "none", "does not begin with MLDEPLOY_"),
        ("A=B", "1", "cannot be the name"),
        ("", "1", "cannot be the name"),
        ("A", "\0", "value of the environment variable A"),
        ("A", "\ud800", "value of the environment variable A"),
    ],
)
def test_variables_that_a_user_cannot_set(name, value, said):
    with pytest.raises(ConfigurationError, match=said):
        check_variables({"FINE": "1", name: value})


def test_the_tree_is_what_the_server_sees(make, greeting, source):
    (source / "a\nb").write_text("x" * 1500)
    bundle, _ = make(models=[greeting])
    text = tree(bundle)
    assert text.splitlines()[0] == f"{bundle}/app/"
    assert "hello.txt  5 bytes" in text
    assert "'a\\nb'  1.5 kB" in text


def test_a_long_tree_is_cut(make, source):
    for number in range(300):
        (source / f"{number}.txt").write_text("")
    bundle, _ = make()
    lines = tree(bundle).splitlines()
    assert len(lines) == 200
    assert lines[-1] == "... and 105 more"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"layout": 2}', "has layout 2; .* up to 1"),
        ('{"layout": 1}', "damaged"),
        ("{", "damaged"),
        ("[]", "damaged"),
        (None, "no bundle in"),
    ],
)
def test_a_manifest_that_cannot_be_read(tmp_path, content, said):
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(StoreError, match=said):
        Manifest.load(tmp_path)


def test_a_newer_writer_may_add_keys(make):
    bundle, _ = make()
    path = bundle / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "red"}))
    assert Manifest.load(bundle).entry_script == "src/score.py"


def test_the_bundle_serves(make, greeting):
    """The layout is what the server of the island expects: it answers from it."""
    bundle, _ = make(models=[greeting], environment_variables={"MY_FLAG": "1"})
    app = bundle / "app"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        environ = {
            **variables(bundle),
            "SERVICE_NAME": "my-service",
            "MLDEPLOY_LISTEN_FDS": str(listening.fileno()),
            "MLDEPLOY_ACCEPT": "now",
        }
        server = subprocess.Popen(
            [sys.executable, bundle / "runtime"],
            cwd=app,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[listening.fileno()],
        )
    try:
        answer = ask(f"http://127.0.0.1:{port}/score")
    finally:
        server.terminate()
        said, _ = server.communicate(timeout=20)
    assert answer["said"] == "hello", said
    assert answer["given"] == {"data": [1]}
    assert answer["cwd"] == str(app)
    assert answer["variables"] == variables(bundle)


def ask(url):
    request = Request(url, b'{"data": [1]}', {"Content-Type": "application/json"})
    deadline = time.monotonic() + 20
    while True:
        try:
            return json.load(urlopen(request, timeout=10))
        except HTTPError as answer:
            with answer:
                # While the script is being imported.
                if answer.code != 503 or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)
