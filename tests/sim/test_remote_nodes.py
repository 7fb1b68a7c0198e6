"""Remote nodes under faults: what runs there, who is connected, and what nobody may do twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sim.cluster import Cluster, add_device, add_resource, with_property, without_fencing
from sim.machine import SimNode
from sim.remote import SimRemote
from sim.test_controller import location

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine import records
from crmsh_py.engine.api import (
    CancelOperation,
    Event,
    Instruction,
    RemoteReceived,
    RunOperation,
)
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.engine.status import attributes_of, node_by_name
from crmsh_py.wire.control import (
    CleanResource,
    Committed,
    Done,
    FailResource,
    FenceNode,
    Reply,
    SetAttribute,
    StopDaemon,
    StopManager,
)
from crmsh_py.wire.remote import Claim

FAR = "far"


def add_connection(cib: Cib, reconnect_interval: str = "4s") -> Cib:
    """The resource that connects with ``far``: quick to notice, and to try again."""
    pairs = {"server": FAR, "reconnect_interval": reconnect_interval}
    parameters = Element(
        "instance_attributes",
        {"id": "far-ia"},
        tuple(
            Element("nvpair", {"id": f"far-{name}", "name": name, "value": value})
            for name, value in pairs.items()
        ),
    )
    operations = Element(
        "operations",
        {},
        (
            Element("op", {"id": "far-m", "name": "monitor", "interval": "1s", "timeout": "1s"}),
            Element("op", {"id": "far-s", "name": "start", "interval": "0", "timeout": "3s"}),
        ),
    )
    attributes = {"id": FAR, "class": "ocf", "provider": "pacemaker", "type": "remote"}
    primitive = Element("primitive", attributes, (parameters, operations))
    return cib.with_section("resources", cib.section("resources").append(primitive))


def prefer_far(name: str) -> Callable[[Cib], Cib]:
    def change(cib: Cib) -> Cib:
        attributes = {"id": f"{name}-far", "rsc": name, "node": FAR, "score": "100"}
        constraints = cib.section("constraints").append(Element("rsc_location", attributes))
        return cib.with_section("constraints", constraints)

    return change


def without_connection(cib: Cib) -> Cib:
    kept = tuple(each for each in cib.section("resources").children if each.id != FAR)
    cib = cib.with_section("constraints", Element("constraints"))
    return cib.with_section("resources", Element("resources", {}, kept))


class Once:
    """Nothing is started anywhere while a machine that has power has it active."""

    def __init__(self) -> None:
        self.cluster: Cluster | None = None

    def operation_begins(self, node: SimNode, operation: RunOperation) -> None:
        if operation.action != "start" or operation.standard == "stonith":
            return
        assert self.cluster is not None
        for other in self.cluster.machines:
            assert other is node or operation.resource not in other.active, (
                f"{operation.resource} begins on {node.name} while {other.name} has it active"
            )

    def replied(self, node: SimNode, ticket: int, reply: Reply) -> None:
        pass

    def settled(self, node: SimNode) -> None:
        pass


def cluster_with_far(
    seed: int = 1, *, fencing: bool = True, reconnect_interval: str = "4s"
) -> tuple[Cluster, SimRemote]:
    """Three members and ``far``, with one resource that likes it."""
    observer = Once()
    cluster = Cluster(3, seed, planner=scheduler_plan, observer=observer)
    observer.cluster = cluster
    far = cluster.add_remote(FAR)
    cluster.start()
    far.start()
    cluster.settle()
    for change in (
        add_device() if fencing else without_fencing,
        lambda cib: add_connection(cib, reconnect_interval),
        add_resource("web"),
        prefer_far("web"),
    ):
        replies = cluster.node(1).replies
        ticket = cluster.commit(1, change)
        cluster.until(lambda t=ticket, r=replies: t in r, 10, "committed")  # type: ignore[misc]
        assert isinstance(replies[ticket][-1], Committed)
    cluster.until(lambda: "web" in far.active, 20, "web runs on far", 0.01)
    cluster.settle()
    return cluster, far


def holder(cluster: Cluster, far: SimRemote) -> SimNode:
    """The member that is connected with ``far``."""
    return next(node for node in cluster.up if node.name == far.remote_core.member)


def starts(machine: SimNode) -> int:
    return sum(action == "start" for _, _, action in machine.operations)


def told(cluster: Cluster, name: str) -> set[str]:
    """What the status says to run on a node."""
    state = node_by_name(cluster.cib(cluster.up[0].number).status, name)
    assert state is not None
    found = set()
    for history in state.iter("lrm_resource"):
        newest = max(history.children, key=lambda entry: int(entry.get("call-id")))
        if (newest.get("operation"), newest.get("rc-code")) not in (
            ("stop", "0"),
            ("monitor", "7"),
        ):
            found.add(history.id)
    return found


def calm(cluster: Cluster, within_s: float = 60.0) -> None:
    cluster.until(cluster.settled, within_s, "settled", every_s=0.01)


@pytest.mark.parametrize("fencing", [True, False])
def test_another_member_takes_the_connection_over_and_nothing_happens_there(fencing: bool) -> None:
    cluster, far = cluster_with_far(fencing=fencing)
    lost = holder(cluster, far)
    lost.crash()
    cluster.until(lambda: far.remote_core.member not in ("", lost.name), 20, "taken over", 0.01)
    calm(cluster)
    assert starts(far) == 1
    assert "web" in far.active
    assert told(cluster, FAR) == {"web"}
    assert not any(target == FAR for _, _, target in cluster.power.log)


def add_alert(cib: Cib) -> Cib:
    alert = Element("alert", {"id": "a", "path": "/bin/a"})
    return cib.with_section("alerts", Element("alerts", {}, (alert,)))


def alerts(cluster: Cluster, resource: str) -> list[tuple[str, str, str]]:
    """What alerts were sent of a resource on far: the member that did, the task, its code."""
    return [
        (node.name, told["CRM_alert_task"], told["CRM_alert_rc"])
        for node in cluster.nodes.values()
        for told in (alert.environment for alert in node.alerts)
        if told.get("CRM_alert_rsc") == resource and told["CRM_alert_node"] == FAR
    ]


def test_what_happens_on_a_remote_node_is_told_once_by_who_is_connected_with_it() -> None:
    cluster, far = cluster_with_far()
    cluster.commit(1, add_alert)
    cluster.commit(1, lambda cib: prefer_far("more")(add_resource("more")(cib)))
    cluster.until(lambda: "more" in far.active, 20, "more runs on far", 0.01)
    calm(cluster)
    who = holder(cluster, far).name
    assert alerts(cluster, "more") == [(who, "start", "0"), (who, "monitor", "0")]

    far.active.discard("more")  # it has died there
    cluster.until(lambda: (who, "monitor", "7") in alerts(cluster, "more"), 30, "told", 0.01)


def test_a_start_that_was_under_way_is_known_to_who_follows() -> None:
    cluster, far = cluster_with_far()
    cluster.agent_delay_s = (2.0, 2.0)
    cluster.commit(1, lambda cib: prefer_far("slow")(add_resource("slow")(cib)))
    cluster.until(lambda: "slow" in far.active, 20, "slow begins", 0.01)
    assert "slow" in told(cluster, FAR)  # pending, on all members
    lost = holder(cluster, far)
    lost.crash()
    cluster.until(lambda: far.remote_core.member not in ("", lost.name), 20, "taken over", 0.01)
    calm(cluster)
    assert starts(far) == 2
    assert {"web", "slow"} <= told(cluster, FAR)


def stopped(name: str) -> Callable[[Cib], Cib]:
    """``target-role=Stopped`` of a resource."""
    pair = Element("nvpair", {"id": f"{name}-role", "name": "target-role", "value": "Stopped"})
    meta = Element("meta_attributes", {"id": f"{name}-meta"}, (pair,))

    def change(cib: Cib) -> Cib:
        resources = cib.section("resources")
        return cib.with_section(
            "resources", resources.map_children(lambda e: e.append(meta) if e.id == name else e)
        )

    return change


def test_what_never_began_there_keeps_nobody_waiting() -> None:
    """A stop waits for a monitor that ends slowly, and is void with the view that it was for.

    That it is under way has been written down: with the longest timeout nothing would be done, nor
    the lost member fenced, and then the status would tell of a stop without end.
    """
    cluster, far = cluster_with_far()
    far.hang = lambda operation: operation.action == "monitor"
    do = far._do

    def slowly(instruction: Instruction) -> None:
        if isinstance(instruction, CancelOperation):
            call_id = instruction.call_id
            far._later(1.5, lambda: far._end(call_id, status=1))
        else:
            do(instruction)

    far._do = slowly  # type: ignore[method-assign]
    cluster.until(lambda: "monitor" in {o.action for o in far._running.values()}, 15, "hangs", 0.01)
    dc = next(n for n in cluster.up if n.core and n.core.dc == n.node_id)
    lost = next(n for n in cluster.up if n is not dc and n is not holder(cluster, far))
    cluster.commit(dc.number, stopped("web"))
    cluster.run(0.3)
    lost.crash()
    cluster.until(lambda: bool(cluster.power.log), 3, "fenced", 0.01)
    cluster.until(lambda: "web" not in far.active, 3, "stopped", 0.01)
    calm(cluster)
    assert told(cluster, FAR) == set()


@pytest.mark.parametrize("lead_s", [1.0, 0.1, 0.01, 0.001, 0.0, -0.001, -0.01, -0.1, -1.0])
def test_a_failure_around_the_loss_of_its_member_is_counted_once(lead_s: float) -> None:
    """Nobody is connected with ``far``, or only who is dead; then somebody claims it."""
    cluster, far = cluster_with_far()
    left = [1]

    def fail(run: RunOperation) -> int | None:
        if run.action == "monitor" and left:
            left.clear()
            return 1
        return None

    def monitors() -> int:
        return sum(action == "monitor" for _, _, action in far.operations)

    seen = monitors()
    cluster.until(lambda: monitors() > seen, 12, "a monitor", 0.01)
    lost = holder(cluster, far)
    if lead_s > 0:
        cluster.run(10.0 - lead_s)  # its interval begins with its end, at most 30 ms later
        lost.crash()
    far.fail = fail
    cluster.until(lambda: not left, 12, "it fails", 0.0001)
    if lead_s <= 0:
        cluster.run(-lead_s)
        lost.crash()
    cluster.run(5.0)
    calm(cluster)
    state = node_by_name(cluster.cib(cluster.up[0].number).status, FAR)
    assert state is not None
    assert attributes_of(state).get("fail-count-web#monitor_10000") == "1"
    before = holder(cluster, far)
    before.crash()
    cluster.run(5.0)
    calm(cluster)
    state = node_by_name(cluster.cib(cluster.up[0].number).status, FAR)
    assert state is not None
    assert attributes_of(state).get("fail-count-web#monitor_10000") == "1", "in no later claim"


def test_what_the_lost_member_has_counted_is_not_counted_again() -> None:
    """That it is counted has not come through to ``far``, which tells it once more."""
    cluster, far = cluster_with_far()
    lost = holder(cluster, far)
    other = next(node for node in cluster.up if node is not lost)
    assert lost.core is not None
    lost.core._remotes.counted = lambda _: None  # type: ignore[method-assign]
    asked = cluster.answer(other.number, FailResource(resource="web", node=FAR))
    assert isinstance(asked, Done)
    cluster.run(1.0)
    calm(cluster)
    lost.crash()
    cluster.until(lambda: far.remote_core.member not in ("", lost.name), 20, "taken over", 0.01)
    cluster.run(1.0)
    calm(cluster)
    state = node_by_name(cluster.cib(other.number).status, FAR)
    assert state is not None
    assert attributes_of(state).get("fail-count-web#asyncmon_0") == "1"


def test_what_is_taken_for_failed_there_is_recovered_there() -> None:
    cluster, far = cluster_with_far()
    before = len(far.operations)
    other = next(node for node in cluster.up if node is not holder(cluster, far))
    asked = cluster.answer(other.number, FailResource(resource="web", node="far"))
    assert isinstance(asked, Done)
    calm(cluster)
    tasks = [action for _, name, action in far.operations[before:] if name == "web"]
    assert [task for task in tasks if task != "monitor"] == ["stop", "start"]
    assert told(cluster, "far") == {"web"}


def test_a_lost_remote_node_is_fenced_before_anything_starts_elsewhere() -> None:
    cluster, far = cluster_with_far()
    far.crash()
    cluster.until(lambda: any("web" in node.active for node in cluster.up), 30, "elsewhere", 0.01)
    assert ("reboot", FAR) in [(action, target) for _, action, target in cluster.power.log]
    cluster.until(lambda: "web" in far.active, 30, "web is back on far", 0.01)
    calm(cluster)
    assert told(cluster, FAR) == {"web"}


def test_without_fencing_what_a_lost_remote_node_ran_is_started_elsewhere() -> None:
    """It counts as gone. Its stop there cannot be done, so the plan of the loss goes no further."""
    cluster, far = cluster_with_far(fencing=False, reconnect_interval="60s")
    far.crash()
    cluster.until(lambda: any("web" in node.active for node in cluster.up), 30, "elsewhere", 0.01)


def test_a_remote_node_that_is_cut_off_is_fenced_though_it_lives() -> None:
    cluster, far = cluster_with_far()
    life = far.life
    cluster.network.partition([node.address for node in cluster.up], [far.address])
    cluster.until(lambda: any("web" in node.active for node in cluster.up), 30, "elsewhere", 0.01)
    assert far.life != life
    cluster.network.heal()
    cluster.until(lambda: "web" in far.active, 30, "web is back on far", 0.01)


def test_nothing_starts_elsewhere_while_a_lost_remote_node_cannot_be_fenced() -> None:
    """Its connection is stopped beside the fencing: that says nothing of what runs there."""
    cluster, far = cluster_with_far(reconnect_interval="60s")
    cluster.power.works = False
    cluster.network.partition([node.address for node in cluster.up], [far.address])
    cluster.run(16.0)  # all members have tried, and failed, to connect
    assert "web" in far.active
    assert told(cluster, FAR) == {"web"}
    cluster.power.works = True
    cluster.commit(1, add_resource("more"))  # it had been given up
    cluster.until(lambda: any("web" in node.active for node in cluster.up), 30, "elsewhere", 0.01)
    assert ("reboot", FAR) in [(action, target) for _, action, target in cluster.power.log]


@pytest.mark.parametrize("after_s", [3.0, 16.0])
@pytest.mark.parametrize("resource", ["", "web"])
def test_a_clean_up_does_not_forget_what_a_lost_remote_node_runs(
    resource: str, after_s: float
) -> None:
    """Nobody can look for it there: what is forgotten would be started elsewhere."""
    cluster, far = cluster_with_far(reconnect_interval="60s")
    cluster.power.works = False
    cluster.network.partition([node.address for node in cluster.up], [far.address])
    cluster.run(after_s)
    clean = CleanResource(resource=resource, node="", all_history=True)
    assert isinstance(cluster.answer(1, clean), Done)
    cluster.run(16.0)
    assert "web" in far.active
    assert "web" in told(cluster, FAR)


def test_a_refresh_looks_on_a_remote_node_that_is_connected() -> None:
    cluster, far = cluster_with_far()
    clean = CleanResource(resource="web", node=FAR, all_history=True)
    assert isinstance(cluster.answer(1, clean), Done)
    assert told(cluster, FAR) == set()
    calm(cluster)
    assert told(cluster, FAR) == {"web"}
    assert starts(far) == 1


@pytest.mark.parametrize("action", ["reboot", "off"])
def test_a_remote_node_that_is_fenced_by_hand_is_not_fenced_again(action: str) -> None:
    """Who was connected knows by that, and tells in the next view nothing of what is gone."""
    cluster, far = cluster_with_far(5)
    member = holder(cluster, far)
    asked = cluster.answer(member.number, FenceNode(node=FAR, action=action, client="me"))
    assert isinstance(asked, Done)
    next(n for n in cluster.up if n is not member).crash()
    cluster.run(8.0)
    assert [done for _, done, target in cluster.power.log if target == FAR] == [action]
    active = [machine.name for machine in cluster.machines if "web" in machine.active]
    assert len(active) == 1
    assert (active == [FAR]) == (action == "reboot")


def test_a_side_that_was_left_behind_loses_the_connection() -> None:
    cluster, far = cluster_with_far(fencing=False)
    old = holder(cluster, far)
    others = [node.address for node in cluster.up if node is not old]
    # The old one still reaches the remote node, and has no quorum any more.
    cluster.network.partition([old.address, far.address], [*others, far.address])
    cluster.until(lambda: far.remote_core.member not in ("", old.name), 20, "taken over", 0.01)
    cluster.run(5.0)
    assert far.remote_core.member != old.name
    cluster.until(lambda: "web" in far.active, 30, "web runs on far", 0.01)


def moved(cluster: Cluster, far: SimRemote) -> SimNode:
    """The connection goes to another member; returns that."""
    new = next(node for node in cluster.up if node is not holder(cluster, far))
    cluster.commit(1, location(FAR, new.name, "INFINITY"))
    cluster.until(lambda: far.remote_core.member == new.name, 20, "moved", 0.01)
    calm(cluster)
    return new


def test_a_late_end_of_who_is_connected_no_more_has_nothing_forgotten() -> None:
    """Who follows as the DC in this view waits for the probe, and asks for no second one."""
    cluster, far = cluster_with_far()
    holds = moved(cluster, far)
    (dc,) = (n for n in cluster.up if n.core and n.core.dc == n.node_id)
    late = next(n for n in cluster.up if n not in (dc, holds))
    cluster.commit(1, with_property("shutdown-escalation", "1s"))
    calm(cluster)
    far.hang = lambda run: run.resource == "slow"
    cluster.commit(1, lambda cib: prefer_far("slow")(add_resource("slow")(cib)))

    def probes() -> int:
        return [what for _, *what in far.operations].count(["slow", "monitor"])

    cluster.until(lambda: probes() > 0, 5, "the probe begins", 0.01)
    assert late.core is not None
    late.core._remotes._release(FAR)
    cluster.run(0.1)
    cluster.ask(dc.number, StopManager())
    cluster.run(30.0)
    assert dc.core is not None
    assert dc.core.dc != dc.node_id
    assert probes() == 1


def test_a_connection_moves_alive() -> None:
    cluster, far = cluster_with_far()
    moved(cluster, far)
    assert [action for _, _, action in far.operations].count("start") == 1
    assert "stop" not in [action for _, _, action in far.operations]
    assert told(cluster, FAR) == {"web"}
    assert not cluster.power.log


def test_an_attribute_that_is_set_there_is_of_that_node() -> None:
    cluster, far = cluster_with_far()
    far.ask(900, SetAttribute(node="", name="colour", value="red"))
    cluster.until(lambda: 900 in far.replies, 10, "answered", 0.01)
    state = node_by_name(cluster.cib(1).status, FAR)
    assert state is not None
    assert [pair.get("value") for pair in state.iter("nvpair")] == ["red"]


def test_that_it_has_begun_anew_is_known_though_the_ring_breaks_that_moment() -> None:
    """What was told of its attributes is void, now, and not when the next member connects."""
    cluster, far = cluster_with_far(fencing=False)
    asked = cluster.answer(1, SetAttribute(node=FAR, name="colour", value="red"))
    assert isinstance(asked, Done)
    third = next(n for n in cluster.up if n is not holder(cluster, far))
    far.crash()
    cluster.run(3.0)
    far.start()
    feed = far.feed

    def late(event: Event) -> None:
        if isinstance(event, RemoteReceived) and isinstance(event.message, Claim):
            third.crash()
            cluster.network.at(cluster.now + 0.05, lambda: feed(event))
        else:
            feed(event)

    far.feed = late  # type: ignore[method-assign]
    cluster.until(lambda: far.remote_core.member != "", 20, "connected", 0.01)
    far.feed = feed  # type: ignore[method-assign]
    calm(cluster)
    state = node_by_name(cluster.cib(cluster.up[0].number).status, FAR)
    assert state is not None
    assert "colour" not in attributes_of(state)
    assert not far.remote_core._fresh


def test_an_orderly_stop_lets_its_resources_leave_first() -> None:
    cluster, far = cluster_with_far()
    far.ask(900, StopDaemon())
    cluster.until(lambda: far.core is None, 20, "off", 0.01)
    assert far.exit_code == 0
    assert [action for _, _, action in far.operations if action == "stop"] == ["stop"]
    cluster.until(lambda: any("web" in node.active for node in cluster.up), 20, "elsewhere", 0.01)


# ---- a planted bug: that these tests can see -----------------------------------------------------


def test_an_action_that_is_not_written_down_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "changes_state", lambda _: False)
    with pytest.raises(AssertionError):
        test_a_start_that_was_under_way_is_known_to_who_follows()


def test_that_it_was_there_is_known_after_all_members_have_begun_anew() -> None:
    """Nobody remembers what it runs, and its first fencing fails: it is still not started twice."""
    cluster, far = cluster_with_far(reconnect_interval="60s")
    cluster.power.works = False
    cluster.network.partition([node.address for node in cluster.up], [far.address])
    members = list(cluster.nodes.values())
    for node in members:
        node.crash()
    cluster.run(1.0)
    for node in members:
        node.start()
    cluster.run(60.0)
    assert "web" in far.active
    assert not any("web" in node.active for node in cluster.up)
    cluster.power.works = True
    cluster.commit(1, add_resource("more"))  # it had been given up
    cluster.until(lambda: any("web" in node.active for node in cluster.up), 60, "elsewhere", 0.01)
    assert ("reboot", FAR) in [(action, target) for _, action, target in cluster.power.log]


def test_one_that_was_never_there_keeps_nothing_waiting() -> None:
    """A mistyped address: what nobody was ever connected with runs nothing."""
    cluster = Cluster(3, 1, planner=scheduler_plan)
    cluster.start()
    cluster.settle()
    cluster.power.works = False
    for change in (add_device(), lambda c: add_connection(c, "60s"), add_resource("web")):
        cluster.commit(1, change)
    cluster.until(lambda: any("web" in node.active for node in cluster.up), 60, "it runs", 0.01)


def test_it_is_listed_on_a_majority_of_disks_before_anything_runs_there() -> None:
    cluster = Cluster(3, 1, planner=scheduler_plan)
    far = cluster.add_remote(FAR)
    cluster.start()
    cluster.settle()
    for change in (add_device(), add_connection, add_resource("web"), prefer_far("web")):
        cluster.commit(1, change)
    cluster.run(2.0)
    for node in cluster.up:
        node.disk.delay_s = (0.5, 1.0)
    far.start()
    cluster.until(lambda: starts(far) > 0, 20, "web starts there", 0.001)
    listed = [node for node in cluster.up if f'uname="{FAR}"' in node.disk.state.cib]
    assert len(listed) >= 2


def test_it_is_listed_until_its_connection_is_deleted() -> None:
    cluster, far = cluster_with_far()
    entries = cluster.cib(1).section("nodes").findall("node")
    assert [(e.id, e.get("uname"), e.get("type")) for e in entries[3:]] == [(FAR, FAR, "remote")]
    cluster.commit(1, without_connection)
    cluster.until(lambda: far.active == set(), 10, "web has left", 0.01)
    calm(cluster)
    assert len(cluster.cib(1).section("nodes").findall("node")) == 3


def test_what_somebody_wrote_of_a_remote_node_stays() -> None:
    cluster, far = cluster_with_far()

    def change(cib: Cib) -> Cib:
        written = Element("instance_attributes", {"id": "far-written"})
        nodes = cib.section("nodes").map_children(
            lambda node: node.append(written) if node.id == FAR else node
        )
        return without_connection(cib.with_section("nodes", nodes))

    cluster.commit(1, change)
    cluster.run(10.0)
    assert far.active == set()
    assert FAR in [node.id for node in cluster.cib(1).section("nodes").findall("node")]
