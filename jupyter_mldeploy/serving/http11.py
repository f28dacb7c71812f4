"""HTTP/1.1 on one connection: framing, limits, keep-alive, pipelining in order.

httptools (llhttp) splits the bytes; this module decides what is acceptable and
keeps the connection's promises. It knows nothing of routes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Protocol, cast

import httptools

from .http_head import response_head, split_target
from .messages import Request, Response, message_response

__all__ = ["Answering", "HttpConnection", "Peers"]

HEAD_LIMIT = 64 * 1024  # bytes of request line, headers and trailers
HEADER_COST = 32  # bytes that a header counts beyond its own
IDLE_SECONDS = 300.0  # between requests
STALL_SECONDS = 60.0  # within a request, without a byte of progress
LINGER_SECONDS = 2.0  # after our last byte, so that a reset never destroys it
JOIN_BELOW = 64 * 1024  # a head and a body up to this size leave in one write


class Cancellable(Protocol):
    """Work whose result nobody waits for any more can be dropped."""

    def cancel(self) -> None:
        """Drop it, if it has not begun."""


class Answering(Protocol):
    """The application side of a connection."""

    def screen(self, request: Request) -> Response | None:
        """Return the answer if the head alone decides it."""

    def respond(self, request: Request, reply: Callable[[Response], None]) -> Cancellable | None:
        """Answer by calling `reply` once, now or later, on the loop's thread."""


class Peers(Protocol):
    """The server side of a connection."""

    draining: bool
    max_body_bytes: int

    def opened(self, connection: HttpConnection) -> None:
        """Count a connection."""

    def closed(self, connection: HttpConnection) -> None:
        """Forget a connection."""


