"""Resources of whole clusters: placed, recovered, given up, by the toy and by the scheduler."""

from __future__ import annotations

import zlib

import pytest
from sim.checkers import watched
from sim.cluster import Cluster, add_resource, without_fencing
from sim.scenes import committed, runs_on, started

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.engine.status import attributes_of, history_of, node_by_name
from crmsh_py.wire.control import (
    CleanResource,
    Done,
)


def test_a_resource_runs_on_one_node_soon_after_its_commit() -> None:
    cluster = started()
    began = cluster.now
    committed(cluster, 3, "R1")
    cluster.settle()
    assert len(runs_on(cluster, "R1")) == 1
    assert cluster.now - began < 0.5  # two agents' runs of at most 30 ms each, and the ring


def test_a_lost_node_is_recovered_at_once_after_the_new_membership() -> None:
    cluster = started()
    committed(cluster, 1, "R1")
    committed(cluster, 1, "R2")
    cluster.settle()
    victim = next(node for node in cluster.up if "R1" in node.active)
    others = [node.number for node in cluster.up if node is not victim]
    victim.crash()
    first = cluster.node(others[0])
    cluster.until(lambda: len(first.core.members) == 2, 5, "a new membership")  # type: ignore[union-attr]
    began = cluster.now
    cluster.until(lambda: bool(runs_on(cluster, "R1")), 5, "recovered")
    assert cluster.now - began < 0.1
    cluster.settle(*others)
    state = node_by_name(cluster.cib(others[0]).status, victim.name)
    assert state is not None
    assert (state.get("in_ccm"), state.get("crmd")) == ("false", "offline")


def test_a_node_that_is_cut_off_stops_its_resources() -> None:
    cluster = started()
    for name in ("R1", "R2", "R3"):
        committed(cluster, 1, name)
    cluster.settle()
    victim = next(node for node in cluster.up if node.active)
    cluster.partition([victim.number], [n.number for n in cluster.up if n is not victim])
    cluster.until(lambda: not victim.active, 5, "stopped")
    cluster.until(
        lambda: all(runs_on(cluster, name) for name in ("R1", "R2", "R3")), 5, "recovered"
    )


def test_a_failed_monitor_is_counted_and_recovered() -> None:
    cluster = started()
    committed(cluster, 1, "R1")
    cluster.settle()
    victim = next(node for node in cluster.up if "R1" in node.active)
    victim.active.discard("R1")  # somebody has stopped it by hand
    cluster.run(11.0)  # the monitor's interval is 10 s
    cluster.settle()
    state = node_by_name(cluster.cib(1).status, victim.name)
    assert state is not None
    assert attributes_of(state)["fail-count-R1#monitor_10000"] == "1"
    assert int(attributes_of(state)["last-failure-R1#monitor_10000"]) > 0
    history = history_of(state, "R1")
    assert history is not None
    assert "R1_last_failure_0" in {entry.id for entry in history.children}
    assert len(runs_on(cluster, "R1")) == 1
    assert isinstance(cluster.answer(1, CleanResource(resource="R1")), Done)
    cluster.settle()
    state = node_by_name(cluster.cib(1).status, victim.name)
    assert state is not None
    assert not attributes_of(state)
    assert len(runs_on(cluster, "R1")) == 1


def test_a_failed_start_bars_the_node() -> None:
    cluster = started()
    for node in cluster.up:
        node.fail = lambda operation: 1 if operation.action == "start" else None
    good = cluster.node(2)
    good.fail = lambda _: None
    committed(cluster, 1, "R1")
    cluster.settle()
    assert runs_on(cluster, "R1") == ["node2"]


def test_a_recurring_monitor_is_told_once_and_run_again_and_again() -> None:
    cluster = started()
    committed(cluster, 1, "R1")
    cluster.settle()
    version = cluster.cib(1).version
    node = next(node for node in cluster.up if "R1" in node.active)
    before = len(node.operations)
    cluster.run(35.0)
    assert len(node.operations) - before == 3
    assert cluster.cib(1).version == version


@pytest.mark.parametrize("seed", range(4))
def test_running_operations_of_the_old_view_are_waited_for(seed: int) -> None:
    """A start that is under way when the DC dies must not be begun elsewhere as well."""
    cluster, _ = watched(3, seed)
    cluster.agent_delay_s = (1.5, 1.5)
    cluster.start()
    cluster.settle()
    name = next(n for n in ("R1", "R2", "R3", "R4", "R5") if zlib.crc32(n.encode()) % 3 != 0)
    cluster.commit(1, add_resource(name))
    cluster.until(lambda: bool(runs_on(cluster, name)), 10, "begun")
    holders = runs_on(cluster, name)
    cluster.node(1).crash()
    cluster.run(1.0)
    cluster.settle(2, 3)
    assert runs_on(cluster, name) == holders


