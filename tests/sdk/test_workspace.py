"""Workspaces: found by v1's rules, made where v1 has a portal, said once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mldeploy.errors import UserErrorException
from jupyter_mldeploy.sdk import workspace as workspace_module
from jupyter_mldeploy.sdk.settings import Settings, close_stores, default_home
from jupyter_mldeploy.sdk.workspace import Workspace

CLOUD = {"subscription_id": "s", "resource_group": "g", "workspace_name": "team"}
SCOPE = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/team"
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A current folder without a config above, nothing said yet, and no store left open."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setattr(workspace_module, "_said", set())
    yield
    close_stores()


def config(path: Path, content: object = CLOUD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_no_config_anywhere_opens_the_default_workspace_and_says_so_once(capsys):
    for _ in range(2):
        assert Workspace.from_config().name == "default"
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count('using workspace "default"') == 1


def test_a_v1_config_works_as_it_is_and_its_workspace_is_made_once(capsys):
    config(Path(".azureml/config.json"))
    for _ in range(2):
        ws = Workspace.from_config()
        assert (ws.name, ws.subscription_id, ws.resource_group) == ("team", "s", "g")
    assert capsys.readouterr().err.count('Workspace "team" of') == 1
    assert Workspace.get("team") == ws
    assert Workspace.get("team").subscription_id == "s"


def test_a_scope_names_everything():
    config(Path("config.json"), {"Scope": SCOPE})
    ws = Workspace.from_config()
    assert (ws.name, ws.subscription_id, ws.resource_group) == ("team", "s", "g")


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (".azureml/config.json", "aml_config/config.json"),
        (".azureml/config.json", ".azureml/project.json"),
        (".azureml/project.json", "config.json"),
        ("aml_config/config.json", "config.json"),
        ("aml_config/project.json", "config.json"),
        ("config.json", "project.json"),
        ("project.json", "../.azureml/config.json"),
        ("../config.json", "../../config.json"),
    ],
)
def test_the_order_of_the_search(tmp_path: Path, monkeypatch, better: str, worse: str):
    (tmp_path / "project/sub").mkdir()
    monkeypatch.chdir(tmp_path / "project/sub")
    config(Path(worse), {"workspace_name": "worse"})
    assert Workspace.from_config().name == "worse"
    config(Path(better), {"workspace_name": "better"})
    assert Workspace.from_config().name == "better"
    assert Workspace.from_config(".").name == "better"


def test_a_file_of_any_name_and_another_file_name(tmp_path: Path):
    file = config(tmp_path / "mine.txt", {"workspace_name": "a"})
    assert Workspace.from_config(file).name == "a"
    config(Path(".azureml/other.json"), {"workspace_name": "b"})
    assert Workspace.from_config(_file_name="other.json").name == "b"


def test_a_path_without_config_is_an_error(tmp_path: Path):
    with pytest.raises(UserErrorException, match=r"No config\.json was found"):
        Workspace.from_config(tmp_path)
    with pytest.raises(UserErrorException, match="does not exist"):
        Workspace.from_config(tmp_path / "nothing.json")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "cannot be read"),
        ("[]", "no JSON object"),
        ({"subscription_id": "s"}, 'no "workspace_name"'),
        ({"workspace_name": ""}, 'no "workspace_name"'),
        ({"workspace_name": 1}, 'no "workspace_name"'),
        ({"Scope": "/subscriptions/s"}, '"Scope" in .* cannot be read'),
        ({"workspace_name": "a/b"}, "cannot be the name of a workspace"),
        ({"workspace_name": "a", "home": 1}, '"home" in the config file is int'),
    ],
)
def test_a_config_that_says_nothing_usable(content, says, monkeypatch):
    monkeypatch.delenv("MLDEPLOY_HOME")
    config(Path("config.json"), content)
    with pytest.raises(UserErrorException, match=says):
        Workspace.from_config()


def test_a_config_with_a_byte_order_mark():
    Path("config.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(CLOUD).encode())
    assert Workspace.from_config().name == "team"


def test_create_and_get():
    made = Workspace.create("a", subscription_id="s", resource_group="g", location="westus")
    assert (made.name, made.location) == ("a", "westus")
    found = Workspace.get("a")
    assert found == made
    assert hash(found) == hash(made)
    assert (found.subscription_id, found.resource_group, found.location) == ("s", "g", "westus")
    assert Workspace("s", "g", "a") == made
    with pytest.raises(UserErrorException, match="workspace with name a already"):
        Workspace.create("a")
    assert Workspace.create("a", exist_ok=True) == made
    with pytest.raises(UserErrorException, match=r"^WorkspaceNotFound: .* name b not found"):
        Workspace.get("b")


@pytest.mark.parametrize("name", ["", "a b", "../x", "-a", "a" * 256, None, 3])
def test_names_that_are_not_allowed(name):
    with pytest.raises(UserErrorException, match="cannot be the name"):
        Workspace.create(name)


def test_write_config_is_read_back(tmp_path: Path):
    ws = Workspace.create("a", subscription_id="s", resource_group="g", home=tmp_path / "h")
    ws.write_config()
    assert json.loads(Path(".azureml/config.json").read_text()) == {
        "subscription_id": "s",
        "resource_group": "g",
        "workspace_name": "a",
        "home": str(tmp_path / "h"),
    }
    ws.write_config(tmp_path / "else", "x.json")
    assert (tmp_path / "else/.azureml/x.json").is_file()


def test_a_written_config_leads_to_its_home(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("MLDEPLOY_HOME")
    ws = Workspace.create("a", home=tmp_path / "h", artifact_url=str(tmp_path / "art"))
    ws.write_config()
    found = Workspace.from_config()
    assert found == ws
    assert found.get_details()["artifacts"] == str(tmp_path / "art")


def test_argument_then_environment_then_config_then_default(tmp_path: Path, monkeypatch):
    values = {"home": "from-config", "database_url": "sqlite:////c", "artifact_url": "art"}
    for name in ("HOME", "DATABASE_URL", "ARTIFACT_URL"):
        monkeypatch.setenv(f"MLDEPLOY_{name}", f"/env/{name}")
    chosen = Settings.resolve("/arg", config=values, beside=tmp_path)
    assert chosen == Settings(Path("/arg"), "/env/DATABASE_URL", "/env/ARTIFACT_URL")
    for name in ("HOME", "DATABASE_URL", "ARTIFACT_URL"):
        monkeypatch.delenv(f"MLDEPLOY_{name}")
    chosen = Settings.resolve(config=values, beside=tmp_path)
    assert chosen == Settings(tmp_path / "from-config", "sqlite:////c", str(tmp_path / "art"))
    assert Settings.resolve() == Settings(default_home())


def test_a_home_in_the_config_is_relative_to_the_project(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("MLDEPLOY_HOME")
    config(Path(".azureml/config.json"), {"workspace_name": "a", "home": "store"})
    Workspace.from_config()
    assert (tmp_path / "project/store/mldeploy.db").is_file()


def test_what_it_holds():
    ws = Workspace.create("a")
    assert (ws.models, ws.webservices, ws.operations) == ({}, {}, {})
    details = ws.get_details()
    assert details["name"] == "a"
    assert Path(details["database"]).is_file()
    assert repr(ws) == f"Workspace(workspace_name='a', home={details['home']!r})"


def test_a_home_that_was_removed_is_made_again(tmp_path: Path):
    home = tmp_path / "h"
    Workspace.create("a", home=home)
    shutil.rmtree(home)
    Workspace.create("a", home=home)
    assert (home / "mldeploy.db").is_file()


def test_nothing_is_left_open_at_the_end_and_nothing_heavy_is_loaded(tmp_path: Path):
    code = (
        "import sys\n"
        "from jupyter_mldeploy import Model, Workspace\n"
        "heavy = ('alembic', 'pydantic', 'sqlalchemy', 'requests')\n"
        "loaded = [name for name in heavy if name in sys.modules]\n"
        "ws = Workspace.create('a', home=sys.argv[1])\n"
        "print(loaded, Model.list(ws))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", code, str(tmp_path / "h")],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "[] []\n"
    assert done.stderr == ""
    # The last connection was closed: its log is merged and gone.
    assert not (tmp_path / "h/mldeploy.db-wal").exists()
