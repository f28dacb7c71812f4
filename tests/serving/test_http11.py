"""HTTP/1.1 on the wire: framing, keep-alive, pipelining, limits."""

from __future__ import annotations

import re
import socket
import time

import pytest
from process import read_all

ECHO = """
import json, time

def init():
    pass

def run(data):
    if data.startswith("sleep"):
        time.sleep(0.3)
    return {"length": len(data), "data": data[:100]}
"""
HOST = b"Host: localhost\r\n"


@pytest.fixture(scope="module")
def server(serve_once):
    return serve_once(ECHO, variables={"MLDEPLOY_MAX_BODY_BYTES": "300000"})


def statuses(data):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", data)]


def post(body, *headers, close=True):
    extra = b"".join(header + b"\r\n" for header in headers)
    ending = b"Connection: close\r\n" if close else b""
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST /score HTTP/1.1\r\n" + HOST + length + extra + ending + b"\r\n" + body


def test_keep_alive_serves_many(server):
    connection = server.connection()
    ports = set()
    for i in range(5):
        connection.request("POST", "/score", f"{i}")
        response = connection.getresponse()
        assert response.status == 200
        assert response.getheader("Connection") is None
        response.read()
        ports.add(connection.sock.getsockname()[1])
    connection.close()
    assert len(ports) == 1


def test_connection_close_is_honoured(server):
    answer = server.raw(post(b"x"))
    assert statuses(answer) == [200]
    assert b"Connection: close\r\n" in answer


@pytest.mark.parametrize("keep", [True, False])
def test_http10(server, keep):
    header = b"Connection: keep-alive\r\n" if keep else b""
    with server.open() as sock:
        sock.sendall(b"GET / HTTP/1.0\r\n" + header + b"\r\n")
        head = b""
        while b"Healthy" not in head:
            head += sock.recv(4096)
        assert (b"Connection: keep-alive\r\n" in head) is keep
        if keep:
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        rest = read_all(sock)
        assert statuses(rest) == ([200] if keep else [])


def test_pipelined_requests_are_answered_in_order(server):
    bodies = [b"sleep0", b"one", b"two"]
    data = b"".join(post(body, close=False) for body in bodies) + b"GET / HTTP/1.1\r\n" + HOST
    answer = server.raw(data + b"Connection: close\r\n\r\n")
    assert statuses(answer) == [200] * 4
    positions = [answer.index(body) for body in [*bodies, b"Healthy"]]
    assert positions == sorted(positions)


def test_hundreds_of_pipelined_requests(server):
    count = 400
    data = (b"GET / HTTP/1.1\r\n" + HOST + b"\r\n") * count
    answer = server.raw(data + b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert statuses(answer) == [200] * (count + 1)


def test_byte_by_byte(server):
    data = post(b'{"a": 1}')
    answer = server.raw(*(data[i : i + 1] for i in range(len(data))))
    assert statuses(answer) == [200]
    assert b'{\\"a\\": 1}' in answer


def test_chunked_body(server):
    head = b"POST /score HTTP/1.1\r\n" + HOST + b"Connection: close\r\n"
    head += b"Transfer-Encoding: Chunked\r\nTrailer: X\r\n\r\n"
    body = b'3\r\nabc\r\n4;ext="x"\r\ndefg\r\n0\r\nX: y\r\n\r\n'
    answer = server.raw(head + body)
    assert statuses(answer) == [200]
    assert b"abcdefg" in answer


def test_chunks_of_one_byte(server):
    head = b"POST /score HTTP/1.1\r\n" + HOST + b"Connection: close\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    answer = server.raw(head + b"1\r\nx\r\n" * 40_000 + b"0\r\n\r\n")
    assert statuses(answer) == [200]
    assert b'"length": 40000' in answer


def test_empty_body(server):
    answer = server.raw(b"POST /score HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert statuses(answer) == [200]
    assert b'"length": 0' in answer


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"\x00\x01\x02\x03\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # a TLS hello
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/3.0\r\n" + HOST + b"\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Bad Name: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n", 400),
        (post(b"x", b"Content-Length: 5"), 400),
        (post(b"", b"Transfer-Encoding: chunked"), 400),
        (post(b"", b"Content-Length: -1"), 400),
        (b"POST /score HTTP/1.1\r\n" + HOST + b"Content-Length: 1, 1\r\n\r\nx", 400),
        (b"POST /score HTTP/1.1\r\n" + HOST + b"Content-Length: 1e3\r\n\r\nx", 400),
        (b"POST /score HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /score HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"POST /score HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Expect: miracles\r\n\r\n", 417),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"a" * 70_000, 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 20_000 + b"\r\n", 431),
    ],
)
def test_what_is_refused_closes_the_connection(server, data, status):
    answer = server.raw(data)
    assert statuses(answer) == [status]
    assert b"Connection: close\r\n" in answer
    assert b'{"message": "' in answer
    assert server.request("GET", "/")[0] == 200


def test_a_refusal_comes_after_the_answers_owed(server):
    answer = server.raw(post(b"sleep", close=False) + b"nonsense\r\n\r\n")
    assert statuses(answer) == [200, 400]


def test_nothing_after_a_refusal_is_taken_for_a_request(server):
    smuggled = b"GET /swagger.json HTTP/1.1\r\n" + HOST + b"\r\n"
    head = b"POST /score HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n"
    answer = server.raw(head + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled)
    assert statuses(answer) == [400]


def test_a_body_at_the_limit_is_taken(server):
    assert b'"length": 300000' in server.raw(post(b"x" * 300_000))


def test_a_longer_body_is_refused_before_it_is_sent(server):
    head = b"POST /score HTTP/1.1\r\n" + HOST + b"Content-Length: 300001\r\n\r\n"
    assert statuses(server.raw(head)) == [413]


def test_a_longer_body_is_refused_while_the_client_still_sends(server):
    answer = server.raw(post(b"x" * 3_000_000))
    assert statuses(answer) == [413]


def test_a_longer_chunked_body_is_refused(server):
    head = b"POST /score HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    answer = server.raw(head + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 6)
    assert statuses(answer) == [413]


def test_expect_100_continue(server):
    with server.open() as sock:
        head = post(b"", b"Expect: 100-continue").replace(b"Length: 0", b"Length: 3")
        sock.sendall(head)
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"abc")
        assert statuses(read_all(sock)) == [200]


