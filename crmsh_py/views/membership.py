"""Ring, quorum and keys of a node for programs: what ``corosync`` commands show, as records."""

from __future__ import annotations

from collections.abc import Iterable

from crmsh_py.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.wire.control import CmapKey, MembershipReply


@frozen(kw_only=True)
class MemberRecord:
    """One node of the ring; ``joined`` tells whether it is in it now."""

    name: str
    node_id: int
    address: str
    votes: int
    joined: bool


@frozen(kw_only=True)
class LinkRecord:
    """One of the networks that carry the ring: the node's address there, and whether it works."""

    ring: int
    address: str
    faulty: bool


@frozen(kw_only=True)
class Membership:
    """Ring and quorum as one node sees them."""

    node: str
    node_id: int
    ring_id: str
    links: tuple[LinkRecord, ...]
    quorate: bool
    expected_votes: int
    total_votes: int
    quorum: int
    flags: tuple[str, ...]
    dc: str
    members: tuple[MemberRecord, ...]


@frozen(kw_only=True)
class Key:
    """One typed key of Corosync's map."""

    name: str
    type: str
    value: str


@frozen(kw_only=True)
class Keys:
    """Keys in the order of their names."""

    keys: tuple[Key, ...]


def membership(reply: MembershipReply) -> Membership:
    """The answer of a node as a record."""
    members = tuple(
        MemberRecord(
            name=m.name, node_id=m.node_id, address=m.address, votes=m.votes, joined=m.joined
        )
        for m in reply.members
    )
    return Membership(
        node=reply.node,
        node_id=reply.node_id,
        ring_id=f"{reply.ring_representative}.{reply.ring_sequence:x}",
        links=tuple(
            LinkRecord(ring=link.number, address=link.address, faulty=link.faulty)
            for link in reply.links
        ),
        quorate=reply.quorate,
        expected_votes=reply.expected_votes,
        total_votes=reply.total_votes,
        quorum=reply.quorum,
        flags=tuple(reply.flags),
        dc=reply.dc,
        members=members,
    )


def keys(found: Iterable[CmapKey]) -> Keys:
    """Keys as a record."""
    return Keys(keys=tuple(Key(name=k.name, type=k.type, value=k.value) for k in found))
