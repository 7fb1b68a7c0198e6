"""What all rooms of Totem share: the machine's variables, its outbox, its timers.

Role: ``Machine`` holds the state of one member and offers the few effects that handlers have
(send, arm, emit), all of which only fill lists. The handlers live in ``totem_membership`` (gather
and commit), ``totem_token`` (operational) and ``totem_recovery``; ``totem`` holds the tables.

A handler never changes the state itself: it returns a ``Shift``, and the driver in ``totem``
carries it out by calling the ``enter`` function of that state. So all role changes are in one
place, and the diagram of docs/membership.md can be read from the tables.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from crmsh_py.corosync_conf import TotemSettings
from crmsh_py.engine.api import EVERYBODY
from crmsh_py.engine.totem_queue import Assembler, SendQueue
from crmsh_py.engine.totem_ring import Ring
from crmsh_py.engine.totem_values import (
    ENVELOPE_BYTES,
    HEADER_BYTES,
    IP_UDP_BYTES,
    MAX_PAST_RINGS,
    Counters,
    Delivered,
    Limits,
    MemberRecord,
    State,
    TotemEvent,
)
from crmsh_py.wire.datagram import (
    CommitEntry,
    CommitToken,
    Join,
    Message,
    Multicast,
    RingId,
    Token,
    encode,
)


class Timer(IntEnum):
    """The timers; of two that are due at once the lower is handled first."""

    TOKEN_LOSS = 1  # the ring is broken
    CONSENSUS = 2  # who has not agreed by now has failed
    JOIN = 3  # say again whom we know
    TOKEN_RETRANSMIT = 4  # send the last token again: it, or its successor, may be lost
    HOLD = 5  # pass an idle token on
    MERGE_DETECT = 6  # say that this ring exists


# ---- changes of state, as values ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToGather:
    """Form a new membership, for this cause (a word for the log).

    ``join`` is the Join that made the sets grow, if it was one: it may already be its sender's
    agreement.
    """

    cause: str
    join: Join | None = None


@dataclass(frozen=True, slots=True)
class ToCommit:
    """Everybody agrees: take part in the proposed ring. ``token`` waits for this node's entry."""

    token: CommitToken


@dataclass(frozen=True, slots=True)
class ToRecovery:
    """The ring is agreed on: exchange the old rings' messages. ``token`` has all entries."""

    token: CommitToken


@dataclass(frozen=True, slots=True)
class ToOperational:
    """All old messages are everywhere: install the new ring."""


Shift = ToGather | ToCommit | ToRecovery | ToOperational


# ---- the variables ------------------------------------------------------------------------------


@dataclass(slots=True)
class Rotation:
    """What a member remembers of the token between two visits, on one ring."""

    hop: int = -1  # of the last token that was taken
    departed_aru: int = 0  # the token's aru when it was passed on
    departed_sequence: int = 0
    unchanged: int = 0  # visits in a row in which nothing was sent by anybody
    stuck: int = 0  # visits in a row in which somebody's aru did not rise
    sent: int = 0  # messages sent in the last visit: its part of the token's window
    backlog: int = 0  # this node's part of the token's backlog
    arrived_at: float | None = None


@dataclass(slots=True)
class Recovery:
    """What a member remembers while it recovers (the paper's names in brackets)."""

    token: CommitToken
    survivors: tuple[int, ...]  # members that come from the same old ring [my_trans_memb]
    entries: Mapping[int, CommitEntry]
    to_send: dict[int, Multicast]  # old messages that others may lack [retrans_message_queue]
    owed: frozenset[int]  # senders that are delivered even behind a gap [my_deliver_memb]
    flagged: bool = False  # the token's ``recovering`` was set by this node
    quiet: int = 0  # visits in a row without it [my_retrans_flg_count]
    settled: int = 0  # visits in a row whose aru covers all recovered messages
    first_token_sent: bool = False  # by the representative


@dataclass(frozen=True, slots=True)
class Estranged:
    """A node that is heard and was lost all the same (``totem_estranged``)."""

    pause_s: float  # how long it is left alone
    until: float
    joins: bool  # it sent joins in vain, not only merge detects


