"""The node as one pure state machine: events in, instructions out.

``NodeCore`` puts the parts together and knows the order of things; each part knows its own rules.

    membership   the ring and its quorum (totem, votequorum)
    views        from a new ring to a view in which the configuration may change
    replica      the CIB; ``commits``: on their way to the disks of a majority
    book         the status section, the same on all members
    controller   what the DC decides; ``executor``: what this node carries out
    lifecycle    start and orderly end of the cluster manager
    requests     the control socket's questions and orders; ``orders``: those that take a while

Every event is handled in the same steps: take it in, take what the ring delivers until there is
no more, let the DC go on, send what has gathered, and tell those who watch. A part never calls
the outside: what it wants done is in the outbox.

Rules:

1. ``handle`` is the only way in. Equal events at equal times give equal instructions.
2. What one part learns from the stream is applied by all that need it before the next message.
3. A message of a view that is not the current one is dropped here, for all parts.
"""

from __future__ import annotations

from datetime import datetime

from crmsh_py.cib.diff import diff
from crmsh_py.cib.document import Cib
from crmsh_py.corosync_conf import CorosyncConf
from crmsh_py.engine.api import (
    ClientGone,
    ClockSet,
    DatagramReceived,
    Event,
    Instruction,
    OperationFinished,
    Persisted,
    RequestReceived,
    Started,
    StoredState,
    StoreFailed,
    TimerFired,
)
from crmsh_py.engine.book import StatusBook, StatusMessage
from crmsh_py.engine.bootstrap import AUTHOR, CLIENT, missing_facts, pristine
from crmsh_py.engine.commits import Commits
from crmsh_py.engine.controller import Controller, Planner
from crmsh_py.engine.executor import Executor
from crmsh_py.engine.fencing import Fencing
from crmsh_py.engine.lifecycle import Lifecycle
from crmsh_py.engine.membership import Membership
from crmsh_py.engine.orders import Orders
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.replica import Replica
from crmsh_py.engine.requests import Requests
from crmsh_py.engine.totem import ConfigurationChanged
from crmsh_py.engine.views import Decision, Views, ViewSetting
from crmsh_py.scheduler.result import Plan
from crmsh_py.wire.settings import NodeSettings
from crmsh_py.wire.stream import (
    AbsentStates,
    AskCib,
    AttributeChange,
    CleanHistory,
    ClearFailures,
    ConfigChange,
    DcState,
    ManagerChanged,
    Message,
    Missing,
    Outcome,
    OwnState,
    RunAction,
    Stored,
    Summary,
    TermStored,
    TicketChange,
    ViewId,
    WholeCib,
)

_MAX_DELIVERIES = 1_000_000  # of one event; beyond that something feeds itself


def scheduler_plan(cib: Cib, now: datetime) -> Plan:
    """The scheduler, loaded when the first plan is made."""
    from crmsh_py.scheduler.plan import plan

    return plan(cib, now=now)


