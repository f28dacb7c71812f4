"""What happens to open connections when a service changes or goes."""

import http.client
import json
import threading
import time

from tests_sdk_helpers import processes_of

from jupyter_mldeploy import LocalWebservice


def connect(service):
    port = int(service.scoring_uri.split(":")[2].split("/")[0])
    return http.client.HTTPConnection("127.0.0.1", port, timeout=30)


def ask(connection, body):
    connection.request("POST", "/score", json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def test_an_idle_connection_does_not_hold_a_stop_up(lab):
    config = LocalWebservice.deploy_configuration(drain_seconds=120)
    service = lab.deploy([lab.register(lab.first)], config=config)
    old, new = connect(service), connect(service)
    assert ask(old, lab.body())[0] == 200  # stays open, and asks nothing more
    service.update(models=[lab.register(lab.second)], wait=True)  # the first generation drains
    assert ask(new, lab.body())[1] == lab.expect(lab.second)
    assert len(processes_of(service)) == 3
    # Both would otherwise be waited for, 120 s each: more than a test may take.
    service.stop()
    assert processes_of(service) == []
    old.close()
    new.close()


def test_a_request_under_way_is_answered_before_a_stop(lab):
    lab.write(
        "slow.py",
        """
        import time

        def init():
            pass

        def run(data):
            time.sleep(1.5)
            return "done"
        """,
    )
    service = lab.deploy([lab.register(lab.first)], script="slow.py")
    answers = []
    connection = connect(service)
    thread = threading.Thread(target=lambda: answers.append(ask(connection, "")))
    thread.start()
    while connection.sock is None:
        time.sleep(0.01)
    time.sleep(0.3)
    service.stop()
    thread.join()
    connection.close()
    assert answers == [(200, "done")]
