"""What the daemon's loop needs from the world, as protocols; each has a real and a fake side.

The core decides, these do: the loop knows nothing else. Faults (a slow disk, lost datagrams,
agents that fail) are injected by wrapping one of these, never inside the core.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from crmsh_py.engine.api import (
    CancelOperation,
    CloseRemote,
    Event,
    FeedWatchdog,
    Instruction,
    LinkFacts,
    OpenRemote,
    RunAlert,
    RunOperation,
    SendRemote,
    StoreWrite,
)
from crmsh_py.errors import CrmError
from crmsh_py.wire.control import Reply, Revision

Report = Callable[[Event], None]  # how a port tells the loop what happened
LogLine = Callable[[str, str, str], None]  # level, subsystem, text


class Core(Protocol):
    """The decisions of one node: ``crmsh_py.engine.core.NodeCore``."""

    def handle(self, event: Event, now: float) -> list[Instruction]:
        """Take what has happened; say what to do. ``now`` is monotonic, in seconds."""

    def next_deadline(self) -> float | None:
        """When ``TimerFired`` is due, on the clock of ``now``; None: nothing is waited for."""


class Transport(Protocol):
    """Datagrams between the nodes; they may be lost, doubled and late."""

    def send(self, destination: str, data: bytes, ring: int = 0) -> None:
        """Send to an address of a network, or to ``EVERYBODY`` there; never raises."""

    def facts(self) -> tuple[LinkFacts, ...]:
        """What was counted on every network so far."""

    def close(self) -> None:
        """Leave the network."""


class Disk(Protocol):
    """The durable store, off the loop. Writes happen in the order of ``submit``."""

    def submit(self, token: int, writes: Sequence[StoreWrite]) -> None:
        """Write, then report ``Persisted(token)`` or ``StoreFailed(token)``."""

    def read_revisions(
        self, limit: int, answer: Callable[[list[Revision] | CrmError], None]
    ) -> None:
        """Hand the newest revisions, or why they cannot be read, to ``answer`` (on the loop).

        After all writes before.
        """

    def read_revision(
        self, admin_epoch: int, epoch: int, answer: Callable[[str | CrmError], None]
    ) -> None:
        """Hand a stored configuration (XML), or why there is none, to ``answer`` likewise."""

    def close(self) -> None:
        """Finish what was submitted and let go of the file."""


class Agents(Protocol):
    """Runs agents; each ``run`` ends in one ``OperationFinished``."""

    def run(self, operation: RunOperation) -> None:
        """Begin an operation."""

    def cancel(self, cancel: CancelOperation) -> None:
        """Kill an operation if it still runs."""

    def alert(self, alert: RunAlert) -> None:
        """Run the program of an alert; what becomes of it is logged, and nobody waits."""

    def close(self) -> None:
        """Kill everything that still runs."""


class Clients(Protocol):
    """The control socket."""

    def reply(self, ticket: int, reply: Reply) -> None:
        """Answer a request; a client that has gone is nobody's problem."""


class Feeder(Protocol):
    """The watchdog outside of the node."""

    def feed(self, instruction: FeedWatchdog) -> None:
        """Tell it until when the node may live; never raises."""


class RemoteLinks(Protocol):
    """Connections between members and remote nodes."""

    def open(self, instruction: OpenRemote) -> None:
        """Begin to connect; ``RemoteOpened`` or ``RemoteClosed`` is reported."""

    def send(self, instruction: SendRemote) -> None:
        """Send over a connection; never raises."""

    def close(self, instruction: CloseRemote) -> None:
        """End a connection after what was sent; nothing of it is reported any more."""
