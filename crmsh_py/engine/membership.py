"""The ring and its quorum, as the rest of the node uses them.

Totem says who is a member and carries the messages; votequorum says whether that is enough. This
module puts both together: it turns a new ring into a ``ViewSetting``, writes the log lines that
administrators know from Corosync, and answers for ``corosync-cfgtool`` and ``-quorumtool``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from crmsh_py.corosync_conf import CorosyncConf
from crmsh_py.engine import cmap
from crmsh_py.engine.api import DatagramReceived, RequestReceived, SaveRing, SendDatagram
from crmsh_py.engine.deadlines import soonest
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.quorum import (
    Quorum,
    QuorumRules,
    Voter,
    changed,
    expect,
    foresee,
    initial,
    reconfigured,
    tie_breaker,
    votes_needed,
    weigh,
    window_over,
)
from crmsh_py.engine.redundancy import NetworkAddresses, Networks, Outgoing
from crmsh_py.engine.totem import (
    ConfigurationChanged,
    Delivered,
    Reported,
    RingSequenceChanged,
    Totem,
)
from crmsh_py.engine.totem_values import ConfigurationKind
from crmsh_py.engine.views import NO_VIEW, ViewSetting
from crmsh_py.errors import RemoteProtocolError
from crmsh_py.wire.control import CmapKey, Link, Member, MembershipReply
from crmsh_py.wire.settings import NodeSettings
from crmsh_py.wire.stream import Message, Summary, ViewId, decode, encode


class Membership:
    """One node's place in the ring."""

    def __init__(
        self,
        settings: NodeSettings,
        conf: CorosyncConf,
        outbox: Outbox,
        *,
        ring_sequence: int,
        boot: int,
    ) -> None:
        self.conf = conf
        self._out = outbox
        self._settings = settings
        self.node_id = conf.node_id(settings.address)
        self._known = {conf.node_id(address): address for address in settings.peers}
        self._names = {conf.node_id(a): name for a, name in settings.peers.items()}
        self._names[self.node_id] = settings.node
        self.totem = Totem(
            self.node_id,
            settings.address,
            conf.totem,
            ring_sequence=ring_sequence,
            boot=boot,
            addresses=self._known,
        )
        self._networks = Networks(self.node_id, conf.totem, _networks_of(settings))
        self._due: list[Outgoing] = []  # of the networks' own, beside what Totem sends
        rules = QuorumRules.of(conf)
        listed = [node.node_id for node in conf.nodes]
        self._quorum = initial(rules, self.node_id, listed)
        self._window_at: float | None = None
        self._unproved = True  # the view is not made, or has its quorum only by empty disks
        self._unequal_rules = ""  # which members of the view go by which, where that differs
        self._own_votes = conf.votes_of(self.node_id)
        self.changes = 0  # of ring and quorum, for those who watch
        self._view: ViewId = NO_VIEW
        self.changing = False  # between a transitional configuration and the next ring
        self.stayed = False  # most of the votes have come along from the ring before this one
        self._traffic: dict[tuple[str, int], list[int]] = {}  # sent and received, by kind

    # ---- reading -------------------------------------------------------------------------------

    def name_of(self, node_id: int) -> str:
        """A node's name as the settings have it, else its address, else its id."""
        return self._names.get(node_id) or self.totem.address_of(node_id) or str(node_id)

    @property
    def quorate(self) -> bool:
        """Whether this side may act, as far as this node knows now."""
        return self._quorum.quorate

    @property
    def quorum(self) -> Quorum:
        """The state of the quorum."""
        return self._quorum

    def voter(self) -> Voter:
        """What this node tells the others of itself."""
        state = self._quorum
        return Voter(
            votes=self._own_votes,
            expected_votes=state.expected_votes,
            ready=state.quorate,
            rules=state.rules.text,
        )

    def known_tie_breaker(self) -> int:
        """The node whose half wins, 0 where not all nodes are known."""
        return (tie_breaker(self._quorum) or 0) if self._quorum.all_known else 0

    def reply(self, *, manager_running: bool, dc: str) -> MembershipReply:
        """Ring and quorum for the tools."""
        totem = self.totem
        ring = totem.ring_id
        state = self._quorum
        return MembershipReply(
            node=self._settings.node,
            node_id=self.node_id,
            ring_representative=ring.representative,
            ring_sequence=ring.sequence,
            state=totem.state.value,
            members=[
                Member(
                    node_id=node,
                    name=self.name_of(node),
                    address=totem.address_of(node) or "",
                    more_addresses=self._more_addresses(node),
                    votes=self._votes_of(node),
                )
                for node in totem.members
            ],
            quorate=self.quorate,
            expected_votes=state.expected_votes,
            highest_expected=state.highest_expected,
            total_votes=state.total_votes,
            quorum=state.quorum,
            flags=list(state.flags()),
            links=[
                Link(number=each.number, address=each.address, faulty=faulty)
                for each, faulty in self._networks.statuses()
            ],
            manager_running=manager_running,
            dc=dc,
            unequal_rules=self._unequal_rules,
        )

    def _more_addresses(self, node: int) -> list[str]:
        """A node's addresses on the networks after the first."""
        home = self.totem.address_of(node) or ""
        rest = self._networks.statuses()[1:]
        own = node == self.node_id
        return [each.address if own else each.peers.get(home, "") for each, _ in rest]

    def next_deadline(self) -> float | None:
        """When the ring or the quorum must look at the time."""
        return soonest((self.totem.next_timer(), self._networks.next_timer(), self._window_at))

    def cmap_keys(self, prefix: str, map_name: str, event: RequestReceived) -> list[CmapKey]:
        """Typed keys for corosync-cmapctl: configuration, state, live counters, clients."""
        source = cmap.CmapSource(
            conf=self.conf,
            node_id=self.node_id,
            address=self._settings.address,
            counters=self.totem.counters,
            members=self.totem.member_records,
            quorum=self._quorum,
            traffic={kind: (sent, received) for kind, (sent, received) in self._traffic.items()},
            queue_length=self.totem.queue_length,
            connections=event.connections,
            connections_closed=event.closed,
            links=event.links,
            networks=self._networks.statuses(),
            now=self._out.now,
            token_at=self.totem.token_at,
        )
        return cmap.read(source, prefix=prefix, map_name=map_name)

    # ---- the stream ----------------------------------------------------------------------------

    def multicast(self, message: Message, *, safe: bool) -> bool:
        """Give the ring a message; False where it takes no more."""
        taken = self.totem.multicast(encode(message), safe=safe, now=self._out.now)
        self._count(message, 0)
        return taken

    def read(self, event: Delivered) -> Message | None:
        """The message of a delivery; None, and a line in the log, where it is none."""
        try:
            message = decode(event.payload)
        except RemoteProtocolError as error:
            self._out.log("warning", "CIB", f"Dropped a message of node {event.sender}: {error}")
            return None
        self._count(message, 1)
        return message

    def _count(self, message: Message, direction: int) -> None:
        # What votequorum tells by messages of its own travels in our summaries.
        kind = cmap.VOTEQUORUM_NODEINFO if isinstance(message, Summary) else cmap.CPG_MULTICAST
        self._traffic.setdefault(kind, [0, 0])[direction] += 1

    # ---- what happens --------------------------------------------------------------------------

    def start(self) -> None:
        """The node is up."""
        self.totem.start(self._out.now)
        self._networks.start(self._out.now)

    def receive(self, event: DatagramReceived) -> None:
        """A datagram came over one of the networks."""
        source = self._networks.receive(event.ring, event.source, event.data, self._out.now)
        if source is not None:
            self.totem.receive_datagram(event.data, source, self._out.now)
        self._log_networks()

    def expect(self, votes: int) -> None:
        """The administrator sets the expected votes."""
        self._set_quorum(expect(self._quorum, votes))

    def weigh(self, node: int, votes: int) -> bool:
        """The administrator sets the votes of a member. Only where there is a quorum without them.

        If a side could give itself votes, it would go on beside the others. Who hears of it as the
        ring breaks only expects them: he cannot know whether others have heard of it before.
        """
        if self.changing:
            self._set_quorum(foresee(self._quorum, node, votes))
        if self.changing or self._unproved or not self.quorate:
            return False
        if node == self.node_id:
            self._own_votes = votes
        self._set_quorum(weigh(self._quorum, node, votes))
        return True

    def reform(self) -> None:
        """Form a ring of the same members, so that its view has what was changed."""
        self.totem.reform(self._out.now)

    def use_conf(self, conf: CorosyncConf) -> list[str]:
        """Take over a corosync.conf; the names of entries that need a restart are returned."""
        fixed = [name for name in _FIXED if getattr(conf.totem, name) != _get(self.conf, name)]
        kept = {name: _get(self.conf, name) for name in _FIXED}
        names = [f"totem.{name}" for name in fixed]
        if conf.interfaces != self.conf.interfaces:
            names.append("totem.interface")
        if [node.address for node in conf.nodes] != [node.address for node in self.conf.nodes]:
            names.append("nodelist")
        totem = replace(conf.totem, **kept)
        self.conf = replace(conf, totem=totem, interfaces=self.conf.interfaces)
        self.totem.reconfigure(totem)
        self._networks.reconfigure(totem)
        self._networks.meet({n.address: n.second_address for n in conf.nodes if n.second_address})
        # A node that was added since this one started has its name in the file alone.
        self._names |= {node.node_id: node.name for node in conf.nodes if node.name}
        self._names[self.node_id] = self._settings.node
        self._own_votes = conf.votes_of(self.node_id)
        self._set_quorum(reconfigured(self._quorum, QuorumRules.of(conf), self._own_votes))
        return names

    def reenable_rings(self) -> None:
        """Use faulty networks again, here and on all other nodes."""
        self._due += self._networks.reenable()
        self._log_networks()

    def _log_networks(self) -> None:
        for report in self._networks.take_reports():
            self._out.log(report.level, "TOTEM", report.text)

    def handle_timer(self) -> None:
        """``next_deadline`` may have come."""
        self.totem.handle_timer(self._out.now)
        if self._networks.redundant:
            self._due += self._networks.handle_timer(self._out.now, self._others())
            self._log_networks()
        if self._window_at is not None and self._window_at <= self._out.now:
            self._set_quorum(window_over(self._quorum))

    def next_event(self) -> ConfigurationChanged | Delivered | None:
        """The next event of the ring that others must know; the rest is dealt with here."""
        while (event := self.totem.next_event()) is not None:
            match event:
                case ConfigurationChanged() | Delivered():
                    return event
                case RingSequenceChanged(sequence=sequence):
                    self._out.persist(SaveRing(sequence=sequence))
                case Reported(level=level, text=text):
                    self._out.log(level, "TOTEM", text)
        return None

    def _others(self) -> list[str]:
        """The addresses of the other members."""
        totem = self.totem
        found = (totem.address_of(node) for node in totem.members if node != self.node_id)
        return [address for address in found if address is not None]

    def datagrams(self) -> list[SendDatagram]:
        """What the ring wants sent, and its networks."""
        due, self._due = self._due, []
        for destination, data in self.totem.datagrams_to_send():
            due += self._networks.send(destination, data)
        return [
            SendDatagram(destination=each.destination, data=each.data, ring=each.ring)
            for each in due
        ]

    def on_configuration(self, event: ConfigurationChanged) -> ViewSetting | None:
        """A configuration begins; None for a transitional one, in which the old rules go on."""
        self.changing = event.kind is not ConfigurationKind.REGULAR
        if self.changing:
            return None
        ring = event.ring
        changes = ""
        if event.joined:
            changes += f" Members joined: {_ids(event.joined)}"
        if event.left:
            changes += f" Members left: {_ids(event.left)}"
        address = self.totem.address_of(ring.representative) or str(ring.representative)
        self._out.log(
            "notice",
            "TOTEM",
            f"A new membership ({address}:{ring.sequence}) was formed.{changes}",
        )
        self._view = (ring.representative, ring.sequence)
        self._unproved = True
        # What the others expect comes with their summaries; until then their votes must do.
        voters = {node: Voter(votes=self._votes_of(node)) for node in event.members}
        self._set_quorum(changed(self._quorum, voters, departed=event.departed))
        stayed = sum(voter.votes for node, voter in voters.items() if node not in event.joined)
        self.stayed = 2 * stayed > self._quorum.expected_votes
        self.changes += 1
        members = f"Members[{len(event.members)}]: {_ids(event.members)}"
        self._out.log("notice", "QUORUM", members)
        return self._setting()

    def judge(self, summaries: Mapping[int, Summary]) -> ViewSetting:
        """The quorum of the view, now that every member has told what it expects.

        All members have the same summaries and come to the same result.
        """
        voters = {
            node: Voter(votes=s.votes, expected_votes=s.expected_votes, ready=s.ready)
            for node, s in sorted(summaries.items())
        }
        state = self._quorum
        ties = {summary.tie_breaker for summary in summaries.values()} - {0}
        if ties:
            # Who does not know all nodes goes by those who do: it may know one that they have
            # given up, and would look there for the tie breaker.
            known = state.known if state.all_known else frozenset(summaries)
            state = replace(state, known=known | ties, all_known=True)
        self._set_quorum(changed(state, voters))
        self._compare_rules(summaries)
        return self._setting()

    def _compare_rules(self, summaries: Mapping[int, Summary]) -> None:
        """Members that go by other rules may each see another quorum, and nobody serves then."""
        nodes: dict[str, list[str]] = {}
        for _, summary in sorted(summaries.items()):
            nodes.setdefault(summary.rules, []).append(summary.name)
        told = "; ".join(f"{' '.join(names)}: {rules}" for rules, names in nodes.items())
        before, self._unequal_rules = self._unequal_rules, told if len(nodes) > 1 else ""
        if self._unequal_rules not in ("", before):
            text = f"The quorum sections of the nodes' corosync.conf differ ({told})"
            self._out.log("warning", "QUORUM", f"{text}: perhaps nobody provides service")

    def made(self, *, hollow: bool) -> None:
        """The view is made; ``hollow``: its quorum does not count (``views.weigh``).

        Where it does not, or before, nobody is forgotten (last_man_standing): in the next ring all
        expected votes could be here, and what the absent have acknowledged would be lost.
        """
        self._unproved = hollow
        self._set_quorum(self._quorum)

    def _votes_of(self, node: int) -> int:
        voter = self._quorum.members.get(node)
        if voter is not None:
            return voter.votes
        listed = any(node == each.node_id for each in self.conf.nodes)
        # Without a list ``votes`` are this node's own. If it took the others to have as many, these
        # would be expected for good, and could end the wait for all nodes.
        votes = self.conf.votes_of(node)
        return votes if listed or node == self.node_id else min(votes, 1)

    def _setting(self) -> ViewSetting:
        state = self._quorum
        # The half that has the tie breaker has fewer votes than a quorum: it takes all of them. So
        # do two nodes of which one is enough: whichever goes on alone has what was acknowledged.
        needed = votes_needed(state.expected_votes)
        needed = min(needed, state.total_votes) if state.quorate else state.quorum
        return ViewSetting(
            view=self._view,
            votes={node: voter.votes for node, voter in state.members.items()},
            quorate=state.quorate,
            quorum=needed,
            expected_votes=state.expected_votes,
        )

    def _set_quorum(self, state: Quorum) -> None:
        was, self._quorum = self._quorum, state
        self.changes += state != was
        if state.quorate and not was.quorate:
            text = "This node is within the primary component and will provide service."
            self._out.log("notice", "QUORUM", text)
        elif was.quorate and not state.quorate:
            text = (
                "This node is within the non-primary component and will NOT provide any services."
            )
            self._out.log("notice", "QUORUM", text)
        if not state.window_open or self._unproved:
            self._window_at = None
        elif self._window_at is None or state.members.keys() != was.members.keys():
            window_s = state.rules.last_man_standing_window_ms / 1000
            self._window_at = self._out.now + window_s

    def synchronized(self) -> None:
        """The view is made: every member has the same."""
        text = "Completed service synchronization, ready to provide service."
        self._out.log("notice", "MAIN", text)


# Entries of the totem section that a running node cannot change.
_FIXED = (
    *("transport", "secauth", "crypto_cipher", "crypto_hash", "keyfile", "key"),
    *("rrp_mode", "netmtu", "nodeid", "clear_node_high_bit"),
)


def _get(conf: CorosyncConf, name: str) -> Any:
    return getattr(conf.totem, name)


def _networks_of(settings: NodeSettings) -> list[NetworkAddresses]:
    """The networks of a node, the others' addresses by those on ring 0: names join them."""
    at_home = {name: address for address, name in settings.peers.items()}
    more = [
        NetworkAddresses(
            number,
            ring.address,
            {at_home[name]: address for address, name in ring.peers.items() if name in at_home},
        )
        for number, ring in enumerate(settings.more_rings, 1)
    ]
    return [NetworkAddresses(0, settings.address), *more]


def _ids(nodes: tuple[int, ...]) -> str:
    return " ".join(str(node) for node in nodes)
