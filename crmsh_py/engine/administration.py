"""What an administrator changes of ring and quorum while they run, on all nodes at once.

Orders (corosync-quorumtool -e, -v; corosync-cfgtool -R, -r) travel in the ordered stream, so that
every member changes at the same place, then a new ring is formed of the same members: its view
has the new votes from its beginning, and nothing is decided by two rules at once. They are sent
as safe: where a member counts new votes, everybody else of its ring expects them at least.

corosync.conf is read by the node's loop (``ReadConf``, answered by ``ConfRead``). The node that is
asked looks at its own file first and refuses where that is bad: then no node has changed. Then
every node reads its own; one whose file is bad by then says so and keeps what it had. What the
asked node's file says of the expected votes goes along: the greatest number that a member expects
is what all do, and one that reads later than the others would bring the old one back.
"""

from __future__ import annotations

from collections.abc import Callable

from crmsh_py import corosync_conf
from crmsh_py.corosync_conf import CorosyncConf
from crmsh_py.engine.api import ConfRead, ReadConf, RequestReceived, UseConf
from crmsh_py.engine.membership import Membership
from crmsh_py.engine.orders import Orders
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.quorum import expectable
from crmsh_py.errors import ConfigError, CrmError, NoQuorum, NotFound
from crmsh_py.wire.control import (
    Done,
    EndMember,
    ReenableRings,
    ReloadConf,
    SetExpectedVotes,
    SetVotes,
)
from crmsh_py.wire.stream import CommitId, ConfReload, MemberEnd, QuorumChange, ViewId

_MOST_VOTES = 2**16  # that can be told
_APPLY = 0  # the ticket of a reading that is for use, not for a client

AdministrationMessage = QuorumChange | ConfReload | MemberEnd


class Administration:
    """The orders of this node's clients, and those of all nodes as they arrive."""

    def __init__(
        self,
        membership: Membership,
        outbox: Outbox,
        *,
        next_ident: Callable[[], CommitId],
        view: Callable[[], ViewId],
    ) -> None:
        self._membership = membership
        self._out = outbox
        self._orders = Orders(outbox, next_ident)
        self._view = view

    # ---- this node's clients -------------------------------------------------------------------

    def handle(self, event: RequestReceived) -> None:
        """Take an order; raises CrmError where it cannot be."""
        ticket = event.ticket
        match event.request:
            case ReenableRings():
                self._membership.reenable_rings()
                self._out.reply(ticket, Done())
            case ReloadConf():
                self._out.do(ReadConf(ticket=ticket))
            case SetExpectedVotes(votes=votes):
                self._check_expected(votes)
                self._orders.add(
                    ticket,
                    lambda view, ident: QuorumChange(view=view, ident=ident, expected_votes=votes),
                )
            case SetVotes(votes=votes, node_id=node_id):
                node = node_id or self._membership.node_id
                self._check_member(node)
                self._check_quorum()
                self._orders.add(
                    ticket,
                    lambda view, ident: QuorumChange(
                        view=view, ident=ident, node_id=node, votes=votes
                    ),
                )
            case EndMember(node_id=node):
                self._check_member(node)
                self._orders.add(
                    ticket, lambda view, ident: MemberEnd(view=view, ident=ident, node_id=node)
                )
        self._orders.flush(self._view())

    def _check_expected(self, votes: int) -> None:
        least, most = expectable(self._membership.quorum)
        if not least <= votes <= most:
            raise ConfigError(
                f"the expected votes cannot be {votes} here: {least} votes are present",
                hint=f"{least} to {most} are possible: less would forget a member that is here,"
                " more would stop this side",
            )

    def _check_member(self, node: int) -> None:
        members = self._membership.totem.members
        if node not in members:
            known = " ".join(str(each) for each in members)
            raise NotFound(
                f"there is no member with node id {node}", hint=f"the members are {known}"
            )

    def _check_quorum(self) -> None:
        if not self._membership.quorate:
            raise NoQuorum(
                "this partition has no quorum: its members are given no votes",
                hint="after a disaster, and only then, fewer are expected: corosync-quorumtool -e",
            )

    def client_gone(self, ticket: int) -> None:
        """A client hung up."""
        self._orders.client_gone(ticket)

    def next_deadline(self) -> float | None:
        """When the first order has waited too long."""
        return self._orders.next_deadline()

    def handle_timer(self) -> None:
        """Give up what has waited too long."""
        self._orders.handle_timer()

    # ---- the stream ----------------------------------------------------------------------------

    def begin_view(self) -> None:
        """A new ring, or its view is made: what was sent before may have been lost."""
        self._orders.begin_view()
        self._orders.flush(self._view())

    def on_message(self, sender: int, message: AdministrationMessage) -> None:
        """An order of some node, at its place in the stream."""
        if isinstance(message, QuorumChange) and message.node_id:
            if not self._membership.weigh(message.node_id, message.votes):
                return  # it is said again in the next view
            self._membership.reform()
        self._orders.applied(message)
        match message:
            case QuorumChange(expected_votes=expected):
                if expected:
                    self._membership.expect(expected)
                    self._membership.reform()
            case MemberEnd(node_id=node):
                self._end(sender, node)
            case ConfReload(expected_votes=expected):
                if expected:  # now, for a ring may come before the slowest has read its file
                    self._membership.expect(expected)
                text = f"Config reload requested by node {sender}"
                self._out.log("notice", "CFG", text)
                self._out.do(ReadConf(ticket=_APPLY))

    def _end(self, sender: int, node: int) -> None:
        """Nothing is stopped: to the others this node has died, and they do what they do then."""
        self._out.log("warning", "CFG", f"Node {sender} ends node {node} (corosync-cfgtool -k)")
        if node == self._membership.node_id:
            self._out.stop(f"ended by node {sender}", 1)

    # ---- corosync.conf -------------------------------------------------------------------------

    def on_conf(self, event: ConfRead) -> None:
        """The file was read: for a client that wants all nodes to, or to be used."""
        try:
            conf = _parsed(event)
        except CrmError as error:
            if event.ticket == _APPLY:
                text = f"Unable to reload config file: {error.format_message()}"
                self._out.log("error", "CFG", text)
            else:
                self._out.refuse(event.ticket, ConfigError(error.format_message()))
            return
        if event.ticket == _APPLY:
            for name in self._membership.use_conf(conf):
                text = f"Modified entry '{name}' in corosync.conf cannot be changed at run-time"
                self._out.log("notice", "CFG", text)
            self._out.do(UseConf(conf=conf))
            self._membership.reform()
            return
        expected = min(conf.expected_votes, _MOST_VOTES)
        self._orders.add(
            event.ticket,
            lambda view, ident: ConfReload(view=view, ident=ident, expected_votes=expected),
        )
        self._orders.flush(self._view())


def _parsed(event: ConfRead) -> CorosyncConf:
    if event.error:
        raise CrmError(event.error)
    return corosync_conf.parse(event.text, event.path)
