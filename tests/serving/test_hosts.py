"""Which names a service answers to."""

from __future__ import annotations

import socket

import pytest

from jupyter_mldeploy.serving.hosts import HostRule
from jupyter_mldeploy.serving.messages import Request

SCRIPT = "def init(): pass\ndef run(data): return data"


@pytest.fixture
def bound():
    opened = []

    def bind(address):
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        opened.append(sock)
        try:
            sock.bind((address, 0))
        except OSError:
            pytest.skip(f"{address} cannot be bound here")
        return sock

    yield bind
    for sock in opened:
        sock.close()


@pytest.mark.parametrize(
    ("address", "allowed", "host", "served"),
    [
        ("127.0.0.1", (), "localhost", True),
        ("127.0.0.1", (), "LOCALHOST:8080", True),
        ("127.0.0.1", (), "127.0.0.1:1", True),
        ("127.0.0.1", (), "[::1]:80", True),
        ("127.0.0.1", (), "[::1]", True),
        ("127.0.0.1", (), None, True),
        ("127.0.0.1", (), "", False),
        ("127.0.0.1", (), "evil.example", False),
        ("127.0.0.1", (), "evil.example:80", False),
        ("127.0.0.1", (), "localhost.evil.example", False),
        ("127.0.0.1", (), "localhost:80:80", False),
        ("127.0.0.1", (), "localhost, evil.example", False),
        ("127.0.0.1", ("my.host",), "my.host:80", True),
        ("127.0.0.1", ("my.host",), "localhost", True),
        ("127.0.0.1", ("my.host",), "other.host", False),
        ("127.0.0.1", ("*",), "anything", True),
        ("::1", (), "[::1]:80", True),
        ("::1", (), "evil.example", False),
        ("0.0.0.0", (), "anything", True),
        ("0.0.0.0", ("my.host",), "anything", False),
        ("0.0.0.0", ("my.host",), "my.host", True),
    ],
)
def test_rule(bound, address, allowed, host, served):
    rule = HostRule([bound(address)], allowed)
    headers = {} if host is None else {"host": host}
    refusal = rule.refusal(Request("GET", "/", headers=headers))
    assert (refusal is None) is served
    assert refusal is None or refusal.status == 421
    assert rule.refusal(Request("GET", "/", headers=headers, trusted=True)) is None


def test_the_server_applies_it(serve):
    server = serve(SCRIPT, variables={"MLDEPLOY_ALLOWED_HOSTS": "my.host, Other.Host"})
    for host, status in (("my.host", 200), ("other.host:5", 200), ("evil.example", 421)):
        request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        assert server.raw(request.encode()).startswith(b"HTTP/1.1 %d " % status)
