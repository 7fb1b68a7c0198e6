"""``corosync-cfgtool``: the state of the ring's networks, as text.

Input: a node's ``MembershipReply``. Output: text with a newline at the end. The layout of the
status is that of Corosync 2 (``Printing ring status.``, a ``RING ID`` per network), that of the
nodes Corosync 3's.
"""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.views.text import joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.wire.control import Link, MembershipReply


def ring_status(
    membership: MembershipReply, links: Sequence[Link] | None = None, *, brief: bool = False
) -> str:
    """What ``corosync-cfgtool -s`` prints, of some of the networks; ``brief``: -b."""
    lines = ["Printing ring status.", f"Local node ID {membership.node_id}"]
    for link in membership.links if links is None else links:
        state = f"ring {link.number} active with no faults"
        if link.faulty:
            state = f"Marking ringid {link.number} interface {link.address} FAULTY"
        if brief:
            state = "FAULTY" if link.faulty else "OK"
        lines += [f"RING ID {link.number}", f"        id      = {link.address}"]
        lines.append(f"        status  = {state}")
    return joined(lines) + "\n"


def node_addresses(membership: MembershipReply, node_id: int) -> str | None:
    """What ``corosync-cfgtool -a ID`` prints: the node's addresses; None if it is no member."""
    member = next((m for m in membership.members if m.node_id == node_id), None)
    return " ".join((member.address, *member.more_addresses)) + "\n" if member else None


def node_status(membership: MembershipReply) -> str:
    """What ``corosync-cfgtool -n`` prints: the links to every other node, as seen from here."""
    blocks = [f"Local node ID {membership.node_id}, transport udp"]
    for member in membership.members:
        if member.node_id == membership.node_id:
            continue
        lines = [f"nodeid: {member.node_id} {'reachable' if member.joined else 'unreachable'}"]
        theirs = (member.address, *member.more_addresses)
        for link, address in zip(membership.links, theirs, strict=False):
            connected = member.joined and not link.faulty
            state = "enabled connected" if connected else "enabled disconnected"
            lines.append(f"   LINK: {link.number} udp ({link.address}->{address}) {state}")
        blocks.append(joined(lines) + "\n")
    return "\n".join(blocks) + "\n"
