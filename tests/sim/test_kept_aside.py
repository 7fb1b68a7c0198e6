"""What a losing side held is kept, whoever restarts before it is found to have lost."""

from __future__ import annotations

from sim.checkers import has
from sim.cluster import Cluster, add_mark
from sim.scenes import committed, started

from crmsh_py.wire.control import Committed


def forced(cluster: Cluster, number: int, *marks: str) -> None:
    """Commit marks at a node without quorum."""
    replies = cluster.node(number).replies
    for mark in marks:
        ticket = cluster.commit(number, add_mark(mark), force=True)
        cluster.run(0.1)
        assert isinstance(replies[ticket][0], Committed), replies[ticket]


def without_quorum(cluster: Cluster, *numbers: int) -> None:
    """All nodes apart, each for itself."""
    cluster.partition(*([number] for number in cluster.nodes))
    for number in numbers or cluster.nodes:
        cluster.settle(number)


def together(cluster: Cluster) -> None:
    cluster.network.heal()
    cluster.run(1.0)
    cluster.settle()
    cluster.run(0.1)


def kept(cluster: Cluster, number: int) -> list[str]:
    return [aside.cib for aside in cluster.node(number).disk.aside]


def test_a_forced_change_is_kept_after_a_restart() -> None:
    """Two nodes are forced apart; the one with the shorter history has started again since."""
    cluster = started()
    without_quorum(cluster)
    forced(cluster, 1, "short")
    forced(cluster, 2, "long-1", "long-2")
    cluster.node(1).crash()
    cluster.start(1)
    cluster.settle(1)
    together(cluster)
    assert has(cluster.cib(1), "long-2")
    assert any("short" in each for each in kept(cluster, 1))
    assert any("node1 had changed the configuration" in line for line in cluster.node(2).log)


def test_a_forced_change_is_kept_by_who_has_only_a_copy_of_it() -> None:
    cluster = started(5)
    without_quorum(cluster)
    forced(cluster, 1, "short")
    forced(cluster, 3, "long-1", "long-2")
    cluster.partition([1, 2], [3], [4], [5])
    cluster.run(0.5)
    cluster.settle(1, 2)
    assert has(cluster.cib(2), "short")
    cluster.node(1).crash()
    cluster.settle(2)
    together(cluster)
    assert has(cluster.cib(2), "long-2")
    assert any("short" in each for each in kept(cluster, 2))


def test_what_was_acknowledged_is_kept_where_a_forced_change_wins() -> None:
    """The third node has all but the last change of the same term, and is forced to go on."""
    cluster = started()
    cluster.node(3).disk.delay_s = (1000.0, 1000.0)
    committed(cluster, 1, "acknowledged")
    cluster.node(3).crash(lose=True)
    for number in (1, 2):
        cluster.node(number).crash()
    cluster.node(3).disk.delay_s = (0.001, 0.001)
    cluster.start(3)
    cluster.settle(3)
    forced(cluster, 3, "forced-1", "forced-2")
    cluster.start(1, 2)
    together(cluster)
    assert has(cluster.cib(1), "forced-2")
    for number in (1, 2):
        assert any("acknowledged" in each for each in kept(cluster, number))


def test_two_nodes_apart_each_keep_what_they_lose() -> None:
    """With two_node both halves go on, and count the same terms."""
    cluster = Cluster(2, 1, rules=("two_node: 1",))
    cluster.start()
    cluster.settle()
    cluster.partition([1], [2])
    for number in (1, 2):
        cluster.settle(number)
    committed(cluster, 1, "short")
    committed(cluster, 2, "long-1")
    committed(cluster, 2, "long-2")
    together(cluster)
    assert has(cluster.cib(1), "long-2")
    assert any("short" in each for each in kept(cluster, 1))