class HttpConnection(asyncio.Protocol):
    """One client connection.

    Requests are answered one at a time in the order they came. Reading pauses
    while a further request waits, so a client cannot fill the memory.
    """

    def __init__(self, app: Answering, peers: Peers, loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._peers = peers
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request] = deque()
        self._current: Request | None = None
        self._work: Cancellable | None = None
        self._advancing = False
        self._writable = True
        self._stopped = False  # no further request is read from this connection
        self._lingering = False
        self._progress = loop.time()
        self._watch = loop.call_later(STALL_SECONDS, self._check_progress)
        self._incoming: Request | None = None
        self._target = bytearray()
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._begin_message()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        self._transport = cast("asyncio.Transport", transport)
        self._peers.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Drop what nobody waits for any more."""
        self._watch.cancel()
        self._stopped = True
        self._waiting.clear()
        if self._work is not None:
            self._work.cancel()
        self._peers.closed(self)

    def eof_received(self) -> bool:
        """Treat an end of the client's side as a client that gave up."""
        return False

    def pause_writing(self) -> None:
        """Hold further answers while the client does not read."""
        self._writable = False

    def resume_writing(self) -> None:
        """Go on answering."""
        self._writable = True
        self._advance()

    def data_received(self, data: bytes) -> None:
        """Split bytes into requests."""
        if self._stopped:
            return
        self._progress = self._loop.time()
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._feed_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(message_response(400, "The request is not valid HTTP/1.1."))
        # What the parser still holds back counts too. Chunk sizes cost up to six
        # bytes for one of body; all beyond that belongs to a head or a trailer.
        self._count_head(0, self._fed - 8 * self._body_size)
        self._advance()
        self._pace()

    # -- httptools callbacks; none may raise

    def on_url(self, url: bytes) -> None:
        """Collect the request target, which may come in pieces."""
        self._target += url
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header or a trailer."""
        self._count_head(len(name) + len(value) + HEADER_COST)
        if self._incoming is not None:
            return  # a trailer: nothing of ours may come after the body
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1").strip(" \t")
        before = self._headers.get(key)
        self._headers[key] = text if before is None else f"{before}, {text}"
        if key == "host":
            self._hosts += 1

    def on_headers_complete(self) -> None:
        """Judge the head before a byte of the body is kept."""
        if self._stopped or self._parser.should_upgrade():
            return
        version = self._parser.get_http_version()
        headers = self._headers
        expects = headers.get("expect", "").lower()
        refusal = self._framing_error(version, headers) or (
            message_response(417, "Expect can only be 100-continue.")
            if expects not in {"", "100-continue"}
            else None
        )
        if refusal is not None:
            self._refuse(refusal)
            return
        path, query, authority = split_target(bytes(self._target))
        if authority:
            headers["host"] = authority
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            path=path,
            query=query,
            headers=headers,
            http10=version == "1.0",
            keep_alive=self._parser.should_keep_alive(),
        )
        request.refusal = self._app.screen(request)
        if expects and version == "1.1":
            if request.refusal is not None:
                # Whether the body comes anyway is the client's choice: only a
                # closed connection leaves no doubt where the next request begins.
                self._refuse(request.refusal)
                return
            self._invite = True
        self._incoming = request
        self._send_invitation()

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body, within the limit."""
        self._body_size += len(body)
        request = self._incoming
        if self._stopped or request is None:
            return
        self._invite = False
        if self._body_size > self._peers.max_body_bytes:
            self._refuse(self._too_large())
        elif request.refusal is None:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Queue a complete request."""
        request = self._incoming
        if self._stopped or request is None:
            return
        body = self._body
        request.body = body[0] if len(body) == 1 else b"".join(body)
        request.started = perf_counter()
        self._begin_message()
        self._waiting.append(request)
        if not request.keep_alive:
            self._stopped = True

    # -- reading

    def _begin_message(self) -> None:
        self._incoming = None
        self._target = bytearray()
        self._headers = {}
        self._hosts = 0
        self._body = []
        self._body_size = 0
        self._head_size = 0
        self._fed = 0
        self._invite = False

    def _count_head(self, size: int, held_back: int = 0) -> None:
        self._head_size += size
        if max(self._head_size, held_back) > HEAD_LIMIT:
            self._refuse(message_response(431, f"The request's headers exceed {HEAD_LIMIT} bytes."))

    def _framing_error(self, version: str, headers: dict[str, str]) -> Response | None:
        if version not in {"1.0", "1.1"}:
            return message_response(400, "Only HTTP/1.0 and HTTP/1.1 are spoken here.")
        if self._hosts > 1 or (version == "1.1" and not self._hosts):
            return message_response(400, "A request needs exactly one Host header.")
        encoding = headers.get("transfer-encoding")
        length = headers.get("content-length")
        if encoding is not None:
            if length is not None or version == "1.0":
                return message_response(400, "The request's length is stated in two ways.")
            if encoding.lower() != "chunked":
                return message_response(501, "The only Transfer-Encoding understood is chunked.")
        elif length is not None and int(length) > self._peers.max_body_bytes:
            return self._too_large()
        return None

    def _too_large(self) -> Response:
        limit = self._peers.max_body_bytes
        return message_response(413, f"The body is larger than {limit} bytes.")

    def _feed_without_upgrade(self, rest: bytes) -> None:
        """Read a request that offered another protocol as the plain request it also is."""
        if self._stopped:
            return
        method = self._parser.get_method()
        if method == b"CONNECT":
            self._refuse(message_response(400, "CONNECT is not offered: this is not a proxy."))
            return
        fields = "".join(
            f"{name}: {value}\r\n"
            for name, value in self._headers.items()
            if name not in {"upgrade", "connection", "http2-settings"}
        )
        head = b"%s %s HTTP/1.1\r\n%s\r\n" % (method, self._target, fields.encode("latin-1"))
        self._parser = httptools.HttpRequestParser(self)
        self._begin_message()
        self.data_received(head + rest)

    def _send_invitation(self) -> None:
        # An interim answer must not overtake the answers still owed.
        if self._invite and self._current is None and not self._waiting:
            self._invite = False
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _refuse(self, response: Response) -> None:
        """Answer and stop reading: where the next request would begin is not known."""
        if self._stopped:
            return
        self._stopped = True
        self._incoming = None
        self._body.clear()
        self._waiting.append(Request("", "", refusal=response, keep_alive=False))

    def _pace(self) -> None:
        transport = self._transport
        if self._stopped or transport.is_closing():
            return
        if self._waiting:
            transport.pause_reading()
        else:
            transport.resume_reading()

    # -- answering

    def _advance(self) -> None:
        if self._advancing:
            return
        self._advancing = True
        while (
            self._current is None
            and self._waiting
            and self._writable
            and not self._transport.is_closing()
        ):
            request = self._current = self._waiting.popleft()
            if not request.method:
                self._reply(request, cast("Response", request.refusal))
            else:
                work = self._app.respond(request, partial(self._reply, request))
                if self._current is request:
                    self._work = work
        self._advancing = False
        self._send_invitation()

    def _reply(self, request: Request, response: Response) -> None:
        if request is not self._current or self._transport.is_closing():
            return
        self._current = self._work = None
        last = not self._waiting and self._incoming is None
        close = response.close or not request.keep_alive or (last and self._peers.draining)
        self._write(request, response, close=close)
        self._progress = self._loop.time()
        if close:
            self._linger()
        else:
            self._advance()
            self._pace()

    def _write(self, request: Request, response: Response, *, close: bool) -> None:
        head = response_head(response, close=close, http10=request.http10)
        body = b"" if request.method == "HEAD" else response.body
        if len(body) < JOIN_BELOW:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)

    # -- ending

    def _linger(self) -> None:
        """Close our side, and the rest once the client has closed too or time is up."""
        self._stopped = self._lingering = True
        self._waiting.clear()
        self._transport.resume_reading()
        self._transport.write_eof()
        self._watch.cancel()
        self._watch = self._loop.call_later(LINGER_SECONDS, self._end_linger)

    def _end_linger(self) -> None:
        if self._transport.get_write_buffer_size():
            # Our answer is still leaving: a slow reader has until it stalls.
            self._progress = self._loop.time()
            self._watch = self._loop.call_later(STALL_SECONDS, self._transport.abort)
        else:
            self._transport.close()

    def _check_progress(self) -> None:
        now = self._loop.time()
        if self._current is not None and self._writable:
            self._progress = now  # the client waits for us, not we for it
        limit = STALL_SECONDS if self._fed or not self._writable else IDLE_SECONDS
        left = self._progress + limit - now
        if left <= 0:
            self._transport.abort()
            return
        self._watch = self._loop.call_later(max(left, 1.0), self._check_progress)

    def close_if_idle(self) -> None:
        """End, unless a request is being answered or is on its way."""
        if self._current is None and not self._waiting and not self._fed:
            self._transport.close()

    def abort(self) -> None:
        """End at once."""
        self._transport.abort()
