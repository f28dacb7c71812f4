"""Clients that never retry: ``python clients.py PORT BODY``, until standard input ends.

Prints ``ready`` when every client has had its first answer. At the end prints one JSON
object: ``requests`` as [client, when sent, when answered, status, body or error] lists with
times of the monotonic clock, bodies as numbers into ``bodies``.
"""

import http.client
import json
import random
import sys
import threading
import time

KEEP_ALIVE, PAUSING, FRESH = 3, 1, 1
HEADERS = {"Content-Type": "application/json"}

port, body = int(sys.argv[1]), sys.argv[2].encode()
stop = threading.Event()
first_answers = threading.Barrier(KEEP_ALIVE + PAUSING + FRESH + 1)
bodies: dict[str, int] = {}


def ask(connection):
    """Send one request; return (when sent, when answered, status, body or error)."""
    sent = time.monotonic()
    try:
        connection.request("POST", "/score", body, HEADERS)
        response = connection.getresponse()
        text = response.read().decode()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return sent, time.monotonic(), 0, repr(error)
    return sent, time.monotonic(), response.status, text


def client(kind, requests):
    """Ask until told to stop; a connection that the server closed is opened anew."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while not stop.is_set():
        sent, answered, status, text = ask(connection)
        requests.append((kind, sent, answered, status, bodies.setdefault(text, len(bodies))))
        if len(requests) == 1:
            first_answers.wait()
        if kind == "fresh":
            connection.close()
        elif kind == "pausing":
            time.sleep(random.uniform(0, 0.1))
    connection.close()


kinds = ["keep-alive"] * KEEP_ALIVE + ["pausing"] * PAUSING + ["fresh"] * FRESH
results = [(kind, []) for kind in kinds]
threads = [threading.Thread(target=client, args=pair) for pair in results]
for thread in threads:
    thread.start()
first_answers.wait()
print("ready", flush=True)
sys.stdin.read()
stop.set()
for thread in threads:
    thread.join()
print(
    json.dumps(
        {"bodies": list(bodies), "requests": [line for _, lines in results for line in lines]}
    )
)
