"""The texts of Corosync's tools, as in the tutorial."""

from __future__ import annotations

from datetime import UTC, datetime

from crmsh_py.views import cfgtool, cluster_status, cmapctl, quorumtool
from crmsh_py.wire.control import CmapKey, Link, Member, MembershipReply, Subsystem, SubsystemsReply

FIRST = 1084777482
MEMBERSHIP = MembershipReply(
    node="pacemaker01",
    node_id=FIRST,
    ring_representative=FIRST,
    ring_sequence=16,
    state="operational",
    members=[
        Member(node_id=FIRST + i, name=f"pacemaker0{i + 1}", address=f"192.168.100.1{i}")
        for i in range(3)
    ],
    quorate=True,
    expected_votes=3,
    highest_expected=3,
    total_votes=3,
    quorum=2,
    links=[Link(number=0, address="192.168.100.10")],
)


def test_ring_status_is_the_tutorials() -> None:
    assert cfgtool.ring_status(MEMBERSHIP) == (
        "Printing ring status.\n"
        "Local node ID 1084777482\n"
        "RING ID 0\n"
        "        id      = 192.168.100.10\n"
        "        status  = ring 0 active with no faults\n"
    )


def test_member_list_is_the_tutorials() -> None:
    assert quorumtool.member_list(MEMBERSHIP) == (
        "\n"
        "Membership information\n"
        "----------------------\n"
        "    Nodeid      Votes Name\n"
        "1084777482          1 pacemaker01 (local)\n"
        "1084777483          1 pacemaker02\n"
        "1084777484          1 pacemaker03\n"
    )


def test_quorum_status_says_when_activity_is_blocked() -> None:
    now = datetime(2014, 7, 28, 20, 0, tzinfo=UTC)
    text = quorumtool.quorum_status(MEMBERSHIP, now=now)
    assert "Ring ID:          1084777482.10\nQuorate:          Yes\n" in text
    assert "Quorum:           2  \nFlags:            Quorate \n\nMembership information\n" in text

    from crmsh_py.value import replace

    lost = replace(MEMBERSHIP, quorate=False, members=MEMBERSHIP.members[:1])
    text = quorumtool.quorum_status(lost, now=now)
    assert "Nodes:            1\n" in text
    assert "Quorum:           2 Activity blocked\nFlags:            \n" in text


def test_keys_are_typed() -> None:
    keys = [CmapKey("totem.token", "u32", "3000"), CmapKey("service.name", "str", "pacemaker")]
    assert cmapctl.key_lines(keys) == "totem.token (u32) = 3000\nservice.name (str) = pacemaker\n"


def test_subsystems_are_listed_under_both_names() -> None:
    reply = SubsystemsReply(
        pid=17,
        subsystems=[
            Subsystem(
                name="cib", modern_name="pacemaker-based", alive=True, detail="version 0.5.1"
            ),
            Subsystem(name="pengine", modern_name="pacemaker-schedulerd", alive=False),
        ],
    )
    assert cluster_status.table(reply, node="pacemaker01").splitlines() == [
        "Node pacemaker01: one daemon, process 17",
        "SUBSYSTEM  TODAY                 STATE    DETAIL",
        "cib        pacemaker-based       running  version 0.5.1",
        "pengine    pacemaker-schedulerd  stopped",
    ]
