"""The few bytes of HTTP the supervisor speaks itself: health, and "nobody is there now"."""

from __future__ import annotations

import json
import selectors
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .loop import Loop

__all__ = ["Responder", "health", "unavailable"]

_MAX_HEAD = 16 * 2**10
# Seconds a client may take to send its request, and then to read the answer.
_PATIENCE = 5.0
_AT_ONCE = 256


def health(status: str, *, answers: bool) -> bytes:
    """Return the health port's answer: 200 when some worker answers, else 503 with the word."""
    body = ("Healthy" if answers else status).encode()
    return _response("200 OK" if answers else "503 Service Unavailable", "text/plain", body)


def unavailable(reason: str, retry_after: int) -> bytes:
    """Return the answer to a scoring request while no worker attends the port."""
    body = json.dumps({"error": reason}).encode()
    head = f"Retry-After: {retry_after}\r\n"
    return _response("503 Service Unavailable", "application/json", body, head)


def _response(status: str, content_type: str, body: bytes, more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        f"{more}Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


class Responder:
    """Answers every connection given to it with what ``answer()`` returns then."""

    def __init__(self, loop: Loop, answer: Callable[[], bytes]) -> None:
        self._loop = loop
        self._answer = answer
        self._open: set[socket.socket] = set()

    def listen(self, sock: socket.socket) -> None:
        """Take connections from a listening socket."""
        self._loop.watch(sock, lambda _: self._accept(sock))

    def take(self, sock: socket.socket) -> None:
        """Answer one connection when its request has arrived, and close it."""
        if len(self._open) >= _AT_ONCE:
            sock.close()
            return
        sock.setblocking(False)
        self._open.add(sock)
        self._loop.later(_PATIENCE, lambda: self._end(sock))
        head = bytearray()
        self._loop.watch(sock, lambda _: self._read(sock, head))

    def close(self) -> None:
        """End all open connections."""
        for sock in list(self._open):
            self._end(sock)

    def _accept(self, sock: socket.socket) -> None:
        try:
            connection, _ = sock.accept()
        except OSError:
            return
        self.take(connection)

    def _read(self, sock: socket.socket, head: bytearray) -> None:
        try:
            data = sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        head += data
        if not data:
            self._end(sock)
        elif b"\r\n\r\n" in head or len(head) > _MAX_HEAD:
            try:
                sock.send(self._answer())
                # Closing with unread data would reset the connection and lose the answer.
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                self._end(sock)
                return
            self._loop.watch(sock, lambda events: self._discard(sock, events))

    def _discard(self, sock: socket.socket, events: int) -> None:
        try:
            if events & selectors.EVENT_READ and sock.recv(65536):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._end(sock)

    def _end(self, sock: socket.socket) -> None:
        if sock in self._open:
            self._open.discard(sock)
            self._loop.unwatch(sock)
            sock.close()
