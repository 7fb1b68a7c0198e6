"""What news of the status mean for the parts of a node, in their place of the stream.

``apply`` gets every message that changes the status section, once, in the order that all members
have; the section itself is the book's. What follows from a message is done by all parts before
the next one is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from crmsh_py.engine import records
from crmsh_py.engine.alerts import Alerts
from crmsh_py.engine.book import NOBODY, StatusBook, StatusMessage
from crmsh_py.engine.controller import Controller
from crmsh_py.engine.dampening import Dampening
from crmsh_py.engine.executor import Executor
from crmsh_py.engine.fencing import CLIENT as CONTROLLER
from crmsh_py.engine.fencing import Fencing
from crmsh_py.engine.fencing_history import OFF_ACTIONS
from crmsh_py.engine.lifecycle import Lifecycle
from crmsh_py.engine.orders import Orders
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.remotes import Remotes
from crmsh_py.wire.fencing import FencingRecord, FencingState
from crmsh_py.wire.stream import (
    AttributeChange,
    AttributePending,
    CleanHistory,
    ClearFailures,
    FailResource,
    FencingAsked,
    FencingEnded,
    FencingForgotten,
    FencingRan,
    FencingRun,
    ManagerChanged,
    Outcome,
    RemoteState,
    RunAction,
    TicketChange,
)


@dataclass(slots=True, kw_only=True)
class News:
    """The parts of one node that must know."""

    node: str
    node_id: int
    outbox: Outbox
    alerts: Alerts
    book: StatusBook
    controller: Controller
    dampening: Dampening
    executor: Executor
    fencing: Fencing
    lifecycle: Lifecycle
    orders: Orders
    remotes: Remotes
    show_facts: Callable[[], None]

    def apply(self, sender: int, message: StatusMessage) -> None:
        """Change the section, and let every part know that must."""
        if sender in self.book.fenced:
            return  # it is off: what it still had to say is about things that are gone
        applied = self.book.apply(sender, message)
        match message:
            case Outcome():
                self.controller.on_outcome(sender, message)
                for node, entry in applied.ended:
                    if node == self.node:
                        self.executor.forget_entries(message.name, [entry])
                    else:
                        self.remotes.forget_entries(node, message.name, [entry])
                if sender == self.node_id:
                    self.remotes.counted(self.executor.uncounted.counted(message))
            case RemoteState():
                holder = self.book.holders.get(message.name, NOBODY)
                if message.up or holder == NOBODY:  # else another one is connected: it goes on
                    self.controller.on_remote(sender, message, news=applied.changed)
                if message.up and sender == self.node_id == holder:
                    self.remotes.known(message.name)
                self._give_up(message.name)
            case RunAction():
                pass  # written down; to carry it out is its target's business
            case AttributeChange():
                if applied.changed:
                    self.controller.changed(f"attribute {message.name} of {message.node}")
                self.dampening.on_change(message)
                if applied.changed and self.controller.is_dc:
                    self.alerts.attribute(message.node, message.name, message.value)
                self.orders.applied(message)
            case AttributePending():
                self.dampening.on_pending(sender, message)
                self.orders.applied(message)
            case TicketChange():
                self.controller.changed(f"ticket {message.ticket}")
                self.orders.applied(message)
            case CleanHistory():
                for node, resource in applied.dropped:
                    self.executor.uncounted.forget(resource, "" if node == self.node else node)
                    self._forget(node, resource)
                self.controller.changed("history was cleaned")
                self.orders.applied(message)
            case FailResource():
                self._apply_failure(message)
                self.orders.applied(message)
            case ClearFailures():
                if message.node == self.node:
                    self.executor.forget_failure(message.resource)
                else:
                    self.remotes.forget_failure(message.node, message.resource)
                self.controller.on_cleared(message, news=applied.changed)
            case ManagerChanged():
                self._apply_manager(sender, message)
            case _:
                self._apply_fencing(sender, message)

    def settled(self) -> None:
        """The status of a view has come together, and what came before that is applied."""
        self._forget_doubted()
        self.remotes.settled()
        for name in self.remotes.names():
            self._give_up(name)
        self.end_if_fenced()

    def _give_up(self, name: str) -> None:
        """Another member may have claimed a remote node since this one has."""
        holder = self.book.holders.get(name, NOBODY)
        if holder not in (NOBODY, self.node_id):
            by = self.book.names.get(holder, "another member")
            self.remotes.overtaken(name, by, self.book.claims[name])

    def _forget_doubted(self) -> None:
        doubted, self.book.doubted = self.book.doubted, []
        for node, resource in doubted:
            self._forget(node, resource)
            self.controller.changed(f"{resource} may have been migrated to {node}")

    def _forget(self, node: str, resource: str) -> None:
        if node == self.node:
            self.executor.forget(resource)
        else:
            self.remotes.forget(node, resource)

    def _apply_failure(self, message: FailResource) -> None:
        """Only the node itself knows what is newest there: it tells the outcome; all wait."""
        key = records.failure_key(message.resource)
        teller = self.book.holders.get(message.node, NOBODY)
        if teller != NOBODY:
            key = f"{message.node}/{key}"
        else:
            names = self.book.names.items()
            teller = next((node for node, name in names if name == message.node), NOBODY)
        if teller == NOBODY:
            return
        self.controller.expect(teller, key, f"{message.resource} is taken for failed")
        if message.node == self.node:
            self.executor.fail(message.resource, message.time)
        elif teller == self.node_id:
            self.remotes.fail(message.node, message.resource, message.time)

    def _apply_fencing(self, sender: int, message: StatusMessage) -> None:
        match message:
            case FencingAsked(record=record):
                self.fencing.on_asked(record)
            case FencingRun():
                self.fencing.on_run(message)
            case FencingRan():
                self.fencing.on_ran(sender, message)
            case FencingEnded(record=record):
                self._apply_fenced(record)
            case FencingForgotten():
                self.fencing.on_forgotten(message)
                self.orders.applied(message)
        self.end_if_fenced()

    def _apply_fenced(self, record: FencingRecord) -> None:
        """From here on, in the same place of the stream, a node counts as off for everybody."""
        expected = record.client == CONTROLLER
        if not self.fencing.on_ended(record):
            return
        if self.controller.is_dc:
            self.alerts.fenced(record)
        if record.state is FencingState.DONE and record.action in OFF_ACTIONS:
            node = self.book.node_fenced(record.target, record.ended_ms // 1000)
            self.controller.node_fenced(record.target, node, expected=expected)
            self.remotes.end(record.target, "it was fenced")  # what it told before is void
            self._forget_doubted()
            self.controller.elect()
            self.fencing.elected(self.controller.dc)
            self.dampening.elected(self.controller.dc)
            self.show_facts()

    def end_if_fenced(self) -> None:
        """A node that others count as off must not go on, not even to stop something."""
        if self.fencing.doomed:
            self.outbox.log("error", "CRMD", f"This node was {self.fencing.doomed}: ending at once")
            self.outbox.stop(self.fencing.doomed, 1)

    def _apply_manager(self, sender: int, message: ManagerChanged) -> None:
        if not message.running:
            self.controller.manager_stopped(sender)
        name = self.book.names.get(sender, str(sender))
        what = "started" if message.running else "stopped"
        self.controller.changed(f"the cluster manager on {name} has {what}")
        self.controller.elect()
        self.fencing.elected(self.controller.dc)
        self.dampening.elected(self.controller.dc)
        self.show_facts()
        if sender == self.node_id:
            if not message.running:
                self.remotes.close_all()
                self.executor.stop()
            self.lifecycle.on_announced(running=message.running)
