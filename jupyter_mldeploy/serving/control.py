"""The control socket: JSON lines between a server and whoever supervises it.

Several clients at once; one that is slow, wrong or gone never harms the server.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["ControlClient", "ControlServer"]

READ_BYTES = 64 * 1024
MOST_PENDING = 512  # lines kept for a client that does not read

Message = dict[str, Any]
Handler = Callable[["ControlClient", Message], None]


class ControlServer:
    """Accepts clients and sends events to all of them.

    Parameters
    ----------
    sock
        Listening unix socket.
    hello
        Makes the first message to a client.
    handle
        Called with a client and its request; answers with :meth:`ControlClient.send`.
    line_limit
        Longest request in bytes.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        hello: Callable[[], Message],
        handle: Handler,
        line_limit: int,
    ) -> None:
        self._loop = loop
        self._sock = sock
        self._hello = hello
        self.handle = handle
        self.line_limit = line_limit
        self.clients: set[ControlClient] = set()
        self._changed: asyncio.Event = asyncio.Event()
        sock.setblocking(False)
        loop.add_reader(sock, self._accept)

    def broadcast(self, event: Message) -> None:
        """Send an event to every client."""
        for client in list(self.clients):
            client.send(event)

    def changed(self) -> None:
        """Note that a client came, went or has read everything."""
        self._changed.set()

    async def told(self, seconds: float) -> None:
        """Wait until at least one client has got everything sent, at most `seconds`."""
        await self._until(lambda: any(c.idle for c in self.clients), seconds)

    async def flushed(self, seconds: float) -> None:
        """Wait until every client has got everything sent, at most `seconds`."""
        await self._until(lambda: all(c.idle for c in self.clients), seconds)

    async def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = self._loop.time() + seconds
        while not condition():
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), deadline - self._loop.time())
            except asyncio.TimeoutError:
                return

    def close(self) -> None:
        """End all conversations."""
        self._loop.remove_reader(self._sock)
        self._sock.close()
        for client in list(self.clients):
            client.close()

    def _accept(self) -> None:
        try:
            sock, _ = self._sock.accept()
        except OSError:
            return  # it was gone before we looked, or there is no descriptor left
        client = ControlClient(self._loop, sock, self)
        self.clients.add(client)
        client.send(self._hello())
        self.changed()


class ControlClient:
    """One conversation."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, server: ControlServer
    ) -> None:
        self._loop = loop
        self._sock = sock
        self._server = server
        self._inbox = bytearray()
        self._outbox: deque[tuple[memoryview, Sequence[int]]] = deque()
        self._open = True
        self._waiting = False
        sock.setblocking(False)
        loop.add_reader(sock, self._readable)

    @property
    def idle(self) -> bool:
        """Whether everything sent has left."""
        return not self._outbox

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Queue a line, with open descriptors if given."""
        if not self._open:
            return
        if len(self._outbox) >= MOST_PENDING:
            self.close()
            return
        line = json.dumps(message).encode() + b"\n"
        self._outbox.append((memoryview(line), descriptors))
        if not self._waiting:
            self._flush()

    def close(self) -> None:
        """End the conversation."""
        if not self._open:
            return
        self._open = False
        self._outbox.clear()
        self._loop.remove_reader(self._sock)
        if self._waiting:
            self._loop.remove_writer(self._sock)
        self._sock.close()
        self._server.clients.discard(self)
        self._server.changed()

    def _flush(self) -> None:
        while self._outbox:
            line, descriptors = self._outbox[0]
            try:
                if descriptors:
                    sent = socket.send_fds(self._sock, [line], list(descriptors))
                else:
                    sent = self._sock.send(line)
            except BlockingIOError:
                if not self._waiting:
                    self._waiting = True
                    self._loop.add_writer(self._sock, self._flush)
                return
            except OSError:
                self.close()
                return
            if sent == len(line):
                self._outbox.popleft()
            else:
                self._outbox[0] = (line[sent:], ())
        if self._waiting:
            self._waiting = False
            self._loop.remove_writer(self._sock)
        self._server.changed()

    def _readable(self) -> None:
        try:
            data = self._sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        begin = len(self._inbox)
        self._inbox += data
        while (end := self._inbox.find(b"\n", begin)) >= 0:
            line = bytes(self._inbox[:end])
            del self._inbox[: end + 1]
            begin = 0
            self._take(line)
        if len(self._inbox) > self._server.line_limit:
            self.close()

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            self.send({"id": None, "ok": False, "error": "Send one JSON object a line."})
            return
        self._server.handle(self, message)
