"""Whole clusters: how they come together, what their members tell, and how they end."""

from __future__ import annotations

from sim.checkers import watched
from sim.cluster import Cluster, add_resource
from sim.scenes import committed, runs_on, started

from crmsh_py.engine.status import attributes_of, node_by_name
from crmsh_py.wire.control import (
    Changed,
    CibReply,
    Committed,
    Done,
    MembershipReply,
    ReadCib,
    ReadMembership,
    ReadSubsystems,
    Refused,
    SetAttribute,
    SetTicket,
    StartManager,
    StopDaemon,
    StopManager,
    SubsystemsReply,
    WaitIdle,
    Watch,
)

# ---- coming together -----------------------------------------------------------------------------


def test_three_nodes_are_one_cluster_with_a_dc_at_once() -> None:
    """Issue 2 gives three seconds after the last start; nothing here waits for a timer."""
    cluster = Cluster(3, 1)
    cluster.start(1)
    cluster.run(1.0)
    cluster.start(2)
    cluster.run(1.0)
    began = cluster.now
    cluster.start(3)
    cluster.settle(1, 2, 3)
    assert cluster.now - began < 0.5
    root = cluster.cib(3).root
    assert root.get("have-quorum") == "1"
    assert root.get("dc-uuid") == str(cluster.conf.node_id("10.0.0.1"))


def test_the_first_dc_makes_the_configuration_and_members_are_added_as_they_join() -> None:
    cluster = Cluster(3, 1)
    cluster.start(1, 2)
    cluster.settle(1, 2)
    cluster.run(0.5)
    properties = cluster.cib(1).properties()
    assert properties["cluster-infrastructure"] == "corosync"
    assert properties["have-watchdog"] == "false"
    assert "dc-version" in properties
    nodes = cluster.cib(1).section("nodes")
    assert [node.get("uname") for node in nodes.findall("node")] == ["node1", "node2"]
    cluster.start(3)
    cluster.settle(1, 2, 3)
    cluster.until(lambda: len(cluster.cib(1).section("nodes").findall("node")) == 3, 1, "added")


def test_memberships_are_logged_as_the_tutorial_shows_them() -> None:
    cluster = Cluster(3, 1)
    cluster.start(1)
    cluster.run(0.5)
    cluster.start(2)
    cluster.run(0.5)
    ids = [cluster.conf.node_id(f"10.0.0.{n}") for n in (1, 2)]
    lines = [line.split(" ", 3)[-1] for line in cluster.node(1).log if " notice " in line]
    lines = [line[line.index("[") :] for line in lines if "CRMD" not in line]
    assert lines == [
        f"[TOTEM] A new membership (10.0.0.1:4) was formed. Members joined: {ids[0]}",
        f"[QUORUM] Members[1]: {ids[0]}",
        "[MAIN] Completed service synchronization, ready to provide service.",
        f"[TOTEM] A new membership (10.0.0.1:8) was formed. Members joined: {ids[1]}",
        "[QUORUM] This node is within the primary component and will provide service.",
        f"[QUORUM] Members[2]: {ids[0]} {ids[1]}",
        "[MAIN] Completed service synchronization, ready to provide service.",
    ]


# ---- attributes, managers, the end ---------------------------------------------------------------


def test_a_transient_attribute_is_on_all_nodes_and_lasts_through_changes_of_membership() -> None:
    cluster = started()
    reply = cluster.answer(1, SetAttribute(node="node2", name="pingd", value="100"))
    assert isinstance(reply, Done)
    cluster.settle()
    cluster.node(3).crash()
    cluster.run(1.0)
    cluster.settle(1, 2)
    state = node_by_name(cluster.cib(1).status, "node2")
    assert state is not None
    assert attributes_of(state) == {"pingd": "100"}
    assert isinstance(cluster.answer(2, SetAttribute(node="node2", name="pingd", value=None)), Done)
    state = node_by_name(cluster.cib(2).status, "node2")
    assert state is not None
    assert attributes_of(state) == {}


def test_a_ticket_outlives_every_node_that_was_there_when_it_was_granted() -> None:
    """Also where one becomes the DC that has just started, before it was missed."""
    cluster = started()
    grant = SetTicket(ticket="siteA", attributes={"granted": "true"})
    assert isinstance(cluster.answer(1, grant), Done)
    cluster.settle()
    for number in (1, 2, 3):
        cluster.node(number).crash()
        cluster.start(number)
        cluster.settle()
    for number in (1, 2, 3):
        tickets = cluster.cib(number).status.iter("ticket_state")
        assert [ticket.id for ticket in tickets] == ["siteA"]


def test_a_ticket_has_a_name_and_keeps_it() -> None:
    cluster = started()
    for name, attributes in (("", {"granted": "true"}), ("siteA", {"id": "siteB"})):
        reply = cluster.answer(1, SetTicket(ticket=name, attributes=attributes))
        assert isinstance(reply, Refused)
        assert "has a name" in reply.text


