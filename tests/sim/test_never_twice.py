"""Nothing runs twice, and nobody is shot in vain, in orders of events that no seed has met.

``NeverTwice`` looks at all starts: no machine that has power may have it active elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from sim import toy_planner
from sim.cluster import Cluster, Disk, SimNode, add_device, add_resource, with_property
from sim.power import PowerSwitch
from sim.test_fencing import RESOURCES, NeverTwice, history, running
from sim.test_remote_nodes import FAR, Once, add_connection, prefer_far

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.api import OperationFinished, RunOperation
from crmsh_py.engine.controller import Planner, scheduler_plan
from crmsh_py.node import process
from crmsh_py.scheduler.result import Plan
from crmsh_py.value import replace
from crmsh_py.wire.control import SetAttribute, StopDaemon
from crmsh_py.wire.fencing import FencingState

Change = Callable[[Cib], Cib]
NEVER_S = (1000.0, 1000.0)


def cluster_of(
    *changes: Change, count: int = 3, planner: Planner = scheduler_plan, watchdogs: bool = False
) -> Cluster:
    """A settled cluster with six resources, by the real scheduler."""
    checker = NeverTwice()
    cluster = Cluster(count, 1, planner=planner, observer=checker, watchdogs=watchdogs)
    checker.cluster = cluster
    cluster.start()
    cluster.settle()
    for change in (*changes, *map(add_resource, RESOURCES)):
        cluster.commit(1, change)
        cluster.settle(within_s=30)
    cluster.run(1.0)
    cluster.settle(within_s=30)
    return cluster


def busy(cluster: Cluster) -> SimNode:
    """A node that runs something and is not the DC."""
    return next(node for node in cluster.up if node.active and node.number != 1)


def prefer(name: str, node: str, score: int = 1000) -> Change:
    def change(cib: Cib) -> Cib:
        attributes = {"id": f"{name}-{node}", "rsc": name, "node": node, "score": str(score)}
        constraints = cib.section("constraints").append(Element("rsc_location", attributes))
        return cib.with_section("constraints", constraints)

    return change


def others(cluster: Cluster, victim: SimNode) -> list[int]:
    return [node.number for node in cluster.up if node is not victim]


def stops_nothing(node: SimNode) -> None:
    """Its agents hang when they are to stop something; what runs goes on."""
    node.hang = lambda operation: operation.action == "stop"
    later = node._later
    never = 10_000.0
    node._later = lambda delay, action: later(delay if delay < 5 else never, action)  # type: ignore[method-assign]


# ---- watchdogs -----------------------------------------------------------------------------------


def test_a_remote_node_is_not_reset_by_a_watchdog_that_nobody_feeds() -> None:
    """The wire to it is cut, and it goes on. Nothing resets it: its daemon knows of no lease."""
    observer = Once()
    cluster = Cluster(3, 1, planner=scheduler_plan, observer=observer, watchdogs=True)
    observer.cluster = cluster
    far = cluster.add_remote(FAR)
    cluster.start()
    far.start()
    cluster.settle()
    watchdog = with_property("stonith-watchdog-timeout", "10s")
    for change in (watchdog, add_connection, add_resource("web"), prefer_far("web")):
        cluster.commit(1, change)
        cluster.settle(within_s=30)
    cluster.until(lambda: "web" in far.active, 20, "web runs on far", 0.01)
    cluster.settle()
    for node in cluster.up:
        if node is not far:
            cluster.network.cut(far.address, node.address)
            cluster.network.cut(node.address, far.address)
    cluster.run(60.0)


def test_a_watchdog_that_a_lost_node_was_never_told_of_is_not_relied_on() -> None:
    """Nothing can fence the lost node, so somebody turns the watchdogs on: among those who hear."""
    cluster = cluster_of(with_property("stonith-enabled", "false"), watchdogs=True)
    cluster.commit(1, with_property("stonith-enabled", "true"))
    cluster.settle()
    victim = busy(cluster)
    stops_nothing(victim)
    cluster.partition([victim.number], others(cluster, victim))
    cluster.run(5.0)
    cluster.commit(1, with_property("stonith-watchdog-timeout", "10s"))
    cluster.run(60.0)


def test_a_lost_node_is_given_the_time_that_it_knew_of() -> None:
    """60 s when it was lost, 5 s since; then a new membership begins the wait anew."""
    cluster, _ = running(3, 1, watchdog="60s", device=False)
    victim = busy(cluster)
    stops_nothing(victim)
    rest = others(cluster, victim)
    cluster.partition([victim.number], rest)
    cluster.run(2.0)
    cluster.commit(1, with_property("stonith-watchdog-timeout", "5s"))
    cluster.run(2.0)
    restarted = cluster.node(rest[1])
    restarted.crash()
    restarted.start()
    cluster.run(60.0)


# ---- orderly ends --------------------------------------------------------------------------------


def on_fail_block(cib: Cib) -> Cib:
    """What cannot be stopped stays where it is, until somebody looks at it."""

    def put(element: Element) -> Element:
        operations = element.find("operations")
        if operations is None:
            return element
        attributes = {"id": f"{element.id}-stop", "name": "stop", "interval": "0"}
        stop = Element("op", {**attributes, "on-fail": "block"})
        new = operations.append(stop)
        return element.with_children(
            tuple(new if child is operations else child for child in element.children)
        )

    return cib.with_section("resources", cib.section("resources").map_children(put))


def cannot_stop(node: SimNode) -> None:
    node.fail = lambda operation: 1 if operation.action == "stop" else None


def test_a_node_does_not_leave_with_what_it_cannot_stop() -> None:
    """The DC has nothing to do, as all of it is blocked. Promise 6: who stops does not lie."""
    cluster = cluster_of(add_device())
    cluster.commit(1, on_fail_block)
    cluster.settle(within_s=30)
    victim = busy(cluster)
    cannot_stop(victim)
    cluster.ask(victim.number, StopDaemon())
    cluster.run(30.0)


def test_a_node_does_not_leave_because_nobody_can_fence_it() -> None:
    """It cannot stop something, so it is to be fenced, and that is given up: the DC is at rest."""
    cluster = cluster_of(add_device(), with_property("stonith-max-attempts", "2"))
    cluster.power.works = False
    victim = busy(cluster)
    cannot_stop(victim)
    cluster.ask(victim.number, StopDaemon())
    cluster.run(30.0)


def test_a_node_does_not_leave_because_no_plan_can_be_made() -> None:
    """A planner that fails is a DC at rest."""
    broken = [False]

    def planner(cib: Cib, now: datetime) -> Plan:
        if broken[0]:
            raise ValueError("by a bug")
        return scheduler_plan(cib, now)

    cluster = cluster_of(add_device(), planner=planner)
    victim = busy(cluster)
    broken[0] = True
    cluster.ask(victim.number, StopDaemon())
    cluster.run(0.1)
    broken[0] = False
    cluster.ask(1, SetAttribute(node="node1", name="color", value="1"))
    cluster.run(30.0)


# ---- who is known --------------------------------------------------------------------------------


def test_what_runs_on_a_node_is_not_forgotten_with_it() -> None:
    """Node 3 joins for the first time, beside node 2 whose disk hangs, and starts something.

    Then it is cut off, and node 2 loses its power: on no disk but that of node 3 is there any
    node 3, and nobody fences one that is not in the configuration.
    """
    checker = NeverTwice()
    cluster = Cluster(3, 1, planner=scheduler_plan, observer=checker)
    checker.cluster = cluster
    cluster.start(1, 2)
    cluster.settle(1, 2)
    for change in (add_device(), *map(add_resource, RESOURCES)):
        cluster.commit(1, change)
        cluster.settle(1, 2, within_s=60)
    cluster.run(1.0)
    cluster.settle(1, 2, within_s=60)
    cluster.node(1).crash()
    cluster.run(1.0)
    third = cluster.node(3)
    third.start()
    cluster.until(lambda: third.core is not None and third.core.primary, 10, "quorum with node 3")
    cluster.node(2).disk.delay_s = NEVER_S
    cluster.network.run_until(lambda: bool(third.active), within_s=60)  # better: nothing
    stops_nothing(third)
    cluster.partition([3], [1, 2])
    cluster.node(2).crash(lose=True)
    cluster.node(2).disk.delay_s = Disk().delay_s
    for number in (1, 2):
        if cluster.node(number).core is None:
            cluster.start(number)
    cluster.run(60.0)


# ---- orders that come late -----------------------------------------------------------------------


def test_a_new_life_is_not_off_because_the_old_one_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """``off`` is done at once and told ten seconds later, as many fence agents do.

    Meanwhile somebody switches the node on; it joins, starts something, and is lost once more.
    The loss joins the request that is under way, whose end is about the life before.
    """
    carry_out = PowerSwitch._carry_out

    def late(switch: PowerSwitch, by: SimNode, life: object, operation: RunOperation) -> None:
        action, port = (operation.parameters.get(name, "") for name in ("action", "port"))
        if action != "off":
            carry_out(switch, by, life, operation)  # type: ignore[arg-type]
            return
        switch.switch(next(n for n in switch.cluster.machines if n.name == port), action)
        end = OperationFinished(call_id=operation.call_id, rc=0, status=0)
        network = switch.cluster.network
        network.at(network.now + 10.0, lambda: by.feed(end) if by.life == life else None)

    def planner(cib: Cib, now: datetime) -> Plan:
        """``stonith-action=off``."""
        plan = toy_planner.plan(cib, now)
        return replace(
            plan,
            actions=tuple(
                replace(action, meta={**action.meta, "stonith_action": "off"})
                if action.operation == "stonith"
                else action
                for action in plan.actions
            ),
        )

    monkeypatch.setattr(PowerSwitch, "_carry_out", late)
    cluster = cluster_of(add_device(), count=5, planner=planner)
    victim = busy(cluster)
    rest = others(cluster, victim)
    victim.crash()
    cluster.until(lambda: bool(cluster.power.log), 5, "off")
    cluster.run(1.0)
    victim.start()
    cluster.until(lambda: bool(victim.active), 8, "back, and runs something")
    stops_nothing(victim)
    cluster.partition([victim.number], rest)
    cluster.run(60.0)


def starts_without_end(cluster: Cluster) -> None:
    """Agents that are to start X hang, and cannot be killed: their end is told late."""
    for node in cluster.up:
        node.hang = lambda run: (run.resource, run.action) == ("X", "start")

        def late(delay: float, action: Callable[[], None], on: SimNode = node) -> None:
            SimNode._later(on, delay + STUCK_S if delay > 5 else delay, action)

        node._later = late  # type: ignore[method-assign]


STUCK_S = process.GRACE_S + process.STUCK_S


@pytest.mark.parametrize("lost", [False, True])
def test_what_cannot_be_killed_in_time_is_not_started_elsewhere(*, lost: bool) -> None:
    """Its DC waits, however short ``cluster-delay`` is; so does who follows when it dies."""
    cluster = cluster_of(add_device(), with_property("cluster-delay", "1s"))
    starts_without_end(cluster)
    cluster.commit(1, add_resource("X"))
    cluster.until(lambda: any("X" in node.active for node in cluster.up), 5, "it starts", 0.001)
    where = next(node for node in cluster.up if "X" in node.active)
    dc = next(node for node in cluster.up if node.core and node.core.dc == node.node_id)
    other = next(node for node in cluster.up if node not in (where, dc))
    assert where is not dc
    cluster.run(1.0)
    cluster.commit(other.number, prefer("X", other.name))
    if lost:
        dc.crash()
    cluster.run(40.0)


def delayed() -> Cluster:
    """A cluster whose fence device waits for eight seconds."""
    cluster, _ = running(3, 1, device=False)
    cluster.commit(1, add_device("fence", pcmk_delay_base="8s"))
    cluster.settle()
    return cluster


def check_who_is_left_alone_shoots_nobody(cluster: Cluster) -> None:
    """Nodes 1 and 2 have lost node 3; then the one that is to shoot it is cut off in its turn."""
    (executor,) = [n for n in cluster.up if n.core and n.core._fencing.runner._orders]
    (third,) = {1, 2} - {executor.number}
    cluster.partition([third, 3], [executor.number])
    cluster.until(lambda: executor.core is None or not executor.core.primary, 5, "alone")
    life = executor.life
    before = len(executor.operations)
    cluster.network.run_until(lambda: executor.life != life, within_s=20)  # the others may shoot it
    shots = [each for each in executor.operations[before:] if each[1] == "fence"]
    assert not shots, f"{executor.name} has no quorum, and has shot: {shots}"


def test_a_side_without_quorum_shoots_at_nobody_after_its_delay_either() -> None:
    """It was asked while it had quorum; then the node that it waits to shoot is with the others."""
    cluster = delayed()
    cluster.partition([1, 2], [3])
    cluster.run(3.0)
    check_who_is_left_alone_shoots_nobody(cluster)


def test_a_node_that_has_restarted_is_not_shot_for_what_is_done() -> None:
    """Its ``reboot`` is done, as it has restarted. The order for it waits on."""
    cluster = delayed()
    victim = cluster.node(3)
    victim.crash()
    cluster.run(1.0)
    victim.start()
    cluster.run(2.0)
    cluster.settle()
    assert [each.state for each in history(cluster, 1)] == [FencingState.DONE]
    cluster.run(20.0)
    assert not cluster.power.log, "a healthy member was shot"


SLOW_S = 6.0


@dataclass(slots=True, kw_only=True)
class SlowSwitch(PowerSwitch):
    """Its agent takes long for one action, and then may fail."""

    action: str
    fails: bool = False

    def run(self, by: SimNode, operation: RunOperation) -> None:
        if operation.parameters.get("action") != self.action:
            PowerSwitch.run(self, by, operation)
            return
        life, cluster = by.life, self.cluster

        def end() -> None:
            if by.life == life and self.fails:
                by.feed(OperationFinished(call_id=operation.call_id, rc=1, status=0))
            elif by.life == life:
                PowerSwitch.run(self, by, operation)

        cluster.network.at(cluster.now + SLOW_S, end)


def with_slow_device(action: str, *, fails: bool = False) -> Cluster:
    """A cluster whose fence device is slow."""
    cluster = running()[0]
    cluster.power = SlowSwitch(cluster, action=action, fails=fails)
    return cluster


@pytest.mark.parametrize(("action", "fails"), [("list", False), ("reboot", True)])
def test_a_side_without_quorum_goes_no_further_with_a_device(action: str, fails: bool) -> None:
    """Its agent was asked whom it can fence, or has failed and would be tried again."""
    cluster = with_slow_device(action, fails=fails)
    cluster.partition([1, 2], [3])
    cluster.run(3.0)
    check_who_is_left_alone_shoots_nobody(cluster)


def test_what_is_done_is_not_tried_again() -> None:
    """The device fails when the node that was to be fenced has restarted by itself."""
    cluster = with_slow_device("reboot", fails=True)
    victim = cluster.node(3)
    victim.crash()
    cluster.run(3.0)
    victim.start()
    cluster.run(2.0)
    cluster.settle()
    cluster.run(10.0)
    tried = [
        operation for node in cluster.up for operation in node.operations if operation[1] == "fence"
    ]
    assert [action for _, _, action in tried if action == "reboot"] == ["reboot"]


def test_who_uses_a_device_goes_on_with_it_for_whoever_sees_to_it_next() -> None:
    """The DC is lost, and the device is monitored on another node by now."""
    cluster = cluster_of(add_device("fence", pcmk_delay_base="1s"), count=5)
    cluster.power = SlowSwitch(cluster, action="reboot")
    victim, dc = cluster.node(5), cluster.node(1)
    victim.crash()
    cluster.run(0.9)
    cluster.network.freeze(dc.address)
    cluster.run(0.6)
    cluster.network.thaw(dc.address)
    cluster.run(20.0)
    cuts = [name for _, _, name in cluster.power.log if name == victim.name]
    assert cuts == [victim.name]
