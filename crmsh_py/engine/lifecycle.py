"""The cluster manager on this node: off, running, or leaving in an orderly way.

    OFF --start--> RUNNING --stop asked for--> LEAVING --nothing left to stop--> OFF

While LEAVING the node has the transient attribute ``shutdown``, by which the scheduler moves its
resources away and then plans ``do_shutdown`` for it. The manager goes off when the DC has sent
that action, or has come to rest with the attribute set and nothing runs here: one that can do
nothing is at rest, too. A daemon that is to stop then leaves the ring. What was told of this in a
ring that broke may be lost: it is told again in the next one.

When ``shutdown-escalation`` has passed, a node on which nothing runs goes off at once. One on
which something runs must not say so: the others would start it without fencing this node. It
ends as if it had failed, and they do what they do then.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from crmsh_py.cib.durations import lenient_ms
from crmsh_py.cib.element import Element
from crmsh_py.engine.attributes import SHUTDOWN
from crmsh_py.engine.deadlines import soonest
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.status import attributes_of
from crmsh_py.errors import Conflict, TimedOut
from crmsh_py.wire.control import Done
from crmsh_py.wire.stream import AttributeChange, ManagerChanged, ViewId

ESCALATION_MS = 20 * 60 * 1000  # shutdown-escalation's default
LEAVE_S = 0.2  # for the leave message to get out before the daemon ends


class Manager(Enum):
    """What the cluster manager does on this node."""

    OFF = "off"
    RUNNING = "running"
    LEAVING = "leaving"


class Lifecycle:
    """Start and end of the cluster manager, and of the node."""

    def __init__(
        self,
        node: str,
        outbox: Outbox,
        *,
        settled_view: Callable[[], ViewId | None],
        is_clean: Callable[[], bool],
        leave_ring: Callable[[], None],
    ) -> None:
        """``settled_view``: None until it has settled; ``is_clean``: nothing runs, for sure."""
        self._node = node
        self._out = outbox
        self._settled_view = settled_view
        self._is_clean = is_clean
        self._leave_ring = leave_ring
        self._tickets: list[int] = []
        self._daemon = False
        self._deadline: float | None = None
        self._end_at: float | None = None
        self._announced = False
        self._since = ""  # when the stop was asked for, as the attribute tells it
        self._overdue = False  # shutdown-escalation has passed
        self._left = False  # the others have been told that nothing runs here
        self.manager = Manager.OFF

    @property
    def running(self) -> bool:
        """Whether the manager takes part: also while it leaves."""
        return self.manager is not Manager.OFF

    @property
    def takes_actions(self) -> bool:
        """Whether the DC's actions may begin: not when it was said that nothing runs here."""
        return self.running and not self._announced

    @property
    def left(self) -> bool:
        """Whether the manager was stopped in order: one that has never run has not left."""
        return self._left and not self.running

    @property
    def gone(self) -> bool:
        """Whether this node has left the ring."""
        return self._end_at is not None

    def next_deadline(self) -> float | None:
        """When leaving has taken too long, or the daemon ends."""
        return soonest((self._deadline, self._end_at))

    def start(self) -> None:
        """Start the manager, if it is not running; raises Conflict while it leaves.

        That it leaves may have been told already: it cannot be taken back.
        """
        if self.manager is Manager.LEAVING or self._daemon:
            what = f"{self._node} is" if self._daemon else f"the cluster manager of {self._node} is"
            hint = "start it again when it has stopped: crm cluster start"
            raise Conflict(f"{what} stopping", hint=hint)
        if self.manager is Manager.OFF:
            self.manager = Manager.RUNNING
            self._announced = False
            self._announce(running=True)

    def ask_stop(self, ticket: int, *, daemon: bool, escalation: str = "") -> None:
        """Have the manager, and with ``daemon`` the whole node, stopped; answered when it is."""
        self._daemon = self._daemon or daemon
        if self.manager is Manager.OFF:
            self._tickets.append(ticket)
            self._off()
            return
        self._tickets.append(ticket)
        if self.manager is Manager.RUNNING:
            self.manager = Manager.LEAVING
            limit = lenient_ms(escalation, ESCALATION_MS)
            self._deadline = self._out.now + limit / 1000
            self._overdue = False
            self._out.log("notice", "CRMD", "Shutting down: resources leave this node first")
            self._since = str(int(self._out.wall))
            self._set_attribute()

    def leaving_is_known(self, own: Element) -> bool:
        """Whether the manager is leaving and the DC can know it: the attribute is set."""
        return self.manager is Manager.LEAVING and SHUTDOWN in attributes_of(own)

    def may_go(self) -> None:
        """Nothing keeps the manager any more: it tells the others, and goes off with that."""
        if self.manager is Manager.LEAVING and not self._announced:
            self._announced = self._announce(running=False)

    def begin_view(self) -> None:
        """What was announced in the ring before may be lost."""
        self._announced = False

    def settled(self, own: Element, *, known: bool | None) -> None:
        """The view is made: tell what the others do not know of this node.

        ``own``: what they know of its attributes; ``known``: whether its manager runs.
        """
        if known != self.running:
            self._announce(running=self.running)
        if self.manager is Manager.LEAVING and SHUTDOWN not in attributes_of(own):
            self._set_attribute()
        if self.manager is Manager.LEAVING and self._overdue:
            self._escalate()

    def on_announced(self, *, running: bool) -> None:
        """The others have been told."""
        if not running and self.manager is Manager.LEAVING:
            self.manager = Manager.OFF
            self._left = True
            self._deadline = None
            self._off()

    def client_gone(self, ticket: int) -> None:
        """Nobody waits for this answer any more."""
        if ticket in self._tickets:
            self._tickets.remove(ticket)

    def handle_timer(self) -> None:
        """Give up waiting for the resources, or end the daemon."""
        if self._deadline is not None and self._deadline <= self._out.now:
            self._deadline = None
            self._overdue = True
            self._out.log("error", "CRMD", "Shutdown has taken too long: leaving anyway")
            self._escalate()
        if self._end_at is not None and self._end_at <= self._out.now:
            self._end_at = None
            self._out.stop("asked for")

    def _escalate(self) -> None:
        if self._is_clean():
            self.may_go()  # where the view has not settled, when it has
            return
        for ticket in self._tickets:
            self._out.refuse(
                ticket,
                TimedOut(
                    f"resources have not left {self._node} within shutdown-escalation: it ends"
                    " with them, and counts as lost",
                    hint="the others fence it; where fencing is disabled, stop by hand what still"
                    " runs there",
                ),
            )
        self._tickets = []
        self._out.stop("resources did not stop in time", 1)

    def _set_attribute(self) -> None:
        view = self._settled_view()
        if view is not None:
            self._out.multicast(
                AttributeChange(view=view, node=self._node, name=SHUTDOWN, value=self._since)
            )

    def _announce(self, *, running: bool) -> bool:
        view = self._settled_view()
        if view is not None:
            self._out.multicast(ManagerChanged(view=view, running=running))
        return view is not None

    def _off(self) -> None:
        for ticket in self._tickets:
            self._out.reply(ticket, Done())
        self._tickets = []
        if self._daemon and self._end_at is None:
            self._leave_ring()
            self._end_at = self._out.now + LEAVE_S
