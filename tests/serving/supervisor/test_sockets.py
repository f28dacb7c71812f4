"""The port: taken alone, shared between slots, and never without somebody to answer."""

from __future__ import annotations

import signal
import socket

import pytest

from jupyter_mldeploy.serving.supervisor.loop import Loop
from jupyter_mldeploy.serving.supervisor.sockets import Port, PortTakenError, claim


@pytest.fixture
def loop():
    loop = Loop()
    yield loop
    signal.set_wakeup_fd(-1)
    loop.close()


@pytest.fixture
def refused():
    """Connections that the supervisor itself would answer."""
    taken = []
    yield taken
    for connection in taken:
        connection.close()


@pytest.fixture
def port(loop, refused):
    port = Port(loop, "127.0.0.1", 0, refused.append)
    port.open()
    yield port
    port.close()


def connect(port, count=40):
    return [socket.create_connection(("127.0.0.1", port.number), 5) for _ in range(count)]


def accepted(sock):
    """Accept all that wait on one of the port's sockets; return how many."""
    count = 0
    while True:
        try:
            sock.accept()[0].close()
        except OSError:
            return count
        count += 1


def test_nobody_else_can_join_even_with_reuseport(port):
    with pytest.raises(PortTakenError, match=f"port {port.number}"):
        claim("127.0.0.1", port.number)


def test_every_slot_has_its_socket_and_its_share(port):
    assert [port.share(slot, 2) for slot in range(2)] == [[0], [1]]
    port.attend({0, 1}, somebody_answers=True)
    clients = connect(port)
    shares = [accepted(sock) for sock in port.sockets]
    assert sum(shares) == len(clients)
    assert min(shares) > 0
    for client in clients:
        client.close()


def test_fewer_slots_share_all_sockets(port):
    port.grow(5)
    assert [port.share(slot, 2) for slot in range(2)] == [[0, 2, 4], [1, 3]]
    assert port.share(5, 6) == [5]


def test_a_slot_without_a_server_gets_nothing_while_others_answer(port):
    port.grow(2)
    port.attend({0, 1}, somebody_answers=True)
    port.attend({1}, somebody_answers=True)
    clients = connect(port)
    assert accepted(port.sockets[1]) == len(clients)
    assert accepted(port.sockets[0]) == 0
    port.attend({0, 1}, somebody_answers=True)
    clients += connect(port)
    assert accepted(port.sockets[0]) > 0
    accepted(port.sockets[1])
    for client in clients:
        client.close()


def test_what_waited_in_a_slot_that_leaves_is_answered(port, refused):
    port.grow(2)
    port.attend({0, 1}, somebody_answers=True)
    clients = connect(port)
    port.attend({1}, somebody_answers=True)
    assert len(refused) + accepted(port.sockets[1]) == len(clients)
    assert refused
    for client in clients:
        client.close()


def test_supervisor_answers_when_nobody_does(loop, port, refused):
    port.attend(set(), somebody_answers=False)
    (client,) = connect(port, 1)
    loop.before_wait = lambda: setattr(loop, "finished", bool(refused))
    loop.run()
    client.close()
    assert len(refused) == 1


def test_an_address_that_is_not_ours_is_named():
    with pytest.raises(PortTakenError, match=r"no address 192\.0\.2\.1"):
        claim("192.0.2.1", 0)
    with pytest.raises(PortTakenError, match="no address no-such-host"):
        claim("no-such-host.invalid", 0)
