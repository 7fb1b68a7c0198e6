"""Whole clusters under named faults: what a person would try by hand, and what must come of it."""

from __future__ import annotations

import time
import zlib

import pytest
from sim.checkers import has, watched
from sim.cluster import WALL, Cluster, Disk, add_mark, add_resource, without_fencing

from crmsh_py.cib.diff import diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.api import SaveRing, StoreFailed
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.engine.status import attributes_of, history_of, node_by_name
from crmsh_py.wire.control import (
    Changed,
    CibReply,
    CleanResource,
    Commit,
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
from crmsh_py.wire.datagram import Join, Message, decode


def started(count: int = 3, seed: int = 1) -> Cluster:
    """A settled cluster."""
    cluster = Cluster(count, seed)
    cluster.start()
    cluster.settle()
    return cluster


def committed(cluster: Cluster, number: int, name: str) -> None:
    """Add a resource (R…) or a mark, and see it acknowledged."""
    change = add_resource(name) if name.startswith("R") else add_mark(name)
    ticket = cluster.commit(number, change)
    node = cluster.node(number)
    cluster.until(lambda: ticket in node.replies, 5, f"an answer for {name}")
    assert isinstance(node.replies[ticket][0], Committed), node.replies[ticket]


def runs_on(cluster: Cluster, resource: str) -> list[str]:
    return [node.name for node in cluster.up if resource in node.active]


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


# ---- the configuration ---------------------------------------------------------------------------


def test_a_commit_is_on_every_node_with_equal_digests_and_its_author() -> None:
    cluster = started()
    committed(cluster, 2, "R1")
    cluster.settle()
    assert len(set(cluster.digests().values())) == 1
    root = cluster.cib(3).root
    assert root.get("update-origin") == "node2"
    assert root.get("update-client") == "test"
    assert root.get("update-user") == "root"
    assert root.get("cib-last-written")


def test_a_commit_against_an_older_version_is_merged_where_nobody_touched_the_same() -> None:
    cluster = started()
    old = cluster.cib(1)
    committed(cluster, 2, "m1")
    patch = diff(old, add_mark("m2")(old)).to_xml()
    assert isinstance(cluster.answer(1, Commit(patch=patch)), Committed)
    assert has(cluster.cib(3), "m1")
    assert has(cluster.cib(3), "m2")


def test_a_commit_that_touches_what_was_changed_meanwhile_is_a_conflict() -> None:
    cluster = started()
    committed(cluster, 1, "m1")
    base = cluster.cib(1)

    def set_to(cib: Cib, value: str) -> Cib:
        section = cib.section("crm_config")
        pair = Element("nvpair", {"id": "m1-nv", "name": "m1", "value": value})
        marked = section.map_children(lambda s: s.with_children((pair,)) if s.id == "m1" else s)
        return cib.with_section("crm_config", marked)

    first = diff(base, set_to(base, "2")).to_xml()
    second = diff(base, set_to(base, "3")).to_xml()
    one, two = cluster.ask(1, Commit(patch=first)), cluster.ask(2, Commit(patch=second))
    replies = [cluster.node(1).replies, cluster.node(2).replies]
    cluster.until(lambda: one in replies[0] and two in replies[1], 5, "answered")
    kinds = {type(replies[0][one][0]).__name__, getattr(replies[1][two][0], "kind", "")}
    kinds |= {getattr(replies[0][one][0], "kind", ""), type(replies[1][two][0]).__name__}
    assert {"Committed", "Conflict"} <= kinds
    answers = (replies[0][one][0], replies[1][two][0])
    (loser,) = [each for each in answers if isinstance(each, Refused)]
    assert "root changed cluster_property_set m1" in loser.text, "what, and by whom"
    assert "on node" in loser.text
    assert str(time.localtime(WALL).tm_year) in loser.text, "and when"
    cluster.settle()
    assert len(set(cluster.digests().values())) == 1


def test_nonsense_is_refused_and_changes_nothing() -> None:
    cluster = started()
    before = cluster.cib(1).version.epoch
    for patch in ("", "<diff", "<cib/>", "<!DOCTYPE x><diff format='2'/>"):
        reply = cluster.answer(1, Commit(patch=patch))
        assert isinstance(reply, Refused)
        assert reply.kind in ("SyntaxProblem", "ConfigError")
    assert cluster.cib(1).version.epoch == before


def test_a_side_without_quorum_refuses_commits_and_says_so() -> None:
    cluster = started()
    cluster.partition([1], [2, 3])
    cluster.until(lambda: cluster.cib(1).root.get("have-quorum") == "0", 5, "noticed")
    version = cluster.cib(1).version.epoch
    ticket = cluster.commit(1, add_mark("lost"))
    cluster.until(lambda: ticket in cluster.node(1).replies, 1, "answered")
    reply = cluster.node(1).replies[ticket][0]
    assert isinstance(reply, Refused)
    assert reply.kind == "NoQuorum"
    assert cluster.cib(1).version.epoch == version
    committed(cluster, 2, "kept")
    cluster.network.heal()
    cluster.run(1.0)
    cluster.settle()
    assert has(cluster.cib(1), "kept")


def test_a_forced_commit_without_quorum_is_made_and_set_aside_when_it_loses() -> None:
    cluster = started()
    cluster.partition([1], [2, 3])
    cluster.until(lambda: cluster.cib(1).root.get("have-quorum") == "0", 5, "noticed")
    ticket = cluster.commit(1, add_mark("forced"), force=True)
    cluster.until(lambda: ticket in cluster.node(1).replies, 5, "answered")
    assert isinstance(cluster.node(1).replies[ticket][0], Committed)
    assert has(cluster.cib(1), "forced")
    committed(cluster, 2, "kept")
    cluster.network.heal()
    cluster.run(1.0)
    cluster.settle()
    assert not has(cluster.cib(1), "forced")
    assert has(cluster.cib(1), "kept")
    (aside,) = cluster.node(1).disk.aside
    assert "forced" in aside.cib
    assert "without quorum" in aside.reason
    assert any("without quorum" in line for line in cluster.node(2).log)


def test_a_forced_commit_wins_where_nobody_went_on_without_it() -> None:
    """After a disaster: the rest of the cluster is down, and comes back later."""
    cluster = started()
    for number in (2, 3):
        cluster.node(number).crash()
    cluster.until(lambda: cluster.cib(1).root.get("have-quorum") == "0", 5, "noticed")
    ticket = cluster.commit(1, add_mark("forced"), force=True)
    cluster.until(lambda: ticket in cluster.node(1).replies, 5, "answered")
    cluster.start(2, 3)
    cluster.run(0.5)
    cluster.settle()
    assert all(has(cluster.cib(number), "forced") for number in (1, 2, 3))


def test_a_wiped_node_gets_everything_back() -> None:
    cluster = started()
    for name in ("R1", "m1"):
        committed(cluster, 1, name)
    cluster.node(3).crash()
    cluster.node(3).disk = Disk()
    cluster.until(lambda: len(cluster.node(1).core.members) == 2, 5, "noticed")  # type: ignore[union-attr]
    cluster.start(3)
    cluster.settle()
    cluster.run(0.1)
    assert len(set(cluster.digests().values())) == 1
    assert cluster.node(3).disk.config is not None
    assert has(cluster.node(3).disk.config, "m1")


def test_a_node_that_missed_some_commits_gets_the_difference_only() -> None:
    cluster = started()
    cluster.node(3).crash()
    cluster.until(lambda: len(cluster.node(1).core.members) == 2, 5, "noticed")  # type: ignore[union-attr]
    for number in range(5):
        committed(cluster, 1, f"m{number}")
    cluster.start(3)
    cluster.settle()
    assert not any("Took configuration" in line for line in cluster.node(3).log)
    assert len(set(cluster.digests().values())) == 1
    assert not cluster.node(3).disk.aside


def test_everything_is_still_there_after_all_were_killed_in_the_middle_of_commits() -> None:
    for seed in range(6):
        cluster, checker = watched(3, seed)
        cluster.start()
        cluster.settle()
        for number in range(12):
            checker.commits.marks[cluster.next_ticket] = f"m{number}"
            cluster.commit(1 + number % 3, add_mark(f"m{number}"))
            cluster.run(0.001)
        for node in cluster.up:
            node.crash()
        checker.commits.check_durable()
        cluster.start()
        cluster.run(0.1)
        cluster.settle()
        checker.commits.check_nothing_lost()
        checker.agreement.check_equal()


def test_a_large_configuration_crosses_the_ring_whole() -> None:
    cluster = started()

    def grow(cib: Cib) -> Cib:
        section = cib.section("resources")
        attributes = {"class": "ocf", "provider": "pacemaker", "type": "Dummy"}
        many = tuple(
            Element("template", {"id": f"T{n}", "description": "x" * 200, **attributes})
            for n in range(800)
        )
        return cib.with_section("resources", section.append(*many))

    ticket = cluster.commit(1, grow)
    cluster.until(lambda: ticket in cluster.node(1).replies, 10, "answered")
    assert isinstance(cluster.node(1).replies[ticket][0], Committed)
    cluster.node(3).crash()
    cluster.node(3).disk = Disk()
    cluster.run(1.0)
    cluster.start(3)
    cluster.run(0.1)
    cluster.settle()
    assert len(set(cluster.digests().values())) == 1


# ---- resources -----------------------------------------------------------------------------------


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


def test_a_failing_disk_stops_the_node_cleanly() -> None:
    """A node that cannot store must not stay: others would count on its disk."""
    cluster = started()
    cluster.node(2).feed(StoreFailed(token=1, message="no space left on device"))
    assert cluster.node(2).exit_code == 1
    cluster.until(lambda: len(cluster.node(1).core.members) == 2, 1, "left")  # type: ignore[union-attr]


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_heard_of_a_ring_whose_number_could_not_be_saved(seed: int) -> None:
    """A disk that fails while a ring is made: the farewell goes out, what waited does not."""
    cluster = Cluster(3, seed)
    cluster.start()
    cluster.settle()
    node = cluster.node(1)
    sent: list[Message] = []
    cluster.node(3).crash()

    def saving() -> bool:
        return any(isinstance(each, SaveRing) for p in node._writes for each in p.writes)

    cluster.until(saving, 5, "saving the new ring's number")
    node.disk.full = True
    address = node.address
    cluster.network.tap = lambda _now, source, _destination, data: (
        sent.append(decode(data)) if source == address else None
    )
    cluster.until(lambda: node.exit_code == 1, 5, "stopped")
    assert any(isinstance(each, Join) for each in sent), "no farewell"
    rings = [getattr(each, "ring", None) for each in sent]
    saved = node.disk.state.ring_sequence
    assert all(ring is None or ring.sequence <= saved for ring in rings), sent
    cluster.settle(2)


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_copy_that_went_bad_in_memory_is_noticed_and_mended(seed: int) -> None:
    """And kept aside, whatever the others' version is when it is found out."""
    cluster = started(seed=seed)
    committed(cluster, 1, "m1")
    core = cluster.node(2).core
    assert core is not None
    cluster.node(2).disk.strict = False
    bad = core.replica.config
    core.replica.config = add_mark("ghost")(bad)  # the same version, other content
    for number in range(5):
        cluster.commit(1, add_mark(f"n{number}"))
        cluster.run(0.0005)
    cluster.run(0.1)
    cluster.settle()
    assert any("is not the others'" in line for line in cluster.node(2).log)
    assert len(set(cluster.digests().values())) == 1
    assert not has(cluster.cib(2), "ghost")
    assert all(has(cluster.cib(2), f"n{number}") for number in range(5))
    assert any("ghost" in aside.cib for aside in cluster.node(2).disk.aside)


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
