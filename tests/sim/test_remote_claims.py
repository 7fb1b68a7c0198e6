"""Two members that both take themselves for connected with a remote node: the later claim counts.

Who is replaced hears it from the remote node. Where the network between the two is cut it does
not, until its monitor's time is over; and both have claimed the node in the same term.
"""

from __future__ import annotations

import pytest
from sim.cluster import Cluster, add_device, add_resource
from sim.machine import SimNode
from sim.remote import SimRemote
from sim.test_guests import likes, made
from sim.test_remote_nodes import FAR, Once, add_connection, calm, prefer_far, told

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.engine.status import attributes_of, node_by_name
from crmsh_py.wire.control import SetAttribute, StopDaemon


def patient(cib: Cib) -> Cib:
    """The connection's monitor takes its time, as in most clusters."""

    def put(element: Element) -> Element:
        if element.id == "far-m":
            return element.with_attributes({"interval": "20s", "timeout": "30s"})
        if element.id == FAR or element.tag == "operations":
            return element.map_children(put)
        return element

    return cib.with_section("resources", cib.section("resources").map_children(put))


def connected_by_node4() -> tuple[Cluster, SimRemote]:
    """Node 1 is the DC; node 4 is connected with ``far``, which runs ``web``."""
    observer = Once()
    cluster = Cluster(4, 1, planner=scheduler_plan, observer=observer)
    observer.cluster = cluster
    far = cluster.add_remote(FAR)
    cluster.start()
    far.start()
    cluster.settle()
    connection = (add_connection, patient, likes(FAR, "node4"))
    for change in (add_device(), *connection, add_resource("web"), prefer_far("web")):
        made(cluster, 1, change)
    cluster.until(lambda: "web" in far.active, 20, "web runs on far", 0.01)
    calm(cluster)
    assert far.remote_core.member == "node4"
    assert cluster.node(1).node_id == dc(cluster)
    return cluster, far


def dc(cluster: Cluster) -> int | None:
    core = cluster.up[-1].core
    return core.dc if core is not None else None


def cut(cluster: Cluster, one: SimNode, other: SimNode) -> None:
    cluster.network.cut(one.address, other.address)
    cluster.network.cut(other.address, one.address)


def test_who_has_claimed_it_last_tells_what_it_runs() -> None:
    """The connection has moved from node 4 when the DC dies: nobody has ended it there.

    Node 4 told what it had known of ``far``, as the member with the highest id. What came through
    the connection of node 2 was of nobody: not that ``slow`` is started, nor that ``web`` is
    stopped, which was then stopped for ever.
    """
    cluster, far = connected_by_node4()
    cut(cluster, cluster.node(4), far)
    cut(cluster, cluster.node(2), far)
    made(cluster, 1, likes(FAR, "node2", "INFINITY"))
    cluster.run(0.1)  # node 2 tries, and tries
    cluster.agent_delay_s = (0.3, 0.3)
    far.hang = lambda operation: (operation.resource, operation.action) == ("web", "stop")
    made(cluster, 2, lambda cib: prefer_far("slow")(add_resource("slow")(cib)))
    made(cluster, 2, likes("web", "node3", "INFINITY"))
    cluster.network.heal()
    cut(cluster, cluster.node(4), far)
    cluster.until(lambda: far.remote_core.member == "node2", 10, "moved")
    cluster.node(1).crash()

    cluster.until(lambda: "slow" in far.active, 20, "slow begins", 0.01)
    cluster.run(2.0)  # node 1 is back: one view more
    assert told(cluster, FAR) == {"web", "slow"}
    far.hang = lambda _: False
    made(cluster, 2, likes("slow", "node3", "INFINITY"))
    cluster.until(lambda: not far.active, 60, "all have left", 0.01)
    calm(cluster)
    assert {"web", "slow"} <= cluster.node(3).active


def test_the_end_of_the_connection_before_ends_nothing() -> None:
    """It is stopped on node 4, which was taken for connected: the attributes went with it."""
    cluster, far = connected_by_node4()
    cluster.answer(1, SetAttribute(node=FAR, name="colour", value="red"))
    cut(cluster, cluster.node(4), far)
    cluster.commit(2, likes(FAR, "node2", "INFINITY"))
    cluster.until(lambda: far.remote_core.member == "node2", 10, "moved")
    cluster.node(1).crash()
    cluster.run(3.0)
    calm(cluster)
    state = node_by_name(cluster.cib(2).status, FAR)
    assert state is not None
    assert attributes_of(state).get("colour") == "red"
    assert told(cluster, FAR) == {"web"}
    assert [node for _, _, node in cluster.power.log] == ["node1"]


def test_a_remote_node_that_leaves_while_its_connection_moves_leaves_in_order() -> None:
    """It ended with who was replaced, and what it ran: so it was fenced."""
    cluster, far = connected_by_node4()
    cut(cluster, cluster.node(2), far)
    made(cluster, 1, likes(FAR, "node2", "INFINITY"))
    cluster.run(0.1)  # node 2 tries, and tries
    far.ask(900, StopDaemon())
    cluster.network.heal()
    cluster.until(lambda: far.core is None or far.remote_core.member == "node2", 10, "moved")
    cluster.until(lambda: far.core is None, 20, "off", 0.01)
    stops = [resource for _, resource, action in far.operations if action == "stop"]
    assert stops == ["web"]
    cluster.run(10.0)
    assert not cluster.power.log


@pytest.mark.parametrize("error_s", [0.0, -100_000_000.0])
def test_a_claim_is_later_though_the_clock_is_behind_after_a_reboot(error_s: float) -> None:
    """It has begun anew when its connection moves, and who had it has not noticed."""
    cluster, far = connected_by_node4()
    far.crash()
    far.clock_error_s = error_s
    cut(cluster, cluster.node(4), far)  # no reset comes back
    far.start()
    made(cluster, 1, likes(FAR, "node2", "INFINITY"))
    cluster.until(lambda: far.remote_core.member == "node2", 10, "it has moved")
    cluster.run(60.0)
    cluster.network.heal()
    assert not cluster.power.log
    assert told(cluster, FAR) == far.active == {"web"}
