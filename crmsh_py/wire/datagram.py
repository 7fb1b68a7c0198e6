"""Messages of the Totem ring: what one datagram between nodes holds.

A datagram is one message, MessagePack arrays with the message's letter first. Its authenticity is
the transport's matter; its sense is checked twice: here for types and sizes, and by the state
machine for what fits its ring. Nothing here is trusted: ``decode`` raises RemoteProtocolError for
anything that is not exactly a message, and allocates no more than the datagram's own size.

    letter  message      sent to     in the paper
    t       Token        successor   regular token
    m       Multicast    everybody   regular message; its fragments and packs are Corosync's idea
    r       Recovered    everybody   a message of an old ring, sent again on the new one
    j       Join         everybody   join message
    c       CommitToken  successor   commit token
    d       MergeDetect  everybody   Corosync: lets rings find each other when nothing is sent
    h       HoldCancel   everybody   Corosync: asks the holder of an idle token to pass it on
    p       Probe        everybody   of two redundant networks: whether this one works

Source: Amir, Moser, Melliar-Smith, Agarwal, Ciarfella: The Totem Single-Ring Ordering and
Membership Protocol, ACM TOCS 13(4), 1995.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import msgspec

from crmsh_py.errors import RemoteProtocolError

MAX_MEMBERS = 64
MAX_REQUESTS = 64  # retransmission requests in one token
MAX_DATAGRAM = 65_507  # the largest UDP payload over IPv4
_MAX_CHUNKS = 1024
_MAX_NUMBER = 2**62  # sequence numbers never come near it

NodeId = Annotated[int, msgspec.Meta(ge=1, le=0xFFFFFFFF)]
MaybeNodeId = Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]  # 0: nobody
Number = Annotated[int, msgspec.Meta(ge=0, le=_MAX_NUMBER)]
Members = Annotated[tuple[NodeId, ...], msgspec.Meta(max_length=MAX_MEMBERS)]
Chunks = Annotated[tuple[bytes, ...], msgspec.Meta(max_length=_MAX_CHUNKS)]


class RingId(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, order=True):
    """The name of a configuration: later rings have greater sequences.

    Representative 0 stands for "no ring yet": what a node has before its first one. ``boot`` is
    a number that the representative drew when it started: one that has lost its disk, and with
    it its sequence, makes no ring that there was before.
    """

    sequence: Number
    representative: MaybeNodeId
    boot: Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)] = 0

    def __str__(self) -> str:
        return f"{self.representative}.{self.sequence:x}"


class Datagram(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, kw_only=True
):
    """Base of all messages of the ring."""


class Token(Datagram, frozen=True, kw_only=True, tag="t"):
    """The right to send. ``hop`` grows by one with every node that passes it on.

    ``aru`` (all received up to) is the highest number such that every member seems to have every
    message up to it; ``aru_holder`` is the node that lowered it, 0 for none. ``requests`` are
    the numbers of messages that somebody misses. ``window`` counts the messages sent in the last
    rotation, ``backlog`` those that wait. ``recovering`` is set while somebody still has old
    messages to send again; ``recovered`` is the number of the last such message.
    """

    ring: RingId
    hop: Number
    sequence: Number
    aru: Number
    aru_holder: MaybeNodeId
    window: Number
    backlog: Number
    recovering: bool
    recovered: Number
    requests: Annotated[tuple[Number, ...], msgspec.Meta(max_length=MAX_REQUESTS)]


class Multicast(Datagram, frozen=True, kw_only=True, tag="m"):
    """Application data with its place in the ring's total order.

    ``chunks`` are whole payloads, except that the first may continue one of an earlier message
    of the same sender (``continues``) and the last may go on in the next one (``unfinished``).
    """

    ring: RingId
    sequence: Number
    sender: NodeId
    safe: bool
    continues: bool
    unfinished: bool
    chunks: Chunks


class Recovered(Datagram, frozen=True, kw_only=True, tag="r"):
    """A message of an old ring with a place in the new ring's order."""

    ring: RingId
    sequence: Number
    sender: NodeId
    message: Multicast


class Join(Datagram, frozen=True, kw_only=True, tag="j"):
    """Whom the sender takes for alive (``processors``) and which of these it takes for failed.

    A sender that stands in its own ``failed`` set is leaving.
    """

    sender: NodeId
    processors: Members
    failed: Members
    ring_sequence: Number


class CommitEntry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What one member brings from its old ring: the state of its messages.

    ``owed`` are the senders whose messages this member must deliver even behind a gap, because
    an earlier recovery had come so far that others may have delivered them.
    """

    old_ring: RingId
    aru: Number
    delivered: Number
    owed: Members


class CommitToken(Datagram, frozen=True, kw_only=True, tag="c"):
    """The proposed ring. In rotation 0 every member adds its entry, in rotation 1 all read them."""

    ring: RingId
    rotation: Annotated[int, msgspec.Meta(ge=0, le=1)]
    members: Members
    entries: Annotated[tuple[CommitEntry, ...], msgspec.Meta(max_length=MAX_MEMBERS)]


class MergeDetect(Datagram, frozen=True, kw_only=True, tag="d"):
    """The representative of a ring says that the ring exists."""

    ring: RingId
    sender: NodeId


class HoldCancel(Datagram, frozen=True, kw_only=True, tag="h"):
    """The sender has something to say and waits for the token."""

    ring: RingId
    sender: NodeId


class Probe(Datagram, frozen=True, kw_only=True, tag="p"):
    """The sender is there, on the network that carries this.

    ``enable``: an administrator says that all networks work again.
    """

    sender: NodeId
    enable: bool


Message = Token | Multicast | Recovered | Join | CommitToken | MergeDetect | HoldCancel | Probe


class Kind(Enum):
    """The letter of a message, which can be read without the rest."""

    TOKEN = "t"  # noqa: S105 - the ring's, nobody's password
    MULTICAST = "m"
    RECOVERED = "r"
    JOIN = "j"
    COMMIT_TOKEN = "c"  # noqa: S105
    MERGE_DETECT = "d"
    HOLD_CANCEL = "h"
    PROBE = "p"


_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    """The bytes of one datagram."""
    return _ENCODER.encode(message)


def decode(data: bytes) -> Message:
    """The message of one datagram; RemoteProtocolError where it is none."""
    if len(data) > MAX_DATAGRAM:
        raise RemoteProtocolError(f"a datagram of {len(data)} bytes")
    try:
        return _DECODER.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        # ValueError: text that is no UTF-8; RecursionError: arrays in arrays in arrays.
        raise RemoteProtocolError(f"not a message of the ring: {error}") from error


_KINDS = {b"\xa1" + kind.value.encode(): kind for kind in Kind}


def kind_of(data: bytes) -> Kind | None:
    """The kind of a datagram that ``encode`` has made; of others, a guess or None.

    An array of MessagePack with less than 16 parts has a head of one byte; the letter follows.
    """
    return _KINDS.get(data[1:3])
