"""JSON lines over a stream socket, with file descriptors beside them: both control protocols.

Used on both ends: by the supervisor inside its event loop, and by clients that
block (:func:`send_line`, :class:`LineReader`).
"""

from __future__ import annotations

import json
import os
import selectors
import socket
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .loop import Loop

__all__ = ["Channel", "LineReader", "encode"]

# A probe's body travels in a line; nobody sends more than this in good faith.
MAX_LINE = 64 * 2**20
# A watcher that does not read is dropped rather than remembered for.
MAX_UNSENT = 8 * 2**20
_FDS_A_MESSAGE = 64
_CLOEXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


def encode(message: dict[str, Any]) -> bytes:
    """Return the message as one line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


class LineReader:
    """Cuts what arrives on a socket into messages and keeps descriptors that came along.

    Raises
    ------
    ValueError
        From :meth:`receive`: what arrived is not a JSON object, or has no end.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.fds: deque[int] = deque()
        self._buffer = bytearray()

    def receive(self) -> tuple[list[dict[str, Any]], bool]:
        """Read once; return the complete messages, and whether the other side has closed."""
        room = socket.CMSG_SPACE(_FDS_A_MESSAGE * 4)
        data, ancillary, _, _ = self.sock.recvmsg(65536, room, _CLOEXEC)
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                whole = len(payload) - len(payload) % 4
                self.fds.extend(memoryview(payload[:whole]).cast("i"))
        self._buffer += data
        if len(self._buffer) > MAX_LINE:
            raise ValueError("a line on the control connection is too long")
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = rest
        messages = [json.loads(line) for line in lines if line.strip()]
        if not all(isinstance(message, dict) for message in messages):
            raise ValueError("a line on the control connection is not a JSON object")
        return messages, not data


class Channel:
    """One connection in the event loop.

    Parameters
    ----------
    on_message
        Called with the channel and each message.
    on_close
        Called once with the channel, when the other side is gone; not after :meth:`close`.
    """

    def __init__(
        self,
        loop: Loop,
        sock: socket.socket,
        on_message: Callable[[Channel, dict[str, Any]], None],
        on_close: Callable[[Channel], None],
        reader: LineReader | None = None,
    ) -> None:
        sock.setblocking(False)
        self.loop = loop
        self.reader = reader or LineReader(sock)
        self.closed = False
        self._sock = sock
        self._unsent = bytearray()
        self._on_message = on_message
        self._on_close = on_close
        loop.watch(sock, self._ready)

    def send(self, message: dict[str, Any]) -> None:
        """Send now what fits and the rest when it can be sent."""
        if self.closed:
            return
        self._unsent += encode(message)
        if len(self._unsent) > MAX_UNSENT:
            self._lost()
        else:
            self._flush()

    def pump(self) -> None:
        """Take in all that has arrived, as when its sender has just died."""
        while not self.closed:
            if not self._receive():
                return

    def close(self) -> None:
        """End the connection from this side."""
        if not self.closed:
            self.closed = True
            self.loop.unwatch(self._sock)
            self._sock.close()

    def _lost(self) -> None:
        if not self.closed:
            self.close()
            self._on_close(self)

    def _ready(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush()
        if events & selectors.EVENT_READ and not self.closed:
            self._receive()

    def _receive(self) -> bool:
        """Read once and pass on what came; false when there was nothing."""
        try:
            messages, ended = self.reader.receive()
        except BlockingIOError:
            return False
        except (OSError, ValueError):
            self._lost()
            return False
        while self.reader.fds:  # an answer that came too late; nobody waits for them
            os.close(self.reader.fds.popleft())
        for message in messages:
            if not self.closed:
                self._on_message(self, message)
        if ended:
            self._lost()
        return True

    def _flush(self) -> None:
        try:
            while self._unsent:
                sent = self._sock.send(self._unsent)
                del self._unsent[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._lost()
            return
        self.loop.watch(self._sock, self._ready, write=bool(self._unsent))
