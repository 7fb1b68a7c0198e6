"""What votequorum's rules do to whole clusters: who serves, and what is acknowledged then.

The rules alone are in ``tests/engine/test_quorum.py``; here they meet views, terms and disks.
"""

from __future__ import annotations

import pytest
from sim.cluster import Cluster, add_mark, conf_text

from crmsh_py import corosync_conf
from crmsh_py.engine.quorum import Quorum
from crmsh_py.wire.control import (
    Committed,
    Done,
    MembershipReply,
    ReadMembership,
    Refused,
    Reply,
    SetVotes,
)


def started(count: int, *rules: str) -> Cluster:
    cluster = Cluster(count, 1, rules=rules)
    cluster.start()
    cluster.settle()
    return cluster


def asked(cluster: Cluster, number: int, mark: str) -> Reply:
    """What a commit at a node is answered."""
    ticket = cluster.commit(number, add_mark(mark))
    replies = cluster.node(number).replies
    cluster.until(lambda: ticket in replies, 20, f"an answer for {mark}")
    return replies[ticket][-1]


def commits(cluster: Cluster, number: int, mark: str) -> bool:
    return isinstance(asked(cluster, number, mark), Committed)


def quorum(cluster: Cluster, number: int) -> Quorum:
    core = cluster.node(number).core
    assert core is not None
    return core._membership.quorum


def serving(cluster: Cluster) -> list[int]:
    """The nodes that may change the configuration and run resources."""
    return [node.number for node in cluster.up if node.core is not None and node.core.primary]


# ---- auto_tie_breaker -------------------------------------------------------------------------


def test_the_half_with_the_tie_breaker_serves() -> None:
    """It has fewer votes than the quorum that is shown; all of them store what is acknowledged."""
    cluster = started(4, "auto_tie_breaker: 1")
    cluster.partition([1, 2], [3, 4])
    cluster.settle(1, 2)
    cluster.run(1.0)

    assert serving(cluster) == [1, 2]
    assert quorum(cluster, 1).quorum == 3, "as corosync-quorumtool shows it"
    assert commits(cluster, 1, "half")
    assert isinstance(asked(cluster, 3, "other-half"), Refused)

    cluster.network.heal()
    cluster.settle()
    assert commits(cluster, 3, "together")


def test_what_a_half_has_acknowledged_is_on_all_of_its_disks() -> None:
    """The next half that serves may have but one node of it: the tie breaker."""
    cluster = started(4, "auto_tie_breaker: 1")
    cluster.partition([1, 2], [3, 4])
    cluster.settle(1, 2)
    cluster.node(1).disk.delay_s = (1000.0, 1000.0)
    ticket = cluster.commit(2, add_mark("half"))
    cluster.run(2.0)

    assert ticket not in cluster.node(2).replies, "node 1 has not stored it"


def test_a_half_with_an_empty_disk_does_not_serve() -> None:
    cluster = started(4, "auto_tie_breaker: 1")
    for number in (3, 4):
        cluster.node(number).crash()
    cluster.settle(1, 2)
    cluster.node(2).replace_disk()
    cluster.start(2)
    cluster.run(2.0)

    assert quorum(cluster, 1).quorate
    assert serving(cluster) == []

    cluster.start(3, 4)
    cluster.settle()
    assert serving(cluster) == [1, 2, 3, 4]


def test_who_has_met_a_node_that_was_given_up_agrees_with_the_others_on_the_tie_breaker() -> None:
    """Node 3 alone is left of four. Node 4 starts again, meets node 1 first, and then node 3.

    If node 4 took node 1 for the tie breaker, it would see no quorum where node 3 sees one, and
    node 3 would wait for its promise for ever.
    """
    cluster = started(
        4, "auto_tie_breaker: 1", "last_man_standing: 1", "last_man_standing_window: 1000"
    )
    for number in (1, 2, 4):
        cluster.node(number).crash()
        cluster.run(3.0)
    assert serving(cluster) == [3]
    cluster.partition([3], [1, 4])
    cluster.start(1, 4)
    cluster.settle(1, 4)
    assert serving(cluster) == [3]
    cluster.node(1).crash()
    cluster.network.heal()
    cluster.settle(3, 4)
    cluster.run(1.0)

    assert serving(cluster) == [3, 4]
    assert commits(cluster, 4, "together")


# ---- last_man_standing ------------------------------------------------------------------------


def test_the_last_men_go_on_as_the_others_go() -> None:
    cluster = started(5, "last_man_standing: 1", "last_man_standing_window: 1000")
    for number in (5, 4, 3):
        cluster.node(number).crash()
        cluster.run(3.0)

    assert serving(cluster) == [1, 2]
    assert commits(cluster, 2, "two-of-five")


