"""``corosync-quorumtool``: members, votes and quorum, as text.

Input: a node's ``MembershipReply``, and ``now`` where a date is shown. Output: text with a newline
at the end, in Corosync's layout.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from crmsh_py.views.text import clock_text

if TYPE_CHECKING:
    from crmsh_py.wire.control import Member, MembershipReply


def member_list(membership: MembershipReply, *, addresses: bool = False) -> str:
    """What ``corosync-quorumtool -l`` prints: the members with their votes.

    ``addresses`` shows addresses instead of names.
    """
    lines = ["Membership information", "----------------------", "    Nodeid      Votes Name"]
    lines += [
        f"{member.node_id:>10} {member.votes:>10} {_name(member, membership, addresses)}"
        for member in membership.members
        if member.joined
    ]
    return "\n".join(["", *lines, ""])


def _name(member: Member, membership: MembershipReply, addresses: bool) -> str:
    local = " (local)" if member.node_id == membership.node_id else ""
    return f"{member.address if addresses or not member.name else member.name}{local}"


def quorum_status(membership: MembershipReply, *, now: datetime, addresses: bool = False) -> str:
    """What ``corosync-quorumtool -s`` prints."""
    joined = [member for member in membership.members if member.joined]
    ring = f"{membership.ring_representative}.{membership.ring_sequence:x}"
    flags = list(membership.flags)
    if membership.quorate and "Quorate" not in flags:
        flags.insert(0, "Quorate")
    blocked = " " if membership.quorate else "Activity blocked"
    head = [
        "Quorum information",
        "------------------",
        f"Date:             {clock_text(now)}",
        "Quorum provider:  corosync_votequorum",
        f"Nodes:            {len(joined)}",
        f"Node ID:          {membership.node_id}",
        f"Ring ID:          {ring}",
        f"Quorate:          {'Yes' if membership.quorate else 'No'}",
        "",
        "Votequorum information",
        "----------------------",
        f"Expected votes:   {membership.expected_votes}",
        f"Highest expected: {membership.highest_expected}",
        f"Total votes:      {membership.total_votes}",
        f"Quorum:           {membership.quorum} {blocked}",
        f"Flags:            {''.join(flag + ' ' for flag in flags)}",
    ]
    return "\n".join(head) + "\n" + member_list(membership, addresses=addresses)
