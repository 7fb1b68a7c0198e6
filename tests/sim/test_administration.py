"""Orders of an administrator: all members change together, by rules that never stop a side."""

from __future__ import annotations

import pytest
from sim.checkers import has
from sim.cluster import Cluster, add_mark, conf_text

from crmsh_py.wire.control import (
    Changed,
    Committed,
    Done,
    EndMember,
    MembershipReply,
    ReadMembership,
    Refused,
    ReloadConf,
    Reply,
    Request,
    SetExpectedVotes,
    SetVotes,
    Watch,
)


def started(count: int = 3) -> Cluster:
    cluster = Cluster(count, 1)
    cluster.start()
    cluster.settle()
    return cluster


_tickets = iter(range(10_000, 1_000_000))


def ask(cluster: Cluster, number: int, request: Request) -> Reply:
    node = cluster.node(number)
    ticket = next(_tickets)
    node.ask(ticket, request)
    cluster.until(lambda: ticket in node.replies, 5, f"an answer to {request}")
    return node.replies[ticket][0]


def seen(cluster: Cluster, number: int) -> MembershipReply:
    reply = ask(cluster, number, ReadMembership())
    assert isinstance(reply, MembershipReply)
    return reply


def votes(cluster: Cluster, number: int) -> tuple[int, int, int, bool]:
    reply = seen(cluster, number)
    return reply.expected_votes, reply.total_votes, reply.quorum, reply.quorate


def commits(cluster: Cluster, number: int, name: str) -> bool:
    ticket = cluster.commit(number, add_mark(name))
    node = cluster.node(number)
    cluster.until(lambda: ticket in node.replies, 5, "an answer")
    return isinstance(node.replies[ticket][0], Committed)


def test_the_last_node_of_three_goes_on_when_it_is_told_to() -> None:
    cluster = started()
    cluster.node(2).crash()
    cluster.node(3).crash()
    cluster.until(lambda: not seen(cluster, 1).quorate, 5, "quorum is lost")
    assert not commits(cluster, 1, "too-early")

    assert ask(cluster, 1, SetExpectedVotes(votes=1)) == Done()

    cluster.until(lambda: cluster.cib(1).root.get("have-quorum") == "1", 5, "quorate")
    assert votes(cluster, 1) == (1, 1, 1, True)
    assert commits(cluster, 1, "after")
    cluster.start(2, 3)
    cluster.settle()
    assert votes(cluster, 2) == (3, 3, 2, True), "who comes back brings its votes along"
    assert has(cluster.cib(3), "after")


@pytest.mark.parametrize(
    ("expected", "taken"), [(1, False), (2, False), (3, True), (5, True), (6, False)]
)
def test_expected_votes_neither_forget_a_member_nor_stop_the_side(
    expected: int, taken: bool
) -> None:
    """The numbers that a real corosync 3.1.7 with three of four nodes takes."""
    cluster = Cluster(4, 1)
    cluster.start(1, 2, 3)
    cluster.settle()
    assert votes(cluster, 1) == (4, 3, 3, True)

    reply = ask(cluster, 1, SetExpectedVotes(votes=expected))

    assert isinstance(reply, Done) == taken
    if not taken:
        assert isinstance(reply, Refused)
        assert "3 to 5 are possible" in reply.hint
    wanted = expected if taken else 4
    for number in (1, 2, 3):
        cluster.until(lambda n=number: votes(cluster, n)[0] == wanted, 5, "all have it")
        assert seen(cluster, number).quorate
    assert commits(cluster, 2, "goes-on")


def test_the_votes_of_a_member_count_on_all_nodes() -> None:
    cluster = started()
    heavy = seen(cluster, 2).node_id

    assert ask(cluster, 1, SetVotes(votes=3, node_id=heavy)) == Done()
    for number in (1, 2, 3):
        cluster.until(lambda n=number: votes(cluster, n) == (5, 5, 3, True), 5, "all have it")
    assert {m.node_id: m.votes for m in seen(cluster, 3).members}[heavy] == 3

    cluster.partition([2], [1, 3])
    cluster.until(lambda: not seen(cluster, 1).quorate, 5, "two votes of five are too few")
    assert seen(cluster, 2).quorate


