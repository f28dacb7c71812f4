"""Each kind of error ends a command with its own code."""

from __future__ import annotations

import pytest

from jupyter_mldeploy.cli.exits import Exit, exit_of
from jupyter_mldeploy.errors import (
    ConfigurationError,
    ModelNotFoundException,
    OperationCancelled,
    OperationFailed,
    StoreError,
    UserErrorException,
    WebserviceException,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OperationFailed("init() raised"), 1),
        (WebserviceException("the service answered", 500), 1),
        (StoreError("the disk is full"), 1),
        (ConfigurationError("port is 0"), 2),
        (WebserviceException("bad request", 400), 2),
        (WebserviceException("ModelNotFound: x", 404), 3),
        (ModelNotFoundException("x"), 3),
        (UserErrorException("WorkspaceNotFound: x"), 3),
        (WebserviceException("the name is taken", 409), 4),
        (WebserviceException("in use", 412), 4),
        (OperationCancelled("cancelled"), 5),
    ],
)
def test_code_of_an_error(error, code):
    assert exit_of(error) == code


def test_every_code_is_in_the_help(call):
    told = call("--help").output
    for code in Exit:
        assert f"  {int(code)}".ljust(7) in told
        assert code.meaning in told


def test_wrong_usage_ends_with_2(call):
    assert "No such command" in call("model", "lost", code=2).output
    assert "Which service?" in call("service", "show", code=2).output


def test_what_is_not_there_ends_with_3(call):
    assert "ModelNotFound" in call("model", "show", "nothing", code=3).stderr
    assert "WebserviceNotFound" in call("service", "show", "nothing", code=3).stderr
    assert "OperationNotFound" in call("operation", "show", "nothing", code=3).stderr
    assert "WorkspaceNotFound" in call("model", "list", "-w", "nothing", code=3).stderr


def test_no_traceback_unless_asked_for(call):
    assert "Traceback" not in call("model", "show", "nothing", code=3).output
    assert "Traceback" in call("model", "show", "nothing", "--debug", code=3).stderr


def test_a_fault_of_ours_is_said_to_be_one(call, monkeypatch):
    def broken(*_arguments, **_named):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("jupyter_mldeploy.sdk.model.Model.list", broken)
    told = call("model", "list", code=1).stderr
    assert told == (
        "✕ Internal error: ZeroDivisionError: oh\n"
        "  Run it again with --debug and report what it prints.\n"
    )


def test_a_home_that_cannot_be_made(call, folder, monkeypatch):
    (folder / "taken").write_text("a file")
    monkeypatch.setenv("MLDEPLOY_HOME", str(folder / "taken" / "home"))
    told = call("model", "list", code=1).stderr
    assert told.startswith("✕ ")
    assert str(folder / "taken") in told