class NodeCore:
    """One node. See ``engine.api`` for events, instructions and what ``now`` means."""

    def __init__(
        self,
        settings: NodeSettings,
        conf: CorosyncConf,
        stored: StoredState,
        wall_offset: float,
        seed: int,
        *,
        planner: Planner = scheduler_plan,
    ) -> None:
        self._name = settings.node
        self._conf = conf
        self._out = Outbox(wall_offset)
        self._membership = Membership(settings, conf, self._out, ring_sequence=stored.ring_sequence)
        node_id = self._node_id = self._membership.node_id
        config = Cib.parse(stored.cib) if stored.cib else pristine()
        self._replica = Replica(config, stored.revision_term)
        self._views = Views(
            node_id,
            self._replica,
            self._out,
            stored.term,
            stored.standing,
            judge=self._membership.judge,
            decided=self._on_decided,
            activated=self._on_activated,
        )
        self._commits = Commits(node_id, self._replica, self._views, self._out)
        self._book = StatusBook(node_id, settings.node, self._replica, self._out)
        self._executor = Executor(node_id, settings.node, self._out, self._current_view)
        self._controller = Controller(
            node_id,
            self._replica,
            self._out,
            seed=seed,
            planner=planner,
            fencing=Fencing(self._out),
        )
        self._orders = Orders(self._out, self._commits.next_ident)
        self._lifecycle = Lifecycle(
            self._out,
            set_attribute=self._set_own_attribute,
            announce=self._announce_manager,
            leave_ring=self._leave_ring,
        )
        self._requests = Requests(
            node=self._name,
            outbox=self._out,
            membership=self._membership,
            replica=self._replica,
            views=self._views,
            commits=self._commits,
            orders=self._orders,
            controller=self._controller,
            lifecycle=self._lifecycle,
            executor=self._executor,
        )
        self._stirred = False
        self._parts_deadline: float | None = None  # what only changes when something has stirred
        self._actions: list[RunAction] = []
        self._suggested: tuple[ViewId, int] | None = None

    # ---- the surface ---------------------------------------------------------------------------

    def handle(self, event: Event, now: float) -> list[Instruction]:
        """Take an event in, and say what is to be done, in this order."""
        self._out.now = now
        self._stirred = not isinstance(event, DatagramReceived)
        self._take(event)
        if self._exchange():
            self._parts_deadline = self._deadline_of_parts()
        self._requests.tell_watchers()
        return self._out.finish([*self._membership.datagrams()])

    def next_deadline(self) -> float | None:
        """When to send ``TimerFired``; None while nothing but an event can change anything."""
        ring, parts = self._membership.next_deadline(), self._parts_deadline
        if ring is None or parts is None:
            return ring if parts is None else parts
        return min(ring, parts)

    def _deadline_of_parts(self) -> float | None:
        times = (
            self._commits.next_deadline(),
            self._orders.next_deadline(),
            self._executor.next_deadline(),
            self._controller.next_deadline(),
            self._lifecycle.next_deadline(),
        )
        return min((time for time in times if time is not None), default=None)

    @property
    def replica(self) -> Replica:
        """The node's copy of the CIB, to look at."""
        return self._replica

    @property
    def view(self) -> ViewId:
        """The ring that this node's view is made of."""
        return self._views.view

    @property
    def members(self) -> tuple[int, ...]:
        """The node ids of the view's members."""
        return tuple(self._views.setting.votes)

    @property
    def primary(self) -> bool:
        """Whether the configuration may be changed here."""
        return self._views.primary

    @property
    def dc(self) -> int | None:
        """The node id of the DC that this node follows."""
        return self._controller.dc

    @property
    def settled(self) -> bool:
        """Whether every member of the view has told its part of the status."""
        return self._book.settled

    @property
    def idle(self) -> bool:
        """Whether the cluster has come to rest, as far as this node knows."""
        return self._controller.idle

    # ---- events --------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        match event:
            case DatagramReceived(data=data, source=source):
                self._membership.totem.receive_datagram(data, source, self._out.now)
            case TimerFired():
                self._on_timer()
            case ClockSet(wall_offset=offset):
                self._out.wall_offset = offset
                self._controller.clock_was_set()
            case OperationFinished():
                self._executor.finished(event)
            case Persisted(token=token):
                for continuation in self._out.take_persisted(token):
                    continuation()
            case RequestReceived():
                self._requests.handle(event)
            case ClientGone(ticket=ticket):
                self._requests.client_gone(ticket)
            case Started(manager=manager, pid=pid):
                self._requests.pid = pid
                self._commits.start(self._out.wall)
                if manager:
                    self._lifecycle.start()
                self._membership.totem.start(self._out.now)
            case StoreFailed(message=message):
                # What this node said about its disk is no longer true: others must not count on it.
                # And a ring whose number was not saved must never have been heard of.
                self._out.drop_gated()
                self._leave_ring()
                self._out.stop(f"the disk failed: {message}", 1)

    def _on_timer(self) -> None:
        self._membership.handle_timer()
        self._commits.handle_timer()
        self._orders.handle_timer()
        self._executor.handle_timer()
        self._lifecycle.handle_timer()

    # ---- the ring ------------------------------------------------------------------------------

    def _exchange(self) -> bool:
        """Deliver, decide and send until nothing moves any more; whether anything did."""
        moved = False
        for _ in range(_MAX_DELIVERIES):
            event = self._membership.next_event()
            if event is None:
                if self._stirred:  # most datagrams are tokens, and change nothing here
                    self._stirred = False
                    moved = True
                    self._go_on()
                if not self._send():
                    return moved
            elif isinstance(event, ConfigurationChanged):
                setting = self._membership.on_configuration(event)
                if setting is not None:
                    self._begin_view(setting)
            else:
                message = self._membership.read(event)
                if message is not None and message.view == self._views.view:
                    self._stirred = True
                    if isinstance(message, ConfigChange | StatusMessage):
                        self._controller.count()
                    self._dispatch(event.sender, message)
        raise AssertionError("the stream feeds itself")

    def _send(self) -> bool:
        """Give the ring what has gathered; False when there was nothing."""
        messages = self._out.take_messages()
        for outgoing in messages:
            taken = self._membership.multicast(outgoing.message, safe=outgoing.safe)
            if not taken and not self._lifecycle.gone:
                name = type(outgoing.message).__name__
                self._out.log("error", "TOTEM", f"The queue is full: a {name} was not sent")
        return bool(messages)

    def _dispatch(self, sender: int, message: Message) -> None:
        match message:
            case Summary() | TermStored() | WholeCib() | Missing() | AskCib():
                self._views.handle(sender, message)
            case OwnState():
                self._book.on_own_state(sender, message)
                self._settle()
            case AbsentStates():
                self._book.on_absent(sender, message)
                self._settle()
            case ConfigChange() if not self._views.active:
                self._views.keep(sender, message)
            case ConfigChange():
                origin = self._views.names().get(sender, str(sender))
                if self._commits.on_change(message, origin=origin):
                    self._controller.changed(f"configuration {self._replica.version}")
            case Stored():
                self._commits.on_stored(sender, message)
            case (
                Outcome()
                | AttributeChange()
                | TicketChange()
                | CleanHistory()
                | ClearFailures()
                | ManagerChanged()
            ):
                if self._book.settled:
                    self._apply(sender, message)
                else:
                    self._book.keep(sender, message)
            case RunAction():
                self._run_action(sender, message)
            case DcState():
                self._controller.on_dc_state(sender, message)

    # ---- views ---------------------------------------------------------------------------------

    def _current_view(self) -> ViewId:
        return self._views.view

    def _begin_view(self, setting: ViewSetting) -> None:
        self._stirred = True
        self._actions = []
        claim = 0
        if self._controller.is_dc and self._lifecycle.running:
            claim = 2 if self._views.primary else 1
        self._commits.begin_view()
        self._orders.begin_view()
        self._executor.begin_view()
        if setting.quorate and not self._views.setting.quorate:
            self._executor.doubt_stopped()
        self._lifecycle.begin_view()
        self._book.begin(setting.view)
        self._controller.begin_view(setting.view)
        self._views.begin(
            setting,
            name=self._name,
            manager=self._lifecycle.running,
            claim=claim,
            voter=self._membership.voter(),
            tie=self._membership.known_tie_breaker(),
        )
        self._book.tell_own(self._executor.state, self._executor.pending())

    def _on_decided(self, decision: Decision) -> None:
        self._book.decided(decision, self._views.summaries)

    def _on_activated(self) -> None:
        decision = self._views.decision
        assert decision is not None
        if not self._book.settled:
            self._replica.num_updates = decision.num_updates
            self._membership.synchronized()
        for sender, change in self._views.take_missed():
            self._dispatch(sender, change)
        self._commits.activated()
        self._settle()

    def _settle(self) -> None:
        """The view is made and everybody has told his part: the DC may act on it."""
        if not self._views.active or not self._book.ready():
            return
        decision = self._views.decision
        assert decision is not None
        pending = dict(self._book.pending)
        kept = self._book.settle()
        self._controller.settled(decision.dc, self._book.names, self._book.managers, pending)
        self._show_facts()
        for sender, message in kept:
            self._apply(sender, message)
        if self._lifecycle.running != self._book.managers.get(self._node_id):
            self._announce_manager(self._lifecycle.running)
        self._orders.flush(self._views.view)

    def _show_facts(self) -> None:
        dc = self._controller.dc
        quorate = self._views.setting.quorate
        self._replica.set_facts(quorate=quorate, dc="" if dc is None else str(dc))

    # ---- the status ----------------------------------------------------------------------------

    def _apply(self, sender: int, message: StatusMessage) -> None:
        applied = self._book.apply(sender, message)
        match message:
            case Outcome():
                self._controller.on_outcome(sender, message)
            case AttributeChange():
                self._controller.changed(f"attribute {message.name} of {message.node}")
                self._orders.applied(message)
            case TicketChange():
                self._controller.changed(f"ticket {message.ticket}")
                self._orders.applied(message)
            case CleanHistory():
                for node, resource in applied.dropped:
                    if node == self._name:
                        self._executor.forget(resource)
                self._controller.changed("history was cleaned")
                self._orders.applied(message)
            case ClearFailures():
                if message.node == self._name:
                    self._executor.forget_failure(message.resource)
                self._controller.on_cleared(message)
            case ManagerChanged():
                self._apply_manager(sender, message)

    def _apply_manager(self, sender: int, message: ManagerChanged) -> None:
        if not message.running:
            self._controller.manager_stopped(sender)
        name = self._book.names.get(sender, str(sender))
        what = "started" if message.running else "stopped"
        self._controller.changed(f"the cluster manager on {name} has {what}")
        self._controller.elect()
        self._show_facts()
        if sender == self._node_id:
            if not message.running:
                self._executor.stop()
            self._lifecycle.on_announced(running=message.running)

    # ---- this node's part ----------------------------------------------------------------------

    def _run_action(self, sender: int, action: RunAction) -> None:
        if action.target != self._node_id or sender != self._controller.dc:
            return
        # Old messages come out when a ring ends, in the same event as the next ring. What was
        # planned for the old one must not begin then: its DC plans again, or is gone.
        if not self._membership.changing:
            self._actions.append(action)

    def _begin_action(self, action: RunAction) -> None:
        if action.operation == "do_shutdown":
            self._lifecycle.may_go()
        elif self._lifecycle.running:
            self._executor.run(action)
        else:
            self._executor.refuse(action)

    def _announce_manager(self, running: bool) -> None:
        if self._book.settled:
            self._out.multicast(ManagerChanged(view=self._views.view, running=running))

    def _set_own_attribute(self, name: str, value: str | None) -> None:
        self._requests.set_attribute(0, self._name, name, value)

    def _leave_ring(self) -> None:
        self._membership.totem.leave(self._out.now)

    def _go_on(self) -> None:
        """What is not an answer to one message: the DC's work, and an orderly end."""
        actions, self._actions = self._actions, []
        for action in actions:
            self._begin_action(action)
        self._controller.step()
        if self._controller.is_dc and self._views.primary and self._book.settled:
            self._suggest_facts()
        if self._controller.idle and self._lifecycle.leaving_is_known(self._book.own):
            self._lifecycle.may_go()

    def _suggest_facts(self) -> None:
        """As DC: add to the configuration what only the cluster manager knows."""
        key = (self._views.view, self._replica.config.version.epoch)
        if self._suggested == key:
            return
        self._suggested = key
        config = self._replica.config
        wanted = missing_facts(config, self._book.names, cluster_name=self._conf.totem.cluster_name)
        if wanted is not None:
            self._commits.submit(
                patch=diff(config, wanted).to_xml(),
                source=config.version,
                author=AUTHOR,
                client=CLIENT,
            )
