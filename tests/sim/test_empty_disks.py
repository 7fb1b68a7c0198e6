"""New clusters, and wiped nodes that come back: whose disk counts, and when it counts again."""

from __future__ import annotations

import random

import pytest
from sim.checkers import watched
from sim.cluster import add_resource
from sim.test_durability import alone, committed, wipe


def test_two_of_three_new_nodes_are_a_cluster() -> None:
    cluster, checker = watched(3, 1)
    cluster.start(2)
    cluster.run(0.5)
    cluster.start(3)
    assert cluster.settle(2, 3) < 0.5
    committed(cluster, checker, 3, "first")
    cluster.start(1)
    cluster.run(0.1)
    alone(cluster, 1, 2, 3)
    checker.commits.check_nothing_lost()


@pytest.mark.parametrize("seed", range(25))
def test_new_nodes_become_a_cluster_whenever_they_start(seed: int) -> None:
    """Power cuts of single nodes in the first moments must leave no cluster that waits for ever."""
    chance = random.Random(seed)
    count = chance.choice((3, 4, 5))
    cluster, checker = watched(count, seed)
    for number in chance.sample(range(1, count + 1), count // 2 + 1):
        cluster.start(number)
        cluster.run(chance.choice((0.0, 0.003, 0.02, 0.3)) * chance.random())
    victim = chance.choice(cluster.up)
    cluster.run(chance.random() * 0.03)
    victim.crash()
    victim.start()
    cluster.run(0.2)
    numbers = [node.number for node in cluster.up]
    alone(cluster, *numbers)
    committed(cluster, checker, numbers[0], "first")


@pytest.mark.parametrize("seed", range(25))
def test_a_cluster_grows_in_the_middle_of_its_making(seed: int) -> None:
    """More nodes come while the first have stored a part of what makes them a cluster."""
    chance = random.Random(seed)
    cluster, checker = watched(5, seed)
    for node in cluster.nodes.values():
        node.disk.delay_s = (0.0005, chance.choice((0.004, 0.03)))
    cluster.start(1, 2, 3)
    cluster.run(0.01 + chance.random() * 0.06)
    cluster.start(4)
    cluster.run(0.3)
    alone(cluster, 1, 2, 3, 4)
    committed(cluster, checker, 4, "first")


def test_a_wiped_node_counts_again_when_it_has_learned() -> None:
    cluster, checker = watched(3, 1)
    cluster.start()
    alone(cluster, 1, 2, 3)
    committed(cluster, checker, 1, "kept")
    wipe(cluster, 3)
    alone(cluster, 1, 2)
    cluster.start(3)
    cluster.run(0.1)
    alone(cluster, 1, 2, 3)
    cluster.node(1).crash()
    alone(cluster, 2, 3)
    committed(cluster, checker, 2, "more")
    checker.commits.check_nothing_lost()


def test_one_disk_that_is_left_is_enough_when_all_nodes_are_there() -> None:
    cluster, checker = watched(3, 1)
    cluster.start()
    alone(cluster, 1, 2, 3)
    committed(cluster, checker, 1, "kept")
    for number in (1, 2, 3):
        cluster.node(number).crash()
    for number in (1, 3):
        wipe(cluster, number)
    cluster.start()
    alone(cluster, 1, 2, 3)
    checker.commits.check_nothing_lost()
    committed(cluster, checker, 3, "more")


def test_without_full_disks_nothing_runs() -> None:
    """The old configuration of a lagging node is none to start resources by."""
    cluster, checker = watched(3, 1)
    cluster.start()
    alone(cluster, 1, 2, 3)
    cluster.commit(1, add_resource("R1"))
    alone(cluster, 1, 2, 3)
    for number in (1, 2, 3):
        cluster.node(number).crash()
    wipe(cluster, 2)
    cluster.start(2, 3)
    cluster.settle(2, 3)
    assert not any(node.active for node in cluster.up)
    cluster.start(1)
    cluster.run(0.2)
    alone(cluster, 1, 2, 3)
    checker.activity.check_once()
