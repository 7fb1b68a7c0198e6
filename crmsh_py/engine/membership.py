"""The ring and its quorum, as the rest of the node uses them.

Totem says who is a member and carries the messages; votequorum says whether that is enough. This
module puts both together: it turns a new ring into a ``ViewSetting``, writes the log lines that
administrators know from Corosync, and answers for ``corosync-cfgtool`` and ``-quorumtool``.
"""

from __future__ import annotations

from collections.abc import Mapping

from crmsh_py.corosync_conf import CorosyncConf
from crmsh_py.engine.api import SaveRing, SendDatagram
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.totem import (
    ConfigurationChanged,
    Delivered,
    Reported,
    RingSequenceChanged,
    Totem,
)
from crmsh_py.engine.totem_values import ConfigurationKind
from crmsh_py.engine.views import ViewSetting
from crmsh_py.wire.control import CmapKey, Member, MembershipReply
from crmsh_py.wire.settings import NodeSettings


class Membership:
    """One node's place in the ring."""

    def __init__(
        self,
        settings: NodeSettings,
        conf: CorosyncConf,
        outbox: Outbox,
        *,
        ring_sequence: int,
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
            addresses=self._known,
        )
        self.quorate = False

    # ---- reading -------------------------------------------------------------------------------

    def name_of(self, node_id: int) -> str:
        """A node's name as the settings have it, else its address, else its id."""
        return self._names.get(node_id) or self.totem.address_of(node_id) or str(node_id)

    @property
    def votes(self) -> dict[int, int]:
        """The votes of the members."""
        return {node: self.conf.votes_of(node) for node in self.totem.members}

    @property
    def quorum(self) -> int:
        """The votes that are needed."""
        return self.conf.expected_votes // 2 + 1

    def reply(self, *, manager_running: bool, dc: str) -> MembershipReply:
        """Ring and quorum for the tools."""
        totem = self.totem
        ring = totem.ring_id
        votes = self.votes
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
                    votes=votes[node],
                )
                for node in totem.members
            ],
            quorate=self.quorate,
            expected_votes=self.conf.expected_votes,
            highest_expected=self.conf.expected_votes,
            total_votes=sum(votes.values()),
            quorum=self.quorum,
            manager_running=manager_running,
            dc=dc,
        )

    def next_deadline(self) -> float | None:
        """When the ring or the quorum must look at the time."""
        return self.totem.next_timer()

    def cmap_keys(self, prefix: str, map_name: str) -> list[CmapKey]:
        """Keys for corosync-cmapctl."""
        return []

    # ---- what happens --------------------------------------------------------------------------

    def handle_timer(self) -> None:
        """``next_deadline`` may have come."""
        self.totem.handle_timer(self._out.now)

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

    def datagrams(self) -> list[SendDatagram]:
        """What the ring wants sent."""
        return [
            SendDatagram(destination=destination, data=data)
            for destination, data in self.totem.datagrams_to_send()
        ]

    def on_configuration(self, event: ConfigurationChanged) -> ViewSetting | None:
        """A configuration begins; None for a transitional one, in which the old rules go on."""
        if event.kind is not ConfigurationKind.REGULAR:
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
        votes: Mapping[int, int] = {n: self.conf.votes_of(n) for n in event.members}
        self._set_quorate(sum(votes.values()) >= self.quorum)
        members = f"Members[{len(event.members)}]: {_ids(event.members)}"
        self._out.log("notice", "QUORUM", members)
        return ViewSetting(
            view=(ring.representative, ring.sequence),
            votes=votes,
            quorate=self.quorate,
            quorum=self.quorum,
        )

    def _set_quorate(self, quorate: bool) -> None:
        if quorate and not self.quorate:
            text = "This node is within the primary component and will provide service."
            self._out.log("notice", "QUORUM", text)
        elif self.quorate and not quorate:
            text = (
                "This node is within the non-primary component and will NOT provide any services."
            )
            self._out.log("notice", "QUORUM", text)
        self.quorate = quorate

    def synchronized(self) -> None:
        """The view is made: every member has the same."""
        text = "Completed service synchronization, ready to provide service."
        self._out.log("notice", "MAIN", text)


def _ids(nodes: tuple[int, ...]) -> str:
    return " ".join(str(node) for node in nodes)
