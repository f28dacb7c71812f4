"""Takes connections from the inherited listening sockets."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable

__all__ = ["Listener"]

BATCH = 64  # connections taken before other events get their turn
PAUSE_SECONDS = 1.0  # when the process has no descriptor left

logger = logging.getLogger("azmlinfsrv")


class Listener:
    """Accepts on several sockets, and stops without losing what was accepted.

    asyncio's own servers create transports in tasks, so that a connection can
    be accepted and yet not be counted anywhere; a drain would lose it.

    Parameters
    ----------
    sockets
        Listening sockets; they stay open until :meth:`close`.
    connection
        Makes the protocol of a connection.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sockets: list[socket.socket],
        connection: Callable[[], asyncio.BaseProtocol],
    ) -> None:
        self._loop = loop
        self.sockets = sockets
        self._connection = connection
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepting = False

    @property
    def pending(self) -> bool:
        """Whether an accepted connection is not yet in the hands of its protocol."""
        return bool(self._tasks)

    def start(self) -> None:
        """Accept from now on; nothing happens if it does already."""
        if self._accepting:
            return
        self._accepting = True
        for sock in self.sockets:
            self._loop.add_reader(sock, self._accept, sock, BATCH)

    def close(self) -> None:
        """Take what already waits, then give the sockets up."""
        if self._accepting:
            self._accepting = False
            for sock in self.sockets:
                self._loop.remove_reader(sock)
                self._accept(sock, 16 * BATCH)
        for sock in self.sockets:
            sock.close()
        self.sockets = []

    def _accept(self, sock: socket.socket, most: int) -> None:
        # The socket is shared with the supervisor and other generations, and so
        # is this flag: one of them duplicating it is enough to make it block.
        os.set_blocking(sock.fileno(), False)
        for _ in range(most):
            try:
                client, _address = sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
                    raise
                self._pause(sock, error)
                return
            client.setblocking(False)
            task = self._loop.create_task(self._hand_over(client))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _hand_over(self, client: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._connection, client)
        except OSError:
            client.close()  # it was gone before we looked

    def _pause(self, sock: socket.socket, error: OSError) -> None:
        logger.error("No further connection can be accepted now: %s.", error.strerror)
        self._loop.remove_reader(sock)

        def again() -> None:
            if self._accepting:
                self._loop.add_reader(sock, self._accept, sock, BATCH)

        self._loop.call_later(PAUSE_SECONDS, again)
