"""Faults on purpose: what wraps the ports of a node whose lab wants it to suffer.

Kernels often lack netem, and no kernel has a knob for a disk that is slow or full; so a lab tells
the daemon itself (``InjectFaults``), and these two do it outside the core: the core cannot tell
an injected fault from a real one. All of it ends with the daemon, or when it is told 0.

``FaultyTransport`` loses, delays and doubles what this node sends (what it receives suffers at the
senders). ``FaultyDisk`` lets every write wait, or fail as a full disk does.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crmsh_py.engine.api import LinkFacts, StoreFailed, StoreWrite
from crmsh_py.errors import CrmError
from crmsh_py.node.ports import Disk, Report, Transport
from crmsh_py.wire.control import InjectFaults, Revision

_FULL = "database or disk is full (injected)"


@dataclass(slots=True)
class Faults:
    """What is wrong at the moment."""

    delay_ms: int = 0
    loss: int = 0  # of a hundred datagrams
    duplicate: int = 0  # of a hundred
    disk_delay_ms: int = 0
    disk_full: bool = False

    def change(self, request: InjectFaults) -> None:
        """Take over what a request names; the rest stays as it is."""
        for name in ("delay_ms", "loss", "duplicate", "disk_delay_ms", "disk_full"):
            value = getattr(request, name)
            if value is not None:
                setattr(self, name, value)


class FaultyTransport:
    """Implements ``ports.Transport`` on another one."""

    def __init__(self, inner: Transport, faults: Faults, *, chance: random.Random) -> None:
        self._inner = inner
        self._faults = faults
        self._chance = chance

    def send(self, destination: str, data: bytes, ring: int = 0) -> None:
        """Send, later or twice or not at all."""
        faults = self._faults
        if self._chance.randrange(100) < faults.loss:
            return
        copies = 2 if self._chance.randrange(100) < faults.duplicate else 1
        for _ in range(copies):
            if faults.delay_ms:
                # Between the half and the whole, so that datagrams overtake each other.
                delay_s = faults.delay_ms / 1000 * (0.5 + self._chance.random() / 2)
                loop = asyncio.get_running_loop()
                loop.call_later(delay_s, self._inner.send, destination, data, ring)
            else:
                self._inner.send(destination, data, ring)

    def facts(self) -> tuple[LinkFacts, ...]:
        """What was counted on every network so far."""
        return self._inner.facts()

    def close(self) -> None:
        """Leave the network."""
        self._inner.close()


class FaultyDisk:
    """Implements ``ports.Disk`` on another one."""

    def __init__(self, inner: Disk, faults: Faults, report: Report) -> None:
        self._inner = inner
        self._faults = faults
        self._report = report
        self._last_s = 0.0  # when the write before goes to the disk, so that none overtakes it
        self._waiting: deque[tuple[int, Sequence[StoreWrite]]] = deque()

    def submit(self, token: int, writes: Sequence[StoreWrite]) -> None:
        """Write, after a while, or not at all."""
        loop = asyncio.get_running_loop()
        at = max(loop.time() + self._faults.disk_delay_ms / 1000, self._last_s)
        if at <= loop.time() and not self._waiting and not self._faults.disk_full:
            self._inner.submit(token, writes)
            return
        self._last_s = at
        # A loop keeps no order among what is due at one time: each timer takes the oldest write.
        self._waiting.append((token, writes))
        loop.call_at(at, self._write)

    def _write(self) -> None:
        token, writes = self._waiting.popleft()
        if self._faults.disk_full:
            self._report(StoreFailed(token=token, message=_FULL))
        else:
            self._inner.submit(token, writes)

    def read_revisions(
        self, limit: int, answer: Callable[[list[Revision] | CrmError], None]
    ) -> None:
        """Reading suffers nothing."""
        self._inner.read_revisions(limit, answer)

    def read_revision(
        self, admin_epoch: int, epoch: int, answer: Callable[[str | CrmError], None]
    ) -> None:
        """Reading suffers nothing."""
        self._inner.read_revision(admin_epoch, epoch, answer)

    def close(self) -> None:
        """Finish what was submitted and let go of the file."""
        self._inner.close()
