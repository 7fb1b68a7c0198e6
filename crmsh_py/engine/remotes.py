"""A member's connections to remote nodes: made, watched and ended as resources are.

A remote node runs an executor and is no member. ``ocf:pacemaker:remote`` is no agent: its
operations are carried out here, as Pacemaker's controller does it.

    operation              what it does
    start, migrate_from    connect and claim the node, again and again until its timeout
    monitor, recurring     ask whether it is there, and wait for the answer
    monitor, once          tell whether this member is connected with it
    stop                   release it, and tell the cluster that nobody is connected any more; what
                           it ran when it was lost counts as running until it is fenced
    migrate_to             nothing: who follows claims the node from us
    reload                 nothing

    stage      opening --> claiming --> up --> lost      (lost: the other side hung up, or was
                                                          claimed by another member)

Rules:

1. The remote node knows best what it has done. What it tells when it is claimed replaces what the
   status says of it. A copy of that is kept here and told in every new view, like this node's own.
2. What runs there is written down as pending when the DC asks for it, by all members: whoever
   makes a plan after the loss of the connection knows of it.
3. A connection that is lost makes its recurring monitor fail at once, and one whose monitor has
   timed out is lost. What was under way is told as not done; whether it was, the node tells when
   it is connected again.
4. Who claims a node later has it, whether the one before has heard of that from the node or not:
   it goes by what the cluster knows of their claims.
5. Clients on the remote node are answered as if they sat here (``remote_clients``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

import msgspec

from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import parse, to_xml
from crmsh_py.engine import records
from crmsh_py.engine import status as st
from crmsh_py.engine.api import (
    CloseRemote,
    OpenRemote,
    OperationFinished,
    RemoteClosed,
    RemoteOpened,
    RemoteReceived,
    RequestReceived,
    SendRemote,
)
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.remote_clients import RemoteClients
from crmsh_py.engine.uncounted import Uncounted
from crmsh_py.errors import CrmError, RemoteProtocolError
from crmsh_py.scheduler.history import last_failure_id
from crmsh_py.whole_numbers import whole
from crmsh_py.wire import control
from crmsh_py.wire import remote as wire
from crmsh_py.wire.stream import Outcome, RemoteState, RemoteTold, RunAction, ToldFailure, ViewId

PORT = 3121  # pacemaker-remote's
_RETRY_S = 1.0  # between attempts to connect
_OK, _FAILED, _NOT_RUNNING = 0, 1, 7
_DONE, _CANCELLED, _TIMED_OUT, _ERROR, _NOT_CONNECTED = 0, 1, 2, 4, 8


class Stage(Enum):
    """How far a connection is."""

    OPENING = "opening"
    CLAIMING = "claiming"
    UP = "up"
    LOST = "lost"


@dataclass(slots=True)
class _Begun:
    """An action that the remote node has been asked for."""

    action: RunAction
    deadline: float


@dataclass(slots=True, kw_only=True)
class _Remote:
    """One remote node as this member is, or wants to be, connected with it."""

    name: str
    server: str
    port: int
    connection: int
    stage: Stage = Stage.OPENING
    term: int = 0
    claim: int = 0  # its date by the remote node
    start: int = 0  # the call that waits for the connection, 0 for none
    deadline: float = 0.0  # of that call
    retry_at: float | None = None
    why: str = ""  # it could not be connected, or is lost
    fresh: bool = False  # it has begun anew, and the cluster may not know that
    told: bool = False  # in this view, with this member's state
    leaving: bool = False  # it has asked to be shut down
    state: Element
    pending: dict[str, _Begun] = field(default_factory=dict)
    pings: dict[int, float] = field(default_factory=dict)  # call, deadline


class Remotes:
    """All connections of one member."""

    def __init__(
        self,
        node: str,
        outbox: Outbox,
        *,
        view: Callable[[], ViewId],
        term: Callable[[], int],
        newest: Callable[[str], int] = lambda _: 0,
        finished: Callable[[OperationFinished], None],
        lost: Callable[[str], None],
        ask: Callable[[RequestReceived], None],
        hang_up: Callable[[int], None],
        uncounted: Uncounted | None = None,
        told: Callable[[Outcome, Element], None] = lambda _, __: None,
    ) -> None:
        """``newest`` tells the date of the last claim on a node that is known; ``finished`` is told
        the results of ``begin``; ``lost`` that a connection's resource should be looked at;
        ``ask`` and ``hang_up`` are for the clients of remote nodes; ``told`` is called with the
        results of remote nodes, and the histories that they have made.
        """
        self._told = told
        self._node = node
        self._out = outbox
        self._view = view
        self._term = term
        self._newest = newest
        self._finished = finished
        self._uncounted = uncounted or Uncounted()
        self._lost = lost
        self._ask = ask
        self._clients = RemoteClients(outbox, ask=ask, hang_up=hang_up, send=self._send_to)
        self._remotes: dict[str, _Remote] = {}
        self._by_connection: dict[int, _Remote] = {}
        self._connections = 0

    # ---- reading -------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When a start or a monitor has taken too long, or the next attempt is due."""
        times: list[float] = []
        for remote in self._remotes.values():
            times += remote.pings.values()
            if remote.start:
                times.append(remote.deadline)
            if remote.retry_at is not None:
                times.append(remote.retry_at)
        return min(times, default=None)

    def connected(self, name: str) -> bool:
        """Whether this member is connected with a remote node."""
        remote = self._remotes.get(name)
        return remote is not None and remote.stage is Stage.UP

    def names(self) -> list[str]:
        """The remote nodes that this member is connected with."""
        return [name for name in self._remotes if self.connected(name)]

    def pending(self) -> dict[str, int]:
        """What is under way on remote nodes: ``NODE/KEY``, milliseconds left."""
        return {
            f"{remote.name}/{key}": max(0, int((begun.deadline - self._out.now) * 1000))
            for remote in self._remotes.values()
            for key, begun in remote.pending.items()
        }

    def told(self, status: Element) -> list[RemoteTold]:
        """What this member tells of its remote nodes in a new view."""
        found = []
        for name in self.names():
            remote = self._remotes[name]
            known = st.node_state(status, name)
            transient = known.find("transient_attributes") if known is not None else None
            state = remote.state
            remote.told = True
            if transient is not None and not remote.fresh:
                state = state.with_children((transient, *state.children))
            text = to_xml(state, indent=None)
            told = RemoteTold(name=name, state=text, term=remote.term, claim=remote.claim)
            found.append(told)
        return found

    # ---- operations of connections -------------------------------------------------------------

    def begin(self, call: int, action: RunAction) -> OperationFinished | None:
        """Begin an operation of a connection; its result at once, or None: it comes later."""
        name = action.resource
        remote = self._remotes.get(name)
        up = remote is not None and remote.stage is Stage.UP
        match action.operation:
            case "start" | "migrate_from":
                if remote is not None and up:
                    return _result(call)
                if remote is not None:
                    self._close(remote)
                self._connect(call, action)
                return None
            case "monitor" if remote is not None and up and action.interval_ms:
                remote.pings[call] = self._out.now + action.timeout_ms / 1000
                self._send(remote, wire.Ping(number=call))
                return None
            case "monitor" if action.interval_ms:
                why = (remote.why if remote is not None else "") or "not connected"
                return _result(call, _FAILED, _ERROR, why)
            case "monitor":
                return _result(call, _OK if up else _NOT_RUNNING)
            case "migrate_to":
                return _result(call) if up else _result(call, _FAILED, _ERROR, "not connected")
            case "stop":
                self._release(name)
                return _result(call)
            case _:
                return _result(call)

    def cancel(self, call: int) -> None:
        """Nobody waits for this operation any more."""
        for remote in list(self._remotes.values()):
            if remote.start == call:
                self._close(remote)
            elif call not in remote.pings:
                continue
            remote.pings.pop(call, None)
            self._finished(_result(call, _FAILED, _CANCELLED))
            return

    def _connect(self, call: int, action: RunAction) -> None:
        parameters = action.parameters
        port = whole(parameters.get("port", ""))
        remote = _Remote(
            name=action.resource,
            server=parameters.get("addr") or parameters.get("server") or action.resource,
            port=port if 0 < port < 65536 else PORT,
            connection=0,
            start=call,
            deadline=self._out.now + action.timeout_ms / 1000,
            state=st.remote_state(action.resource, up=True),
        )
        self._remotes[remote.name] = remote
        self._open(remote)

    def _open(self, remote: _Remote) -> None:
        self._connections += 1
        self._by_connection.pop(remote.connection, None)
        remote.connection = self._connections
        remote.stage = Stage.OPENING
        remote.retry_at = None
        self._by_connection[remote.connection] = remote
        self._out.do(
            OpenRemote(connection=remote.connection, server=remote.server, port=remote.port)
        )

    def _release(self, name: str) -> None:
        remote = self._remotes.get(name)
        if remote is not None:
            if remote.stage is Stage.UP:
                self._send(remote, wire.Release())
            self._close(remote)
        # Who is not the one that the cluster knows as connected is not heard in this.
        self._out.multicast(RemoteState(view=self._view(), name=name, up=False))

    def _close(self, remote: _Remote) -> None:
        """End a connection and forget it; what waits for it is told so."""
        if remote.stage is not Stage.LOST and remote.retry_at is None:
            self._out.do(CloseRemote(connection=remote.connection))
        self._remotes.pop(remote.name, None)
        self._drop(remote)

    def _drop(self, remote: _Remote) -> None:
        """The connection is no more: nothing comes over it."""
        self._by_connection.pop(remote.connection, None)
        self._clients.lost(remote.name)
        pending, remote.pending = remote.pending, {}
        for begun in pending.values():
            self._tell_undone(remote.name, begun.action)
        pings, remote.pings = remote.pings, {}
        for call in pings:
            self._finished(_result(call, _FAILED, _ERROR, remote.why or "the connection has ended"))

    def close_all(self) -> None:
        """The cluster manager ends here."""
        for remote in list(self._remotes.values()):
            remote.start = 0
            self._close(remote)

    # ---- what happens on connections -----------------------------------------------------------

    def handle(self, event: RemoteOpened | RemoteReceived | RemoteClosed) -> None:
        """Something happens on a connection; of one that was given up nothing is heard."""
        remote = self._by_connection.get(event.connection)
        if remote is None:
            return
        match event:
            case RemoteOpened():
                remote.stage = Stage.CLAIMING
                remote.term = self._term()
                claim = wire.Claim(
                    node=remote.name,
                    member=self._node,
                    term=remote.term,
                    newest=self._newest(remote.name),
                )
                self._send(remote, claim)
            case RemoteReceived(message=message):
                self._receive(remote, message)
            case RemoteClosed(reason=reason):
                self._closed(remote, reason)

    def _closed(
        self, remote: _Remote, reason: str, *, taken_over: bool = False, known: bool = False
    ) -> None:
        """A connection has ended; ``known``: its monitor has told so already."""
        remote.why = reason or "the remote node has closed the connection"
        if remote.stage is Stage.UP:
            level = "notice" if taken_over else "error"
            self._out.log(level, "CRMD", f"Lost the connection to {remote.name}: {remote.why}")
            remote.stage = Stage.LOST
            self._drop(remote)
            if remote.leaving and not taken_over:
                self._ask_shutdown(remote.name, None)
            if not known:
                self._lost(remote.name)
        elif remote.stage is not Stage.LOST:
            self._by_connection.pop(remote.connection, None)
            remote.retry_at = self._out.now + _RETRY_S

    def _receive(self, remote: _Remote, message: wire.FromRemote | wire.ToRemote) -> None:
        match message:
            case wire.Accepted() if remote.stage is Stage.CLAIMING:
                self._accepted(remote, message)
            case wire.Rejected(reason=reason) if remote.stage is Stage.CLAIMING:
                call = remote.start
                self._close(remote)
                self._finished(_result(call, _FAILED, _ERROR, reason))
            case wire.Told(outcome=outcome) if remote.stage is Stage.UP:
                self._ended(remote, outcome)
            case wire.Pong(number=call):
                if remote.pings.pop(call, None) is not None:
                    self._finished(_result(call))
            case wire.Ask() if remote.stage is Stage.UP:
                try:
                    self._clients.on_ask(remote.name, message)
                except RemoteProtocolError as error:
                    self._broken(remote, error.message)
            case wire.Hangup(ticket=ticket):
                self._clients.on_hangup(remote.name, ticket)
            case wire.Leaving() if remote.stage is Stage.UP:
                self._out.log("notice", "CRMD", f"{remote.name} asks to be shut down")
                remote.leaving = True
                self._ask_shutdown(remote.name, str(int(self._out.wall)))
            case wire.Replaced(member=member):
                self.end(remote.name, f"{member} has taken over the connection", taken_over=True)
            case _:
                self._broken(remote, f"an unexpected {type(message).__name__}")

    def _ask_shutdown(self, name: str, since: str | None) -> None:
        """A remote node wants to be shut down; with None it is gone, and wants nothing."""
        request = control.SetAttribute(node=name, name="shutdown", value=since)
        self._ask(RequestReceived(ticket=0, request=request, client="pacemaker-remoted"))

    def _broken(self, remote: _Remote, why: str) -> None:
        """The other side does not speak as it should: that is a lost connection."""
        self._out.do(CloseRemote(connection=remote.connection))
        self._closed(remote, why)

    def _accepted(self, remote: _Remote, message: wire.Accepted) -> None:
        try:
            told = parse(message.state)
        except CrmError as error:
            self._broken(remote, f"its state cannot be read: {error}")
            return
        lrm = told.find("lrm")
        parts = (lrm.with_attributes({"id": remote.name}),) if lrm is not None else ()
        remote.state = st.remote_state(remote.name, up=True).with_children(parts)
        remote.stage = Stage.UP
        remote.fresh = message.fresh
        remote.claim = message.claim
        call, remote.start = remote.start, 0
        self._out.log("notice", "CRMD", f"Connected to remote node {remote.name}")
        pending = {f"{remote.name}/{key}": left for key, left in message.pending.items()}
        self._out.multicast(
            RemoteState(
                view=self._view(),
                name=remote.name,
                up=True,
                term=remote.term,
                claim=remote.claim,
                state=to_xml(remote.state, indent=None),
                pending=pending,
                fresh=message.fresh,
            )
        )
        for missed in message.failures:
            again = Outcome(
                view=self._view(),
                name=missed.name,
                key=missed.name,  # nobody waits for it
                transition_key="",
                ok=False,
                failure=missed.failure,
                node=remote.name,
                retold=True,
            )
            self._uncounted.add(again)
            self._out.multicast(again)
        self._finished(_result(call))

    # ---- actions on remote nodes ---------------------------------------------------------------

    def run(self, action: RunAction) -> None:
        """Have an action carried out on the remote node ``action.on``."""
        remote = self._remotes.get(action.on)
        if remote is None or remote.stage is not Stage.UP:
            self._tell_undone(action.on, action, record=True)
            self._lost(action.on)  # the cluster takes it for connected
            return
        deadline = self._out.now + action.timeout_ms / 1000
        remote.pending[action.key] = _Begun(action, deadline)
        if records.changes_state(action):
            pending = records.pending_of(action, node=remote.name)
            remote.state = st.put_history(remote.state, pending)
        self._send(remote, wire.Run(action=action))

    def _ended(self, remote: _Remote, outcome: Outcome) -> None:
        remote.pending.pop(outcome.key, None)
        state = remote.state
        outcome = msgspec.structs.replace(outcome, view=self._view(), node=remote.name)
        if outcome.forget_all:
            state = st.drop_history(state, outcome.name)
        if outcome.resource:
            try:
                history = parse(outcome.resource)
            except CrmError as error:
                self._broken(remote, f"a result cannot be read: {error}")
                return
            if history.tag != "lrm_resource" or history.id != outcome.name:
                self._broken(remote, "a result is none")
                return
            state = st.put_history(state, history, outcome.forget)
            if outcome.ok or outcome.failure is not None:  # else it never began
                self._told(outcome, history)
        else:
            state = st.without_entries(state, outcome.name, *outcome.forget)
        remote.state = state
        self._uncounted.add(outcome)
        self._out.multicast(outcome)

    def _tell_undone(self, name: str, action: RunAction, *, record: bool = False) -> None:
        """The DC must not wait for an action that cannot be carried out, or whose end is unknown.

        With ``record`` it was never begun, and the history says why.
        """
        history = ""
        if record and action.agent is not None and action.operation not in ("cancel", "notify"):
            result = OperationFinished(
                call_id=0,
                rc=_FAILED,
                status=_NOT_CONNECTED,
                exit_reason="no connection to the remote node",
            )
            element = records.history_of(
                action, result, None, node=name, call_id=0, queued_ms=0, changed_at=action.time
            )
            history = to_xml(element, indent=None)
        self._out.multicast(
            Outcome(
                view=self._view(),
                name=action.resource,
                key=action.key,
                transition_key=action.transition_key,
                resource=history,
                rc=_FAILED,
                ok=False,
                node=name,
            )
        )

    def forget(self, name: str, resource: str) -> None:
        """A resource's history on a remote node has been dropped from the status."""
        remote = self._remotes.get(name)
        if remote is not None and remote.stage is Stage.UP:
            remote.state = st.drop_history(remote.state, resource)
            self._send(remote, wire.Forget(resource=resource))

    def forget_entries(self, name: str, resource: str, entries: list[str]) -> None:
        """A migration from or to a remote node is over: its entries have been dropped."""
        remote = self._remotes.get(name)
        if remote is not None and remote.stage is Stage.UP:
            remote.state = st.without_entries(remote.state, resource, *entries)
            self._send(remote, wire.ForgetEntries(resource=resource, entries=entries))

    def forget_failure(self, name: str, resource: str) -> None:
        """The entry of a resource's last failure on a remote node has been dropped."""
        remote = self._remotes.get(name)
        if remote is not None and remote.stage is Stage.UP:
            remote.state = st.without_entries(remote.state, resource, last_failure_id(resource))
            self._send(remote, wire.ForgetFailure(resource=resource))

    def fail(self, name: str, resource: str, time: int) -> None:
        """Somebody asked for a failure of a resource on a remote node, at this Unix time, s."""
        remote = self._remotes.get(name)
        if remote is not None and remote.stage is Stage.UP:
            self._send(remote, wire.Fail(resource=resource, time=time))

    def end(self, name: str, why: str, *, taken_over: bool = False) -> None:
        """The cluster knows that a connection is no more, whatever this member has heard of it."""
        remote = self._remotes.get(name)
        if remote is not None and remote.stage in (Stage.CLAIMING, Stage.UP):
            self._out.do(CloseRemote(connection=remote.connection))
            self._closed(remote, why, taken_over=taken_over)

    def overtaken(self, name: str, by: str, claim: tuple[int, int]) -> None:
        """Another member is connected with a remote node, by a claim of that term and date."""
        remote = self._remotes.get(name)
        if remote is None or remote.stage is not Stage.UP or (remote.term, remote.claim) > claim:
            return
        self.end(name, f"{by} has taken over the connection", taken_over=True)

    # ---- views and time ------------------------------------------------------------------------

    def begin_view(self) -> None:
        """The DC's plans of the view before are void."""
        for name in self.names():
            self._send_to(name, wire.Drop())

    def settled(self) -> None:
        """The cluster knows what this member has told in the view."""
        for name in self.names():
            if self._remotes[name].told and self._remotes[name].fresh:
                self.known(name)

    def known(self, name: str) -> None:
        """The cluster has heard what a remote node has told of itself."""
        if name in self._remotes:
            self._remotes[name].fresh = False
        self._send_to(name, wire.Known())

    def counted(self, failures: Iterable[ToldFailure]) -> None:
        """Failures have been counted: those of remote nodes need not be told again."""
        for told in failures:
            if told.node:
                failure = ToldFailure(name=told.name, failure=told.failure)
                self._send_to(told.node, wire.Counted(failure=failure))

    def handle_timer(self) -> None:
        """Give up what takes too long, and try again what failed."""
        now = self._out.now
        for remote in list(self._remotes.values()):
            if remote.start and remote.deadline <= now:
                call, why = remote.start, remote.why or "it does not answer"
                self._close(remote)
                self._finished(_result(call, _FAILED, _TIMED_OUT, why))
                continue
            if remote.retry_at is not None and remote.retry_at <= now:
                self._open(remote)
            late = [call for call, deadline in remote.pings.items() if deadline <= now]
            for call in late:
                del remote.pings[call]
            for call in late:
                why = f"{remote.name} does not answer"
                self._finished(_result(call, _FAILED, _TIMED_OUT, why))
            if late and remote.stage is Stage.UP:
                self._out.do(CloseRemote(connection=remote.connection))
                self._closed(remote, "it does not answer", known=True)

    # ---- sending -------------------------------------------------------------------------------

    def _send_to(self, name: str, message: wire.ToRemote) -> None:
        remote = self._remotes.get(name)
        if remote is not None and remote.stage is Stage.UP:
            self._send(remote, message)

    def _send(self, remote: _Remote, message: wire.ToRemote) -> None:
        self._out.do(SendRemote(connection=remote.connection, message=message))


def _result(call: int, rc: int = _OK, status: int = _DONE, why: str = "") -> OperationFinished:
    return OperationFinished(call_id=call, rc=rc, status=status, exit_reason=why)
