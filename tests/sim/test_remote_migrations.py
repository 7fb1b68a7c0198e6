"""Live migrations from and to remote nodes."""

from __future__ import annotations

import pytest
from sim.cluster import Cluster, add_resource
from sim.remote import SimRemote
from sim.test_guests import likes, made
from sim.test_remote_nodes import calm, cluster_with_far, holder, prefer_far

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.wire.control import CleanResource, Done


def with_migratable(cib: Cib) -> Cib:
    """``moving`` can migrate, and likes ``far``."""

    def put(element: Element) -> Element:
        if element.id != "moving":
            return element
        pair = Element("nvpair", {"id": "moving-am", "name": "allow-migrate", "value": "true"})
        meta = Element("meta_attributes", {"id": "moving-meta"}, (pair,))
        return element.with_children((meta, *element.children))

    added = prefer_far("moving")(add_resource("moving")(cib))
    return added.with_section("resources", added.section("resources").map_children(put))


def migrated_away() -> tuple[Cluster, SimRemote]:
    """``moving`` has migrated from ``far`` to node 3."""
    cluster, far = cluster_with_far()
    made(cluster, 1, with_migratable)
    cluster.until(lambda: "moving" in far.active, 20, "on far", 0.01)
    calm(cluster)
    made(cluster, 1, likes("moving", "node3", "INFINITY"))
    cluster.until(lambda: "moving" in cluster.node(3).active, 20, "on node 3", 0.01)
    calm(cluster)
    assert "moving" not in far.active
    assert "migrate_to" in [action for _, _, action in far.operations]
    return cluster, far


@pytest.mark.parametrize("who", ["holder", "other"])
def test_what_is_found_where_a_remote_node_has_sent_it_is_left_alone(who: str) -> None:
    """A new view is told by who is connected what ``far`` had sent, or by ``far`` itself."""
    cluster, far = migrated_away()
    lost = next(
        node
        for node in cluster.up
        if node.number != 3 and (node is holder(cluster, far)) == (who == "holder")
    )
    lost.crash()
    cluster.run(3.0)
    calm(cluster)
    refresh = CleanResource(resource="moving", node="node3", all_history=True)
    assert isinstance(cluster.answer(3, refresh), Done)
    cluster.run(2.0)
    calm(cluster)
    done = [action for _, name, action in cluster.node(3).operations if name == "moving"]
    assert "stop" not in done, done
    assert "moving" in cluster.node(3).active
