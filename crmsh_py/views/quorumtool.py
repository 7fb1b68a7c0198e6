"""``corosync-quorumtool``: members, votes and quorum, as text.

Input: a node's ``MembershipReply``, and ``now`` where a date is shown. Output: text with a newline
at the end, in Corosync's layout.
"""

from __future__ import annotations

from datetime import datetime

from crmsh_py.value import frozen
from crmsh_py.views.text import clock_text, joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.wire.control import Member, MembershipReply


@frozen(kw_only=True)
class Style:
    """How members are shown: -i, -H, -o (a: as they come, n: by name, i: by id), -p."""

    addresses: bool = False
    hexadecimal: bool = False
    order: str = "a"
    parsable: bool = False


_DEFAULT = Style()


def member_list(membership: MembershipReply, style: Style = _DEFAULT) -> str:
    """What ``corosync-quorumtool -l`` prints: the members with their votes."""
    members = [member for member in membership.members if member.joined]
    if style.order == "n":
        members.sort(key=lambda member: _name(member, style))
    elif style.order == "i":
        members.sort(key=lambda member: member.node_id)
    # There is no quorum device here: NR (not registered) is what Corosync says then.
    title, column = ("    Qdevice", "         NR") if style.parsable else ("", "")
    lines = ["Membership information", "----------------------"]
    lines.append(f"    Nodeid      Votes{title} Name")
    for member in members:
        node_id = f"{member.node_id:#010x}" if style.hexadecimal else f"{member.node_id:>10}"
        local = " (local)" if member.node_id == membership.node_id else ""
        lines.append(f"{node_id} {member.votes:>10}{column} {_name(member, style)}{local}")
    return joined(["", *lines, ""])


def _name(member: Member, style: Style) -> str:
    return member.address if style.addresses or not member.name else member.name


def same(one: MembershipReply, other: MembershipReply) -> bool:
    """Whether two answers tell the same of ring, members and votes."""

    def facts(reply: MembershipReply) -> tuple[object, ...]:
        ring = (reply.ring_representative, reply.ring_sequence)
        votes = (reply.expected_votes, reply.total_votes, reply.quorum, reply.quorate)
        return (*ring, *votes, tuple(reply.flags), tuple(reply.members))

    return facts(one) == facts(other)


def quorum_status(membership: MembershipReply, *, now: datetime, style: Style = _DEFAULT) -> str:
    """What ``corosync-quorumtool -s`` prints."""
    members = [member for member in membership.members if member.joined]
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
        f"Nodes:            {len(members)}",
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
    return joined(head) + "\n" + member_list(membership, style)
