"""The configuration of whole clusters: committed, merged, refused, carried to who lacks it."""

from __future__ import annotations

import time

import pytest
from sim.checkers import has, watched
from sim.cluster import WALL, Cluster, Disk, add_mark
from sim.scenes import committed, started

from crmsh_py.cib.diff import diff
from crmsh_py.cib.document import SCHEMA, Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.upgrade import upgrade
from crmsh_py.engine.api import SaveRing, Standing, StoredState, StoreFailed
from crmsh_py.value import replace
from crmsh_py.wire.control import (
    Commit,
    Committed,
    Refused,
)
from crmsh_py.wire.datagram import Join, Message, decode


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


@pytest.mark.parametrize("number", [2**31, 2**53 + 1, 10**17])
def test_an_admin_epoch_that_nodes_cannot_tell_each_other_is_refused(number: int) -> None:
    cluster = started()

    def raised(cib: Cib) -> Cib:
        return cib.with_version(replace(cib.version, admin_epoch=number))

    cib = cluster.cib(1)
    wrong_source = diff(raised(cib), add_mark("m")(raised(cib))).to_xml()
    for patch in (diff(cib, raised(cib)).to_xml(), wrong_source)[: 1 if number < 2**53 else 2]:
        reply = cluster.answer(1, Commit(patch=patch))
        assert isinstance(reply, Refused)
        assert reply.kind == "ConfigError", reply
    cluster.node(3).crash()
    cluster.settle(1, 2)
    committed(cluster, 2, "goes-on")


def parameter(value: str, *, name: str = "p", of: str = "R") -> Element:
    """A resource with one parameter."""
    pair = Element("nvpair", {"id": "nv", "name": name, "value": value})
    given = Element("instance_attributes", {"id": "ia"}, (pair,))
    attributes = {"id": of, "class": "ocf", "provider": "pacemaker", "type": "Dummy"}
    return Element("primitive", attributes, (given,))


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (parameter("x" * 130_000), "the value of p has 130000 characters"),
        (parameter("€" * 50_000), "the value of p has 50000 characters"),
        (parameter("x", name="n" * 1000), "this name has 1000 characters"),
        (parameter("x", of="r" * 1000), "this id has 1000 characters"),
    ],
)
def test_what_no_agent_can_be_given_is_refused(made: Element, text: str) -> None:
    """The order to run the agent could be read by nobody, and the DC waited for its end."""
    cluster = started()
    cib = cluster.cib(1)

    def with_resource(resource: Element) -> Cib:
        return cib.with_section("resources", cib.section("resources").append(resource))

    reply = cluster.answer(1, Commit(patch=diff(cib, with_resource(made)).to_xml()))
    assert isinstance(reply, Refused)
    assert text in reply.text
    assert "are the most" in reply.hint


def test_a_value_that_is_changed_may_not_be_longer_either() -> None:
    cluster = started()
    cib = cluster.cib(1)
    short, long = (
        cib.with_section("resources", cib.section("resources").append(parameter(value)))
        for value in ("x", "x" * 130_000)
    )
    assert isinstance(cluster.answer(1, Commit(patch=diff(cib, short).to_xml())), Committed)
    reply = cluster.answer(1, Commit(patch=diff(short, long).to_xml()))
    assert isinstance(reply, Refused)
    assert "too many to be given to an agent" in reply.text


def test_the_largest_admin_epoch_is_taken_and_the_cluster_goes_on() -> None:
    cluster = started()
    cluster.commit(1, lambda cib: cib.with_version(replace(cib.version, admin_epoch=2**31 - 1)))
    cluster.until(lambda: cluster.cib(2).version.admin_epoch == 2**31 - 1, 5, "raised")
    cluster.node(3).crash()
    cluster.settle(1, 2)
    committed(cluster, 2, "goes-on")


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


OLD = """<cib validate-with="pacemaker-2.10" epoch="7" num_updates="0" admin_epoch="0">
<configuration><crm_config/><nodes/><resources>
<master id="M"><primitive id="P" class="ocf" provider="pacemaker" type="Stateful"/></master>
</resources><constraints>
<rsc_location id="l" rsc="M"><rule id="l-r" role="Master" score="10">
<expression id="l-e" attribute="#uname" operation="eq" value="node1"/></rule></rsc_location>
</constraints></configuration><status/></cib>"""


@pytest.mark.parametrize("seed", range(6))
def test_a_schema_is_upgraded_while_nodes_come_and_go(seed: int) -> None:
    """Who was away has the old words, and takes the new ones; nobody ends up with a mixture."""
    cluster = Cluster(3, seed)
    old = Cib.parse(OLD)
    for node in cluster.nodes.values():
        stored = StoredState(
            ring_sequence=4,
            term=1,
            revision_term=1,
            cib=old.to_xml(),
            standing=Standing.VOTER,
        )
        node.disk = Disk(stored, old)
    cluster.start()
    cluster.settle()
    committed(cluster, 2, "m1")
    assert cluster.cib(3).schema == "pacemaker-2.10", "nothing is upgraded that nobody asked for"
    cluster.node(3).crash()
    cluster.until(lambda: len(cluster.node(1).core.members) == 2, 5, "noticed")  # type: ignore[union-attr]
    ticket = cluster.commit(1, upgrade)
    cluster.run(seed * 0.001)
    cluster.node(2).crash()
    cluster.start(2, 3)
    committed(cluster, 1, "m2")
    cluster.until(lambda: ticket in cluster.node(1).replies, 5, "answered")
    assert isinstance(cluster.node(1).replies[ticket][0], Committed)
    cluster.settle()
    cluster.run(0.1)
    assert len(set(cluster.digests().values())) == 1
    for node in cluster.up:
        assert node.disk.config is not None
        text = node.disk.config.to_xml()
        assert node.disk.config.schema == SCHEMA
        assert "<master" not in text
        assert 'role="Promoted"' in text
        assert {"m1", "m2"} <= node.disk.config.ids()


def test_a_thousand_revisions_a_minute_are_on_all_disks_in_time() -> None:
    """Five seconds of it: nothing gathers in a queue, and who joins meanwhile catches up."""
    cluster = started()
    cluster.node(3).crash()
    tickets = []
    for number in range(85):
        tickets.append(cluster.commit(1 + number % 2, add_mark(f"m{number}")))
        if number == 30:
            cluster.start(3)
        cluster.run(0.06)
    cluster.run(0.1)
    replies = [cluster.node(1 + n % 2).replies[ticket][0] for n, ticket in enumerate(tickets)]
    assert all(isinstance(reply, Committed) for reply in replies)
    for node in cluster.up:
        assert node.disk.config is not None
        assert {f"m{number}" for number in range(85)} <= node.disk.config.ids()


# ---- disks and copies that fail ------------------------------------------------------------------


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
