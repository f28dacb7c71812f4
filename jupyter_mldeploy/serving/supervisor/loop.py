"""The event loop: file descriptors, timers and signals in one thread."""

from __future__ import annotations

import heapq
import os
import selectors
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

__all__ = ["Loop", "Timer"]


class Timer:
    """A call to be made once; :meth:`cancel` may be called at any time."""

    __slots__ = ("callback", "order", "when")

    def __init__(self, when: float, order: int, callback: Callable[[], None]) -> None:
        self.when = when
        self.order = order
        self.callback: Callable[[], None] | None = callback

    def __lt__(self, other: Timer) -> bool:
        return (self.when, self.order) < (other.when, other.order)

    def cancel(self) -> None:
        """See to it that the call is not made; nothing happens when it was made already."""
        self.callback = None


class Loop:
    """Calls back when something can be read or written, a time has come, or a signal arrived."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[Timer] = []
        self._order = 0
        self._signals: dict[int, Callable[[], None]] = {}
        self._wakeup, self._wake = os.pipe()
        for fd in (self._wakeup, self._wake):
            os.set_blocking(fd, False)
        # The C-level handler writes the signal's number here: none is lost, none races the select.
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self._selector.register(self._wakeup, selectors.EVENT_READ, self._signalled)
        self.before_wait: Callable[[], None] = lambda: None
        self.finished = False

    def watch(
        self, sock: socket.socket, callback: Callable[[int], None], *, write: bool = False
    ) -> None:
        """Call ``callback(events)`` whenever ``sock`` can be read (and written)."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if write else 0)
        if sock.fileno() in self._selector.get_map():
            self._selector.modify(sock, events, callback)
        else:
            self._selector.register(sock, events, callback)

    def unwatch(self, sock: socket.socket) -> None:
        """Stop watching; nothing happens when it was not watched."""
        if sock.fileno() in self._selector.get_map():
            self._selector.unregister(sock)

    def later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call ``callback()`` once, ``seconds`` from now."""
        self._order += 1
        timer = Timer(time.monotonic() + seconds, self._order, callback)
        heapq.heappush(self._timers, timer)
        return timer

    def on_signal(self, signum: int, callback: Callable[[], None]) -> None:
        """Call ``callback()`` in the loop after ``signum`` arrived.

        A Python handler, not ``SIG_IGN``: what is ignored stays ignored in the
        programs we start, a handler does not.
        """
        self._signals[signum] = callback
        signal.signal(signum, lambda *_: None)

    def run(self) -> None:
        """Run until :attr:`finished` is set."""
        while True:
            self.before_wait()
            if self.finished:
                return
            for key, events in self._selector.select(self._patience()):
                # A callback before may have closed this one.
                if self._selector.get_map().get(key.fd) is key:
                    key.data(events)
            now = time.monotonic()
            while self._timers and self._timers[0].when <= now:
                callback = heapq.heappop(self._timers).callback
                if callback is not None:
                    callback()

    def close(self) -> None:
        """Give up the loop's own descriptors."""
        self._selector.close()
        os.close(self._wakeup)
        os.close(self._wake)

    def _patience(self) -> float | None:
        while self._timers and self._timers[0].callback is None:
            heapq.heappop(self._timers)
        return max(0.0, self._timers[0].when - time.monotonic()) if self._timers else None

    def _signalled(self, _events: int) -> None:
        for signum in set(os.read(self._wakeup, 4096)):
            if signum in self._signals:
                self._signals[signum]()