def test_nobody_is_forgotten_before_the_view_is_made() -> None:
    """The disks of two of three hang: what the third holds is not on a majority's."""
    cluster = started(5, "last_man_standing: 1", "last_man_standing_window: 1000")
    cluster.run(0.5)
    cluster.partition([1, 2, 3], [4, 5])
    core = cluster.node(3).core
    assert core is not None
    views, before = core._views, core.view
    cluster.until(lambda: views.view != before and bool(views.summaries), 5, "an exchange")
    for number in (2, 3):
        cluster.node(number).disk.delay_s = (1000.0, 1000.0)
    cluster.run(5.0)

    assert serving(cluster) == []
    assert quorum(cluster, 1).expected_votes == 5


def test_nobody_is_forgotten_while_an_empty_disk_makes_the_quorum() -> None:
    """Three of five acknowledge; one of them comes back wiped, with two that had been away.

    If the expected votes fell to these three, the next ring of them would have all that are
    expected, and would go on without what the other two still have.
    """
    cluster = started(5, "last_man_standing: 1", "last_man_standing_window: 1000")
    cluster.partition([1, 2], [3, 4, 5])
    cluster.settle(3, 4, 5)
    assert commits(cluster, 3, "acknowledged")
    for node in cluster.up:
        node.crash()
    cluster.network.heal()
    cluster.node(3).replace_disk()
    cluster.start(1, 2, 3)
    cluster.run(4.0)
    core = cluster.node(1).core
    assert core is not None
    core._membership.reform()
    cluster.network.settle(cluster.node(1).address)
    cluster.run(2.0)

    assert serving(cluster) == []
    assert quorum(cluster, 1).expected_votes == 5

    cluster.start(4)
    cluster.settle()
    assert serving(cluster) == [1, 2, 3, 4]
    assert "acknowledged" in cluster.cib(1).to_xml()


# ---- two_node and wait_for_all ----------------------------------------------------------------


def test_of_two_nodes_the_one_that_was_away_waits_for_the_other() -> None:
    cluster = started(2, "two_node: 1")
    cluster.node(2).crash()
    cluster.settle(1)
    assert commits(cluster, 1, "alone")
    cluster.node(1).crash()
    cluster.start(2)
    cluster.run(3.0)
    assert serving(cluster) == [], "it cannot know what the other one did"

    cluster.start(1)
    cluster.settle()
    assert "alone" in cluster.cib(2).to_xml()


def test_two_nodes_that_are_both_there_both_store_what_is_acknowledged() -> None:
    """Either of them may be the one that goes on alone."""
    cluster = started(2, "two_node: 1")
    second = cluster.node(2)
    second.disk.delay_s = (1000.0, 1000.0)
    ticket = cluster.commit(1, add_mark("both"))
    cluster.run(2.0)
    assert ticket not in cluster.node(1).replies, "node 2 has not stored it"

    second.crash(lose=True)
    cluster.until(lambda: ticket in cluster.node(1).replies, 5, "an answer when node 2 is gone")
    assert isinstance(cluster.node(1).replies[ticket][-1], Committed)


def test_a_wiped_node_of_two_does_not_begin_anew() -> None:
    cluster = started(2, "two_node: 1", "wait_for_all: 0")
    assert commits(cluster, 1, "both")
    cluster.node(1).crash()
    cluster.node(2).replace_disk()
    cluster.start(2)
    cluster.run(3.0)
    assert serving(cluster) == []

    cluster.start(1)
    cluster.settle()
    assert "both" in cluster.cib(2).to_xml()


def test_who_has_seen_all_tells_those_that_start() -> None:
    """wait_for_all: one node of three is lost, another one starts again."""
    cluster = started(3, "wait_for_all: 1")
    cluster.node(3).crash()
    cluster.settle(1, 2)
    cluster.node(2).crash()
    cluster.run(2.0)
    cluster.start(2)
    cluster.settle(1, 2)
    assert serving(cluster) == [1, 2]

    for number in (1, 2):
        cluster.node(number).crash()
    cluster.start(1, 2)
    cluster.run(2.0)
    assert serving(cluster) == [], "nobody is left who has seen all"


def test_the_votes_of_one_file_are_those_of_its_node_alone() -> None:
    """Without a nodelist each file says what its own node has: here 2, 1 and 1 of four votes."""
    cluster = Cluster(3, 1, expected_votes=4, rules=("wait_for_all: 1",))
    usual = cluster.conf
    text = cluster.conf_text.replace("expected_votes: 4", "expected_votes: 4\n  votes: 2")
    cluster.conf = corosync_conf.parse(text)
    cluster.start(1)
    cluster.conf = usual
    cluster.start(2)
    cluster.run(3.0)
    assert serving(cluster) == [], "node 3 has not been seen"

    cluster.start(3)
    cluster.settle()
    assert {quorum(cluster, number).expected_votes for number in (1, 2, 3)} == {4}
    cluster.node(3).crash()
    cluster.settle(1, 2)
    assert serving(cluster) == [1, 2]


