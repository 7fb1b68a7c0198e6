"""``corosync-cfgtool``: the state of the ring's links, as text.

Input: a node's ``MembershipReply``. Output: text with a newline at the end. The layout is that of
Corosync 2 (``Printing ring status.``, one ``RING ID`` with id and status).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crmsh_py.wire.control import MembershipReply


def ring_status(membership: MembershipReply) -> str:
    """What ``corosync-cfgtool -s`` prints."""
    own = next((m for m in membership.members if m.node_id == membership.node_id), None)
    return (
        "Printing ring status.\n"
        f"Local node ID {membership.node_id}\n"
        "RING ID 0\n"
        f"        id      = {own.address if own else ''}\n"
        f"        status  = ring 0 {membership.link_status}\n"
    )


def node_addresses(membership: MembershipReply, node_id: int) -> str | None:
    """What ``corosync-cfgtool -a ID`` prints: the node's addresses; None if it is no member."""
    member = next((m for m in membership.members if m.node_id == node_id), None)
    return f"{member.address}\n" if member else None


def node_status(membership: MembershipReply) -> str:
    """What ``corosync-cfgtool -n`` prints: the links to every other node, as seen from here."""
    own = next((m for m in membership.members if m.node_id == membership.node_id), None)
    blocks = [f"Local node ID {membership.node_id}, transport udp"]
    for member in membership.members:
        if member.node_id != membership.node_id:
            reachable = "reachable" if member.joined else "unreachable"
            state = "enabled connected" if member.joined else "enabled disconnected"
            path = f"{own.address if own else ''}->{member.address}"
            blocks.append(
                f"nodeid: {member.node_id} {reachable}\n   LINK: 0 udp ({path}) {state}\n"
            )
    return "\n".join(blocks) + "\n"
