"""``update`` with another port or host (spec 4.1), as a user meets it."""

import socket

import pytest
import requests

from jupyter_mldeploy import LocalWebservice, Webservice, WebserviceException


def at(port, **more):
    return LocalWebservice.deploy_configuration(port=port, drain_seconds=2, **more)


def test_there_and_back_and_what_a_rollback_does_with_the_port(lab, free_port):
    service = lab.deploy([lab.register(lab.first)])  # a port that the system chose
    chosen = service._row().port
    service.update(deployment_config=at(free_port), wait=True)
    assert service.scoring_uri == f"http://localhost:{free_port}/score"
    assert service.run(lab.body()) == lab.expect(lab.first)
    with pytest.raises(requests.ConnectionError):
        requests.post(f"http://127.0.0.1:{chosen}/score", json=lab.body(), timeout=10)
    service.rollback(1)  # generation 1 asked for no port: it serves where the service is
    assert service._row().port == free_port
    service.update(deployment_config=at(chosen), wait=True)
    assert service._row().port == chosen
    assert service.run(lab.body()) == lab.expect(lab.first)
    service.rollback(2)  # generation 2 asked for one
    assert service.scoring_uri == f"http://localhost:{free_port}/score"
    assert Webservice(lab.workspace, "svc").run(lab.body()) == lab.expect(lab.first)
    service.stop()
    service.start()
    assert service._row().port == free_port
    assert service.run(lab.body()) == lab.expect(lab.first)


def test_a_taken_port_is_refused_and_the_old_one_goes_on(lab):
    service = lab.deploy([lab.register(lab.first)])
    uri = service.scoring_uri
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        with pytest.raises(WebserviceException, match=f"port {port}"):
            service.update(deployment_config=at(port), wait=True)
    assert service.scoring_uri == uri
    assert service.status == "Healthy"
    assert service.run(lab.body()) == lab.expect(lab.first)


def test_another_host(lab):
    service = lab.deploy([lab.register(lab.first)])
    port = service._row().port
    service.update(deployment_config=at(None, host="0.0.0.0"), wait=True)
    assert service._row().port == port
    assert service.run(lab.body()) == lab.expect(lab.first)
    url = f"http://127.0.0.2:{port}/score"
    assert requests.post(url, json=lab.body(), timeout=10).json() == lab.expect(lab.first)
