"""Answers to the clients of the control socket.

Reading is answered from this node's own copy at once. What changes something goes to ``commits``
or ``orders`` and is answered when it has happened. ``WaitIdle`` and ``Watch`` are answered at the
end of the event in which the answer becomes true.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from crmsh_py.cib.checks import integrity
from crmsh_py.cib.diff import Patch, diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.pairs import SECTIONS, find_pair, set_pair
from crmsh_py.cib.schema import validate
from crmsh_py.engine.administration import Administration
from crmsh_py.engine.api import ReadHistory, RequestReceived
from crmsh_py.engine.commits import Commits, no_quorum
from crmsh_py.engine.controller import Controller
from crmsh_py.engine.dampening import Dampening
from crmsh_py.engine.executor import Executor
from crmsh_py.engine.fencing import Fencing
from crmsh_py.engine.fencing_requests import FencingRequests
from crmsh_py.engine.lifecycle import Lifecycle
from crmsh_py.engine.membership import Membership
from crmsh_py.engine.orders import Make, Orders
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.permissions import Permissions
from crmsh_py.engine.replica import Replica
from crmsh_py.engine.status import attributes_of, history_of, node_by_name
from crmsh_py.engine.views import Views
from crmsh_py.engine.writers import Writer
from crmsh_py.errors import ClusterUnreachable, ConfigError, CrmError, NotFound, UsageError
from crmsh_py.wire import stream
from crmsh_py.wire.control import (
    AskDevice,
    AttributeReply,
    Changed,
    CibReply,
    CleanResource,
    CmapReply,
    Commit,
    Committed,
    ConfirmFenced,
    Done,
    EndMember,
    FailResource,
    FenceNode,
    ForgetFencing,
    Hello,
    InjectFaults,
    PairReply,
    ReadAttribute,
    ReadCib,
    ReadCmap,
    ReadFencing,
    ReadMembership,
    ReadPair,
    ReadRevision,
    ReadRevisions,
    ReadSubsystems,
    ReenableRings,
    ReloadConf,
    Request,
    RingOrder,
    SetAttribute,
    SetExpectedVotes,
    SetPair,
    SetTicket,
    SetVotes,
    StartManager,
    StopDaemon,
    StopManager,
    Subsystem,
    SubsystemsReply,
    WaitIdle,
    Watch,
)
from crmsh_py.wire.stream import (
    AttributeChange,
    AttributePending,
    CleanHistory,
    FencingForgotten,
    TicketChange,
)

_WITHOUT_MANAGER = (
    Hello
    | ReadMembership
    | RingOrder
    | ReadCmap
    | ReadSubsystems
    | ReadRevisions
    | ReadRevision
    | StartManager
    | StopManager
    | StopDaemon
    | Watch
)


@dataclass(slots=True, kw_only=True)
class Requests:
    """The clients of one node, and what they wait for."""

    node: str
    outbox: Outbox
    membership: Membership
    replica: Replica
    views: Views
    commits: Commits
    orders: Orders
    controller: Controller
    lifecycle: Lifecycle
    executor: Executor
    fencing: Fencing
    dampening: Dampening
    administration: Administration
    permissions: Permissions
    _watchers: list[int] = field(default_factory=list)
    _idle_waiters: dict[int, tuple[int, int] | None] = field(default_factory=dict)
    _told: Changed | None = None

    def handle(self, event: RequestReceived) -> None:
        """Answer a request, now or later."""
        request = event.request
        try:
            if not self.lifecycle.running and not isinstance(request, _WITHOUT_MANAGER):
                raise ClusterUnreachable(
                    f"the cluster manager is not running on {self.node}",
                    hint="start it: crm cluster start",
                )
            self.permissions.check(event)
            self._answer(event, request)
        except CrmError as error:
            self.outbox.refuse(event.ticket, error)

    def _answer(self, event: RequestReceived, request: Request) -> None:
        ticket = event.ticket
        match request:
            case ReadCib():
                self.outbox.reply(ticket, CibReply(cib=self.permissions.readable(event)))
            case Commit():
                self._commit(event, request)
            case SetPair():
                self._set_pair(event, request)
            case ReadPair():
                self.outbox.reply(ticket, PairReply(value=self._pair(event, request)))
            case SetAttribute():
                self._set_attribute(ticket, request)
            case ReadAttribute(name=name):
                self.outbox.reply(ticket, AttributeReply(values=self._values_of(name)))
            case SetTicket():
                self._set_ticket(ticket, request)
            case CleanResource():
                self._clean(ticket, request)
            case FailResource():
                self._fail(ticket, request)
            case ReadMembership():
                self.outbox.reply(
                    ticket,
                    self.membership.reply(
                        manager_running=self.lifecycle.running, dc=self._dc_name()
                    ),
                )
            case ReenableRings() | ReloadConf() | SetExpectedVotes() | SetVotes() | EndMember():
                self.administration.handle(event)
            case ReadCmap(prefix=prefix, map=name):
                keys = self.membership.cmap_keys(prefix, name, event)
                self.outbox.reply(ticket, CmapReply(keys=keys))
            case ReadSubsystems():
                # The core is in no process; who sends this puts in the number of its own.
                self.outbox.reply(ticket, SubsystemsReply(pid=0, subsystems=self._subsystems()))
            case WaitIdle(version=version):
                self._idle_waiters[ticket] = version[:2] if version else None
            case Watch():
                self._watchers.append(ticket)
                self.outbox.reply(ticket, self._state())
            case StartManager():
                self.lifecycle.start()
                self.outbox.reply(ticket, Done())
            case StopManager() | StopDaemon():
                self.lifecycle.ask_stop(
                    ticket,
                    daemon=isinstance(request, StopDaemon),
                    escalation=self.replica.config.properties().get("shutdown-escalation", ""),
                )
            case Hello():
                self.outbox.reply(ticket, Done())
            case FenceNode() | ConfirmFenced() | ReadFencing() | AskDevice():
                asks = FencingRequests(
                    outbox=self.outbox, replica=self.replica, fencing=self.fencing
                )
                asks.handle(ticket, request)
            case ForgetFencing(node=node):
                self._order(
                    ticket,
                    lambda view, ident: FencingForgotten(view=view, target=node, ident=ident),
                )
            case ReadRevisions() | ReadRevision():
                self.outbox.do(ReadHistory(ticket=ticket, request=request))
            case InjectFaults():
                raise UsageError("that is the daemon's to answer, not the core's")

    def client_gone(self, ticket: int) -> None:
        """A client hung up."""
        if ticket in self._watchers:
            self._watchers.remove(ticket)
        self._idle_waiters.pop(ticket, None)
        self.commits.client_gone(ticket)
        self.orders.client_gone(ticket)
        self.administration.client_gone(ticket)
        self.lifecycle.client_gone(ticket)

    # ---- orders --------------------------------------------------------------------------------

    def _commit(self, event: RequestReceived, request: Commit) -> None:
        patch = Patch.from_xml(request.patch)
        quorate = self.views.setting.quorate
        if self.views.active and not quorate and not request.force_no_quorum:
            raise no_quorum(hollow=self.views.setting.hollow)
        writer = Writer.of(event.acl_user, event.groups)
        new = self.replica.check(patch, writer)
        self.permissions.check_commit(event, new.root)
        self.replica.check_size(new, len(request.patch))
        refuse_new_errors(self.replica.config, new)
        self.commits.submit(
            patch=request.patch,
            source=patch.source,
            author=event.user,
            client=request.client or event.client,
            ticket=event.ticket,
            force=request.force_no_quorum,
            writer=writer,
        )

    def _set_pair(self, event: RequestReceived, request: SetPair) -> None:
        """A commit that is made here, on what this node has."""
        _check_section(request.section, SECTIONS)
        quorate = self.views.setting.quorate
        if self.views.active and not quorate:
            raise no_quorum(hollow=self.views.setting.hollow)
        old, node = self.replica.config, request.node or self.node
        before = find_pair(old, request.section, node, request.name)
        new = set_pair(old, request.section, node, request.name, request.value)
        if new is old:
            self.outbox.reply(event.ticket, Committed(version=self.replica.version.tuple))
            return
        self.permissions.check_commit(event, new.root)
        self.replica.check_size(new, len(request.value or ""))
        # Another value breaks nothing: it is any text.
        if before is None or before.conditional or request.value is None:
            refuse_new_errors(old, new)
        self.commits.submit(
            patch=diff(old, new).to_xml(),
            source=old.version,
            author=event.user,
            client=request.client or event.client,
            ticket=event.ticket,
            writer=Writer.of(event.acl_user, event.groups),
        )

    def _pair(self, event: RequestReceived, request: ReadPair) -> str | None:
        _check_section(request.section, (*SECTIONS, "status"))
        cib = self.permissions.visible(event)
        node = request.node or self.node
        if request.section == "status":
            state = node_by_name(cib.status, node)
            return None if state is None else attributes_of(state).get(request.name)
        found = find_pair(cib, request.section, node, request.name)
        return None if found is None else found.value

    def _set_attribute(self, ticket: int, request: SetAttribute) -> None:
        """With a delay or in private an attribute is known to all, and waits."""
        node, name, value = request.node or self.node, request.name, request.value
        delay = self.dampening.delay_of(name, request.delay_ms, change=request.set_delay)
        if not delay and not request.private:
            self.set_attribute(ticket, node, name, value)
            return
        self._must_exist(node)
        self._order(
            ticket,
            lambda view, ident: AttributePending(
                view=view,
                node=node,
                name=name,
                value=value,
                delay_ms=delay,
                private=request.private,
                ident=ident,
            ),
        )

    def set_attribute(self, ticket: int, node: str, name: str, value: str | None) -> None:
        """Set a transient attribute through the stream; answered when it is set here."""
        self._must_exist(node)
        self._order(
            ticket,
            lambda view, ident: AttributeChange(
                view=view, node=node, name=name, value=value, ident=ident
            ),
        )

    def _set_ticket(self, ticket: int, request: SetTicket) -> None:
        if not request.ticket or "id" in (request.attributes or ()):
            raise UsageError("a ticket has a name, which stays its own")
        self._order(
            ticket,
            lambda view, ident: TicketChange(
                view=view, ticket=request.ticket, attributes=request.attributes, ident=ident
            ),
        )

    def _must_exist(self, node: str) -> None:
        if node_by_name(self.replica.status, node) is None and node != self.node:
            nodes = [s.get("uname") for s in self.replica.status.findall("node_state")]
            raise NotFound(
                f"there is no node {node} in the cluster", name=node, possibilities=nodes
            )

    def _values_of(self, name: str) -> dict[str, str]:
        """A transient attribute on all nodes; what waits is newer than what the status has."""
        values: dict[str, str | None] = {
            state.get("uname"): attributes_of(state).get(name)
            for state in self.replica.status.findall("node_state")
        }
        values |= self.dampening.values(name)
        return {node: value for node, value in values.items() if value is not None}

    def _order(self, ticket: int, make: Make) -> None:
        """Send something through the stream; answered when it has been applied here."""
        self.orders.add(ticket, make)
        if self.controller.has_settled:
            self.orders.flush(self.views.view)

    def _clean(self, ticket: int, request: CleanResource) -> None:
        self._order(
            ticket,
            lambda view, ident: CleanHistory(
                view=view,
                resource=request.resource,
                node=request.node,
                all_history=request.all_history,
                ident=ident,
            ),
        )

    def _fail(self, ticket: int, request: FailResource) -> None:
        self._must_exist(request.node)
        state = node_by_name(self.replica.status, request.node)
        if state is None or history_of(state, request.resource) is None:
            raise NotFound(f"{request.resource} has done nothing on {request.node} that could fail")
        now = int(self.outbox.wall)
        self._order(
            ticket,
            lambda view, ident: stream.FailResource(
                view=view,
                resource=request.resource,
                node=request.node,
                time=now,
                ident=ident,
            ),
        )

    # ---- what is told --------------------------------------------------------------------------

    def tell_watchers(self) -> None:
        """At the end of an event: tell those who wait what has become true."""
        if not self._watchers and not self._idle_waiters:
            return
        state = self._state()
        if state != self._told:
            self._told = state
            for ticket in self._watchers:
                self.outbox.reply(ticket, state)
        if not state.idle:
            return
        for ticket, version in list(self._idle_waiters.items()):
            if version is None or state.version[:2] >= version:
                del self._idle_waiters[ticket]
                self.outbox.reply(ticket, Done())

    def _state(self) -> Changed:
        return Changed(
            version=self.replica.version.tuple,
            membership=self.membership.changes,
            quorate=self.views.setting.quorate,
            dc=self._dc_name(),
            idle=self.controller.idle,
        )

    def _dc_name(self) -> str:
        dc = self.controller.dc
        return self.membership.name_of(dc) if dc is not None else ""

    def _devices(self) -> str:
        primitives = self.replica.config.section("resources").iter("primitive")
        count = sum(each.get("class") == "stonith" for each in primitives)
        if not count:
            return "the nodes' watchdogs" if self.fencing.watchdog_ms else "no device"
        return "1 device" if count == 1 else f"{count} devices"

    def _subsystems(self) -> list[Subsystem]:
        running = self.lifecycle.running
        members = f"{len(self.views.setting.votes)} members"
        cib = f"{self.replica.version}, {self.views.phase.value}"
        dc = self._dc_name() or "no DC"
        busy = len(self.executor.pending())
        idle = "idle" if self.controller.idle else "busy"
        settled = self.controller.has_settled
        rows = (
            ("cib", "pacemaker-based", running, cib),
            ("stonithd", "pacemaker-fenced", running, self._devices()),
            ("lrmd", "pacemaker-execd", running, f"{busy} operations under way"),
            ("attrd", "pacemaker-attrd", running, members if settled else "joining"),
            ("pengine", "pacemaker-schedulerd", running, idle),
            ("crmd", "pacemaker-controld", running, f"DC: {dc}"),
        )
        return [
            Subsystem(name=name, modern_name=modern, alive=alive, detail=detail if alive else "")
            for name, modern, alive, detail in rows
        ]


def _check_section(section: str, sections: tuple[str, ...]) -> None:
    if section not in sections:
        raise UsageError(f"there is no section '{section}'", hint=f"one of {', '.join(sections)}")


def refuse_new_errors(old: Cib, new: Cib) -> None:
    """Refuse a configuration that breaks the schema or refers to nothing.

    What was wrong before the change does not count: it must be possible to mend it in steps.
    Raises ConfigError.
    """
    errors = [f for f in (*validate(new), *integrity(new)) if f.is_error]
    if not errors:
        return
    known = {str(finding) for finding in (*validate(old), *integrity(old))}
    fresh = [finding for finding in errors if str(finding) not in known]
    if fresh:
        text = "\n".join(str(finding) for finding in fresh)
        raise ConfigError(text, hint=fresh[0].hint if len(fresh) == 1 else None)
