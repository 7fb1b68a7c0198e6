"""An orderly stop is heard, also in a ring that breaks, and never says more than is true."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sim.cluster import Cluster, add_device, add_resource, with_property, without_fencing
from sim.test_controller import location, where
from sim.test_fencing import NeverTwice

from crmsh_py import corosync_conf
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.api import RunOperation
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.engine.status import node_by_name
from crmsh_py.wire.control import Done, Request, StartManager, StopDaemon, StopManager


def running(*changes: Callable[[Cib], Cib], token_ms: int = 200) -> Cluster:
    """Three settled nodes, R1 on node1, with these changes."""
    checker = NeverTwice()
    cluster = Cluster(3, 1, planner=scheduler_plan, observer=checker)
    checker.cluster = cluster
    text = cluster.conf_text.replace("token: 200", f"token: {token_ms}")
    cluster.conf_text = text.replace("consensus: 240", f"consensus: {token_ms * 6 // 5}")
    cluster.conf = corosync_conf.parse(cluster.conf_text)
    cluster.start()
    cluster.settle(within_s=600)
    for change in (*changes, add_resource("R1")):
        cluster.commit(1, change)
        cluster.run(1.0)
        cluster.settle(within_s=600)
    return cluster


def test_a_stop_is_heard_though_the_ring_breaks_and_needs_long_to_mend() -> None:
    """Longer than an order of a client waits for its cluster."""
    cluster = running(without_fencing, token_ms=20_000)
    leaving = next(node for node in cluster.up if "R1" in node.active)
    next(node for node in cluster.up if node is not leaving).crash()
    cluster.run(1.0)  # nobody has seen it; what is said now waits for the token that is lost
    ticket = cluster.ask(leaving.number, StopDaemon())
    cluster.until(lambda: leaving.core is None, 120, "gone", every_s=0.5)
    assert leaving.exit_code == 0
    assert isinstance(leaving.replies[ticket][0], Done)


@pytest.mark.parametrize("request_", [StopManager(), StopDaemon()])
def test_a_node_whose_resources_do_not_stop_in_time_does_not_say_that_they_have(
    request_: Request,
) -> None:
    cluster = running(add_device(), with_property("shutdown-escalation", "5s"))
    leaving = next(node for node in cluster.up if "R1" in node.active)
    life = leaving.life
    cluster.agent_delay_s = (15.0, 15.0)
    ticket = cluster.ask(leaving.number, request_)
    cluster.until(lambda: leaving.life != life, 8, "ended", every_s=0.1)
    assert leaving.exit_code == 1
    (reply,) = leaving.replies[ticket]
    assert "shutdown-escalation" in getattr(reply, "text", "")
    cluster.agent_delay_s = (0.005, 0.03)
    cluster.until(lambda: bool(cluster.power.log), 20, "fenced", every_s=0.1)
    assert cluster.power.log[0][2] == leaving.name
    cluster.until(lambda: any("R1" in n.active for n in cluster.up), 30, "recovered", every_s=0.1)


def test_a_manager_that_is_leaving_is_not_started_again_with_a_done_that_is_none() -> None:
    cluster = running(without_fencing)
    leaving = next(node for node in cluster.up if "R1" in node.active)
    cluster.agent_delay_s = (3.0, 3.0)
    stop = cluster.ask(leaving.number, StopManager())
    cluster.run(1.0)
    start = cluster.ask(leaving.number, StartManager())
    cluster.run(0.1)
    (refused,) = leaving.replies[start]
    assert "is stopping" in getattr(refused, "text", "")
    cluster.until(lambda: stop in leaving.replies, 30, "stopped", every_s=0.1)
    assert isinstance(leaving.replies[stop][0], Done)
    assert isinstance(cluster.answer(leaving.number, StartManager()), Done)
    cluster.settle(within_s=30)
    assert len(where(cluster, "R1")) == 1


# ---- while the manager of a member is off --------------------------------------------------------


def with_role(name: str, role: str) -> Callable[[Cib], Cib]:
    """``target-role`` of a resource."""

    def put(element: Element) -> Element:
        if element.id != name:
            return element
        pair = Element("nvpair", {"id": f"{name}-role", "name": "target-role", "value": role})
        meta = Element("meta_attributes", {"id": f"{name}-meta"}, (pair,))
        others = tuple(child for child in element.children if child.id != meta.id)
        return element.with_children((*others, meta))

    def change(cib: Cib) -> Cib:
        return cib.with_section("resources", cib.section("resources").map_children(put))

    return change


@pytest.mark.parametrize("breaks", [False, True])
def test_a_member_whose_manager_was_stopped_keeps_nothing_from_starting(breaks: bool) -> None:
    """Nothing runs there, and everybody was told so: it is not one that is just joining.

    The scheduler waits with what has never been looked for on a joining node.
    """
    cluster = running(add_device())
    (first,) = (node for node in cluster.up if "R1" in node.active)
    other, third = (node for node in cluster.up if node is not first)
    cluster.answer(first.number, StopManager())
    if breaks:  # that it has left is known in the next view, too
        third.crash()
        cluster.until(lambda: third.core is not None, 20, "back", every_s=0.1)
    cluster.settle(within_s=20)
    for change in (with_role("R1", "Stopped"), add_resource("R2"), with_role("R1", "Started")):
        cluster.commit(other.number, change)
        cluster.run(1.0)
    assert len(where(cluster, "R1")) == 1
    assert len(where(cluster, "R2")) == 1
    cluster.answer(first.number, StartManager())
    cluster.run(1.0)
    assert len(where(cluster, "R1")) == 1
    state = node_by_name(cluster.cib(other.number).status, first.name)
    assert state is not None
    assert state.get("crmd") == "online"


def test_a_shutdown_lock_outlasts_a_change_of_the_membership() -> None:
    """Also where the daemon of the locked node stays, and only its manager is off."""
    cluster = running(without_fencing, with_property("shutdown-lock", "true"))
    (locked,) = (node for node in cluster.up if "R1" in node.active)
    third = next(node for node in cluster.up if node is not locked)
    cluster.answer(locked.number, StopManager())
    third.crash()
    cluster.run(2.0)
    third.start()
    cluster.run(2.0)
    assert where(cluster, "R1") == [], "it waits for its node"
    cluster.answer(locked.number, StartManager())
    cluster.run(2.0)
    assert where(cluster, "R1") == [locked.name]


def test_who_follows_a_dc_that_leaves_waits_for_what_that_one_has_begun() -> None:
    """``shutdown-escalation`` passes while R2 starts; the ring stays, so nobody tells it again."""
    cluster = running(add_device(), with_property("shutdown-escalation", "3s"))
    (dc,) = (node for node in cluster.up if node.core and node.core.dc == node.node_id)
    cluster.commit(dc.number, lambda cib: cib.with_section("resources", Element("resources")))
    cluster.run(1.0)

    def slow(run: RunOperation) -> bool:
        return run.resource == "R2" and run.action == "start"

    for node in cluster.up:
        node.hang = slow
    away = location("R2", dc.name, "-INFINITY")
    cluster.commit(dc.number, lambda cib: away(add_resource("R2")(add_device()(cib))))
    cluster.until(lambda: bool(where(cluster, "R2")), 5, "being started", every_s=0.001)
    (beginner,) = where(cluster, "R2")
    other = next(node for node in cluster.up if node.name not in (dc.name, beginner))
    cluster.ask(dc.number, StopManager())
    cluster.run(1.0)
    cluster.commit(other.number, location("R2", other.name, "500"))
    cluster.run(15.0)
    assert where(cluster, "R2") == [beginner]
    other.hang = lambda _: False
    cluster.until(lambda: where(cluster, "R2") == [other.name], 10, "recovered", every_s=0.1)


def test_what_a_fence_device_did_is_not_told_when_the_manager_is_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = running(without_fencing, with_property("shutdown-escalation", "3s"))
    leaving = next(node for node in cluster.up if not node.active)
    monkeypatch.setattr("sim.power._LATENCY_S", (8.0, 8.0))
    away = [location("fence", n.name, "-INFINITY") for n in cluster.up if n is not leaving]
    cluster.commit(1, lambda cib: away[1](away[0](add_device()(cib))))
    cluster.run(1.0)
    cluster.answer(leaving.number, StopManager())
    cluster.run(15.0)
    state = node_by_name(cluster.cib(cluster.up[0].number).status, leaving.name)
    assert state is not None
    assert state.find("lrm") is None
    assert any(name == "fence" for _, name, _ in leaving.operations), "it was being started"
