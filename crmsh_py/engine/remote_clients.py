"""Clients that sit on remote nodes: their requests come over the connection, and so do the answers.

They are answered as if they sat on the member. Their tickets are below 0 here, where no client of
the member's own has one; ``Outbox.relay`` brings the answers back.
"""

from __future__ import annotations

from collections.abc import Callable

from crmsh_py.engine.api import RequestReceived
from crmsh_py.engine.outbox import Outbox
from crmsh_py.errors import LocalProtocolError
from crmsh_py.wire import control
from crmsh_py.wire import remote as wire

MAX_ASKS = 1000  # unanswered requests of the clients of all remote nodes of a member
# Nothing about ring, votes, stored commits or the daemon: that is for members' own clients.
_ALLOWED = (
    control.ReadCib
    | control.Commit
    | control.SetAttribute
    | control.ReadAttribute
    | control.SetPair
    | control.ReadPair
    | control.SetTicket
    | control.CleanResource
    | control.FailResource
    | control.ReadMembership
    | control.ReadCmap
    | control.WaitIdle
    | control.Watch
    | control.FenceNode
    | control.ConfirmFenced
    | control.ReadFencing
    | control.ForgetFencing
)


class RemoteClients:
    """The clients on all remote nodes that a member is connected with."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        ask: Callable[[RequestReceived], None],
        hang_up: Callable[[int], None],
        send: Callable[[str, wire.Answer], None],
    ) -> None:
        """``ask`` and ``hang_up`` are the member's ``Requests``; ``send`` goes to a remote node."""
        self._ask = ask
        self._hang_up = hang_up
        self._send = send
        self._last = 0
        self._asks: dict[int, tuple[str, int]] = {}  # our ticket: the node, and its own ticket
        outbox.relay = self._answer

    def on_ask(self, node: str, message: wire.Ask) -> None:
        """A client asks. Raises RemoteProtocolError where that is no request."""
        request = wire.asked(message)
        if not isinstance(request, _ALLOWED) or len(self._asks) >= MAX_ASKS:
            refused = control.Refused(
                kind="CrmError", text="this can be asked of a member of the cluster only"
            )
            self._send(node, wire.answer(message.ticket, refused))
            return
        self._last -= 1
        self._asks[self._last] = (node, message.ticket)
        self._ask(
            RequestReceived(
                ticket=self._last,
                request=request,
                user=message.user,
                client=message.client,
                acl_user=message.acl_user,
                groups=tuple(message.groups),
            )
        )

    def on_hangup(self, node: str, ticket: int) -> None:
        """A client has gone."""
        self._forget([mine for mine, asker in self._asks.items() if asker == (node, ticket)])

    def lost(self, node: str) -> None:
        """The connection is no more, and all its clients with it."""
        self._forget([mine for mine, asker in self._asks.items() if asker[0] == node])

    def _forget(self, tickets: list[int]) -> None:
        for ticket in tickets:
            del self._asks[ticket]
            self._hang_up(ticket)

    def _answer(self, ticket: int, reply: control.Reply) -> None:
        found = self._asks.get(ticket)
        if found is None:
            return
        node, theirs = found
        if not isinstance(reply, control.Changed):
            del self._asks[ticket]
        try:
            answer = wire.answer(theirs, reply)
        except LocalProtocolError as error:
            answer = wire.answer(theirs, control.Refused(kind="CrmError", text=error.message))
        self._send(node, answer)
