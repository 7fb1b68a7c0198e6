"""The node as one pure state machine: events in, instructions out.

``NodeCore`` puts the parts together and knows the order of things; each part knows its own rules.

    membership   the ring and its quorum (totem, votequorum); ``redundancy``: over two networks
    views        from a new ring to a view in which the configuration may change
    replica      the CIB; ``commits``: on their way to the disks of a majority
    book         the status section, the same on all members
    controller   what the DC decides; ``executor``: what this node carries out
    remotes      connections to remote nodes, and what is carried out there
    fencing      what must be off, and what switches it off; ``watchdog``: until when this may live
    lifecycle    start and orderly end of the cluster manager
    news         what a message of the status means for all of these
    requests     the control socket's questions and orders; ``orders``: those that take a while;
                 ``permissions``: who may ask what; ``administration``: votes and corosync.conf

Every event is handled in the same steps: take it in, take what the ring delivers until there is
no more, let the DC go on, send what has gathered, and tell those who watch. A part never calls
the outside: what it wants done is in the outbox.

Rules:

1. ``handle`` is the only way in. Equal events at equal times give equal instructions.
2. What one part learns from the stream is applied by all that need it before the next message.
3. A message of a view that is not the current one is dropped here, for all parts.
"""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.cib.document import Cib
from crmsh_py.corosync_conf import CorosyncConf
from crmsh_py.engine.administration import Administration
from crmsh_py.engine.alerts import Alerts
from crmsh_py.engine.api import (
    ClientGone,
    ClockSet,
    ConfRead,
    DatagramReceived,
    Event,
    FeedWatchdog,
    Instruction,
    OperationFinished,
    Persisted,
    RemoteClosed,
    RemoteOpened,
    RemoteReceived,
    RequestReceived,
    Started,
    StopNode,
    StoredState,
    StoreFailed,
    TimerFired,
)
from crmsh_py.engine.book import StatusBook, StatusMessage
from crmsh_py.engine.bootstrap import pristine
from crmsh_py.engine.commits import Commits
from crmsh_py.engine.controller import Controller, Planner, scheduler_plan
from crmsh_py.engine.dampening import Dampening
from crmsh_py.engine.deadlines import soonest
from crmsh_py.engine.executor import Executor
from crmsh_py.engine.fencing import DevicesOf, Fencing, scheduler_devices
from crmsh_py.engine.lifecycle import Lifecycle
from crmsh_py.engine.listing import Listing
from crmsh_py.engine.membership import Membership
from crmsh_py.engine.news import News
from crmsh_py.engine.orders import Orders
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.permissions import Permissions
from crmsh_py.engine.remotes import Remotes
from crmsh_py.engine.replica import Replica
from crmsh_py.engine.requests import Requests
from crmsh_py.engine.totem import ConfigurationChanged
from crmsh_py.engine.totem_values import State
from crmsh_py.engine.views import Decision, Views, ViewSetting
from crmsh_py.engine.watchdog import Watchdog
from crmsh_py.wire.settings import NodeSettings
from crmsh_py.wire.stream import (
    AbsentStates,
    AskCib,
    ConfigChange,
    ConfReload,
    DcState,
    Leaving,
    MemberEnd,
    Message,
    Missing,
    OwnState,
    QuorumChange,
    RunAction,
    Stored,
    Summary,
    TermStored,
    ViewId,
    WholeCib,
)

