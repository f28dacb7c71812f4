"""What the body of an operation sees: phases, log, progress, cancellation."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from jupyter_mldeploy.errors import OperationCancelled
from jupyter_mldeploy.operations.log import OperationLog, bound_worker_output
from jupyter_mldeploy.store import OperationRecord, Store

__all__ = ["OperationContext"]

_CANCEL_CHECK_SECONDS = 0.1


class OperationContext:
    """The worker's handle on the operation it carries out.

    Parameters
    ----------
    store
        The open store.
    record
        The operation's row, already claimed.
    """

    def __init__(self, store: Store, record: OperationRecord) -> None:
        self.store = store
        self.record = record
        self.log_file = OperationLog(store.home, record.id)
        self._phases: list[dict[str, Any]] = []
        self._phase = ""
        self._terminated = threading.Event()
        self._checked = 0.0
        self._cancelled = False

    @property
    def payload(self) -> dict[str, Any]:
        """The request, as it was submitted."""
        return self.record.payload

    def plan(self, names: Sequence[str]) -> None:
        """Announce the phases to come, so that a reader can show what is left."""
        self._phases = [{"name": name, "state": "pending", "seconds": None} for name in names]
        self._save()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase; it fails when its block raises.

        Raises
        ------
        OperationCancelled
            Someone cancelled the operation before the phase began.
        """
        self.check_cancelled()
        entry = next((e for e in self._phases if e["name"] == name), None)
        if entry is None:
            entry = {"name": name}
            self._phases.append(entry)
        entry.update(state="running", started=time.time(), seconds=None)
        started = time.perf_counter()
        self._phase = name
        self._save()
        try:
            yield
        except BaseException:
            entry.update(state="failed", seconds=round(time.perf_counter() - started, 3))
            self._save()
            raise
        entry.update(state="done", seconds=round(time.perf_counter() - started, 3))
        self._save()
        self.log(f"{name} done in {entry['seconds']:.1f} s")

    def _save(self) -> None:
        done = sum(1 for entry in self._phases if entry["state"] == "done")
        self.store.operations.update(
            self.record.id,
            phase=self._phase,
            phases=list(self._phases),
            progress=done / len(self._phases) if self._phases else None,
        )

    def log(self, text: str, *, level: str = "info") -> None:
        """Append to the operation's log; a full disk does not end the work itself."""
        with suppress(OSError):
            self.log_file.write(text, level=level, phase=self._phase)

    def terminate(self) -> None:
        """Cancel from inside the process (a termination signal)."""
        self._terminated.set()

    def cancelled(self) -> bool:
        """Tell whether someone asked to cancel; reads the store at most every 100 ms."""
        if self._cancelled or self._terminated.is_set():
            return True
        now = time.monotonic()
        if now - self._checked >= _CANCEL_CHECK_SECONDS:
            self._checked = now
            bound_worker_output(self.log_file.folder)
            self._cancelled = self.store.operations.get(self.record.id).cancel_requested
        return self._cancelled

    def check_cancelled(self) -> None:
        """Raise :class:`OperationCancelled` when someone asked to cancel."""
        if self.cancelled():
            raise OperationCancelled(
                f"The operation ({self.record.kind} {self.record.subject}) was cancelled.",
                hint="Nothing of it was kept. Start it again when you want to.",
            )