def test_files_that_differ_in_their_rules_are_told() -> None:
    """Node 1 alone has a tie breaker: it sees a quorum, node 2 sees none, and nobody serves."""
    cluster = Cluster(4, 1, votes=(1, 1, 1, 1))
    usual = cluster.conf
    text = conf_text(4, rules=("auto_tie_breaker: 1",), votes=(1, 1, 1, 1))
    cluster.conf = corosync_conf.parse(text)
    cluster.start(1)
    cluster.conf = usual
    cluster.start(2)
    cluster.run(3.0)
    assert serving(cluster) == []

    for number in (1, 2):
        reply = cluster.answer(number, ReadMembership())
        assert isinstance(reply, MembershipReply)
        assert reply.unequal_rules == "node1: auto_tie_breaker (lowest); node2: none"
        told = [line for line in cluster.node(number).log if "corosync.conf differ" in line]
        assert len(told) == 1

    cluster.node(1).crash()
    cluster.start(1, 3)
    cluster.settle()
    reply = cluster.answer(2, ReadMembership())
    assert isinstance(reply, MembershipReply)
    assert not reply.unequal_rules
    assert serving(cluster) == [1, 2, 3]


def test_a_file_with_fewer_votes_does_not_let_two_sides_serve() -> None:
    """Node 1's corosync.conf says three; the others, who know of five, are met before it counts."""
    cluster = Cluster(5, 1)
    cluster.start(2, 3, 4, 5)
    cluster.settle()
    cluster.node(1).conf_text = conf_text(3)
    cluster.start(1)
    cluster.settle()
    cluster.partition([1, 2], [3, 4, 5])
    cluster.run(2.0)
    assert serving(cluster) == [3, 4, 5]


def test_the_last_men_and_a_majority_of_the_old_number_may_both_go_on() -> None:
    """Of the three that are left one meets the two that were given up, and is cut off with them.

    Corosync's votequorum allows it, too. What one of the sides has acknowledged is set aside.
    """
    cluster = started(5, "last_man_standing: 1", "last_man_standing_window: 1000")
    cluster.partition([1, 2, 3], [4, 5])
    cluster.run(3.0)
    assert serving(cluster) == [1, 2, 3]
    cluster.partition([1, 2], [3, 4, 5])
    cluster.run(2.0)
    assert serving(cluster) == [1, 2, 3, 4, 5]
    assert commits(cluster, 1, "last-men")
    assert commits(cluster, 4, "old-number")

    cluster.network.heal()
    cluster.run(1.0)
    cluster.settle()
    aside = [each.cib for node in cluster.up for each in node.disk.aside]
    for mark in ("last-men", "old-number"):
        assert any(mark in text for text in (cluster.cib(1).to_xml(), *aside)), mark


# ---- votes that change ------------------------------------------------------------------------


def test_votes_that_are_given_while_a_node_is_away_let_no_two_sides_serve() -> None:
    """Node 1 has two votes of four then, and not two of three beside the one that is away."""
    cluster = started(3)
    cluster.partition([1, 2], [3])
    cluster.settle(1, 2)
    assert cluster.answer(1, SetVotes(votes=2)) == Done()
    cluster.run(1.0)
    assert quorum(cluster, 2).total_votes == 3
    cluster.partition([1], [2, 3])
    cluster.run(2.0)

    assert serving(cluster) == []
    assert quorum(cluster, 3).expected_votes == 4


@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.003])
def test_votes_that_are_given_as_the_ring_breaks_let_no_two_sides_serve(after_s: float) -> None:
    """Two of five would have four of seven votes, while three others have not heard of it."""
    cluster = started(5)
    ticket = cluster.ask(1, SetVotes(votes=3))
    cluster.run(after_s)
    cluster.partition([1, 2], [3, 4, 5])
    cluster.run(2.0)
    assert serving(cluster) in ([], [1, 2], [3, 4, 5])

    cluster.network.heal()
    cluster.run(1.0)
    cluster.settle()
    assert cluster.node(1).replies[ticket] == [Done()]
    assert {quorum(cluster, number).total_votes for number in cluster.nodes} == {7}
    assert {quorum(cluster, number).expected_votes for number in cluster.nodes} == {7}


def test_a_side_without_quorum_gives_itself_no_votes() -> None:
    cluster = started(3)
    cluster.partition([1], [2, 3])
    cluster.run(1.0)
    reply = cluster.answer(1, SetVotes(votes=3))
    assert isinstance(reply, Refused)
    assert reply.kind == "NoQuorum"
    assert "corosync-quorumtool -e" in reply.hint


def test_votes_that_are_taken_and_given_back_are_not_expected_twice() -> None:
    cluster = started(3)
    for votes in (0, 1, 0, 2):
        assert cluster.answer(1, SetVotes(votes=votes)) == Done()
        cluster.run(0.5)
    assert quorum(cluster, 3).total_votes == 4
    assert quorum(cluster, 3).expected_votes == 4
