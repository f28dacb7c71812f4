"""The registry: versions, filters, changes, deletion, and registering from many processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from jupyter_mldeploy.errors import UserErrorException, WebserviceException
from jupyter_mldeploy.store import ModelRecord, Store, WorkspaceRecord


@pytest.fixture
def register(store: Store, workspace: WorkspaceRecord, model_file: Path):
    def one(name: str = "ridge", **fields) -> ModelRecord:
        fields = {"created_by": "ann", **fields}
        return store.register_model(workspace.id, name, model_file, **fields)

    return one


def test_what_is_registered_is_read_back(store: Store, workspace: WorkspaceRecord, register):
    made = register(
        tags={"area": "diabetes"},
        properties={"p": "1"},
        datasets=[("train", "d1"), ("train", "d2")],
        description="a ridge",
        framework="ScikitLearn",
        framework_version="1.5",
        registered_environment={"python_version": "3.11.7"},
        resource_configuration={"cpu": 1},
        run_id="r1",
        experiment_name="e",
        sample_input_dataset_id="i",
        sample_output_dataset_id="o",
    )
    assert made == store.models.get(workspace.id, "ridge", 1)
    assert made == store.models.get_by_id(made.id)
    assert (made.model_id, made.root, made.size) == ("ridge:1", "model.pkl", 7)
    assert made.created_time.utcoffset().total_seconds() == 0


def test_versions_rise_by_one_and_are_never_given_again(
    store: Store, workspace: WorkspaceRecord, register
):
    versions = [register() for _ in range(3)]
    assert [each.version for each in versions] == [1, 2, 3]
    store.models.delete(versions[2].id)
    assert store.models.get(workspace.id, "ridge").version == 2
    again = register()
    assert again.version == 4
    assert again.id not in {each.id for each in versions}
    for each in store.models.page(workspace.id, name="ridge"):
        store.models.delete(each.id)
    assert store.models.find(workspace.id, "ridge") is None
    assert store.models.page(workspace.id, latest=True) == []
    assert register().version == 5
    assert register("other").version == 1


def test_a_name_is_of_one_workspace(store: Store, register, model_file: Path):
    register()
    other = store.workspaces.create("other")
    assert store.models.find(other.id, "ridge") is None
    assert store.register_model(other.id, "ridge", model_file, created_by="x").version == 1


def test_a_model_that_is_not_there(store: Store, workspace: WorkspaceRecord):
    with pytest.raises(WebserviceException, match=r"^ModelNotFound: Model with name x") as caught:
        store.models.get(workspace.id, "x")
    assert caught.value.status_code == 404


def test_filters(store: Store, workspace: WorkspaceRecord, register):
    register("a", tags={"area": "x", "team": "1"}, framework="Onnx")
    register("a", tags={"area": "y"}, properties={"area": "x"}, run_id="r")
    register("b", tags={"team": "1"}, description="Über 100% of_it", datasets=[("t", "d7")])

    def found(**filters) -> list[str]:
        records = store.models.page(workspace.id, **filters)
        assert store.models.count(workspace.id, **filters) == len(records)
        return [each.model_id for each in records]

    assert found() == ["b:1", "a:2", "a:1"]
    assert found(latest=True) == ["b:1", "a:2"]
    assert found(name="a", latest=True) == ["a:2"]
    assert found(tags=["area"]) == ["a:2", "a:1"]
    assert found(tags=[["area", "x"]]) == ["a:1"]
    assert found(tags=[("area", "x"), "team"]) == ["a:1"]
    assert found(tags=["area"], properties=[["area", "x"]]) == ["a:2"]
    assert found(framework="Onnx") == ["a:1"]
    assert found(run_id="r") == ["a:2"]
    assert found(dataset_id="d7") == ["b:1"]
    assert found(text="ARE") == ["a:2", "a:1"]
    assert found(text="TEAM") == ["b:1", "a:1"]
    assert found(text="100%") == ["b:1"]
    assert found(text="of_it") == ["b:1"]
    assert found(text="ofxit") == []
    assert found(text="onn") == ["a:1"]
    assert found(sha256=store.models.get(workspace.id, "b").sha256) == ["b:1", "a:2", "a:1"]


@pytest.mark.parametrize("wrong", ["area", {"area": "x"}, [1], [["a", "b", "c"]], [["a", 1]], [[]]])
def test_filters_that_are_none(store: Store, workspace: WorkspaceRecord, wrong):
    with pytest.raises(UserErrorException, match="tags"):
        store.models.page(workspace.id, tags=wrong)


def test_pages_follow_each_other(store: Store, workspace: WorkspaceRecord, register):
    for _ in range(7):
        register()
    pages = [
        [each.version for each in store.models.page(workspace.id, limit=3, offset=offset)]
        for offset in (0, 3, 6, 9)
    ]
    assert pages == [[7, 6, 5], [4, 3, 2], [1], []]
    assert [each.version for each in store.models.page(workspace.id, offset=5)] == [2, 1]


def test_more_models_than_a_statement_takes(store: Store, workspace: WorkspaceRecord, register):
    register(tags={"k": "first"})
    with store.database.write() as connection:
        connection.execute(
            text(
                "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) "
                "INSERT INTO models (workspace_id, name, version, asset_id, mime_type, unpack, "
                "root, sha256, size, created_time, created_by) SELECT workspace_id, name, n.i, "
                "asset_id, mime_type, unpack, root, sha256, size, created_time, created_by "
                "FROM models, n"
            )
        )
    records = store.models.page(workspace.id)
    assert len(records) == 1200
    assert records[-1].tags == {"k": "first"}


def test_the_tag_filter_uses_its_index(store: Store):
    with store.database.read() as connection:
        plan = connection.execute(
            text("EXPLAIN QUERY PLAN SELECT model_id FROM model_tags WHERE key='a' AND value='b'")
        ).all()
    assert "COVERING INDEX ix_model_tags_key_value_model_id" in str(plan)


def test_changes(store: Store, register):
    made = register(tags={"a": "1", "b": "2"}, properties={"p": "1"}, description="old")
    changed = store.models.update(
        made.id,
        add_tags={"a": "9", "c": "3"},
        remove_tags=["b", "nothing"],
        add_properties={"q": "2"},
        add_datasets=[("t", "d"), ("t", "d")],
        description="new",
    )
    assert changed.tags == {"a": "9", "c": "3"}
    assert changed.properties == {"p": "1", "q": "2"}
    assert changed.datasets == (("t", "d"),)
    assert changed.description == "new"
    assert store.models.update(made.id, tags={"z": "1"}, add_datasets=[("t", "d")]).tags == {
        "z": "1"
    }
    assert store.models.get_by_id(made.id).datasets == (("t", "d"),)


def test_properties_never_change_and_an_error_changes_nothing(store: Store, register):
    made = register(properties={"p": "1"})
    with pytest.raises(WebserviceException, match="Properties cannot be changed") as caught:
        store.models.update(made.id, add_tags={"new": "tag"}, add_properties={"p": "1", "q": "2"})
    assert caught.value.status_code == 409
    assert store.models.get_by_id(made.id) == made


def test_a_column_that_never_changes_is_a_mistake_of_the_caller(store: Store, register):
    with pytest.raises(TypeError, match="cannot update name, nonsense"):
        store.models.update(register().id, name="x", nonsense=1)


def test_a_change_after_deletion(store: Store, register):
    made = register()
    store.models.delete(made.id)
    store.models.delete(made.id)
    with pytest.raises(WebserviceException, match=r"^ModelNotFound"):
        store.models.update(made.id, description="x")


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def test_any_text_is_kept_and_found(store: Store, workspace: WorkspaceRecord, register):
    made = register()

    @given(st.dictionaries(_TEXT, _TEXT, max_size=4), _TEXT)
    @settings(max_examples=60, deadline=None)
    def check(tags: dict[str, str], description: str) -> None:
        changed = store.models.update(made.id, tags=tags, description=description)
        assert changed.tags == tags
        assert changed.description == description
        for key, value in tags.items():
            assert store.models.count(workspace.id, tags=[key]) == 1
            assert store.models.count(workspace.id, tags=[[key, value]]) == 1
            assert store.models.count(workspace.id, tags=[[key, value + "x"]]) == 0

    # SQLite ends a LIKE pattern at a NUL, and folds case of ASCII letters only.
    words = st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1, max_size=9)

    @given(words)
    @settings(max_examples=60, deadline=None)
    def search(word: str) -> None:
        store.models.update(made.id, tags={}, description=f"<<{word}>>")
        assert store.models.count(workspace.id, text=word.swapcase()) == 1
        other = f"<{word[1:]}_%>"
        there = other.lower() in f"<<{word}>>".lower()
        assert store.models.count(workspace.id, text=other) == there

    check()
    search()


def test_processes_that_register_one_name_get_versions_without_gap_or_twin(
    store: Store, workspace: WorkspaceRecord, home: Path, model_file: Path
):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from jupyter_mldeploy.store import Store\n"
        f"with Store.open({str(home)!r}) as store:\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    for _ in range(10):\n"
        f"        made = store.register_model({workspace.id}, 'ridge', "
        f"Path({str(model_file)!r}), created_by='x')\n"
        "        print(made.version, flush=True)\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    versions: list[int] = []
    for process in processes:
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        mine = [int(line) for line in out.split()]
        assert mine == sorted(mine)
        versions += mine
    assert sorted(versions) == list(range(1, 41))
    assert store.models.count(workspace.id, name="ridge") == 40
    assert len(list(store.files.contents())) == 1


def test_threads_share_a_store(store: Store, workspace: WorkspaceRecord, register):
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(5):
                register()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.models.get(workspace.id, "ridge").version == 30


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_child_has_connections_of_its_own(
    store: Store, workspace: WorkspaceRecord, register
):
    register()
    child = os.fork()
    if child == 0:
        try:
            register()
            store.close()
            os._exit(0)
        except BaseException:
            os._exit(1)
    register()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.models.count(workspace.id) == 3
    with store.database.read() as connection:
        assert connection.scalar(text("PRAGMA integrity_check")) == "ok"


def test_a_registration_that_fails_leaves_no_row(
    store: Store, workspace: WorkspaceRecord, register
):
    register()

    def refuse() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.models.register(
            workspace.id,
            "ridge",
            files=store.models.get(workspace.id, "ridge").files,
            created_by="x",
            before=refuse,
        )
    assert store.models.count(workspace.id) == 1
    assert register().version == 2


def test_unreferenced_contents_are_removed(store: Store, register, model_file: Path):
    kept, gone = register(), None
    model_file.write_bytes(b"other")
    gone = register()
    store.models.delete(gone.id)
    assert store.remove_unreferenced().files == 0, "young: a registration may be on its way"
    removed = store.remove_unreferenced(min_age=-1)
    assert (removed.files, removed.size) == (1, 5)
    assert list(store.files.contents()) == [kept.files[0].sha256]
    store.files.require(kept.files)


def test_a_clean_up_between_copy_and_row_is_made_good(
    store: Store, register, monkeypatch: pytest.MonkeyPatch
):
    add_tree = store.files.add_tree
    cleaned = iter([True])

    def add_then_clean(*arguments):
        entries = add_tree(*arguments)
        if next(cleaned, False):
            assert store.remove_unreferenced(min_age=-1).files == 1
        return entries

    monkeypatch.setattr(store.files, "add_tree", add_then_clean)
    store.files.require(register().files)


def test_registering_beside_a_busy_clean_up(
    store: Store, workspace: WorkspaceRecord, home: Path, register, model_file: Path
):
    code = (
        "import sys\n"
        "from jupyter_mldeploy.store import Store\n"
        f"with Store.open({str(home)!r}) as store:\n"
        "    print('ready', flush=True)\n"
        "    removed = 0\n"
        "    stop = False\n"
        "    while not stop:\n"
        "        stop = bool(store.models.count(int(sys.argv[1]), name='stop'))\n"
        "        removed += store.remove_unreferenced(min_age=-1).files\n"
        "    print(removed)\n"
    )
    cleaner = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, str(workspace.id)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert cleaner.stdout.readline() == "ready\n"
    for number in range(40):
        model_file.write_bytes(str(number - number % 4 // 3).encode())
        made = register()
        store.files.require(made.files)
        if number % 2:
            store.models.delete(made.id)
    register("stop")
    out, errors = cleaner.communicate(timeout=60)
    assert cleaner.returncode == 0, errors
    assert int(out) > 0
    for each in store.models.page(workspace.id):
        store.files.require(each.files)