def test_an_attribute_of_an_unknown_node_is_refused_with_a_near_name() -> None:
    cluster = started()
    reply = cluster.answer(1, SetAttribute(node="node22", name="pingd", value="1"))
    assert isinstance(reply, Refused)
    assert reply.kind == "NotFound"
    assert "node2" in reply.hint


def test_membership_only_until_the_manager_is_started() -> None:
    cluster = Cluster(3, 1)
    for number in (1, 2, 3):
        cluster.node(number).start(manager=False)
    cluster.run(1.0)
    reply = cluster.answer(2, ReadMembership())
    assert isinstance(reply, MembershipReply)
    assert reply.quorate
    assert [member.name for member in reply.members] == ["node1", "node2", "node3"]
    assert not reply.manager_running
    refused = cluster.answer(2, ReadCib())
    assert isinstance(refused, Refused)
    assert refused.kind == "ClusterUnreachable"
    for number in (2, 3, 1):
        assert isinstance(cluster.answer(number, StartManager()), Done)
        cluster.run(0.1)
    cluster.settle()
    reply = cluster.answer(1, ReadMembership())
    assert isinstance(reply, MembershipReply)
    assert reply.dc == "node2", "the first whose manager ran stays DC"


def test_a_node_that_stops_in_order_gives_its_resources_away_first() -> None:
    cluster, _ = watched(3, 1)
    cluster.start()
    cluster.settle()
    for name in ("R1", "R2", "R3", "R4"):
        committed(cluster, 1, name)
    cluster.settle()
    node = next(node for node in cluster.up if node.active)
    others = [n.number for n in cluster.up if n is not node]
    ticket = cluster.ask(node.number, StopDaemon())
    cluster.until(lambda: node.core is None, 10, "stopped")
    assert isinstance(node.replies[ticket][0], Done)
    assert node.exit_code == 0
    stops = {resource for _, resource, action in node.operations if action == "stop"}
    assert stops
    cluster.until(lambda: len(cluster.node(others[0]).core.members) == 2, 0.5, "left")  # type: ignore[union-attr]
    cluster.settle(*others)
    assert all(len(runs_on(cluster, name)) == 1 for name in ("R1", "R2", "R3", "R4"))
    state = node_by_name(cluster.cib(others[0]).status, node.name)
    assert state is not None
    assert state.get("expected") == "down"


def test_the_dc_itself_can_stop_its_manager_and_start_it_again() -> None:
    cluster = started()
    for name in ("R1", "R2", "R3"):
        committed(cluster, 1, name)
    cluster.settle()
    assert isinstance(cluster.answer(1, StopManager()), Done)
    cluster.until(lambda: not cluster.node(1).active, 1, "stopped")
    assert isinstance(cluster.answer(2, WaitIdle()), Done)
    assert cluster.cib(2).root.get("dc-uuid") == str(cluster.conf.node_id("10.0.0.2"))
    assert all(len(runs_on(cluster, name)) == 1 for name in ("R1", "R2", "R3"))
    subsystems = cluster.answer(1, ReadSubsystems())
    assert isinstance(subsystems, SubsystemsReply)
    assert not any(each.alive for each in subsystems.subsystems)
    assert isinstance(cluster.answer(1, StartManager()), Done)
    cluster.settle()
    assert cluster.cib(1).root.get("dc-uuid") == str(cluster.conf.node_id("10.0.0.2"))


def test_all_nodes_stop_in_order_one_after_the_other() -> None:
    cluster = started()
    committed(cluster, 1, "R1")
    cluster.settle()
    for number in (1, 2, 3):
        cluster.ask(number, StopDaemon())
        cluster.until(lambda n=number: cluster.node(n).core is None, 10, f"{number} stopped")  # type: ignore[misc]
    assert all(node.exit_code == 0 for node in cluster.nodes.values())


# ---- waiting and watching ------------------------------------------------------------------------


def test_wait_idle_is_answered_when_the_commit_has_been_acted_upon() -> None:
    cluster = started()
    ticket = cluster.commit(2, add_resource("R1"))
    node = cluster.node(2)
    cluster.until(lambda: ticket in node.replies, 5, "answered")
    reply = node.replies[ticket][0]
    assert isinstance(reply, Committed)
    assert isinstance(cluster.answer(2, WaitIdle(version=reply.version)), Done)
    assert len(runs_on(cluster, "R1")) == 1


def test_a_watch_tells_every_change() -> None:
    cluster = started()
    ticket = cluster.ask(3, Watch())
    committed(cluster, 1, "m1")
    cluster.settle()
    seen = cluster.node(3).replies[ticket]
    assert all(isinstance(each, Changed) for each in seen)
    last = seen[-1]
    assert isinstance(last, Changed)
    assert last.idle
    assert last.dc == "node1"
    assert last.version == cluster.cib(3).version.tuple


def test_any_node_answers_from_its_own_copy() -> None:
    cluster = started()
    replies = [cluster.answer(number, ReadCib()) for number in (1, 2, 3)]
    texts = {reply.cib for reply in replies if isinstance(reply, CibReply)}
    assert len(texts) == 1
