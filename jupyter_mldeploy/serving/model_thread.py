"""The one thread that imports the entry script, runs ``init()`` and every ``run()``.

The event loop therefore keeps answering while numpy works, and a script that
keeps state in globals never meets itself in another thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from .messages import Request
from .scorer import Outcome, Scorer

__all__ = ["Job", "ModelThread"]


class Job:
    """A request on its way through the model thread."""

    __slots__ = ("cancelled", "request", "started")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.cancelled = False  # not to be run; if it runs already, nobody waits for it
        self.started = False

    def cancel(self) -> None:
        """Give it up."""
        self.cancelled = True

    def deliver(self, outcome: Outcome) -> None:
        """Take the outcome, on the loop's thread."""
        raise NotImplementedError


class ModelThread:
    """Runs jobs one after the other.

    Parameters
    ----------
    loop
        Where outcomes are delivered.
    load
        Loads the script and runs ``init()``; called on the thread.
    loaded
        Told, on the loop's thread, the scorer and the seconds it took.
    failed
        Told, on the loop's thread, what `load` raised.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        load: Callable[[], Scorer],
        loaded: Callable[[Scorer, float], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._loop = loop
        self._load = load
        self._loaded = loaded
        self._failed = failed
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        # Daemon: a run() that never returns must not keep the process alive.
        self._thread = threading.Thread(target=self._main, name="model", daemon=True)

    def start(self) -> None:
        """Begin to load."""
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue a job."""
        self._jobs.put(job)

    def stop(self, timeout: float) -> bool:
        """End after what runs now; return whether it ended within `timeout` seconds."""
        self._jobs.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _main(self) -> None:
        begun = time.perf_counter()
        try:
            scorer = self._load()
        except BaseException as error:
            # The script's own code, SystemExit and KeyboardInterrupt included.
            self._tell(self._failed, error)
            return
        self._tell(self._loaded, scorer, time.perf_counter() - begun)
        while (job := self._jobs.get()) is not None:
            if job.cancelled:
                continue
            job.started = True
            self._tell(job.deliver, scorer.score(job.request))
            del job

    def _tell(self, receiver: Callable[..., None], *values: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed: the process is ending
            self._loop.call_soon_threadsafe(receiver, *values)
