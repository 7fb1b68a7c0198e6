"""What Totem is told and what it tells: states, events, counters, limits.

Only values live here; the state machine is in ``totem`` and its rooms.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import Enum

from crmsh_py.wire.datagram import MAX_MEMBERS, RingId

# The envelope that authenticates (and encrypts) a datagram, and the headers of IP and UDP.
ENVELOPE_BYTES = 100
IP_UDP_BYTES = 28
# A Multicast's own fields, and what Recovered adds around it: at most five ids and six numbers.
HEADER_BYTES = 120

RING_STEP = 4  # the sequence of a new ring is this much above the highest one known
# How much higher than all that this node knows a ring's number may be: it gets there in no life of
# a cluster, and one that says so must not take the others' numbers to where they have an end.
MAX_JUMP = 2**40
MAX_PAYLOAD_BYTES = 64 * 1024 * 1024  # a CIB of 10 MB with room; more is refused
MAX_QUEUED_BYTES = 96 * 1024 * 1024
MAX_QUEUED_PAYLOADS = 10_000
MAX_AHEAD = 4096  # messages that may be under way beyond the last one that everybody has
MAX_PAST_RINGS = 16  # rings whose stray messages are recognised as our own past


class State(Enum):
    """The four states of the protocol."""

    OPERATIONAL = "operational"
    GATHER = "gather"
    COMMIT = "commit"
    RECOVERY = "recovery"


class ConfigurationKind(Enum):
    """Extended virtual synchrony has two kinds of configuration."""

    REGULAR = "regular"
    TRANSITIONAL = "transitional"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationChanged:
    """A configuration begins; every later delivery belongs to it.

    A TRANSITIONAL one holds those of the old ring's members that go on together: what could not
    be delivered in the old ring any more with its guarantees is delivered there. A REGULAR one
    is the new ring. ``joined`` and ``left`` are the differences to the regular configuration
    before (a node that was away in between stands in both); both are empty in a transitional one.
    ``departed`` are those of ``left`` that have said so.
    """

    kind: ConfigurationKind
    ring: RingId
    members: tuple[int, ...]
    joined: tuple[int, ...] = ()
    left: tuple[int, ...] = ()
    departed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A payload has its place in the order: every member of the configuration sees it here.

    ``ring`` and ``sequence`` name the message in which it ended; together with the order of
    delivery they are equal on all nodes. ``safe`` as it was sent.
    """

    sender: int
    payload: bytes
    safe: bool
    ring: RingId
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RingSequenceChanged:
    """This sequence must be on the disk before any datagram that is sent after this event."""

    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A line for the log, subsystem TOTEM."""

    level: str
    text: str


TotemEvent = ConfigurationChanged | Delivered | RingSequenceChanged | Reported


@dataclass(slots=True)
class Counters:
    """Corosync's runtime.totem.pg.mrp.srp.* by their own names; all start at 0."""

    avg_backlog_calc: int = 0
    avg_token_workload: int = 0
    commit_entered: int = 0
    commit_token_lost: int = 0
    consensus_timeouts: int = 0
    continuous_gather: int = 0
    continuous_sendmsg_failures: int = 0
    firewall_enabled_or_nic_failure: int = 0
    gather_entered: int = 0
    gather_token_lost: int = 0
    mcast_retx: int = 0
    mcast_rx: int = 0
    mcast_tx: int = 0
    memb_commit_token_rx: int = 0
    memb_commit_token_tx: int = 0
    memb_join_rx: int = 0
    memb_join_tx: int = 0
    memb_merge_detect_rx: int = 0
    memb_merge_detect_tx: int = 0
    mtt_rx_token: int = 0
    operational_entered: int = 0
    operational_token_lost: int = 0
    orf_token_rx: int = 0
    orf_token_tx: int = 0
    recovery_entered: int = 0
    recovery_token_lost: int = 0
    rx_msg_dropped: int = 0
    token_hold_cancel_rx: int = 0
    token_hold_cancel_tx: int = 0

    def values(self) -> tuple[tuple[str, int], ...]:
        """Names and values, in the order of the names."""
        return tuple((each.name, getattr(self, each.name)) for each in fields(self))


@dataclass(slots=True)
class MemberRecord:
    """What corosync-cmapctl shows of a node that was seen: runtime.totem.…members.<id>.*."""

    node_id: int
    address: str
    join_count: int = 0
    joined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what is kept in memory; each is reached only by mistake or malice."""

    payload_bytes: int = MAX_PAYLOAD_BYTES
    queued_bytes: int = MAX_QUEUED_BYTES
    queued_payloads: int = MAX_QUEUED_PAYLOADS
    members: int = MAX_MEMBERS
    ahead: int = field(default=MAX_AHEAD)
