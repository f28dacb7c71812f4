"""Operations with real worker processes."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from jupyter_mldeploy.errors import OperationCancelled, WebserviceException
from jupyter_mldeploy.operations import OperationLog, follow, settle, wait
from jupyter_mldeploy.serving.identity import Identity


def test_success_records_result_phases_and_log(store, start):
    record = start("count", to=3)
    lines = list(follow(store, record.id, timeout=30))
    ended = store.operations.get(record.id)
    assert ended.state == "Succeeded"
    assert ended.result == {"counted": 3}
    assert [(p["name"], p["state"]) for p in ended.phases] == [("one", "done"), ("two", "done")]
    assert all(p["seconds"] >= 0 for p in ended.phases)
    assert ended.progress == 1.0
    texts = [(line.phase, line.level, line.text) for line in lines]
    assert ("one", "info", "counted 2") in texts
    assert ("two", "warning", "a warning") in texts
    assert ("two", "warning", "in two lines") in texts


def test_follow_from_the_end_shows_everything_again(store, start):
    record = start("count", to=2)
    first = list(follow(store, record.id, timeout=30))
    assert list(follow(store, record.id, timeout=30)) == first
    assert first


def test_expected_failure_keeps_its_place_and_hint(store, start):
    record = wait(store, start("refuse").id, timeout=30)
    assert record.state == "Failed"
    assert record.phase == "look"
    assert record.problem["what"] == "It is red."
    assert record.problem["hint"] == "Paint it green."
    assert (record.problem["file"], record.problem["line"]) == ("score.py", 3)


def test_a_fault_of_ours_is_said_to_be_ours(store, start):
    record = wait(store, start("break").id, timeout=30)
    assert record.state == "Failed"
    assert "Internal error of jupyter_mldeploy: ZeroDivisionError" in record.problem["what"]
    assert "1 // 0" in record.problem["traceback"]


def test_cancel_from_another_process(store, start):
    record = start("wait")
    following = follow(store, record.id, timeout=30)
    while next(following).text != "waiting":
        pass
    script = f"""
        import pathlib
        from jupyter_mldeploy.store import Store
        with Store.open(pathlib.Path({str(store.home)!r})) as store:
            assert store.operations.request_cancel({record.id!r})
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)
    ended = wait(store, record.id, timeout=30)
    assert ended.state == "Cancelled"
    assert ended.problem["kind"] == OperationCancelled.__name__


def test_sigterm_to_the_worker_cancels(store, start):
    record = start("wait")
    following = follow(store, record.id, timeout=30)
    while next(following).text != "waiting":
        pass
    os.kill(store.operations.get(record.id).worker["pid"], signal.SIGTERM)
    assert wait(store, record.id, timeout=30).state == "Cancelled"


def test_a_killed_worker_is_noticed_and_named(store, start):
    record = start("wait")
    following = follow(store, record.id, timeout=30)
    while next(following).text != "waiting":
        pass
    os.kill(store.operations.get(record.id).worker["pid"], signal.SIGKILL)
    ended = wait(store, record.id, timeout=30)
    assert ended.state == "Failed"
    assert "ended unexpectedly in phase 'work'" in ended.problem["what"]


def test_a_worker_on_another_host_is_not_judged(store, start):
    record = start("wait")
    following = follow(store, record.id, timeout=30)
    while next(following).text != "waiting":
        pass
    row = store.operations.get(record.id)
    elsewhere = {**row.worker, "host": "another-machine", "boot_id": "other", "pid": 2**22 + 5}
    assert Identity.from_dict(elsewhere).alive() is None
    store.operations.update(record.id, worker=elsewhere)
    assert settle(store, store.operations.get(record.id)).state == "Running"


def test_one_operation_a_subject_at_a_time(store, start):
    first = start("wait", "svc")
    with pytest.raises(WebserviceException, match=r"wait of svc is still under way") as refused:
        start("count", "svc", to=1)
    assert refused.value.status_code == 409
    assert first.id in str(refused.value)
    assert wait(store, start("count", "other", to=1).id, timeout=30).state == "Succeeded"


def test_follow_gives_up_after_its_timeout_but_the_work_goes_on(store, start):
    record = start("wait")
    with pytest.raises(TimeoutError):
        list(follow(store, record.id, timeout=0.3))
    assert store.operations.get(record.id).state in {"Queued", "Running"}


def test_an_unknown_procedure_module_is_a_failure_with_its_reason(store, workspace_id):
    from jupyter_mldeploy.operations import submit

    record = submit(
        store,
        workspace_id=workspace_id,
        kind="x",
        subject="y",
        payload={},
        procedures="no_such_module_of_ours",
        created_by="tester",
    )
    ended = wait(store, record.id, timeout=30)
    assert ended.state == "Failed"
    assert "no_such_module_of_ours" in ended.problem["traceback"]


def test_a_torn_log_line_is_shown_not_hidden(tmp_path):
    log = OperationLog(tmp_path, "abc")
    log.write("whole")
    with log.path.open("ab") as file:
        file.write(b'{"ts": 1, "lev\n')
    log.write("after")
    lines, offset = log.read()
    assert [line.text for line in lines] == ["whole", '{"ts": 1, "lev', "after"]
    assert offset == log.path.stat().st_size
    assert log.path.stat().st_mode & 0o777 == 0o600