@pytest.mark.parametrize(
    ("path", "length", "status"), [(b"/nope", b"3", 404), (b"/score", b"300001", 413)]
)
def test_expect_is_refused_without_an_invitation(server, path, length, status):
    head = b"POST " + path + b" HTTP/1.1\r\n" + HOST + b"Content-Length: " + length
    answer = server.raw(head + b"\r\nExpect: 100-continue\r\n\r\n")
    assert statuses(answer) == [status]


def test_the_invitation_does_not_overtake(server):
    with server.open() as sock:
        head = post(b"", b"Expect: 100-continue").replace(b"Length: 0", b"Length: 3")
        sock.sendall(post(b"sleep", close=False) + head)
        data = b""
        while b"100 Continue" not in data:
            data += sock.recv(4096)
        sock.sendall(b"abc")
        assert statuses(data + read_all(sock)) == [200, 100, 200]


def test_an_offered_upgrade_is_ignored(server):
    offer = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMA")
    data = post(b'{"a": 1}', *offer, close=False)
    data += b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    for pieces in ([data], [data[:-40], data[-40:]], [data[:30], data[30:]]):
        answer = server.raw(*pieces, pause=0.02)
        assert statuses(answer) == [200, 200]
        assert b'{\\"a\\": 1}' in answer


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"http://localhost/score?x=1", 200),
        (b"http://localhost", 200),
        (b"http://localhost/nope", 404),
        (b"http://elsewhere.example/score", 421),
        (b"*", 404),
    ],
)
def test_forms_of_the_target(server, target, status):
    head = b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    assert statuses(server.raw(head)) == [status]


def test_empty_header_values(server):
    request = b"GET / HTTP/1.1\r\n" + HOST + b"X-Empty:\r\nX-Request-Id: r\r\nConnection: close\r\n"
    assert b"x-request-id: r\r\n" in server.raw(request + b"\r\n")


def test_a_client_that_goes_away_costs_nothing(server):
    for _ in range(20):
        with server.open() as sock:
            sock.sendall(post(b"sleep", close=False))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    control = server.control()
    began = time.monotonic()
    while control.ask("status")["in_flight"]:
        assert time.monotonic() - began < 30
        time.sleep(0.02)
    # Twenty of them would sleep for six seconds, had they not been withdrawn.
    assert server.log.count("given up before") < 20
    assert server.request("POST", "/score", "x")[0] == 200


def test_a_slow_reader_gets_all_of_it(serve):
    server = serve("def init(): pass\ndef run(data): return 'x' * 5_000_000")
    with server.open() as sock:
        sock.sendall(post(b"", close=False) + post(b""))
        time.sleep(0.3)
        data = read_all(sock)
    assert statuses(data) == [200, 200]
    assert len(data) > 10_000_000