def test_no_votes_for_who_is_no_member() -> None:
    cluster = started()

    reply = ask(cluster, 1, SetVotes(votes=3, node_id=99))

    assert isinstance(reply, Refused)
    assert reply.kind == "NotFound"
    assert "the members are" in reply.hint


def test_a_corosync_conf_is_read_again_by_all() -> None:
    cluster = started()
    changed = conf_text(3).replace("token: 200", "token: 900").replace("consensus: 240", "")
    fixed = changed.replace("version: 2", "version: 2\n  transport: udpu")
    for node in cluster.up:
        node.conf_text = fixed

    assert ask(cluster, 2, ReloadConf()) == Done()
    cluster.run(1.0)

    for node in cluster.up:
        assert node.core is not None
        assert node.core._membership.totem._machine.settings.token_ms == 900
        log = "\n".join(node.log)
        assert "[CFG] Config reload requested by node" in log
        assert "Modified entry 'totem.transport' in corosync.conf cannot be changed" in log
    cluster.settle()
    assert commits(cluster, 1, "goes-on")


def test_a_node_has_the_name_that_the_file_has_learned() -> None:
    """Of a node that was added while others ran; what starts later knows it from the lab."""
    cluster = started()
    members = seen(cluster, 1).members
    nodes = "".join(
        f"node {{\nring0_addr: {m.address}\nnodeid: {m.node_id}\nname: new-{m.name}\n}}\n"
        for m in members
    )
    for node in cluster.up:
        node.conf_text = f"{conf_text(3)}nodelist {{\n{nodes}}}\n"

    assert ask(cluster, 1, ReloadConf()) == Done()
    cluster.run(1.0)

    own, *others = members
    expected = [own.name, *(f"new-{m.name}" for m in others)]
    assert [m.name for m in seen(cluster, 1).members] == expected


@pytest.mark.parametrize("slow", [1, 2, 3])
def test_fewer_expected_votes_hold_whoever_reads_its_file_last(slow: int) -> None:
    """The ring after the first reading must not bring the old number back."""
    cluster = Cluster(3, 1, expected_votes=5)
    cluster.start()
    cluster.settle()
    for node in cluster.up:
        node.conf_text = conf_text(3)
    cluster.node(slow).read_delay_s = 0.4

    assert ask(cluster, 1, ReloadConf()) == Done()
    cluster.run(1.5)
    cluster.settle()

    for number in (1, 2, 3):
        assert votes(cluster, number) == (3, 3, 2, True)


def test_a_bad_corosync_conf_changes_nothing_and_is_told_by_its_line() -> None:
    cluster = started()
    cluster.node(1).conf_text = conf_text(3).replace("token: 200", "token: soon")

    reply = ask(cluster, 1, ReloadConf())

    assert isinstance(reply, Refused)
    assert "corosync.conf:4" in reply.text
    assert "must be a number" in reply.text
    assert not any("reload requested" in line for node in cluster.up for line in node.log)


def test_a_node_whose_own_file_is_bad_keeps_what_it_had() -> None:
    cluster = started()
    cluster.node(3).conf_text = "totem {"

    assert ask(cluster, 1, ReloadConf()) == Done()
    cluster.run(1.0)

    assert any("Unable to reload config file" in line for line in cluster.node(3).log)
    cluster.settle()
    assert commits(cluster, 3, "goes-on")


def test_who_watches_is_told_of_votes() -> None:
    cluster = started()
    node = cluster.node(2)
    ticket = next(_tickets)
    node.ask(ticket, Watch())
    cluster.run(0.1)
    before = node.replies[ticket][-1]
    assert isinstance(before, Changed)

    ask(cluster, 1, SetExpectedVotes(votes=4))
    cluster.run(0.5)

    after = node.replies[ticket][-1]
    assert isinstance(after, Changed)
    assert after.membership > before.membership


def test_a_member_that_is_ended_has_died_for_the_others() -> None:
    cluster = started()
    assert isinstance(ask(cluster, 1, EndMember(node_id=9)), Refused)
    victim = cluster.node(3)
    assert isinstance(ask(cluster, 1, EndMember(node_id=victim.node_id)), Done)
    cluster.until(lambda: victim.core is None, 5, "it has ended")
    cluster.settle(1, 2, within_s=10)
    assert votes(cluster, 1) == (3, 2, 2, True)
