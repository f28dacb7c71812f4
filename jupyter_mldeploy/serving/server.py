"""The life of one server process: load, accept, answer, drain, end."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from .app import Application
from .auth import Gate
from .control import ControlClient, ControlServer
from .entry_script import load, model_tree
from .failures import ScriptError, describe, readable_traceback
from .hosts import HostRule
from .http11 import HttpConnection
from .listener import Listener
from .log_file import Outputs
from .messages import Request, Response
from .model_thread import ModelThread
from .scorer import Scorer
from .settings import Settings

__all__ = ["Server"]

EXIT_FAILED = 3  # init() or the import failed (spec section 9.3)
FAILURE_LINGER_SECONDS = 2.0  # for a supervisor that has not connected yet
FLUSH_SECONDS = 1.0
LAST_ANSWERS_SECONDS = 2.0  # after run() ended the process
EXIT_JOIN_SECONDS = 1.0

logger = logging.getLogger("azmlinfsrv")


class Server:
    """Joins the parts and keeps the state ``loading``, ``ready``, ``failed`` or ``draining``.

    Parameters
    ----------
    settings
        Of the process.
    gate
        Who may score.
    listening
        Inherited listening TCP sockets, in the order they were given.
    control
        Inherited listening unix socket; ``None`` when nobody supervises.
    """

    def __init__(
        self,
        settings: Settings,
        gate: Gate,
        listening: list[socket.socket],
        control: socket.socket | None,
    ) -> None:
        self._settings = settings
        self._gate = gate
        self._listening = listening
        self._control_socket = control
        self.max_body_bytes = settings.max_body_bytes
        self.draining = False
        self._state = "loading"
        self._error: dict[str, Any] | None = None
        self._connections: set[HttpConnection] = set()
        self._deadline: asyncio.TimerHandle | None = None
        self._drain_code = 0
        self._outputs = Outputs()
        self._step = "The start"

    def run(self) -> int:
        """Serve until drained, failed or ended; return the exit code."""
        loop = asyncio.SelectorEventLoop()
        try:
            code = loop.run_until_complete(self._serve(loop))
        finally:
            loop.close()
        if not self._model.stop(EXIT_JOIN_SECONDS):
            # A run() or init() that does not return must not hold the exit up.
            logging.shutdown()
            os._exit(code)
        return code

    async def _serve(self, loop: asyncio.AbstractEventLoop) -> int:
        self._loop = loop
        self._end: asyncio.Future[int] = loop.create_future()
        settings = self._settings
        hosts = HostRule(self._listening, settings.allowed_hosts)
        self._app = Application(settings, hosts, self._gate, loop, self._ended_by_script)
        self._listener = Listener(
            loop, self._listening, lambda: HttpConnection(self._app, self, loop)
        )
        self._model = ModelThread(loop, self._load, self._loaded, self._failed)
        loop.add_signal_handler(signal.SIGTERM, self.drain, settings.drain_seconds)
        self._control: ControlServer | None = None
        if self._control_socket is not None:
            line_limit = settings.max_body_bytes * 4 // 3 + 64 * 1024
            self._control = ControlServer(
                loop, self._control_socket, self._hello, self._handle, line_limit
            )
        if settings.accept_now:
            self._listener.start()
        self._model.start()
        code = await self._end
        self._listener.close()
        for connection in list(self._connections):
            connection.abort()
        if self._control is not None:
            await self._control.flushed(FLUSH_SECONDS)
            self._control.close()
        return code

    # -- the model thread, and what it reports

    def _load(self) -> Scorer:
        def begin(step: str) -> None:
            self._step = step

        return load(self._settings, begin)

    def _loaded(self, scorer: Scorer, seconds: float) -> None:
        if self._state != "loading":
            return  # told to end meanwhile
        self._app.open(scorer, self._model)
        self._state = "ready"
        logger.info("Ready after %.2f s.", seconds)
        self._tell({"event": "ready", "seconds": round(seconds, 3)})

    def _failed(self, error: BaseException) -> None:
        if self._state != "loading":
            return
        self._state = "failed"
        problem = describe(error, self._step, self._settings.app_root)
        where = f" ({problem['file']}:{problem['line']})" if problem["file"] else ""
        logger.error("%s%s %s", problem["what"], where, problem["hint"])
        if not isinstance(error, ScriptError):
            logger.error("%s", readable_traceback(error))
        logger.error("%s", model_tree(self._settings))
        self._error = problem
        self._app.shut("The service failed to start. Check the logs for more info.")
        self._tell({"event": "failed", "error": problem})
        self._fail_task = self._loop.create_task(self._end_failed())

    async def _end_failed(self) -> None:
        if self._control is not None:
            await self._control.told(FAILURE_LINGER_SECONDS)
        self._finish(EXIT_FAILED)

    def _ended_by_script(self, code: int) -> None:
        """Carry out a ``sys.exit`` in ``run()``: this process ends, another takes over."""
        if self._end.done():
            return
        self._state = "failed"
        self._error = describe(SystemExit(code), "run()", self._settings.app_root)
        self._app.shut("The service is restarting.")
        self._tell({"event": "failed", "error": self._error})
        self._drain_code = code
        self._begin_drain(LAST_ANSWERS_SECONDS)

    # -- draining

    def drain(self, seconds: float) -> None:
        """Stop accepting; end when all connections have closed or time is up.

        Parameters
        ----------
        seconds
            Longest wait; a second drain can only shorten the first.
        """
        if self._end.done():
            return
        if self._state != "failed":
            self._state = "draining"
        logger.info("Draining for at most %g s.", seconds)
        self._begin_drain(seconds)

    def _begin_drain(self, seconds: float) -> None:
        when = self._loop.time() + seconds
        if self._deadline is None or when < self._deadline.when():
            if self._deadline is not None:
                self._deadline.cancel()
            self._deadline = self._loop.call_at(when, self._finish_drain)
        if not self.draining:
            self.draining = True
            self._listener.close()
        self._loop.call_soon(self._check_drained)

    def _check_drained(self) -> None:
        if not self.draining or self._connections:
            return
        if self._listener.pending:
            self._loop.call_soon(self._check_drained)
            return
        self._finish_drain()

    def _finish_drain(self) -> None:
        if self._connections:
            logger.warning("Ending with %d connections still open.", len(self._connections))
        if self._state == "draining" and not self._end.done():
            self._tell({"event": "drained"})
        self._finish(self._drain_code)

    def _finish(self, code: int) -> None:
        if not self._end.done():
            self._end.set_result(code)

    # -- connections report themselves

    def opened(self, connection: HttpConnection) -> None:
        """Count a connection."""
        self._connections.add(connection)

    def closed(self, connection: HttpConnection) -> None:
        """Forget a connection; the last one ends a drain."""
        self._connections.discard(connection)
        if self.draining:
            self._check_drained()

    # -- control

    def _tell(self, event: dict[str, Any]) -> None:
        if self._control is not None:
            self._control.broadcast(event)

    def _hello(self) -> dict[str, Any]:
        return {
            "event": "hello",
            "state": self._state,
            "pid": os.getpid(),
            "generation": self._settings.generation,
            "slot": self._settings.slot,
            "error": self._error,
        }

    def _handle(self, client: ControlClient, message: dict[str, Any]) -> None:
        operation = {
            "listen": self._op_listen,
            "drain": self._op_drain,
            "status": self._op_status,
            "probe": self._op_probe,
            "handover": self._op_handover,
            "reopen_logs": self._op_reopen_logs,
        }.get(str(message.get("op")))
        answer = {"id": message.get("id")}
        try:
            if operation is None:
                raise ValueError(f"There is no operation {message.get('op')!r}.")  # noqa: TRY301
            operation(client, message, answer)
        except (ValueError, TypeError) as error:
            client.send({**answer, "ok": False, "error": str(error)})

    def _op_listen(
        self, client: ControlClient, message: dict[str, Any], answer: dict[str, Any]
    ) -> None:
        del message
        if self.draining or self._state == "failed":
            raise ValueError(f"The server is {self._state} and accepts nothing any more.")
        self._listener.start()
        client.send({**answer, "ok": True})

    def _op_drain(
        self, client: ControlClient, message: dict[str, Any], answer: dict[str, Any]
    ) -> None:
        seconds = float(message.get("seconds", self._settings.drain_seconds))
        if not 0 <= seconds < 86_400:
            raise ValueError("seconds must be between 0 and 86400.")
        # First: whoever reads the answer can rely on nothing being accepted any more.
        self.drain(seconds)
        client.send({**answer, "ok": True})
        if message.get("idle") == "close":
            # Nobody takes over: a connection that asks nothing is not worth waiting for.
            for connection in list(self._connections):
                connection.close_if_idle()

    def _op_status(
        self, client: ControlClient, message: dict[str, Any], answer: dict[str, Any]
    ) -> None:
        del message
        counts = self._app.counts
        client.send(
            {
                **answer,
                "ok": True,
                "state": self._state,
                "requests": counts.requests,
                "errors": counts.errors,
                "in_flight": counts.in_flight,
                "connections": len(self._connections),
                "rss": resident_bytes(),
                "failure": self._app.last_failure,
            }
        )

    def _op_probe(
        self, client: ControlClient, message: dict[str, Any], answer: dict[str, Any]
    ) -> None:
        headers = message.get("headers") or {}
        if not isinstance(headers, dict):
            raise TypeError("headers must be an object.")
        try:
            body = base64.b64decode(message.get("body") or "", validate=True)
        except binascii.Error:
            raise ValueError("body must be base64.") from None
        path, _, query = str(message.get("path") or "/").partition("?")
        request = Request(
            method=str(message.get("method") or "GET").upper(),
            path=path,
            query=query,
            headers={str(name).lower(): str(value) for name, value in headers.items()},
            body=body,
            trusted=True,
        )

        def reply(response: Response) -> None:
            shown = {"Content-Type": response.content_type, **dict(response.headers)}
            text = base64.b64encode(response.body).decode("ascii")
            client.send(
                {**answer, "ok": True, "status": response.status, "headers": shown, "body": text}
            )

        self._app.respond(request, reply)

    def _op_handover(
        self, client: ControlClient, message: dict[str, Any], answer: dict[str, Any]
    ) -> None:
        del message
        sockets = self._listener.sockets
        if not sockets:
            raise ValueError(f"The server is {self._state} and has given up its sockets.")
        client.send({**answer, "ok": True}, [sock.fileno() for sock in sockets])

    def _op_reopen_logs(
        self, client: ControlClient, message: dict[str, Any], answer: dict[str, Any]
    ) -> None:
        try:
            self._outputs.reopen(str(message["path"]))
        except (OSError, KeyError) as error:
            raise ValueError(f"The log cannot be opened: {error}.") from None
        client.send({**answer, "ok": True})


def resident_bytes() -> int:
    """Return the memory the process holds, in bytes; elsewhere than on Linux the most it held."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        scale = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
    return pages * resource.getpagesize()
