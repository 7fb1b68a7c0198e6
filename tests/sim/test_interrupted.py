"""One transition with a promotion, a migration and notifications, broken off at each of its steps.

Whatever happens in the middle of it, and wherever the middle is: nothing is started or promoted
beside another, the cluster reaches its target, and all that runs is monitored.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sim.checkers import Agreement
from sim.cluster import WALL, Cluster, Pace, SimNode, add_device
from sim.test_controller import Change, apply, location, resource
from sim.test_fencing import NeverTwice

from crmsh_py.cib.document import Cib
from crmsh_py.cib.xml import parse
from crmsh_py.engine.api import RunOperation
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.scheduler.result import ActionKind

STEP_S, STEPS = 0.05, 8


class OnePromoted(NeverTwice):
    def operation_begins(self, node: SimNode, operation: RunOperation) -> None:
        assert self.cluster is not None
        if "OCF_RESKEY_CRM_meta_clone" not in operation.environment:
            super().operation_begins(node, operation)
        elif operation.action == "promote":
            for other in self.cluster.nodes.values():
                assert other is node or operation.resource not in other.promoted


def promoted_on(node: str) -> Change:
    text = f'<rsc_location id="p-{node}" rsc="P-clone" role="Promoted" node="{node}" score="9000"/>'

    def change(cib: Cib) -> Cib:
        return cib.with_section("constraints", cib.section("constraints").append(parse(text)))

    return change


def moving() -> Cluster:
    """R migrates from node1 to node2, P is demoted on node3 and promoted on node2."""
    checker = OnePromoted()
    cluster = Cluster(3, 1, planner=scheduler_plan, observer=checker, pace=Pace(5, 4))
    checker.cluster = cluster
    cluster.agent_delay_s = (0.02, 0.06)
    cluster.start()
    cluster.settle()
    clone = resource("P", wrap="promotable=true notify=true")
    vm = resource(meta="allow-migrate=true")
    apply(cluster, add_device(), clone, vm, location("R", "node1", "100"))
    cluster.run(0.5)
    cluster.settle()
    cluster.commit(1, lambda cib: promoted_on("node2")(location("R", "node2", "200")(cib)))
    return cluster


def crash(cluster: Cluster, number: int) -> None:
    cluster.node(number).crash()


def bounce(cluster: Cluster, number: int) -> None:
    """It is back before anybody has missed it, and has forgotten everything."""
    cluster.node(number).crash()
    cluster.node(number).start()


def freeze(cluster: Cluster, number: int) -> None:
    cluster.network.freeze(cluster.node(number).address)
    cluster.run(0.4)
    cluster.network.thaw(cluster.node(number).address)


@pytest.mark.parametrize("fault", [crash, bounce, freeze])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_transition_that_is_broken_off_anywhere(
    fault: Callable[[Cluster, int], None], number: int
) -> None:
    for step in range(number % 2, STEPS, 2):
        cluster = moving()
        cluster.run(step * STEP_S)
        fault(cluster, number)
        cluster.run(4.0)
        cluster.settle(within_s=60)
        check(cluster)


def check(cluster: Cluster) -> None:
    assert len(cluster.up) == 3
    assert [node.name for node in cluster.up if "R" in node.active] == ["node2"]
    assert [node.name for node in cluster.up if "P" in node.promoted] == ["node2"]
    now = datetime.fromtimestamp(WALL + cluster.now, UTC)
    left = scheduler_plan(cluster.cib(1), now).actions
    assert not [action.key for action in left if action.kind is not ActionKind.PSEUDO]
    Agreement(cluster).check_equal()
    seen = {node.name: len(node.operations) for node in cluster.up}
    cluster.run(2.0)
    for node in cluster.up:
        told = {(name, task) for _, name, task in node.operations[seen[node.name] :]}
        unmonitored = {name for name in node.active if (name, "monitor") not in told}
        assert unmonitored <= ({"P"} if "P" in node.promoted else set())
