"""Which ``Host`` a request may carry.

A web page can point its own name at 127.0.0.1 and so reach a service that only
this machine should reach; the browser then sends that name as ``Host``. A
service that listens on loopback therefore answers to loopback names only. One
that listens elsewhere answers to any name, unless names are listed.
"""

from __future__ import annotations

import ipaddress
import socket

from .messages import Request, Response, message_response

__all__ = ["HostRule"]

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class HostRule:
    """Decides whether a request was meant for this service.

    Parameters
    ----------
    sockets
        The listening sockets.
    allowed
        Further names, without ports; ``*`` allows every name.
    """

    def __init__(self, sockets: list[socket.socket], allowed: tuple[str, ...]) -> None:
        bound = [str(sock.getsockname()[0]) for sock in sockets]
        loopback = all(ipaddress.ip_address(address).is_loopback for address in bound)
        self._any = "*" in allowed or not (allowed or loopback)
        self._names = LOOPBACK_NAMES | set(allowed) | set(bound)

    def refusal(self, request: Request) -> Response | None:
        """Return 421 when the request names another host."""
        if self._any or request.trusted:
            return None
        host = request.headers.get("host")
        if host is None:
            return None  # HTTP/1.0; no browser sends such a request
        name = host.lower()
        if not name.endswith("]"):
            head, colon, port = name.rpartition(":")
            if colon and port.isdigit():
                name = head
        if name in self._names:
            return None
        return message_response(
            421,
            "This service answers to the name localhost only. Names to add are listed in "
            "MLDEPLOY_ALLOWED_HOSTS.",
        )
