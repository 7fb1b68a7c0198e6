"""A remote node as a pure state machine: the executor alone, for a cluster that is elsewhere.

``handle(event, now)`` as in ``NodeCore``. No ring, no CIB, no disk: a member connects, claims the
executor, and has actions run; what they give is told over that connection. Without a connection
everything goes on as it is, recurring operations too; their results are kept in the history,
which is told to whoever claims the node next.

Rules:

1. One member at a time has the executor. A claim of the same term as before, or a later one, wins:
   whoever follows in a view, or in a later one. One of an earlier term is refused: that side of
   the cluster does not know what has been decided since. Claims are dated: who has been replaced,
   and cannot hear it, takes itself for connected as well.
2. Clients of the control socket are answered by the cluster, through the member.
3. An orderly stop is asked of the cluster, which moves the resources away and ends the connection.
   Without a connection nobody could: the daemon ends at once. One that passes to another member
   is none that ends.
"""

from __future__ import annotations

from dataclasses import dataclass

from crmsh_py.cib.xml import to_xml
from crmsh_py.engine import records
from crmsh_py.engine.api import (
    ClientGone,
    ClockSet,
    CloseRemote,
    Event,
    Instruction,
    OperationFinished,
    RemoteClosed,
    RemoteOpened,
    RemoteReceived,
    RequestReceived,
    SendRemote,
    TimerFired,
)
from crmsh_py.engine.deadlines import soonest
from crmsh_py.engine.executor import Executor
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.status import put_history
from crmsh_py.errors import ClusterUnreachable, CrmError, RemoteProtocolError, UsageError
from crmsh_py.value import replace
from crmsh_py.wire import control, framing
from crmsh_py.wire import remote as wire
from crmsh_py.wire.stream import MAX_COUNT, Outcome, ViewId

_NO_VIEW: ViewId = (0, 0)
_NODE_ID = 0  # it is no member
MAX_ASKS = 1000  # requests of clients that wait for the cluster
LEAVE_S = 20 * 60  # for the resources to leave, as ``shutdown-escalation``
_LOCAL = (
    control.ReadRevisions
    | control.ReadRevision
    | control.StartManager
    | control.StopManager
    | control.RingOrder
)

_ABOUT_A_NODE = control.SetAttribute | control.SetPair | control.ReadPair


@dataclass(frozen=True, slots=True)
class _Member:
    """Who has the executor."""

    connection: int
    name: str


