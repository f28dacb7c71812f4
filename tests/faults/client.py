"""A client that scores without pause and never tries again: what it loses is lost."""

from __future__ import annotations

import http.client
import threading
import time


class Client:
    """Runs between :meth:`begin` and :meth:`end`, on kept and on new connections in turn."""

    def __init__(self):
        self.failures = []
        self.answers = 0
        self._port = None
        self._thread = None
        self._ended = threading.Event()

    def begin(self, port):
        self.failures, self.answers, self._port = [], 0, port
        self._ended.clear()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self):
        self._ended.set()
        self._thread.join()
        return self.failures

    def _run(self):
        kept = None
        while not self._ended.wait(0.01):
            connection = kept or http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
            kept = None
            try:
                connection.request("POST", "/score", b"{}", {"Content-Type": "application/json"})
                response = connection.getresponse()
                body = response.read()
                if response.status == 200:
                    self.answers += 1
                else:
                    self.failures.append((time.time(), response.status, body[:200]))
                if self.answers % 5 and not response.will_close:
                    kept = connection
                    continue
            except (OSError, http.client.HTTPException) as error:
                self.failures.append((time.time(), repr(error)))
            connection.close()
        if kept:
            kept.close()
