"""A commit is made once, and what was acknowledged stays: orders of events that no seed has met."""

from __future__ import annotations

from collections import Counter

import pytest
from sim.checkers import has, watched
from sim.cluster import Cluster, Disk, add_mark, remove_mark
from sim.test_durability import alone, committed, wipe

from crmsh_py.engine.replica import RECENT_COMMITS, Replica
from crmsh_py.wire.control import Committed, Refused, Reply, SetExpectedVotes
from crmsh_py.wire.stream import CommitId, ConfigChange

SLOW_S = (0.1, 0.1)


def answer(cluster: Cluster, number: int, ticket: int) -> Reply:
    replies = cluster.node(number).replies
    cluster.until(lambda: ticket in replies, 20, "an answer")
    return replies[ticket][0]


def everywhere(cluster: Cluster, mark: str, *, there: bool = True) -> None:
    """It is made, or taken away, in the memory of all nodes, and on no disk yet."""
    cluster.until(
        lambda: all(has(cluster.cib(n), mark) is there for n in cluster.nodes), 1, f"{mark} made"
    )


def slow(cluster: Cluster, *numbers: int) -> None:
    for number in numbers:
        cluster.node(number).disk.delay_s = SLOW_S


def quick(cluster: Cluster) -> None:
    for node in cluster.nodes.values():
        node.disk.delay_s = Disk().delay_s


# ---- made once -----------------------------------------------------------------------------------


@pytest.mark.parametrize("others", ["restart", "commit"])
def test_what_was_taken_away_stays_away_when_its_author_wakes_up(others: str) -> None:
    """Node 3 hangs for less than a second with a commit that is made and not yet acknowledged.

    The others go on with it, and a client takes it away again, which is acknowledged. Then the
    winner of the next view does not remember the id of that commit: it has started since, or
    has made RECENT_COMMITS others. Node 3 wakes up and makes its commit once more.
    """
    cluster, checker = watched(3, 1)
    cluster.start()
    alone(cluster, 1, 2, 3)
    slow(cluster, 1, 2, 3)
    ticket = cluster.commit(3, add_mark("once"))
    everywhere(cluster, "once")
    cluster.network.freeze(cluster.node(3).address)
    quick(cluster)
    alone(cluster, 1, 2)
    checker.commits.removes(cluster.next_ticket, "once")
    removal = cluster.commit(2, remove_mark("once"))
    assert isinstance(answer(cluster, 2, removal), Committed)
    if others == "restart":
        cluster.node(1).crash()
        cluster.start(1)
        cluster.run(0.2)
        alone(cluster, 1, 2)
    else:
        tickets = [cluster.commit(2, add_mark(f"m{n}")) for n in range(RECENT_COMMITS)]
        for each in tickets:
            assert isinstance(answer(cluster, 2, each), Committed)
    cluster.network.thaw(cluster.node(3).address)
    cluster.run(1.0)
    alone(cluster, 1, 2, 3)
    reply = answer(cluster, 3, ticket)
    assert isinstance(reply, Committed) or "may still take effect" in reply.hint  # type: ignore[union-attr]
    checker.commits.check_nothing_lost()


@pytest.mark.parametrize(("adder", "remover"), [(2, 3), (3, 2)])
def test_a_restart_of_the_winner_makes_nothing_twice(adder: int, remover: int) -> None:
    """Two commits are on their way, one takes back the other; node 1, which has both, bounces."""
    cluster, _ = watched(3, 1)
    cluster.start()
    alone(cluster, 1, 2, 3)
    slow(cluster, 2, 3)
    before = cluster.cib(1).version.epoch
    added = cluster.commit(adder, add_mark("once"))
    everywhere(cluster, "once")
    removed = cluster.commit(remover, remove_mark("once"))
    everywhere(cluster, "once", there=False)
    disk = cluster.node(1).disk
    cluster.until(
        lambda: disk.config is not None and disk.config.version.epoch == before + 2, 1, "stored"
    )
    quick(cluster)
    cluster.node(1).crash()
    cluster.start(1)
    replies = answer(cluster, adder, added), answer(cluster, remover, removed)
    cluster.run(0.5)
    alone(cluster, 1, 2, 3)
    assert cluster.cib(1).version.epoch == before + 2, "each was made once"
    assert not has(cluster.cib(1), "once")
    for reply in replies:
        assert isinstance(reply, Committed) or "may still take effect" in reply.hint, reply  # type: ignore[union-attr]


