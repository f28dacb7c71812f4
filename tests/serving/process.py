"""Starts real servers, exactly as the supervisor does, for tests of this and other rooms."""

from __future__ import annotations

import array
import base64
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httptools
import jwt

import jupyter_mldeploy.serving as island

LIMIT = 20.0  # seconds after which a test has failed


def stage_runtime(folder: Path) -> Path:
    """Copy the island and its wheels as a bundle has them."""
    folder.mkdir(parents=True, exist_ok=True)
    for package, name in ((island, "mldeploy_serving"), (httptools, "httptools"), (jwt, "jwt")):
        source = Path(package.__file__).parent
        shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "__main__.py").write_text(
        "from mldeploy_serving.main import main\nraise SystemExit(main())\n"
    )
    return folder


class Control:
    """One conversation over a server's control socket."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(LIMIT)
        self.socket.connect(path)
        self._buffer = b""
        self._id = 0
        self.events: list[dict[str, Any]] = []
        self.descriptors: list[int] = []
        self.hello = self.read()

    def read(self) -> dict[str, Any]:
        while b"\n" not in self._buffer:
            size = array.array("i").itemsize * 16
            data, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(size))
            for _level, _type, fds in ancillary:
                got = array.array("i")
                got.frombytes(fds[: len(fds) - len(fds) % got.itemsize])
                self.descriptors += got
            if not data:
                raise EOFError("the server closed the control socket")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)

    def event(self, name: str) -> dict[str, Any]:
        """Return the next event of that name."""
        for i, event in enumerate(self.events):
            if event["event"] == name:
                return self.events.pop(i)
        while True:
            message = self.read()
            if message.get("event") == name:
                return message
            if "event" in message:
                self.events.append(message)

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        self._id += 1
        self.send({"id": self._id, "op": op, **fields})
        while True:
            message = self.read()
            if message.get("id") == self._id:
                return message
            self.events.append(message)

    def probe(self, method: str, path: str, body: bytes = b"", **headers: str) -> dict[str, Any]:
        text = base64.b64encode(body).decode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.ask("probe", method=method, path=path, headers=named, body=text)
        return {**answer, "body": base64.b64decode(answer["body"])}

    def send(self, message: dict[str, Any]) -> None:
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    def close(self) -> None:
        self.socket.close()


class ServerProcess:
    """One server process with its sockets, and a small client for it."""

    def __init__(
        self,
        runtime: Path,
        app: Path,
        *,
        entry: str | None = "score.py",
        variables: dict[str, str] | None = None,
        accept: str = "now",
        listeners: int = 1,
        python: str = sys.executable,
        listening: list[socket.socket] | None = None,
    ) -> None:
        self.app = app
        self.run_dir = tempfile.mkdtemp(prefix="mld-")
        self.control_path = os.path.join(self.run_dir, "c.sock")
        self.log_path = Path(self.run_dir, "service.log")
        self.listening = listening or [_listen() for _ in range(listeners)]
        self.port: int = self.listening[0].getsockname()[1]
        control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        control.bind(self.control_path)
        control.listen(16)
        fds = [sock.fileno() for sock in self.listening]
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AML", "AZUREML", "SERVICE_", "MLDEPLOY_", "COV"))
        }
        environment.update(
            {
                "AML_APP_ROOT": str(app),
                "MLDEPLOY_LISTEN_FDS": ",".join(map(str, fds)),
                "MLDEPLOY_CONTROL_FD": str(control.fileno()),
                "MLDEPLOY_GENERATION": "3",
                "MLDEPLOY_SLOT": "1",
                "MLDEPLOY_ACCEPT": accept,
                "MLDEPLOY_AUTH": "none",
            }
        )
        if entry is not None:
            environment["AZUREML_ENTRY_SCRIPT"] = entry
        environment.update(variables or {})
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [python, str(runtime)],
                cwd=app,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[*fds, control.fileno()],
                start_new_session=True,
            )
        control.close()
        self._opened: list[Any] = []

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def control(self) -> Control:
        control = Control(self.control_path)
        self._opened.append(control)
        return control

    def ready(self) -> ServerProcess:
        """Wait until init() is done."""
        control = self.control()
        try:
            if control.hello["state"] == "loading":
                message = control.read()
                assert message["event"] == "ready", f"{message}\n{self.log}"
            else:
                assert control.hello["state"] == "ready", f"{control.hello}\n{self.log}"
        except EOFError:
            raise AssertionError(self.log) from None
        finally:
            control.close()
        return self

    def failure(self) -> dict[str, Any]:
        """Return the problem a failing server reports."""
        control = self.control()
        try:
            if control.hello["state"] == "failed":
                return control.hello["error"]
            return control.event("failed")["error"]
        finally:
            control.close()

    def wait(self) -> int:
        return self.process.wait(LIMIT)

    def request(
        self, method: str, path: str, body: bytes | str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Send one request on a connection of its own."""
        connection = self.connection()
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            response = connection.getresponse()
            lower = {name.lower(): value for name, value in response.getheaders()}
            return response.status, lower, response.read()
        finally:
            connection.close()

    def score(self, value: Any, **headers: str) -> tuple[int, dict[str, str], Any]:
        """POST `value` as JSON and return the decoded answer."""
        headers.setdefault("Content_Type", "application/json")
        status, got, body = self.request("POST", "/score", json.dumps(value), **headers)
        return status, got, json.loads(body)

    def connection(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        self._opened.append(connection)
        return connection

    def raw(self, *pieces: bytes, pause: float = 0.0) -> bytes:
        """Send bytes as they are and return everything until the server closes."""
        with self.open() as sock:
            for piece in pieces:
                sock.sendall(piece)
                time.sleep(pause)
            return read_all(sock)

    def open(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(LIMIT)
        for sock in [*self.listening, *self._opened]:
            sock.close()
        shutil.rmtree(self.run_dir, ignore_errors=True)


def read_all(sock: socket.socket) -> bytes:
    """Return everything until the other side closes."""
    data = b""
    while True:
        try:
            piece = sock.recv(65536)
        except ConnectionResetError:
            return data
        if not piece:
            return data
        data += piece


def _listen() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("127.0.0.1", 0))
    sock.listen(128)
    return sock


def write_app(folder: Path, files: dict[str, str]) -> Path:
    """Write an application folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@contextlib.contextmanager
def serving(runtime: Path, app: Path, **options: Any) -> Iterator[ServerProcess]:
    """Run a server for the length of a block."""
    server = ServerProcess(runtime, app, **options)
    try:
        yield server
    finally:
        server.close()
