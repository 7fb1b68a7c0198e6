"""Live migrations that are interrupted: what is on its way is known, and looked for.

The agents here are those of virtual machines: ``migrate_to`` has the machine on its target from
its beginning, and only the source knows of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from sim.cluster import WALL, Cluster, SimNode, add_device
from sim.migration_chaos import sends
from sim.test_controller import Change, apply, location, resource, where
from sim.test_fencing import NeverTwice

from crmsh_py.engine.api import RunOperation
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.scheduler.result import ActionKind
from crmsh_py.wire.control import CleanResource

TARGET = "OCF_RESKEY_CRM_meta_migrate_target"


def prefer(node: str, score: int) -> Change:
    return location("R", node, str(score))


def running(clocks: Mapping[int, float] | None = None) -> Cluster:
    """R, a virtual machine, on node2; node1 is the DC. ``clocks``: how wrong they are, s."""
    checker = NeverTwice()
    cluster = Cluster(3, 1, planner=scheduler_plan, observer=checker)
    checker.cluster = cluster
    for node in cluster.nodes.values():
        _send_at_once(node)
        node.clock_error_s = (clocks or {}).get(node.number, 0.0)
    cluster.start()
    cluster.settle()
    vm = resource(meta="allow-migrate=true")
    apply(cluster, add_device(), vm, prefer("node2", 100))
    assert where(cluster) == ["node2"]
    return cluster


def _send_at_once(node: SimNode) -> None:
    run = node._run

    def begin(operation: RunOperation) -> None:
        run(operation)
        if operation.action == "migrate_to":
            names = {other.name: other for other in node.cluster.up}
            names[operation.environment[TARGET]].active.add(operation.resource)

    node._run = begin  # type: ignore[method-assign]


def migrating(cluster: Cluster) -> None:
    """R is on its way from node2 to node3, and does not arrive."""
    cluster.node(2).hang = lambda operation: operation.action == "migrate_to"
    cluster.commit(1, prefer("node3", 200))
    cluster.until(lambda: "R" in cluster.node(3).active, 5, "on its way", 0.001)
    cluster.run(0.05)


def wanted(cluster: Cluster) -> list[str]:
    plan = scheduler_plan(cluster.cib(1), datetime.fromtimestamp(WALL + cluster.now, UTC))
    return [action.key for action in plan.actions if action.kind is not ActionKind.PSEUDO]


def at_rest_on_node1(cluster: Cluster) -> None:
    cluster.until(lambda: where(cluster) == ["node1"], 30, "on node1", 0.01)
    cluster.run(3.0)
    cluster.settle(within_s=30)
    assert where(cluster) == ["node1"]
    assert not wanted(cluster)


def test_what_a_lost_node_has_sent_is_not_started_elsewhere_beside_it() -> None:
    cluster = running()
    migrating(cluster)
    cluster.node(2).crash()
    cluster.commit(1, prefer("node1", 1000))
    at_rest_on_node1(cluster)


def test_what_is_on_its_way_is_known_after_a_refresh() -> None:
    cluster = running()
    migrating(cluster)
    cluster.answer(1, CleanResource(resource="R", node="node2", all_history=True))
    cluster.node(2).crash()
    cluster.commit(1, prefer("node1", 1000))
    at_rest_on_node1(cluster)


def test_what_is_on_its_way_is_known_in_the_next_view() -> None:
    """Its source survives the first change of membership, and not the second."""
    cluster = running()
    migrating(cluster)
    cluster.node(1).crash()
    cluster.run(1.0)
    cluster.node(1).start()
    cluster.run(1.0)
    cluster.node(2).crash()
    cluster.commit(3, prefer("node1", 1000))
    at_rest_on_node1(cluster)


def test_what_a_node_has_sent_before_it_started_anew_is_looked_for() -> None:
    """It was back before anybody had missed it, and knows of nothing."""
    cluster = running()
    migrating(cluster)
    cluster.node(2).crash()
    cluster.node(2).hang = lambda _: False
    cluster.node(2).start()
    cluster.commit(1, prefer("node1", 1000))
    at_rest_on_node1(cluster)


def test_what_was_sent_is_looked_for_when_its_node_is_off() -> None:
    """The plan that would have stopped it on the target ends while its node is being fenced."""
    cluster = running()
    cluster.power.works = False
    migrating(cluster)
    cluster.node(3).hang = lambda operation: operation.action == "stop"
    cluster.node(2).crash()
    cluster.run(2.0)
    cluster.power.works = True
    cluster.commit(1, prefer("node1", 1000))
    cluster.node(3).hang = lambda _: False
    at_rest_on_node1(cluster)


@pytest.mark.parametrize("how", ["refresh", "restart"])
def test_what_is_found_where_it_was_migrated_to_is_left_alone(how: str) -> None:
    """The target has forgotten how it came: that the source has sent it means nothing any more."""
    cluster = running()
    apply(cluster, prefer("node3", 200))
    assert where(cluster) == ["node3"]
    if how == "refresh":
        cluster.answer(1, CleanResource(resource="R", node="node3", all_history=True))
    else:
        cluster.node(3).crash()
        cluster.node(3).start()
    cluster.run(2.0)
    cluster.settle(within_s=30)
    assert where(cluster) == ["node3"]
    assert not wanted(cluster), "at rest, and the scheduler is not content"


def test_what_was_sent_to_a_node_that_is_away_is_known_after_a_refresh() -> None:
    """It comes back before it could be fenced, and believes that nothing is there."""
    cluster = running()
    cluster.power.works = False
    cluster.agent_delay_s = (0.6, 0.6)
    cluster.commit(1, prefer("node3", 200))
    cluster.until(lambda: "R" in cluster.node(3).active, 5, "on its way", 0.001)
    cluster.network.freeze(cluster.node(3).address)
    cluster.run(2.0)
    cluster.answer(1, CleanResource(resource="R", all_history=True))
    cluster.network.thaw(cluster.node(3).address)
    cluster.commit(1, prefer("node1", 1000))
    at_rest_on_node1(cluster)


def test_what_did_not_arrive_and_was_started_again_means_nothing_after_a_refresh() -> None:
    """It is where it was sent from, and left alone."""
    cluster = running()
    cluster.node(3).hang = lambda operation: operation.action == "migrate_from"
    cluster.commit(1, sends("R", "node3"))
    cluster.until(lambda: "R" in cluster.node(3).active, 5, "on its way", 0.001)
    cluster.run(0.2)
    cluster.node(3).crash()
    cluster.commit(1, sends("R", "node2"))
    cluster.until(lambda: where(cluster) == ["node2"], 30, "started again")
    cluster.settle(within_s=30)
    before = list(cluster.node(2).operations)
    cluster.answer(1, CleanResource(resource="R", all_history=True))
    cluster.run(3.0)
    cluster.settle(within_s=30)
    assert where(cluster) == ["node2"]
    assert {what for _, _, what in cluster.node(2).operations[len(before) :]} == {"monitor"}
    assert not wanted(cluster), "at rest, and the scheduler is not content"


def interrupted(cluster: Cluster) -> None:
    """R is to go to node3, and before it has arrived it had better go to node1."""
    cluster.agent_delay_s = (0.6, 0.6)
    cluster.commit(1, sends("R", "node3"))
    cluster.until(lambda: "R" in cluster.node(3).active, 5, "on its way", 0.001)
    cluster.commit(1, sends("R", "node1"))


@pytest.mark.parametrize("error_s", [-3600, 3600])
@pytest.mark.parametrize("number", [2, 3])
def test_what_a_migration_has_left_is_told_whatever_the_clocks_say(
    number: int, error_s: int
) -> None:
    """By its date, what the target said before may be newer than what the source has done since."""
    cluster = running(clocks={number: error_s})
    interrupted(cluster)
    at_rest_on_node1(cluster)


def test_an_earlier_migration_between_the_same_nodes_is_not_the_one_that_is_under_way() -> None:
    """The target has its half of that one in its history."""
    cluster = running()
    apply(cluster, sends("R", "node3"), sends("R", "node2"))
    assert where(cluster) == ["node2"]
    interrupted(cluster)
    at_rest_on_node1(cluster)
