"""The sockets that listen on the service's port: one a worker slot, kept across generations.

With one socket for all workers the kernel wakes whoever comes first and the load
is uneven; with one each (``SO_REUSEPORT``) it spreads connections by hash.
"""

from __future__ import annotations

import errno
import socket
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .loop import Loop

__all__ = ["Port", "PortTakenError", "claim", "overlap", "same_address"]

_BACKLOG = 1024


class PortTakenError(Exception):
    """Somebody else listens on the port, or it may not be used; the message says which."""


class Port:
    """The service's address and its listening sockets.

    Parameters
    ----------
    host
        Name or address to listen on.
    port
        Number, 0 while the system has not chosen one.
    on_connection
        Called with each connection to a socket that no server attends.
    """

    def __init__(
        self, loop: Loop, host: str, port: int, on_connection: Callable[[socket.socket], None]
    ) -> None:
        self.host = host
        self.number = port
        self.sockets: list[socket.socket] = []
        self._loop = loop
        self._on_connection = on_connection
        # None: adopted, not known.
        self._listening: list[bool | None] = []

    def open(self, *, shared: bool = False) -> None:
        """Take the port for this service alone and open the first socket.

        Parameters
        ----------
        shared
            It is ours already, on an address that overlaps with this one: only join it.

        Raises
        ------
        PortTakenError
            The port cannot be had.
        """
        if shared:
            try:
                self.grow(1)
            except OSError as error:
                raise PortTakenError(_explain(self.host, self.number, error)) from None
            return
        with claim(self.host, self.number) as claimed:
            self.number = claimed.getsockname()[1]
            if sys.platform.startswith("linux"):
                claimed.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            else:
                claimed.close()
            try:
                self.grow(1)
            except OSError as error:
                raise PortTakenError(_explain(self.host, self.number, error)) from None

    def grow(self, count: int) -> None:
        """Have at least ``count`` sockets; new ones are bound and do not listen yet."""
        while len(self.sockets) < count:
            family, address = _resolve(self.host, self.number)
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                sock.bind(address)
                if not self.sockets:
                    # The claim listens until the first of ours does: no gap for a stranger.
                    sock.listen(_BACKLOG)
            except OSError:
                sock.close()
                raise
            sock.setblocking(False)
            self._listening.append(not self.sockets)
            self.sockets.append(sock)

    def adopt(self, found: dict[int, socket.socket]) -> None:
        """Go on with sockets that servers of a dead predecessor handed back, by index."""
        for index in range(max(found) + 1):
            if index in found:
                found[index].setblocking(False)
                self.sockets.append(found[index])
                self._listening.append(None)
            else:
                self.grow(index + 1)

    def share(self, slot: int, slots: int) -> list[int]:
        """Return the indices of the sockets that worker ``slot`` of ``slots`` attends.

        After a change to fewer workers some attend two: a listening socket that
        is closed takes the connections waiting in it along.
        """
        self.grow(slots)
        return list(range(slot, len(self.sockets), slots))

    def attend(self, attended: set[int], *, somebody_answers: bool) -> None:
        """See to it that every connection finds somebody.

        A socket that no server attends leaves the port's group while other
        workers answer, so that the kernel sends it nothing. When nobody answers,
        the supervisor takes the connection itself and says why.
        """
        # First those that take connections, then those that leave: never none.
        for index in sorted(range(len(self.sockets)), key=lambda index: index not in attended):
            sock = self.sockets[index]
            if index in attended:
                self._loop.unwatch(sock)
                self._listen(index)
            elif somebody_answers and self._leave(index):
                self._loop.unwatch(sock)
            else:
                self._listen(index)
                self._attend_alone(sock)

    def close(self) -> None:
        """Close all sockets on this side."""
        for sock in self.sockets:
            self._loop.unwatch(sock)
            sock.close()
        self.sockets.clear()
        self._listening.clear()

    def _attend_alone(self, sock: socket.socket) -> None:
        self._loop.watch(sock, lambda _: self._accept_all(sock))

    def _listen(self, index: int) -> None:
        if not self._listening[index]:
            self.sockets[index].listen(_BACKLOG)
            self._listening[index] = True

    def _leave(self, index: int) -> bool:
        """Stop listening for all processes that hold the socket; Linux can, others cannot."""
        if self._listening[index] is False:
            return True
        self._listen(index)
        self._accept_all(self.sockets[index])
        try:
            self.sockets[index].shutdown(socket.SHUT_RDWR)
        except OSError:
            return False
        self._listening[index] = False
        return True

    def _accept_all(self, sock: socket.socket) -> None:
        while True:
            try:
                connection, _ = sock.accept()
            except OSError:
                return
            self._on_connection(connection)


def claim(host: str, port: int) -> socket.socket:
    """Return a socket that alone listens on the port.

    ``SO_REUSEPORT`` lets any process of the same user join a port, another
    service of ours too. So a port is first taken without it, which only one can
    do, and opened to the others only while it is held.

    Raises
    ------
    PortTakenError
        The port cannot be had.
    """
    try:
        family, address = _resolve(host, port)
        claimed = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise PortTakenError(_explain(host, port, error)) from None
    try:
        claimed.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        claimed.bind(address)
        claimed.listen(1)
    except OSError as error:
        claimed.close()
        raise PortTakenError(_explain(host, port, error)) from None
    return claimed


def same_address(host: str, other: str) -> bool:
    """Tell whether two names stand for one address to listen on."""
    try:
        return host == other or _resolve(host, 0) == _resolve(other, 0)
    except OSError:  # one of them cannot be resolved; whoever listens there says so
        return False


def overlap(host: str, other: str) -> bool:
    """Tell whether one of two addresses is every address of this machine."""
    try:
        return any(_resolve(each, 0)[1][0] in {"0.0.0.0", "::"} for each in (host, other))  # noqa: S104 - compared
    except OSError:
        return False


def _resolve(host: str, port: int) -> tuple[int, tuple[str, int]]:
    # As bytes: the codec for names in other scripts would cost a megabyte.
    found = socket.getaddrinfo(
        host.encode("ascii", "replace"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return found[0][0], found[0][4][:2]  # type: ignore[return-value]


def _explain(host: str, port: int, error: OSError) -> str:
    where = f"port {port} of {host}" if port else host
    if error.errno == errno.EADDRINUSE:
        return f"Another process listens on {where}."
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"This user may not listen on {where} (ports below 1024 belong to root)."
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"This machine has no address {host} to listen on."
    return f"Cannot listen on {where}: {error.strerror or error}."