def test_a_node_that_takes_the_others_copy_makes_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its copy is bad, which shows at its first commit; the second one is on its way by then."""
    apply_change = Replica.apply_change
    for step in range(20):
        cluster, _ = watched(3, 1)
        cluster.start()
        alone(cluster, 1, 2, 3)
        node = cluster.node(3)
        node.disk.strict = False
        assert node.core is not None
        bad = node.core.replica
        ghost = add_mark("ghost")(bad.config).with_version(bad.config.version)
        bad._replace(ghost, bad.revision_term)
        made: Counter[CommitId] = Counter()

        def counted(replica: Replica, change: ConfigChange, **more: object) -> object:
            core = cluster.node(1).core  # noqa: B023 - called within this round only
            if core is not None and replica is core.replica:
                made[change.ident] += 1  # noqa: B023
            return apply_change(replica, change, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(Replica, "apply_change", counted)
        first = cluster.commit(3, add_mark("first"))
        cluster.run(0.0045 + step * 0.0001)
        second = cluster.commit(3, add_mark("second"))
        for ticket in (first, second):
            assert isinstance(answer(cluster, 3, ticket), Committed)
        cluster.run(0.2)
        assert set(made.values()) == {1}, f"{step}: {made}"


# ---- terms ---------------------------------------------------------------------------------------


def test_a_new_term_is_above_that_of_every_revision() -> None:
    """After the way out that docs/replication.md names, one crash loses what was acknowledged.

    A wiped node took a copy from the last good one, on a side without quorum: it knows the term of
    that revision, and has promised none. The good one is gone for good, ``expected_votes`` is
    lowered, and the term of the new view is counted from what was promised only: it is below
    that of the revision that it begins with. What is made in it loses against a node that has
    not made it.
    """
    cluster, checker = watched(5, 1)
    cluster.start()
    alone(cluster, 1, 2, 3, 4, 5)
    for number in (4, 5):
        cluster.node(number).crash()
    alone(cluster, 1, 2, 3)
    for _ in range(3):  # some views: the term grows
        cluster.node(3).crash()
        cluster.run(1.0)
        cluster.start(3)
        cluster.run(0.3)
        alone(cluster, 1, 2, 3)
    committed(cluster, checker, 1, "kept")
    for number in (2, 3):
        cluster.node(number).crash()
        wipe(cluster, number)
    cluster.start(2)
    cluster.run(1.0)
    alone(cluster, 1, 2)
    cluster.node(1).crash()  # for good
    cluster.start(3, 4, 5)
    cluster.run(1.0)
    alone(cluster, 2, 3, 4, 5)
    assert not isinstance(cluster.answer(4, SetExpectedVotes(votes=4)), Refused)
    cluster.run(1.0)
    alone(cluster, 2, 3, 4, 5)
    checker.commits.check_nothing_lost()
    cluster.node(5).crash()
    alone(cluster, 2, 3, 4)
    committed(cluster, checker, 2, "more")
    cluster.start(5)
    cluster.run(0.5)
    alone(cluster, 2, 3, 4, 5)
    checker.commits.check_nothing_lost()


def test_a_clock_that_repeats_itself_makes_no_commit_of_another_run() -> None:
    """Node 3 has no clock of its own: it boots at the same time each time.

    Its first commit since was taken for the one that it had made first in the run before.
    """
    cluster, checker = watched(3, 1)
    cluster.start()
    alone(cluster, 1, 2, 3)
    node = cluster.node(3)
    committed(cluster, checker, 3, "before")
    node.crash()
    cluster.run(3.0)
    node.clock_error_s = -cluster.network.now
    node.start()
    views = node.core._views
    cluster.until(lambda: len(views.setting.votes) == 3 and not views.active, 5, "a new view")
    ticket = cluster.commit(3, add_mark("after"))
    assert isinstance(answer(cluster, 3, ticket), Committed)
    assert all(has(cluster.cib(number), "after") for number in cluster.nodes)