class RemoteCore:
    """One remote node. See ``engine.api`` for events, instructions and what ``now`` means."""

    def __init__(self, node: str, wall_offset: float) -> None:
        self._node = node
        self._out = Outbox(wall_offset)
        self._executor = Executor(_NODE_ID, node, self._out, lambda: _NO_VIEW)
        self._member: _Member | None = None
        self._term = 0
        self._claim = 0  # the date of the last one
        self._fresh = True
        self._asks: dict[int, None] = {}  # tickets that wait for the cluster
        self._stops: list[int] = []  # tickets of those who want the daemon to end
        self._leave_by: float | None = None

    # ---- the surface ---------------------------------------------------------------------------

    def handle(self, event: Event, now: float) -> list[Instruction]:
        """Take an event in, and say what is to be done, in this order."""
        self._out.now = now
        self._take(event)
        for outgoing in self._out.take_messages():
            message = outgoing.message
            if isinstance(message, Outcome) and self._member is not None:
                self._send(wire.Told(outcome=message))
        return self._out.finish(())

    def next_deadline(self) -> float | None:
        """When to send ``TimerFired``."""
        return soonest((self._executor.next_deadline(), self._leave_by))

    @property
    def member(self) -> str:
        """The member that has the executor; '' for none."""
        return self._member.name if self._member is not None else ""

    def _take(self, event: Event) -> None:
        match event:
            case RemoteReceived(connection=connection, message=message):
                self._receive(connection, message)
            case RemoteClosed(connection=connection, reason=reason):
                if self._member is not None and self._member.connection == connection:
                    text = f"The connection of {self.member} has ended: {reason or 'hung up'}"
                    self._out.log("warning", "LRMD", text)
                    self._lose_member()
            case RemoteOpened():
                pass  # who it is, its claim tells
            case OperationFinished():
                self._executor.finished(event)
            case TimerFired():
                self._executor.handle_timer()
                if self._leave_by is not None and self._leave_by <= self._out.now:
                    self._out.log("error", "LRMD", "Shutdown has taken too long: ending anyway")
                    self._end()
            case RequestReceived():
                self._ask(event)
            case ClientGone(ticket=ticket):
                if ticket in self._asks:
                    del self._asks[ticket]
                    self._send(wire.Hangup(ticket=ticket))
                elif ticket in self._stops:
                    self._stops.remove(ticket)
            case ClockSet(wall_offset=offset):
                self._out.wall_offset = offset
            case _:
                pass  # what a remote node has no part in

    # ---- the member ----------------------------------------------------------------------------

    def _receive(self, connection: int, message: wire.ToRemote | wire.FromRemote) -> None:
        if isinstance(message, wire.Claim):
            self._on_claim(connection, message)
            return
        if self._member is None or self._member.connection != connection:
            self._out.do(CloseRemote(connection=connection))
            return
        match message:
            case wire.Run(action=action):
                self._executor.run(action)
            case wire.Drop():
                for undone in self._executor.begin_view():  # nobody asks for the whole state now
                    self._send(wire.Told(outcome=undone))
            case wire.Forget(resource=resource):
                self._executor.forget(resource)
                self._executor.uncounted.forget(resource)
            case wire.ForgetEntries(resource=resource, entries=entries):
                self._executor.forget_entries(resource, entries)
            case wire.ForgetFailure(resource=resource):
                self._executor.forget_failure(resource)
            case wire.Fail(resource=resource, time=time):
                self._executor.fail(resource, time)
            case wire.Ping(number=number):
                self._send(wire.Pong(number=number))
            case wire.Answer():
                self._on_answer(connection, message)
            case wire.Counted(failure=failure):
                self._executor.uncounted.confirmed(failure)
            case wire.Known():
                self._fresh = False
            case wire.Release():
                self._out.log("notice", "LRMD", f"{self.member} has ended the connection")
                self._out.do(CloseRemote(connection=connection))
                self._lose_member()
            case _:
                self._out.do(CloseRemote(connection=connection))
                self._lose_member()

    def _on_claim(self, connection: int, claim: wire.Claim) -> None:
        reason = ""
        if claim.node != self._node:
            reason = f"this host is {self._node}: its connection must be called so, too"
        elif claim.term < self._term:
            reason = "another side of the cluster, which has gone on, uses this node"
        if reason:
            self._out.log("warning", "LRMD", f"A claim of {claim.member} is refused: {reason}")
            self._out.do(SendRemote(connection=connection, message=wire.Rejected(reason=reason)))
            self._out.do(CloseRemote(connection=connection))
            return
        if self._member is not None and self._member.connection != connection:
            self._send(wire.Replaced(member=claim.member))
            self._out.do(CloseRemote(connection=self._member.connection))
            self._forget_member()
        self._term = claim.term
        last = max(self._claim, claim.newest)  # a clock may have been set back, a life have ended
        self._claim = min(MAX_COUNT, max(last + 1, int(self._out.wall * 1000)))
        self._member = _Member(connection, claim.member)
        self._out.log("notice", "LRMD", f"{claim.member} has connected: it runs actions here")
        self._executor.begin_view()  # what has not begun was asked for by somebody before
        state = self._executor.state
        for action in self._executor.under_way():
            if records.changes_state(action):
                state = put_history(state, records.pending_of(action, node=self._node))
        state = state.with_attributes({"id": self._node})
        self._send(
            wire.Accepted(
                state=to_xml(state, indent=None),
                claim=self._claim,
                pending=self._executor.pending(),
                fresh=self._fresh,
                failures=self._executor.uncounted.tell(),
            )
        )
        if self._leave_by is not None:
            self._send(wire.Leaving())

    def _forget_member(self) -> None:
        self._member = None
        for ticket in self._asks:
            self._out.refuse(ticket, _nobody(self._node))
        self._asks = {}

    def _lose_member(self) -> None:
        self._forget_member()
        if self._leave_by is not None:
            self._end()

    def _send(self, message: wire.FromRemote) -> None:
        if self._member is not None:
            self._out.do(SendRemote(connection=self._member.connection, message=message))

    # ---- clients -------------------------------------------------------------------------------

    def _ask(self, event: RequestReceived) -> None:
        """Answer what is about this daemon; have the cluster answer the rest."""
        try:
            match event.request:
                case control.ReadSubsystems():
                    self._out.reply(event.ticket, self._subsystems())
                case control.Hello():
                    self._out.reply(event.ticket, control.Done())
                case control.StopDaemon():
                    self._leave(event.ticket)
                case request if isinstance(request, _LOCAL):
                    raise UsageError(
                        f"{self._node} is a remote node, and no member of the cluster",
                        hint="ask a member",
                    )
                case request:
                    self._pass_on(event, request)
        except CrmError as error:
            self._out.refuse(event.ticket, error)

    def _pass_on(self, event: RequestReceived, request: control.Request) -> None:
        if self._member is None:
            raise _nobody(self._node)
        if len(self._asks) >= MAX_ASKS:
            raise CrmError(f"too many requests are waiting on {self._node}")
        if isinstance(request, _ABOUT_A_NODE) and not request.node:
            request = replace(request, node=self._node)
        asked = wire.Ask(
            ticket=event.ticket,
            frame=framing.encode_request(event.ticket, request),
            user=event.user,
            client=event.client,
            acl_user=event.acl_user,
            groups=list(event.groups[:256]),
        )
        self._asks[event.ticket] = None
        self._send(asked)

    def _on_answer(self, connection: int, message: wire.Answer) -> None:
        ticket = message.ticket
        try:
            reply = wire.answered(message)
        except RemoteProtocolError:
            self._out.do(CloseRemote(connection=connection))
            self._lose_member()
            return
        if ticket not in self._asks:
            return  # the client has gone
        if not isinstance(reply, control.Changed):
            del self._asks[ticket]
        self._out.reply(ticket, reply)

    def _subsystems(self) -> control.SubsystemsReply:
        member = f"connected by {self.member}" if self.member else "no member is connected"
        detail = f"{len(self._executor.pending())} operations under way, {member}"
        lrmd = control.Subsystem(
            name="lrmd", modern_name="pacemaker-remoted", alive=True, detail=detail
        )
        return control.SubsystemsReply(pid=0, subsystems=[lrmd])

    # ---- the end -------------------------------------------------------------------------------

    def _leave(self, ticket: int) -> None:
        if ticket:
            self._stops.append(ticket)
        if self._member is None:
            self._end()
        elif self._leave_by is None:
            self._leave_by = self._out.now + LEAVE_S
            self._out.log("notice", "LRMD", "Shutting down: resources leave this node first")
            self._send(wire.Leaving())

    def _end(self) -> None:
        self._leave_by = None
        for ticket in self._stops:
            self._out.reply(ticket, control.Done())
        self._stops = []
        self._out.stop("asked for")


def _nobody(node: str) -> ClusterUnreachable:
    return ClusterUnreachable(
        f"no member of the cluster is connected with {node}",
        hint="crm_mon -1 on a member shows the connection",
    )