# ---- the real scheduler --------------------------------------------------------------------------


def test_an_address_and_a_site_move_together_in_their_order() -> None:
    """The tutorial's resources by the real policy: placed, moved, recovered, not moved back."""
    cluster = Cluster(3, 1, planner=scheduler_plan)
    cluster.start()
    cluster.settle()
    for change in (without_fencing, website):
        cluster.commit(1, change)
        cluster.run(0.05)
    cluster.settle()
    assert cluster.node(1).active == {"ClusterIP", "WebSite"}
    cluster.commit(1, prefer_node2)
    cluster.run(0.05)
    cluster.settle()
    assert cluster.node(2).active == {"ClusterIP", "WebSite"}
    stops = [name for _, name, action in cluster.node(1).operations if action == "stop"]
    starts = [name for _, name, action in cluster.node(2).operations if action == "start"]
    assert stops == ["WebSite", "ClusterIP"]
    assert starts == ["ClusterIP", "WebSite"]
    cluster.commit(1, lambda cib: cib.with_section("constraints", _bonds()))
    cluster.run(0.05)
    cluster.settle()
    cluster.node(2).crash()
    cluster.run(1.0)
    cluster.settle(1, 3)
    (holder,) = {node.number for node in cluster.up if node.active}
    cluster.start(2)
    cluster.run(0.1)
    cluster.settle()
    assert cluster.node(holder).active == {"ClusterIP", "WebSite"}, "stickiness keeps it there"


def test_failures_of_an_agent_wander_through_the_nodes_and_are_forgotten_by_a_cleanup() -> None:
    cluster = Cluster(3, 1, planner=scheduler_plan)
    cluster.start()
    cluster.settle()
    cluster.commit(1, without_fencing)
    for node in cluster.up:
        node.fail = lambda operation: 1 if operation.action == "start" else None
    cluster.commit(1, website)
    cluster.run(0.05)
    cluster.settle()
    assert not any(node.active & {"WebSite"} for node in cluster.up)
    for node in cluster.up:
        node.fail = lambda _: None
        state = node_by_name(cluster.cib(1).status, node.name)
        assert state is not None
        assert attributes_of(state)["fail-count-ClusterIP#start_0"] == "INFINITY"
    assert isinstance(cluster.answer(1, CleanResource()), Done)
    cluster.settle()
    assert len(runs_on(cluster, "WebSite")) == 1


def website(cib: Cib) -> Cib:
    """The tutorial's two primitives, their bonds, and stickiness."""

    def primitive(name: str, interval: str) -> Element:
        op = {"id": f"{name}-monitor", "name": "monitor", "interval": interval}
        attributes = {"id": name, "class": "ocf", "provider": "pacemaker", "type": "Dummy"}
        return Element("primitive", attributes, (Element("operations", {}, (Element("op", op),)),))

    stickiness = {"id": "stick", "name": "resource-stickiness", "value": "100"}
    pair = Element("nvpair", stickiness)
    defaults = Element("rsc_defaults", {}, (Element("meta_attributes", {"id": "d"}, (pair,)),))
    both = (primitive("WebSite", "1min"), primitive("ClusterIP", "30s"))
    cib = cib.with_section("resources", cib.section("resources").append(*both))
    return cib.with_section("constraints", _bonds()).with_section("rsc_defaults", defaults)


def _bonds() -> Element:
    together = {"id": "c", "rsc": "WebSite", "with-rsc": "ClusterIP", "score": "INFINITY"}
    order = {"id": "o", "first": "ClusterIP", "then": "WebSite", "kind": "Mandatory"}
    bonds = (Element("rsc_colocation", together), Element("rsc_order", order))
    return Element("constraints", {}, bonds)


def prefer_node2(cib: Cib) -> Cib:
    """What `crm resource move WebSite node2` writes."""
    attributes = {"id": "cli-prefer-WebSite", "rsc": "WebSite", "node": "node2"}
    move = Element("rsc_location", {**attributes, "score": "INFINITY"})
    return cib.with_section("constraints", cib.section("constraints").append(move))
