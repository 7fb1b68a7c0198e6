"""no-quorum-policy=freeze: a side without quorum keeps what it runs, and it runs nowhere else.

The side with quorum fences the members of a frozen one by and by. Who is on again may be back on
the frozen side while a neighbour there is still on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from sim.cluster import Cluster, SimNode, add_device, add_resource, with_property
from sim.power import PowerSwitch
from sim.scenes import runs_on
from sim.test_fencing import NeverTwice
from sim.test_never_twice import prefer

from crmsh_py.engine.api import RunOperation
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.engine.status import node_by_name
from crmsh_py.wire.control import SetAttribute

LATE_S = 3.0


@dataclass(slots=True)
class LateFor(PowerSwitch):
    """A power switch that is slow for one node."""

    name: str = ""

    def run(self, by: SimNode, operation: RunOperation) -> None:
        late = operation.parameters.get("port") == self.name
        life, network = by.life, self.cluster.network

        def run() -> None:
            if by.life == life:
                PowerSwitch.run(self, by, operation)

        network.at(network.now + (LATE_S if late else 0.0), run)


def frozen() -> Cluster:
    """R is on node 5; it belongs on node 4, which is in standby until it starts again.

    Then these two are cut off, and the power switch is slow for node 5.
    """
    checker = NeverTwice()
    cluster = Cluster(5, 1, planner=scheduler_plan, observer=checker)
    checker.cluster = cluster
    cluster.start()
    cluster.settle()
    cluster.answer(1, SetAttribute(node="node4", name="standby", value="on"))
    changes = (
        add_device(),
        with_property("no-quorum-policy", "freeze"),
        add_resource("R"),
        prefer("R", "node5", 500),
        prefer("R", "node4"),
    )
    cluster.commit(1, lambda cib: reduce(lambda done, change: change(done), changes, cib))
    cluster.until(lambda: runs_on(cluster, "R") == ["node5"], 5, "R runs")
    cluster.settle()
    cluster.power = LateFor(cluster, name="node5")
    cluster.partition([1, 2, 3], [4, 5])
    return cluster


def test_who_is_back_on_a_frozen_side_takes_nothing_over() -> None:
    """The side with quorum has fenced node 4, and waits for node 5 alone before it starts R."""
    cluster = frozen()
    fenced = cluster.power.log
    cluster.until(lambda: bool(fenced), 5, "node 4 is fenced")
    assert fenced[0][2] == "node4"
    back = cluster.node(4)
    cluster.until(
        lambda: back.core is not None and len(back.core.members) == 2, 2, "node 4 is back"
    )
    cluster.settle(4, 5)
    state = node_by_name(cluster.cib(5).status, "node4")
    assert state is not None
    assert state.get("crmd") == "offline", "as one that is joining"
    cluster.until(lambda: len(fenced) == 2, LATE_S + 1, "node 5 is fenced")
    cluster.run(2.0)

    assert len(runs_on(cluster, "R")) == 1

    cluster.network.heal()
    cluster.settle()
    assert runs_on(cluster, "R") == ["node4"]


def test_who_came_back_takes_part_when_the_side_freezes_no_more() -> None:
    """In the very view in which somebody forces another policy."""
    cluster = frozen()
    cluster.power.works = False
    back = cluster.node(4)
    back.crash()
    cluster.run(1.0)
    back.start()
    cluster.run(10.0)
    for number in (1, 2, 3):
        cluster.node(number).crash()

    def stands() -> str:
        state = node_by_name(cluster.cib(5).status, "node4")
        return state.get("crmd") if state is not None else ""

    assert stands() == "offline"
    cluster.commit(5, with_property("no-quorum-policy", "ignore"), force=True)
    cluster.until(lambda: stands() == "online", 10, "node 4 takes part")