class Machine:
    """One member. See the module's docstring for who may change what."""

    def __init__(
        self,
        node_id: int,
        address: str,
        settings: TotemSettings,
        *,
        ring_sequence: int,
        boot: int,
        addresses: Mapping[int, str],
        limits: Limits,
    ) -> None:
        self.node_id = node_id
        self.settings = settings
        self.limits = limits
        self.state = State.GATHER
        self.counters = Counters()
        self.addresses: dict[int, str] = {**addresses, node_id: address}
        self.fixed_addresses = frozenset(addresses)
        self.records: dict[int, MemberRecord] = {}
        # Rings. ``old`` is the ring before while a new one recovers, and else None.
        self.ring = Ring(RingId(ring_sequence, 0), (node_id,))
        self.old: Ring | None = None
        self.boot = boot
        self.highest_sequence = ring_sequence  # of any ring that this node took part in
        self.past_rings: deque[RingId] = deque(maxlen=MAX_PAST_RINGS)
        # Membership.
        self.processors: set[int] = {node_id}
        self.failed: set[int] = set()
        self.agreed: set[int] = set()
        self.join_sequences: dict[int, int] = {}
        self.announced_leave: set[int] = set()
        self.owed: frozenset[int] = frozenset()  # see CommitEntry
        self.left = False
        self.lost_members: tuple[int, ...] = ()  # of proposals that got lost, and how many
        self.lost_proposals = 0
        self.heard: dict[int, bool] = {}  # while gathering: who, and whether by a Join
        self.estranged: dict[int, Estranged] = {}
        # The token.
        self.rotation = Rotation()
        self.recovery: Recovery | None = None
        self.held: Token | None = None
        self.last_token: Token | CommitToken | None = None
        # Data.
        room = settings.netmtu - IP_UDP_BYTES - ENVELOPE_BYTES - HEADER_BYTES
        self.queue = SendQueue(room, limits)
        self.assembler = Assembler(limits)
        # Out.
        self.outbox: list[tuple[str, bytes]] = []
        self.events: deque[TotemEvent] = deque()
        self.payloads_sent = 0
        self.payloads_delivered = 0
        self.timers: dict[Timer, float] = {}

    # -- effects

    def send(self, node_id: int, message: Message) -> None:
        """To one member; nothing where its address is unknown (it cannot be in a ring then)."""
        address = self.addresses.get(node_id)
        if address is not None:
            self.outbox.append((address, encode(message)))

    def multicast(self, message: Message) -> None:
        """To everybody that listens, in whatever ring."""
        self.outbox.append((EVERYBODY, encode(message)))

    def emit(self, event: TotemEvent) -> None:
        """Tell the application; in order."""
        self.events.append(event)

    def arm(self, timer: Timer, now: float, milliseconds: float) -> None:
        """(Re)start a timer."""
        self.timers[timer] = now + milliseconds / 1000

    def cancel(self, *timers: Timer) -> None:
        """Stop timers, running or not."""
        for timer in timers:
            self.timers.pop(timer, None)

    def drop(self) -> None:
        """Count a datagram that made no sense."""
        self.counters.rx_msg_dropped += 1

    def deliver(self, message: Multicast) -> None:
        """Emit the payloads that end in this message."""
        for payload in self.assembler.take(message):
            self.payloads_delivered += 1
            self.emit(
                Delivered(
                    sender=message.sender,
                    payload=payload,
                    safe=message.safe,
                    ring=message.ring,
                    sequence=message.sequence,
                )
            )

    # -- questions

    @property
    def alone(self) -> bool:
        """The ring has no other member."""
        return len(self.ring.members) == 1

    @property
    def is_representative(self) -> bool:
        """Of the current ring."""
        return self.ring.representative == self.node_id

    def agreed_members(self) -> tuple[int, ...]:
        """Those that would form the new ring: known and not failed."""
        return tuple(sorted(self.processors - self.failed))
