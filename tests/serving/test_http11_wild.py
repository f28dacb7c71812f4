"""Whatever arrives, in whatever pieces, the answers are the same and the server lives."""

from __future__ import annotations

import asyncio
import itertools
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mldeploy.serving.http11 import HttpConnection
from jupyter_mldeploy.serving.messages import Response


class Peers:
    draining = False
    max_body_bytes = 5000

    def opened(self, connection):
        pass

    def closed(self, connection):
        pass


class Echo:
    """Answers at once with what it was asked."""

    def __init__(self):
        self.seen = []

    def screen(self, request):
        return Response(404) if request.path == "/nope" else None

    def respond(self, request, reply):
        self.seen.append((request.method, request.path, request.query, request.body))
        reply(request.refusal or Response(200, request.body.hex().encode()))


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self):
        super().__init__()
        self.data = b""
        self.closed = False

    def write(self, data):
        self.data += data

    def write_eof(self):
        self.closed = True

    def is_closing(self):
        return self.closed

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass

    def get_write_buffer_size(self):
        return 0

    def close(self):
        self.closed = True

    abort = close


def converse(pieces):
    loop = asyncio.new_event_loop()
    try:
        app, wire = Echo(), Wire()
        connection = HttpConnection(app, Peers(), loop)
        connection.connection_made(wire)
        for piece in pieces:
            if not wire.closed:
                connection.data_received(piece)
        connection.connection_lost(None)
        return app.seen, re.findall(rb"HTTP/1\.1 (\d+)", wire.data)
    finally:
        loop.close()


def cut(data, places):
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@st.composite
def messages(draw):
    path = draw(st.sampled_from([b"/", b"/score", b"/nope", b"/score?a=b&c"]))
    body = draw(st.binary(max_size=40))
    head = b"POST " + path + b" HTTP/1.1\r\nHost: h\r\n"
    if draw(st.booleans()):
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    chunks = cut(body, draw(st.lists(st.integers(0, 40), max_size=3)))
    text = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks if chunk)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + text + b"0\r\n\r\n"


@settings(max_examples=200, deadline=None)
@given(st.lists(messages(), min_size=1, max_size=4), st.lists(st.integers(0, 2000), max_size=12))
def test_how_bytes_arrive_does_not_matter(requests, places):
    data = b"".join(requests)
    assert converse(cut(data, places)) == converse([data])
    assert len(converse([data])[1]) == len(requests)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=6))
def test_noise_never_raises(pieces):
    converse([piece for piece in pieces if piece])


@settings(max_examples=300, deadline=None)
@given(messages(), st.integers(0, 200), st.binary(min_size=1, max_size=3))
def test_damaged_requests_never_raise(message, place, damage):
    place %= len(message)
    data = message[:place] + damage + message[place + len(damage) :]
    _, statuses = converse([data])
    known = {b"200", b"400", b"404", b"413", b"417", b"431", b"501"}
    assert set(statuses) <= known
