"""A machine that comes back with another address, and so with another node id, under its name.

corosync.conf gives no node ids here. What the id of before had is over as far as it would be with
the same id: the machine of that name has started anew, and is looked at before anything starts.
"""

from __future__ import annotations

import pytest
from sim.cluster import Cluster, SimNode, add_device
from sim.test_fencing import all_run_once
from sim.test_migrations import at_rest_on_node1, migrating, prefer
from sim.test_migrations import running as with_a_machine
from sim.test_never_twice import busy, cluster_of

from crmsh_py.cib.document import Cib
from crmsh_py.cib.pairs import set_node_pair


def move(node: SimNode) -> None:
    """Its address is another one from its next start on."""
    assert node.core is None
    node.address = f"10.0.0.{node.number + 6}"
    node.node_id = node.cluster.conf.node_id(node.address)


def names(cluster: Cluster, section: str) -> list[str]:
    return sorted(node.get("uname") for node in cluster.cib(1).section(section).children)


def in_standby(cib: Cib) -> Cib:
    return set_node_pair(cib, "node3", "standby", "on")


@pytest.mark.parametrize("how", ["fenced", "not missed", "not fenced", "in standby"])
def test_a_node_with_another_id_is_the_one_of_its_name(how: str) -> None:
    cluster = cluster_of(add_device())
    node = busy(cluster)
    cluster.power.works = how != "not fenced"
    if how == "in standby":
        cluster.commit(1, in_standby)
        node = cluster.node(3)
        cluster.settle()
    node.crash()
    move(node)
    if how == "not fenced":
        cluster.run(1.5)
    if how != "fenced":
        node.start()
    cluster.run(1.0)
    cluster.power.works = True
    cluster.run(10.0)
    cluster.settle()
    assert len(cluster.power.log) <= 1, f"shot again and again: {cluster.power.log}"
    assert all_run_once(cluster)
    assert names(cluster, "nodes") == names(cluster, "status") == ["node1", "node2", "node3"]
    if how == "in standby":
        assert not node.active, "it is in standby still"


def test_what_it_has_sent_under_its_other_id_is_looked_for() -> None:
    cluster = with_a_machine()
    migrating(cluster)
    node = cluster.node(2)
    node.crash()
    move(node)
    node.hang = lambda _: False
    node.start()
    cluster.commit(1, prefer("node1", 1000))
    at_rest_on_node1(cluster)
