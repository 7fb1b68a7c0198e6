"""Small requests of clients that go through the stream: attributes, clean-ups, what to forget.

An order is sent when the status has settled, sent again after a change of view, and answered
``Done`` when this node has applied it itself: then every later reader here sees it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from crmsh_py.engine.deadlines import soonest
from crmsh_py.engine.outbox import Outbox
from crmsh_py.errors import TimedOut
from crmsh_py.wire.control import Done
from crmsh_py.wire.stream import (
    AttributeChange,
    AttributePending,
    CleanHistory,
    CommitId,
    ConfigChange,
    ConfReload,
    FailResource,
    FencingForgotten,
    MemberEnd,
    Message,
    QuorumChange,
    TicketChange,
    ViewId,
)

PATIENCE_S = 25.0
MAX_ORDERS = 1_000  # the ring's queue takes ten times as many: there is room for our own news

Order = (
    AttributeChange
    | AttributePending
    | TicketChange
    | CleanHistory
    | FailResource
    | FencingForgotten
    | QuorumChange
    | ConfReload
    | MemberEnd
)
Make = Callable[[ViewId, CommitId], Order]


@dataclass(slots=True)
class _Waiting:
    ticket: int
    make: Make
    deadline: float
    sent: bool = False


class Orders:
    """The orders of this node's clients that have not been applied yet."""

    def __init__(self, outbox: Outbox, next_ident: Callable[[], CommitId]) -> None:
        self._out = outbox
        self._next_ident = next_ident
        self._waiting: dict[CommitId, _Waiting] = {}

    def next_deadline(self) -> float | None:
        """When the first order has waited too long."""
        return soonest([each.deadline for each in self._waiting.values()])

    def add(self, ticket: int, make: Make) -> None:
        """Take an order; ``flush`` sends it."""
        if len(self._waiting) >= MAX_ORDERS:
            self._out.refuse(ticket, TimedOut("too many requests are waiting on this node"))
            return
        deadline = self._out.now + PATIENCE_S
        self._waiting[self._next_ident()] = _Waiting(ticket, make, deadline)

    def flush(self, view: ViewId) -> None:
        """The status has settled: send what waits."""
        for ident, waiting in self._waiting.items():
            if not waiting.sent:
                waiting.sent = True
                order = waiting.make(view, ident)
                self._out.multicast(order, safe=isinstance(order, QuorumChange))

    def begin_view(self) -> None:
        """What was sent in the ring before may be lost; doing it twice does no harm."""
        for waiting in self._waiting.values():
            waiting.sent = False

    def not_taken(self, message: Message) -> None:
        """The ring's queue is full.

        What a client asked for is given up when its time is over. But the others rely on what
        this node tells of itself: if they cannot be told, it must not go on beside them.
        """
        text = f"The queue is full: {type(message).__name__} was not sent"
        self._out.log("error", "TOTEM", text)
        if not isinstance(message, ConfigChange) and not (
            isinstance(message, Order) and message.ident
        ):
            self._out.stop("what this node has to tell the others finds no room", 1)

    def applied(self, order: Order) -> None:
        """An order has been applied here."""
        waiting = self._waiting.pop(order.ident, None) if order.ident else None
        if waiting is not None:
            self._out.reply(waiting.ticket, Done())

    def client_gone(self, ticket: int) -> None:
        """Nobody waits for this answer any more."""
        for waiting in self._waiting.values():
            if waiting.ticket == ticket:
                waiting.ticket = 0

    def handle_timer(self) -> None:
        """Give up what has waited too long."""
        now = self._out.now
        for ident in [i for i, w in self._waiting.items() if w.deadline <= now]:
            waiting = self._waiting.pop(ident)
            self._out.refuse(waiting.ticket, TimedOut("the cluster did not settle in time"))
