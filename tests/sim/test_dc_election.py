"""Who becomes DC knows most of what was: a DC that has just come back does not take over.

The status is in memory only. A node that has started anew remembers nothing of the nodes that are
away, and what the DC does not remember of them is forgotten by all.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sim.cluster import Cluster, SimNode, add_device, with_property, without_fencing
from sim.test_controller import location, resource

from crmsh_py.cib.document import Cib
from crmsh_py.engine.core import scheduler_plan
from crmsh_py.engine.status import attributes_of, node_by_name
from crmsh_py.wire.control import Committed, SetAttribute, SetTicket, StopDaemon

Change = Callable[[Cib], Cib]


def started(*changes: Change, nodes: int = 5, seed: int = 1) -> Cluster:
    """Settled nodes of which the first is DC."""
    cluster = Cluster(nodes, seed, planner=scheduler_plan)
    cluster.start()
    cluster.settle()
    for change in changes:
        ticket = cluster.commit(1, change)
        cluster.until(lambda t=ticket: t in cluster.node(1).replies, 5, "committed")
        assert isinstance(cluster.node(1).replies[ticket][0], Committed)
        cluster.settle()
    assert dc(cluster) is cluster.node(1)
    return cluster


def dc(cluster: Cluster) -> SimNode:
    """Whom all nodes follow."""
    (found,) = {node.core.dc for node in cluster.up if node.core}
    return next(node for node in cluster.up if node.node_id == found)


def stop(cluster: Cluster, number: int) -> None:
    """An orderly stop."""
    node = cluster.node(number)
    cluster.ask(number, StopDaemon())
    cluster.until(lambda: node.core is None, 10, "stopped")
    cluster.settle()


def bounce(cluster: Cluster, number: int, *, away_s: float = 0.0) -> None:
    """Off, and on before, or after, the others have noticed."""
    cluster.node(number).crash()
    cluster.run(away_s)
    cluster.node(number).start()
    cluster.run(0.6)
    cluster.settle()


@pytest.mark.parametrize("away_s", [0.0, 0.1, 0.3, 1.5])
def test_a_dc_that_comes_back_does_not_take_over(away_s: float) -> None:
    cluster = started(without_fencing, resource())
    bounce(cluster, 1, away_s=away_s)
    assert dc(cluster) is not cluster.node(1)


def test_who_was_never_away_is_preferred_to_who_came_back_before() -> None:
    """Both know the same by now; but one is known to last."""
    cluster = started(without_fencing, resource())
    bounce(cluster, 2)
    bounce(cluster, 1)
    assert dc(cluster) is cluster.node(3)


def test_the_dc_stays_when_others_come_and_go() -> None:
    cluster = started(without_fencing, resource())
    bounce(cluster, 1)
    chosen = dc(cluster)
    for number in (1, 2, 3, 4, 5):
        if cluster.node(number) is not chosen:
            bounce(cluster, number, away_s=0.1)
            assert dc(cluster) is chosen


def test_a_dc_that_slept_while_the_others_went_on_knows_less_than_they() -> None:
    """It believes that it is the DC of a quorate cluster; the others have a later term."""
    cluster = started(without_fencing, resource())
    cluster.network.freeze(cluster.node(1).address)
    cluster.run(0.6)
    cluster.settle(2, 3, 4, 5)
    other = dc_of(cluster, 2)
    other.crash()
    cluster.network.thaw(cluster.node(1).address)
    cluster.run(0.6)
    cluster.settle()
    assert dc(cluster) not in (cluster.node(1), other)


def dc_of(cluster: Cluster, number: int) -> SimNode:
    """Whom one node follows."""
    core = cluster.node(number).core
    assert core is not None
    return next(node for node in cluster.nodes.values() if node.node_id == core.dc)


def test_a_node_that_left_in_order_is_not_fenced_when_the_dc_bounces() -> None:
    """Nor waited for: the new DC knows that it is off."""
    cluster = started(add_device(), resource())
    stop(cluster, 5)
    cluster.node(1).crash()
    cluster.node(1).start()
    cluster.run(0.6)
    cluster.settle(within_s=5)  # dc-deadtime are 20 s
    assert not [target for _, _, target in cluster.power.log if target == "node5"]
    state = node_by_name(cluster.cib(2).status, "node5")
    assert state is not None
    assert state.get("expected") == "down"


def test_a_shutdown_lock_outlives_the_dc_that_saw_it() -> None:
    cluster = started(
        without_fencing,
        with_property("shutdown-lock", "true"),
        resource(),
        location("R", "node5", "200"),
    )
    assert cluster.node(5).active == {"R"}
    stop(cluster, 5)
    assert not any(node.active for node in cluster.up)
    bounce(cluster, 1)
    assert not any(node.active for node in cluster.up), "R was started elsewhere"
    cluster.node(5).start()
    cluster.settle()
    assert cluster.node(5).active == {"R"}


def test_nothing_that_members_know_is_forgotten() -> None:
    """Attributes, fail counts, tickets and the history of fencing are told by all who know."""
    cluster = started(add_device(), resource("R", meta="failure-timeout=600s"))
    where = next(node for node in cluster.up if "R" in node.active)
    cluster.answer(3, SetAttribute(node="", name="color", value="blue"))
    cluster.answer(3, SetTicket(ticket="siteA", attributes={"granted": "true"}))
    where.active.discard("R")  # the next monitor finds out
    cluster.run(2)
    cluster.settle()
    cluster.network.cut_links |= {
        link
        for other in cluster.nodes.values()
        for link in (
            (cluster.node(5).address, other.address),
            (other.address, cluster.node(5).address),
        )
    }
    cluster.until(lambda: any(t == "node5" for _, _, t in cluster.power.log), 10, "fenced")
    cluster.network.heal()
    cluster.run(1)
    cluster.settle()
    for number in (1, 2):
        bounce(cluster, number)
    status = cluster.cib(4).status
    node3 = node_by_name(status, "node3")
    assert node3 is not None
    assert attributes_of(node3).get("color") == "blue"
    assert [ticket.id for ticket in status.iter("ticket_state")] == ["siteA"]
    history = cluster.node(4).core
    assert history is not None
    assert any(record.target == "node5" for record in history._fencing.history.all())
