"""How long a lost node is waited for where the nodes' files, or machines, are not equal.

Each node's watchdog leaves it as long as its own corosync.conf needs to notice a broken ring and to
stop something. Whoever waits for it has another file, perhaps, and must not wait less.
"""

from __future__ import annotations

from sim.cluster import Cluster, add_resource, with_property
from sim.machine import SimNode
from sim.test_fencing import RESOURCES, NeverTwice
from sim.test_never_twice import stops_nothing

from crmsh_py import corosync_conf
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.engine.watchdog import Watchdog


def unequal(token: int) -> tuple[Cluster, SimNode]:
    """Three nodes with watchdogs; the third has another token time."""
    observer = NeverTwice()
    cluster = Cluster(3, 1, planner=scheduler_plan, observer=observer, watchdogs=True)
    observer.cluster = cluster
    cluster.start(1, 2)
    usual = cluster.conf
    text = cluster.conf_text.replace("token: 200", f"token: {token}")
    cluster.conf = corosync_conf.parse(text.replace("consensus: 240", ""))
    cluster.start(3)
    cluster.conf = usual
    cluster.settle()
    for change in (with_property("stonith-watchdog-timeout", "5s"), *map(add_resource, RESOURCES)):
        cluster.commit(1, change)
        cluster.settle(within_s=30)
    cluster.run(1.0)
    return cluster, cluster.node(3)


def watchdog(node: SimNode) -> Watchdog:
    assert node.core is not None
    return node.core._watchdog


def test_a_node_of_a_longer_token_is_given_the_time_that_it_lives() -> None:
    """It would live for 14 s after its last round, and the others would wait for 5."""
    cluster, third = unequal(token=5000)
    assert third.active
    stops_nothing(third)
    assert len({watchdog(node).timeout_ms for node in cluster.up}) == 1
    cluster.partition([1, 2], [3])
    cluster.run(60.0)  # nothing runs twice: the checker looks
    assert third.watchdog.resets
    assert not third.active
    assert cluster.node(1).active | cluster.node(2).active == set(RESOURCES)


def test_a_node_without_a_watchdog_is_not_waited_for() -> None:
    """Nothing resets it, so what it runs is started nowhere else."""
    cluster = Cluster(3, 1, planner=scheduler_plan, watchdogs=True)
    cluster.start(1, 2)
    cluster.watchdogs = False
    cluster.start(3)
    cluster.watchdogs = True
    cluster.settle()
    cluster.commit(1, with_property("stonith-watchdog-timeout", "5s"))
    cluster.settle(within_s=30)
    assert {watchdog(node).timeout_ms for node in cluster.up} == {0}

    cluster.node(3).crash()
    cluster.settle(1, 2, within_s=30)
    assert {watchdog(node).timeout_ms for node in cluster.up} == {5000}, "of those who have one"
    core = cluster.node(1).core
    assert core is not None
    assert core._fencing._lease_of("node3") == 0


def test_last_men_do_not_rely_on_watchdogs() -> None:
    """Three of five expect three; then one of these is with the two that still expect five.

    Both sides have quorum, and every member's ring feeds its watchdog.
    """
    observer = NeverTwice()
    rules = ("last_man_standing: 1", "last_man_standing_window: 300")
    cluster = Cluster(5, 1, planner=scheduler_plan, observer=observer, watchdogs=True, rules=rules)
    observer.cluster = cluster
    cluster.start()
    cluster.settle()
    for change in (with_property("stonith-watchdog-timeout", "5s"), *map(add_resource, RESOURCES)):
        cluster.commit(1, change)
        cluster.settle(within_s=30)
    cluster.run(1.0)
    cluster.partition([1, 2, 3], [4, 5])
    cluster.run(20.0)
    cluster.partition([1, 2], [3, 4, 5])
    cluster.run(30.0)
