"""The store's side of the loop: writes happen on a thread, so that no sync ever holds the node up.

Writes keep their order. All that wait are taken together into one transaction (one sync for many
commits); each is reported when that transaction is on the disk. After the first failure nothing
is written any more and every later write fails too: the node is told and stops.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from crmsh_py.engine.api import Persisted, StoredState, StoreFailed, StoreWrite
from crmsh_py.errors import CrmError
from crmsh_py.node.ports import LogLine, Report
from crmsh_py.node.store import Store
from crmsh_py.wire.control import Revision

BATCH_LIMIT = 64  # Persist instructions in one transaction
SLOW_WRITE_S = 1.0  # a write that takes longer is told in the log

CallOnLoop = Callable[[Callable[[], None]], None]


@dataclass(frozen=True, slots=True)
class _Write:
    token: int
    writes: tuple[StoreWrite, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    limit: int
    answer: Callable[[list[Revision] | CrmError], None]


@dataclass(frozen=True, slots=True)
class _ReadOne:
    admin_epoch: int
    epoch: int
    answer: Callable[[str | CrmError], None]


@dataclass(frozen=True, slots=True)
class _Stop:
    pass


_Job = _Write | _Read | _ReadOne | _Stop


class DiskThread:
    """Implements ``ports.Disk`` on a ``Store`` that it alone uses after ``start``."""

    def __init__(
        self, store: Store, *, report: Report, log: LogLine, call_on_loop: CallOnLoop
    ) -> None:
        self._store = store
        self._report = report
        self._log = log
        self._call_on_loop = call_on_loop
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="disk", daemon=True)
        self._failure = ""

    def start(self) -> StoredState:
        """Load the store (on the caller's thread, before the loop is busy); begin to work.

        Raises:
            CrmError: the store cannot be used.
        """
        opened = self._store.open()
        if opened.warning:
            self._log("error", "CIB", opened.warning)
        self._thread.start()
        return opened.state

    def submit(self, token: int, writes: Sequence[StoreWrite]) -> None:
        """Write, then report ``Persisted(token)`` or ``StoreFailed(token)``."""
        self._jobs.put(_Write(token, tuple(writes)))

    def read_revisions(
        self, limit: int, answer: Callable[[list[Revision] | CrmError], None]
    ) -> None:
        """Hand the newest revisions, or why they cannot be read, to ``answer`` (on the loop)."""
        self._jobs.put(_Read(limit, answer))

    def read_revision(
        self, admin_epoch: int, epoch: int, answer: Callable[[str | CrmError], None]
    ) -> None:
        """Hand a stored configuration (XML), or why there is none, to ``answer`` likewise."""
        self._jobs.put(_ReadOne(admin_epoch, epoch, answer))

    def close(self) -> None:
        """Finish what was submitted and let go of the file."""
        if self._thread.is_alive():
            self._jobs.put(_Stop())
            self._thread.join(timeout=10)
        self._store.close()

    def _work(self) -> None:
        waiting: _Job | None = None
        while not isinstance(job := waiting or self._jobs.get(), _Stop):
            waiting = None
            if isinstance(job, _Read):
                self._on_loop(job.answer, self._revisions(job))
                continue
            if isinstance(job, _ReadOne):
                self._on_loop(job.answer, self._configuration(job))
                continue
            batch = [job]
            # This thread is the only one that takes jobs out, so "not empty" stays true.
            while len(batch) < BATCH_LIMIT and not self._jobs.empty():
                waiting = self._jobs.get_nowait()
                if not isinstance(waiting, _Write):
                    break
                batch.append(waiting)
                waiting = None
            self._write(batch)

    def _write(self, batch: list[_Write]) -> None:
        began = time.monotonic()
        if not self._failure:
            try:
                self._store.write([write for job in batch for write in job.writes])
            except Exception as error:  # of any kind: else the node would stay in the ring, waiting
                self._failure = _reason(error)
        took = time.monotonic() - began
        if took > SLOW_WRITE_S:
            self._on_loop(self._log, "warning", "CIB", f"The disk took {took:.1f} s for a write")
        for job in batch:
            self._on_loop(
                self._report,
                StoreFailed(token=job.token, message=self._failure)
                if self._failure
                else Persisted(token=job.token),
            )

    def _revisions(self, job: _Read) -> list[Revision] | CrmError:
        try:
            return self._store.revisions(job.limit)
        except Exception as error:  # this thread must go on to say that it cannot write
            return CrmError(_reason(error))

    def _configuration(self, job: _ReadOne) -> str | CrmError:
        try:
            return self._store.configuration(job.admin_epoch, job.epoch)
        except CrmError as error:
            return error  # NotFound is a kind of its own
        except Exception as error:
            return CrmError(_reason(error))

    def _on_loop(self, function: Callable[..., None], *arguments: object) -> None:
        self._call_on_loop(partial(function, *arguments))


def _reason(error: Exception) -> str:
    """What the node is told; of an error that nobody thought of, its kind too."""
    if isinstance(error, CrmError):
        return error.message
    return f"the store failed: {type(error).__name__}: {error}"