_MAX_DELIVERIES = 1_000_000  # of one event; beyond that something feeds itself


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
        devices: DevicesOf = scheduler_devices,
    ) -> None:
        self._name = settings.node
        self._conf = conf
        self._out = Outbox(wall_offset)
        last, boot = stored.ring_sequence, seed & 0xFFFFFFFF
        self._membership = Membership(settings, conf, self._out, ring_sequence=last, boot=boot)
        node_id = self._node_id = self._membership.node_id
        config = Cib.parse(stored.cib) if stored.cib else pristine()
        self._replica = Replica(config, stored.revision_term, forced=stored.forced)
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
        self._commits = Commits(node_id, self._replica, self._views, self._out, seed=seed)
        self._book = StatusBook(node_id, settings.node, self._replica, self._out)
        self._alerts = Alerts(settings.node, self._replica, self._out)
        self._executor = Executor(
            node_id, settings.node, self._out, self._current_view, told=self._alerts.operation
        )
        self._listing = Listing(
            self._replica, self._views, self._commits, self._book, self._conf.totem.cluster_name
        )
        self._watchdog = Watchdog(present=settings.watchdog)
        self._fencing = self._make_fencing(seed, devices)
        self._controller = Controller(
            node_id,
            self._replica,
            self._out,
            seed=seed,
            planner=planner,
            fencing=self._fencing,
        )
        self._dampening = Dampening(node_id, self._out, self._current_view, self._replica.attribute)
        self._orders = Orders(self._out, self._commits.next_ident)
        self._lifecycle = Lifecycle(
            settings.node,
            self._out,
            settled_view=lambda: self._views.view if self._book.settled else None,
            is_clean=self._executor.is_clean,
            leave_ring=self._leave_ring,
        )
        self._administration = Administration(
            self._membership,
            self._out,
            next_ident=self._commits.next_ident,
            view=self._current_view,
        )
        self._requests = self._make_requests()
        self._remotes = self._make_remotes(settings.node)
        self._news = self._make_news()
        self._stirred = False
        self._parts_deadline: float | None = None  # what only changes when something has stirred
        self._actions: list[RunAction] = []

    def _make_remotes(self, node: str) -> Remotes:
        remotes = Remotes(
            node,
            self._out,
            view=self._current_view,
            term=lambda: self._views.term,
            newest=lambda name: self._book.claims.get(name, (0, 0))[1],
            finished=self._executor.finished,
            lost=self._executor.look_at,
            ask=self._requests.handle,
            hang_up=self._requests.client_gone,
            uncounted=self._executor.uncounted,
            told=self._alerts.remote_operation,
        )
        self._executor.connections = remotes
        return remotes

    def _make_news(self) -> News:
        return News(
            node=self._name,
            node_id=self._node_id,
            outbox=self._out,
            alerts=self._alerts,
            book=self._book,
            controller=self._controller,
            dampening=self._dampening,
            executor=self._executor,
            fencing=self._fencing,
            lifecycle=self._lifecycle,
            orders=self._orders,
            remotes=self._remotes,
            show_facts=self._show_facts,
        )

    def _make_requests(self) -> Requests:
        return Requests(
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
            fencing=self._fencing,
            dampening=self._dampening,
            administration=self._administration,
            permissions=Permissions(self._replica, self._name),
        )

    def _make_fencing(self, seed: int, devices: DevicesOf) -> Fencing:
        return Fencing(
            self._node_id,
            self._name,
            self._replica,
            self._out,
            seed=seed,
            view=self._current_view,
            watchdog_ms=lambda: self._watchdog.timeout_ms,
            devices=devices,
        )

    # ---- the surface ---------------------------------------------------------------------------

    def handle(self, event: Event, now: float) -> list[Instruction]:
        """Take an event in, and say what is to be done, in this order."""
        self._out.now = now
        self._stirred = not isinstance(event, DatagramReceived)
        self._take(event)
        if self._exchange():
            self._parts_deadline = self._deadline_of_parts()
        self._requests.tell_watchers()
        instructions = self._out.finish([*self._membership.datagrams()])
        # First of all: what begins in this event begins under the watchdog's eyes.
        feed = self._feed(instructions)
        return [feed, *instructions] if feed is not None else instructions

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
            self._remotes.next_deadline(),
            # Its time may have come, and nothing is done about that before the nodes are listed.
            self._controller.next_deadline() if self._listing.is_complete() else None,
            self._fencing.next_deadline(),
            self._dampening.next_deadline(),
            self._lifecycle.next_deadline(),
            self._administration.next_deadline(),
        )
        return soonest(times)

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
            case DatagramReceived():
                self._membership.receive(event)
            case TimerFired():
                self._on_timer()
            case ClockSet(wall_offset=offset):
                self._out.wall_offset = offset
                self._controller.clock_was_set()
            case OperationFinished(call_id=call_id) if call_id < 0:
                self._fencing.finished(event)
            case OperationFinished():
                self._executor.finished(event)
            case Persisted(token=token):
                for continuation in self._out.take_persisted(token):
                    continuation()
            case RequestReceived():
                self._requests.handle(event)
            case ConfRead():
                self._administration.on_conf(event)
            case RemoteOpened() | RemoteReceived() | RemoteClosed():
                self._remotes.handle(event)
            case ClientGone(ticket=ticket):
                self._requests.client_gone(ticket)
            case Started(manager=manager):
                if manager:
                    self._lifecycle.start()
                self._membership.start()
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
        self._remotes.handle_timer()
        self._executor.handle_timer()
        self._fencing.handle_timer()
        self._dampening.handle_timer()
        self._lifecycle.handle_timer()
        self._administration.handle_timer()

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
                self._orders.not_taken(outgoing.message)
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
                    self._book.config_changed()
                    self._controller.changed(f"configuration {self._replica.version}")
            case Stored():
                self._commits.on_stored(sender, message)
                self._fencing.on_stored(sender, message.version)
            case QuorumChange() | ConfReload() | MemberEnd():
                self._administration.on_message(sender, message)
            case RunAction():
                self._run_action(sender, message)
                self._controller.on_asked(message)
                if self._book.settled:
                    self._news.apply(sender, message)
                else:
                    self._book.keep(sender, message)
            case DcState():
                self._controller.on_dc_state(sender, message)
            case Leaving():
                pass  # totem has told it already
            case _ if self._book.settled:
                self._news.apply(sender, message)
            case _:
                self._book.keep(sender, message)

    # ---- views ---------------------------------------------------------------------------------

    def _current_view(self) -> ViewId:
        return self._views.view

    def _begin_view(self, setting: ViewSetting) -> None:
        self._stirred = True
        self._actions = []
        leads = self._controller.is_dc and self._lifecycle.running  # in the view that ends
        self._commits.begin_view()
        self._orders.begin_view()
        self._executor.begin_view()
        self._remotes.begin_view()
        self._fencing.begin_view(setting.votes, stayed=self._membership.stayed)
        self._dampening.begin_view()
        if setting.quorate and not self._views.setting.quorate:
            self._executor.doubt_stopped()
        self._lifecycle.begin_view()
        self._book.begin(setting.view)
        self._controller.begin_view(setting.view)
        self._views.begin(
            setting,
            name=self._name,
            manager=self._lifecycle.running,
            leads=leads,
            voter=self._membership.voter(),
            tie=self._membership.known_tie_breaker(),
            watchdog_ms=self._watchdog.least_ms(self._membership.conf),
        )
        self._administration.begin_view()
        self._book.tell_own(
            self._executor.state,
            self._executor.pending() | self._remotes.pending(),
            self._fencing.history.all(),
            fresh=self._fencing.fresh,
            left=self._lifecycle.left,
            remotes=self._remotes.told(self._replica.status),
            failures=self._executor.uncounted.tell(),
        )

    def _on_decided(self, decision: Decision) -> None:
        self._watchdog.agree([each.watchdog_ms for each in self._views.summaries.values()])
        self._book.decided(decision, self._views.summaries)

    def _on_activated(self) -> None:
        decision = self._views.decision
        assert decision is not None
        self._membership.made(hollow=self._views.setting.hollow)
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
        kept = self._book.settle(primary=self._views.primary)
        self._remotes.counted(self._executor.uncounted.settled())
        self._views.settled()
        self._controller.settled(decision.dc, self._book.names, self._book.managers, pending)
        self._fencing.settled(
            decision.dc,
            self._book.names,
            self._book.managers,
            self._book.fencing,
            self._book.fresh,
            primary=self._views.primary,
        )
        self._dampening.settled(decision.dc)
        self._show_facts()
        self._alerts.members(self._book.names)
        for sender, message in kept:
            self._news.apply(sender, message)
        self._news.settled()
        self._lifecycle.settled(self._book.own, known=self._book.managers.get(self._node_id))
        self._orders.flush(self._views.view)
        self._administration.begin_view()

    def _show_facts(self) -> None:
        dc = self._controller.dc
        quorate = self._views.setting.quorate
        self._replica.set_facts(quorate=quorate, dc="" if dc is None else str(dc))

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
        elif self._lifecycle.takes_actions and action.on:
            self._remotes.run(action)
        elif self._lifecycle.takes_actions:
            self._executor.run(action)
        else:
            self._executor.refuse(action)

    def _leave_ring(self) -> None:
        self._membership.totem.leave(self._out.now)

    def _go_on(self) -> None:
        """What is not an answer to one message: the DC's work, and an orderly end."""
        actions, self._actions = self._actions, []
        for action in actions:
            self._begin_action(action)
        self._watchdog.configure(self._replica.config.properties(), self._membership.conf)
        self._fencing.look()
        if self._listing.is_complete():
            self._controller.step()
        if self._controller.is_dc and self._views.primary and self._book.settled:
            self._listing.suggest(watchdog=self._watchdog.timeout_ms > 0)
        # A DC may be at rest because it cannot do anything: then what still runs here stays. Where
        # the plan wants a node to go with what it has, it says do_shutdown.
        at_rest = self._controller.idle and self._lifecycle.leaving_is_known(self._book.own)
        if at_rest and self._executor.is_clean():
            self._lifecycle.may_go()

    def _feed(self, instructions: Sequence[Instruction]) -> FeedWatchdog | None:
        """Until when this node may live, as it is after this event."""
        stop = instructions[-1] if instructions else None  # it comes after everything else
        if isinstance(stop, StopNode):
            # One that ends because it must is reset; one that was asked to is done with.
            return self._watchdog.reset(self._out.now) if stop.exit_code else self._watchdog.rest()
        totem = self._membership.totem
        self._watchdog.configure(self._replica.config.properties(), self._membership.conf)
        return self._watchdog.look(
            self._out.now,
            quorate=self._membership.quorate and totem.state is State.OPERATIONAL,
            rounds=totem.counters.orf_token_rx,
            alone=len(totem.members) == 1,
            is_clean=self._executor.is_clean,
        )
